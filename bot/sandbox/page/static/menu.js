// A small menu at a button: arrow keys move, Escape and a click elsewhere close, the focus goes back.
import { h } from "./dom.js";

let open = null;

/** Opens a menu of `[{words, act, danger, heading}]` at *anchor*. */
export function openMenu(anchor, label, entries) {
  closeMenu();
  const items = entries.filter(Boolean).map((entry) =>
    entry.heading
      ? h("p", { class: "menu-heading", role: "presentation" }, entry.heading)
      : h("button", { type: "button", role: "menuitem", tabindex: "-1", class: entry.danger ? "menu-item danger" : "menu-item", onclick: () => { closeMenu(); entry.act(); } }, entry.words, entry.detail && h("span", { class: "option-detail" }, entry.detail)),
  );
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label, onkeydown: (event) => move(event) }, items);
  document.body.append(menu);
  place(menu, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const away = (event) => {
    if (!menu.contains(event.target)) closeMenu(false);
  };
  setTimeout(() => document.addEventListener("pointerdown", away), 0);
  open = { menu, anchor, away };
  menu.querySelector("[role=menuitem]")?.focus();
}

function place(menu, anchor) {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  menu.style.left = `${Math.max(8, Math.min(box.right - width, innerWidth - width - 8))}px`;
  const below = box.bottom + 4;
  menu.style.top = `${below + height > innerHeight - 8 ? Math.max(8, box.top - height - 4) : below}px`;
}

function move(event) {
  const items = [...open.menu.querySelectorAll("[role=menuitem]")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    items[to % items.length].focus();
  } else if (event.key === "Escape" || event.key === "Tab") {
    event.preventDefault();
    closeMenu();
  }
}

/** Closes the open menu, if there is one. */
export function closeMenu(giveBack = true) {
  if (!open) return;
  document.removeEventListener("pointerdown", open.away);
  open.menu.remove();
  open.anchor.setAttribute("aria-expanded", "false");
  if (giveBack && open.anchor.isConnected) open.anchor.focus();
  open = null;
}
