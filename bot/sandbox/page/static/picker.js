// A combobox for selects that are searched or hold several choices: an input, chips, and a listbox of suggestions.
import { freshId, h, icon } from "./dom.js";

const WAIT_MS = 200;

/** Makes a picker.
 *
 * `find(typed)` gives (a promise of) groups `[{label, entries: [{key, words, detail}]}]`; `chosen` is what is chosen at
 * first; `many` allows several up to `max`; `least` is how much must be typed before anything is looked up;
 * `changed(chosen)` hears of each change. Gives {node, chosen()}.
 */
export function picker({ id, focus, labelledBy, describedBy, placeholder, find, chosen = [], many = false, max = Infinity, least = 0, changed }) {
  const picked = [...chosen];
  const listId = freshId("list");
  const chips = h("span", { class: "chips" });
  const list = h("div", { class: "listbox", role: "listbox", id: listId, hidden: true, "aria-multiselectable": many ? "true" : null });
  const input = h("input", {
    id,
    type: "text",
    role: "combobox",
    autocomplete: "off",
    "aria-expanded": "false",
    "aria-controls": listId,
    "aria-autocomplete": "list",
    "aria-labelledby": labelledBy,
    "aria-describedby": describedBy,
    "data-focus": focus,
    placeholder: placeholder || "",
    onfocus: () => look(),
    onclick: () => look(),
    oninput: () => later(),
    onkeydown: (event) => key(event),
    onblur: () => hide(),
  });
  const status = h("span", { class: "sr-only", role: "status" });
  const node = h("div", { class: many ? "picker many" : "picker" }, chips, input, list, status);
  let shown = [];
  let active = -1;
  let asked = 0;
  let timer = 0;

  function later() {
    clearTimeout(timer);
    timer = setTimeout(look, WAIT_MS);
  }

  async function look() {
    const typed = !many && picked.length && input.value === picked[0].words ? "" : input.value;
    asked += 1;
    const mine = asked;
    if (typed.length < least) {
      say(`Type ${least} or more characters to search.`);
      return;
    }
    let groups;
    try {
      groups = await find(typed);
    } catch (error) {
      if (mine === asked) say(error.message);
      return;
    }
    if (mine === asked && document.activeElement === input) show(groups);
  }

  function say(words) {
    shown = [];
    active = -1;
    status.textContent = words;
    list.replaceChildren(h("p", { class: "listbox-note" }, words));
    open(true);
  }

  function show(groups) {
    shown = [];
    active = -1;
    const parts = groups.map((group) => {
      const entries = group.entries.map(option);
      if (!group.label) return entries;
      const headId = freshId("group");
      return h("div", { role: "group", "aria-labelledby": headId }, h("p", { class: "listbox-group", id: headId }, group.label), entries);
    });
    if (!shown.length) {
      say("Nothing found.");
      return;
    }
    list.replaceChildren(...parts.flat());
    status.textContent = `${shown.length} found`;
    open(true);
  }

  function option(entry) {
    const selected = picked.some((other) => other.key === entry.key);
    const node = h(
      "div",
      { role: "option", id: freshId("option"), "aria-selected": String(selected), class: "option", onmousedown: (event) => choose(event, entry) },
      h("span", {}, entry.words),
      entry.detail && h("span", { class: "option-detail" }, entry.detail),
    );
    shown.push({ entry, node });
    return node;
  }

  function open(now) {
    list.hidden = !now;
    input.setAttribute("aria-expanded", String(now));
    if (now) list.scrollIntoView({ block: "nearest" });
    else input.removeAttribute("aria-activedescendant");
  }

  function hide() {
    asked += 1;
    open(false);
    if (!many) input.value = picked[0]?.words || "";
  }

  function choose(event, entry) {
    event?.preventDefault();
    const at = picked.findIndex((other) => other.key === entry.key);
    if (many && at >= 0) picked.splice(at, 1);
    else if (many && picked.length >= max) {
      say(`No more than ${max} can be chosen.`);
      return;
    } else if (many) picked.push(entry);
    else picked.splice(0, 1, entry);
    input.value = many ? "" : entry.words;
    asked += 1;
    open(false);
    drawChips();
    changed?.([...picked]);
  }

  async function move(step) {
    if (list.hidden) await look();
    if (list.hidden || !shown.length) return;
    shown[active]?.node.classList.remove("active");
    active = (active + step + shown.length) % shown.length;
    shown[active].node.classList.add("active");
    shown[active].node.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", shown[active].node.id);
  }

  function key(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (!list.hidden && shown[active]) choose(null, shown[active].entry);
      else if (!list.hidden && shown.length === 1) choose(null, shown[0].entry);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      event.stopPropagation();
      hide();
    } else if (event.key === "Backspace" && !input.value && picked.length) {
      drop(picked.length - 1);
    }
  }

  function drop(at) {
    picked.splice(at, 1);
    drawChips();
    changed?.([...picked]);
    input.focus();
  }

  function drawChips() {
    if (!many && !(picked.length && node.dataset.clearable)) return;
    chips.replaceChildren(
      ...picked.map((entry, at) =>
        h("span", { class: "chip" }, entry.words, h("button", { type: "button", "aria-label": `Remove ${entry.words}`, onclick: () => drop(at) }, icon("close"))),
      ),
    );
  }

  if (!many) input.value = picked[0]?.words || "";
  drawChips();
  return { node, chosen: () => [...picked] };
}
