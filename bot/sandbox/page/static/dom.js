// Builds elements. Text always becomes a text node, so nothing that a person or a desk wrote is ever read as HTML.

/** An element with properties, `on*` listeners, attributes and children; null, false and "" children are left out. */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "class") element.className = value;
    else if (name === "value" || name === "checked" || name === "multiple") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false && child !== ""));
  return element;
}

let counter = 0;
/** An id that no other element of this page has. */
export function freshId(stem) {
  counter += 1;
  return `${stem}-${counter}`;
}

/** A line icon from icons.svg. Decoration only: the words stand beside it or in the control's label. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/** Makes the children of *parent* those that *items* ask for, and keeps each node whose item has not changed.
 *
 * `key` names an item, `draw` makes its node; nodes keep what a person typed or selected in them.
 */
export function keep(parent, items, key, draw) {
  const old = new Map([...parent.children].map((child) => [child.keepKey, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = key(item);
    const print = JSON.stringify(item);
    let node = old.get(name);
    if (node && node.keepPrint !== print) {
      const fresh = draw(item, node);
      if (place === node) place = fresh;
      swap(node, fresh);
      node = fresh;
    } else if (!node) {
      node = draw(item, null);
    }
    node.keepKey = name;
    node.keepPrint = print;
    old.delete(name);
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  for (const gone of old.values()) gone.remove();
}

function swap(node, fresh) {
  if (node === fresh) return;
  const active = document.activeElement;
  const held = node.contains(active) ? active : null;
  node.replaceWith(fresh);
  if (!held) return;
  const again = held === node ? fresh : fresh.querySelector(`[data-focus="${CSS.escape(held.dataset.focus || "-")}"]`);
  if (!again) return;
  again.focus({ preventScroll: true });
  if (held.getAttribute("role") === "combobox") again.value = held.value; // what is being searched for is no value yet
  if (typeof held.selectionStart === "number" && typeof again.setSelectionRange === "function") {
    again.setSelectionRange(held.selectionStart, held.selectionEnd);
  }
}

/** A dialog that holds the focus, closes on Escape and gives the focus back. */
export function openDialog(dialog, closed) {
  const before = document.activeElement;
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before && before.isConnected) before.focus();
    closed?.();
  });
  dialog.showModal();
  return dialog;
}

/** Says *text* to screen readers and shows it for some seconds. */
export function tell(text) {
  const toast = document.getElementById("toast");
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(tell.timer);
  tell.timer = setTimeout(() => toast.classList.remove("shown"), 5000);
}

/** A size in bytes, for people. */
export function sizeWords(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} kB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}
