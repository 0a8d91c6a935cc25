// Draws the elements that a person fills in or chooses from, and reads them as Slack writes them into `state.values`.
import { upload } from "./api.js";
import { h, icon, sizeWords } from "./dom.js";
import { names } from "./names.js";
import { picker } from "./picker.js";
import { textObject } from "./text.js";

/** The words of a text object, without formatting. */
export const words = (object) => (object ? object.text || "" : "");

/** What an element needs from its surroundings:
 *
 * `{id, focus, labelledBy, describedBy, held, changed(value), suggest(typed)}`; `focus` names it across redraws; `held` is the value that the person
 * gave to this element before it was drawn again, which goes before what the app proposes.
 */
const common = (el, around) => ({
  id: around.id,
  "aria-labelledby": around.labelledBy,
  "aria-describedby": around.describedBy,
  "aria-label": around.labelledBy ? null : words(el.placeholder) || el.action_id,
  "data-focus": around.focus,
});

const typing = (type, extra, initial = "initial_value") => (el, around) => {
  const value = around.held ? around.held.value || "" : el[initial] || "";
  const attributes = { ...common(el, around), placeholder: words(el.placeholder), maxlength: el.max_length, ...extra(el) };
  const dispatch = el.dispatch_action_config?.trigger_actions_on || ["on_enter_pressed"];
  const read = () => ({ type, value: node.value === "" ? null : node.value });
  const node = h(el.multiline ? "textarea" : "input", {
    ...attributes,
    rows: el.multiline ? 5 : null,
    value: String(value),
    oninput: () => around.typed?.(dispatch.includes("on_character_entered") ? read() : null),
    onkeydown: (event) => {
      if (event.key !== "Enter" || el.multiline) return;
      event.preventDefault();
      if (dispatch.includes("on_enter_pressed")) around.entered?.(read());
    },
  });
  return { node, read };
};

const dated = (type, input, key) => (el, around) => {
  const initial = around.held ? around.held[key] : el[`initial_${key.slice("selected_".length)}`];
  const toInput = (value) => (value && input === "datetime-local" ? localTime(value) : value || "");
  const fromInput = (value) => (value && input === "datetime-local" ? Math.floor(new Date(value).getTime() / 1000) : value || null);
  const read = () => ({ type, [key]: fromInput(node.value) });
  const node = h("input", { ...common(el, around), type: input, value: toInput(initial), onchange: () => around.changed(read()) });
  return { node, read };
};

