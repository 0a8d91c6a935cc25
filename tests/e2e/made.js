// The kinds of elements that the page's readers make of texts, and every attribute that could do or load something.
async (texts) => {
  const { mrkdwn } = await import("/static/mrkdwn.js");
  const { markdown } = await import("/static/markdown.js");
  const { safeHtml } = await import("/static/safe_html.js");
  const found = new Set();
  for (const text of texts) {
    const box = document.createElement("div");
    for (const read of [mrkdwn, markdown, safeHtml]) box.append(...read(text));
    for (const node of box.querySelectorAll("*")) {
      found.add(node.tagName);
      for (const { name, value } of node.attributes) {
        if (name.startsWith("on") || ["style", "src", "action"].includes(name)) found.add(`${node.tagName} ${name}`);
        if (name === "href" && !/^(https?:|mailto:|[/]static[/])/.test(value)) found.add(value);
      }
    }
  }
  return [...found];
}
