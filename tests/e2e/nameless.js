// Controls that have no name for a screen reader.
() =>
  [...document.querySelectorAll("button, a[href], input, select, textarea")]
    .filter((node) => node.checkVisibility() && !node.closest("[aria-hidden=true]") && node.type !== "hidden")
    .filter((node) => {
      const ids = (node.getAttribute("aria-labelledby") || "").split(" ");
      const labelled = ids.map((id) => document.getElementById(id)?.innerText || "").join("");
      const labels = [...(node.labels || [])].map((label) => label.innerText).join("");
      return !(node.getAttribute("aria-label") || labelled || labels || node.innerText || node.title).trim();
    })
    .map((node) => node.outerHTML)