function localTime(seconds) {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

const entry = (option) => ({ key: option.value, words: words(option.text), detail: words(option.description), option });
const person = (someone) => ({ key: someone.id, words: someone.real_name || someone.name, detail: someone.guest ? "guest" : "", option: someone.id });
const place = (channel) => ({ key: channel.id, words: `#${channel.name}`, detail: "", option: channel.id });

const SOURCES = {
  static: {
    groups: (el) => (el.option_groups || [{ label: null, options: el.options || [] }]).map((group) => ({ label: words(group.label), entries: group.options.map(entry) })),
    first: (el, many) => (many ? el.initial_options || [] : el.initial_option ? [el.initial_option] : []).map(entry),
    key: "option",
  },
  users: {
    groups: () => [{ label: "", entries: [...names.people.values()].map(person) }],
    first: (el, many) => (many ? el.initial_users || [] : el.initial_user ? [el.initial_user] : []).map((id) => person(names.people.get(id) || { id, name: id })),
    key: "user",
  },
  conversations: {
    groups: () => [{ label: "", entries: [...names.channels.values()].filter((channel) => !channel.im).map(place) }],
    first: (el, many) => (many ? el.initial_conversations || [] : el.initial_conversation ? [el.initial_conversation] : []).map((id) => place(names.channels.get(id) || { id, name: id })),
    key: "conversation",
  },
  channels: {
    groups: () => [{ label: "", entries: [...names.channels.values()].filter((channel) => !channel.im && !channel.private).map(place) }],
    first: (el, many) => (many ? el.initial_channels || [] : el.initial_channel ? [el.initial_channel] : []).map((id) => place(names.channels.get(id) || { id, name: id })),
    key: "channel",
  },
};
SOURCES.external = { ...SOURCES.static, groups: () => [] };

function heldEntries(source, held, many) {
  const value = held[`selected_${source.key}${many ? "s" : ""}`];
  const list = many ? value || [] : value ? [value] : [];
  if (source.key === "option") return list.map(entry);
  return list.map((id) => (source.key === "user" ? person(names.people.get(id) || { id, name: id }) : place(names.channels.get(id) || { id, name: id })));
}

/** A select of one of a known list is the browser's own: searchable by typing, and known to everyone. */
const nativeSelect = (type, source) => (el, around) => {
  const groups = source.groups(el);
  const all = groups.flatMap((group) => group.entries);
  const start = around.held ? heldEntries(source, around.held, false) : source.first(el, false);
  const read = () => ({ type, [`selected_${source.key}`]: node.value === "" ? null : all[Number(node.value)].option });
  const options = (entries) =>
    entries.map((one) => h("option", { value: String(all.indexOf(one)), selected: start[0]?.key === one.key }, one.detail ? `${one.words} – ${one.detail}` : one.words));
  const node = h(
    "select",
    { ...common(el, around), onchange: () => around.changed(read()) },
    h("option", { value: "", selected: !start.length }, words(el.placeholder) || "Choose an option"),
    groups.map((group) => (group.label ? h("optgroup", { label: group.label }, options(group.entries)) : options(group.entries))),
  );
  for (const option of node.querySelectorAll("option")) if (option.hasAttribute("selected")) option.selected = true;
  return { node, read };
};

const searched = (type, source, many, external) => (el, around) => {
  const matches = (one, typed) => one.words.toLowerCase().includes(typed.toLowerCase());
  const local = (typed) => source.groups(el).map((group) => ({ ...group, entries: group.entries.filter((one) => matches(one, typed)) }));
  const remote = async (typed) => toGroups(await around.suggest(typed));
  const key = `selected_${source.key}${many ? "s" : ""}`;
  const value = (chosen) => ({ type, [key]: many ? chosen.map((one) => one.option) : chosen[0]?.option || null });
  const made = picker({
    ...around,
    placeholder: words(el.placeholder),
    find: external ? remote : local,
    chosen: around.held ? heldEntries(source, around.held, many) : source.first(el, many),
    many,
    max: el.max_selected_items,
    least: external ? (el.min_query_length ?? 3) : 0,
    changed: (chosen) => around.changed(value(chosen)),
  });
  return { node: made.node, read: () => value(made.chosen()) };
};

function toGroups(offered) {
  if (offered.some((item) => item.options)) return offered.map((group) => ({ label: words(group.label), entries: group.options.map(entry) }));
  return [{ label: "", entries: offered.map(entry) }];
}

const boxes = (type, input) => (el, around) => {
  const many = input === "checkbox";
  const initial = many ? el.initial_options || [] : [el.initial_option];
  const held = around.held && (many ? around.held.selected_options || [] : [around.held.selected_option]);
  const on = new Set((held || initial).filter(Boolean).map((option) => option.value));
  const inputs = (el.options || []).map((option, at) =>
    h("input", { type: input, name: around.id, id: `${around.id}-${at}`, checked: on.has(option.value), "data-focus": `${around.focus}-${at}`, onchange: () => around.changed(read()) }),
  );
  const chosen = () => el.options.filter((_, at) => inputs[at].checked);
  const read = () => (many ? { type, selected_options: chosen() } : { type, selected_option: chosen()[0] || null });
  const node = h(
    "div",
    { class: "boxes", role: many ? "group" : "radiogroup", "aria-labelledby": around.labelledBy, "aria-describedby": around.describedBy, id: around.id, tabindex: "-1" },
    inputs.map((one, at) =>
      h(
        "div",
        { class: "box" },
        one,
        h("label", { for: one.id }, textObject(el.options[at].text), el.options[at].description && h("span", { class: "option-detail" }, textObject(el.options[at].description))),
      ),
    ),
  );
  return { node, read };
};

function files(el, around) {
  const kept = [...(around.held?.files || [])];
  const list = h("ul", { class: "file-list" });
  const input = h("input", { ...common(el, around), type: "file", multiple: (el.max_files ?? 10) > 1, accept: (el.filetypes || []).map((type) => `.${type}`).join(","), onchange: () => add() });
  const read = () => ({ type: "file_input", files: [...kept] });
  const node = h("div", { class: "files" }, input, list);

  async function add() {
    for (const file of input.files) {
      const item = h("li", {}, icon("file"), `${file.name}: being uploaded…`);
      list.append(item);
      try {
        if (kept.length >= (el.max_files ?? 10)) throw new Error(`no more than ${el.max_files ?? 10} files can be added`);
        kept.push(await upload(file));
        draw();
      } catch (error) {
        item.textContent = `${file.name}: ${error.message}`;
      }
    }
    input.value = "";
    around.changed(read());
  }

  function draw() {
    list.replaceChildren(
      ...kept.map((file, at) =>
        h(
          "li",
          {},
          icon("file"),
          `${file.name} (${sizeWords(file.size)})`,
          h("button", { type: "button", class: "plain", "aria-label": `Remove ${file.name}`, onclick: () => { kept.splice(at, 1); draw(); around.changed(read()); } }, icon("close")),
        ),
      ),
    );
  }

  draw();
  return { node, read };
}

/** A simple one: each line typed becomes a line of a rich_text block, without formatting. */
function richInput(el, around) {
  const given = around.held ? around.held.rich_text_value : el.initial_value;
  const text = (given?.elements || []).flatMap((part) => (part.elements || []).map((one) => one.text || "")).join("");
  const read = () => {
    const element = { type: "rich_text_section", elements: [{ type: "text", text: node.value }] };
    return { type: "rich_text_input", rich_text_value: node.value ? { type: "rich_text", elements: [element] } : null };
  };
  const node = h("textarea", { ...common(el, around), rows: 5, placeholder: words(el.placeholder), value: text, oninput: () => around.typed?.(null) });
  return { node, read };
}

const numeric = (el) => ({ type: "text", inputmode: el.is_decimal_allowed ? "decimal" : "numeric" });

/** element type -> (element, around) -> {node, read()}. */
export const INPUTS = {
  plain_text_input: typing("plain_text_input", (el) => (el.multiline ? {} : { type: "text" })),
  email_text_input: typing("email_text_input", () => ({ type: "text", inputmode: "email" })),
  url_text_input: typing("url_text_input", () => ({ type: "text", inputmode: "url" })),
  number_input: typing("number_input", numeric),
  rich_text_input: richInput,
  file_input: files,
  datepicker: dated("datepicker", "date", "selected_date"),
  timepicker: dated("timepicker", "time", "selected_time"),
  datetimepicker: dated("datetimepicker", "datetime-local", "selected_date_time"),
  radio_buttons: boxes("radio_buttons", "radio"),
  checkboxes: boxes("checkboxes", "checkbox"),
  static_select: nativeSelect("static_select", SOURCES.static),
  users_select: nativeSelect("users_select", SOURCES.users),
  conversations_select: nativeSelect("conversations_select", SOURCES.conversations),
  channels_select: nativeSelect("channels_select", SOURCES.channels),
  external_select: searched("external_select", SOURCES.external, false, true),
  multi_static_select: searched("multi_static_select", SOURCES.static, true, false),
  multi_external_select: searched("multi_external_select", SOURCES.external, true, true),
  multi_users_select: searched("multi_users_select", SOURCES.users, true, false),
  multi_conversations_select: searched("multi_conversations_select", SOURCES.conversations, true, false),
  multi_channels_select: searched("multi_channels_select", SOURCES.channels, true, false),
};
