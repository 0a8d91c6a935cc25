// What one of the page's readers makes of each text, as HTML.
async ([module, name, texts]) => {
  const read = (await import(`/static/${module}.js`))[name];
  return texts.map((text) => {
    const box = document.createElement("div");
    box.append(...read(text));
    return box.innerHTML;
  });
}
