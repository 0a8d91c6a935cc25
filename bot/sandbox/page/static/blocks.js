// Draws blocks as the app sent them, in messages, forms and App Home, and reports what a person does to them.
import { confirmFirst } from "./confirm.js";
import { freshId, h, icon } from "./dom.js";
import { INPUTS, words } from "./elements.js";
import { markdown } from "./markdown.js";
import { link, richText, textObject } from "./text.js";

/** Draws one block.
 *
 * *surface* is `{act(block_id, action_id, value), suggest(block_id, action_id, typed), held(block_id, action_id),
 * register(block, element, made), drawInput(block)}`; a message has no `drawInput`.
 */
export function drawBlock(block, surface) {
  const draw = BLOCKS[block.type];
  const node = draw ? draw(block, surface) : h("p", { class: "unknown" }, `[The sandbox does not draw blocks of the type "${block.type}".]`);
  node.classList.add("block", `block-${block.type}`);
  if (block.block_id) node.dataset.block = block.block_id;
  return node;
}

const BLOCKS = {
  section: (block, surface) =>
    h(
      "div",
      {},
      h(
        "div",
        { class: "section-text" },
        block.text && h("div", {}, textObject(block.text)),
        block.fields && h("div", { class: "fields" }, block.fields.map((field) => h("div", {}, textObject(field)))),
      ),
      block.accessory && h("div", { class: "accessory" }, drawElement(block.accessory, block, surface)),
    ),
  header: (block) => h("div", { role: "heading", "aria-level": String((block.level || 1) + 2) }, textObject(block.text)),
  divider: () => h("hr"),
  context: (block) => h("div", {}, (block.elements || []).map((item) => (item.type === "image" ? picture(item) : h("span", {}, textObject(item))))),
  actions: (block, surface) => h("div", {}, (block.elements || []).map((element) => drawElement(element, block, surface))),
  context_actions: (block, surface) => h("div", {}, (block.elements || []).map((element) => drawElement(element, block, surface))),
  image: (block) => h("figure", {}, block.title && h("figcaption", {}, textObject(block.title)), picture(block)),
  rich_text: (block) => richText(block),
  markdown: (block) => h("div", {}, markdown(block.text || "")),
  input: (block, surface) => (surface.drawInput ? surface.drawInput(block) : h("p", { class: "unknown" }, "[An input outside of a form.]")),
  file: (block) => h("p", {}, icon("file"), block.external_id || "File"),
  video: (block) => h("p", {}, link(block.title_url || block.video_url, ...textObject(block.title))),
  alert: (block) => h("div", { role: "note", class: `alert-${block.level || "info"}` }, h("strong", {}, `${block.level || "info"}: `), textObject(block.text)),
  table: (block) => h("div", {}, table(block.rows || [])),
};

function table(rows) {
  const cell = (value, tag) => h(tag, {}, value.type === "rich_text" ? richText(value) : value.text || "");
  const [head, ...body] = rows;
  return h(
    "table",
    {},
    head && h("thead", {}, h("tr", {}, head.map((value) => cell(value, "th")))),
    h("tbody", {}, body.map((row) => h("tr", {}, row.map((value) => cell(value, "td"))))),
  );
}

/** Pictures of other hosts are not loaded: the page talks to nobody but the sandbox. Their words stand instead. */
function picture(image) {
  return h("span", { class: "picture", role: "img", "aria-label": image.alt_text || "picture", title: image.image_url || "" }, image.alt_text || "picture");
}

/** One element of an actions block or the accessory of a section. */
function drawElement(element, block, surface) {
  if (element.type === "button" || element.type === "workflow_button") return button(element, block, surface);
  if (element.type === "overflow") return overflow(element, block, surface);
  if (element.type === "image") return picture(element);
  if (element.type === "icon_button" || element.type === "feedback_buttons") return smallButtons(element, block, surface);
  const draw = INPUTS[element.type];
  if (!draw) return h("span", { class: "unknown" }, `[${element.type}]`);
  const act = (value) => value && confirmFirst(element.confirm, () => surface.act(block.block_id, element.action_id, value));
  const made = draw(element, {
    id: freshId("element"),
    focus: `${block.block_id}-${element.action_id}`,
    held: surface.held(block.block_id, element.action_id),
    changed: act,
    typed: act,
    entered: act,
    suggest: (typed) => surface.suggest(block.block_id, element.action_id, typed),
  });
  surface.register(block, element, made);
  return made.node;
}

function button(element, block, surface) {
  const style = element.style ? ` ${element.style}` : "";
  const face = {
    class: `button${style}`,
    "aria-label": element.accessibility_label,
    "data-focus": `${block.block_id}-${element.action_id}`,
    "data-action": element.action_id,
  };
  const press = () => confirmFirst(element.confirm, () => surface.act(block.block_id, element.action_id, { value: element.value }));
  if (element.url) return h("a", { ...face, href: safe(element.url), target: "_blank", rel: "noopener noreferrer", onclick: press }, textObject(element.text));
  return h("button", { ...face, type: "button", onclick: press }, textObject(element.text));
}

const safe = (url) => (/^https?:\/\//i.test(url) ? url : null);

function smallButtons(element, block, surface) {
  const list = element.type === "icon_button" ? [element] : [element.positive_button, element.negative_button].filter(Boolean);
  return h(
    "span",
    {},
    list.map((one) => h("button", { type: "button", class: "button small", onclick: () => surface.act(block.block_id, element.action_id, { value: one.value }) }, textObject(one.text))),
  );
}

function overflow(element, block, surface) {
  const menu = h(
    "details",
    { class: "overflow" },
    h("summary", { "aria-label": words(element.options?.[0]?.text) ? "More choices" : element.action_id, class: "button" }, icon("more")),
    h(
      "div",
      { class: "overflow-menu" },
      (element.options || []).map((option) =>
        h("button", { type: "button", onclick: () => { menu.open = false; confirmFirst(element.confirm, () => surface.act(block.block_id, element.action_id, { selected_option: option })); } }, textObject(option.text)),
      ),
    ),
  );
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    event.preventDefault();
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  return menu;
}

/** Old-style attachments: a bar, and either blocks or text. */
export function drawAttachment(attachment, surface) {
  const body = attachment.blocks?.length
    ? attachment.blocks.map((block) => drawBlock(block, surface))
    : [
        attachment.pretext && h("p", {}, textObject({ type: "mrkdwn", text: attachment.pretext })),
        attachment.title && h("p", { class: "attachment-title" }, attachment.title_link ? link(attachment.title_link, attachment.title) : attachment.title),
        attachment.text && h("div", {}, textObject({ type: "mrkdwn", text: attachment.text })),
        (attachment.fields || []).map((field) => h("p", {}, h("strong", {}, field.title), " ", field.value)),
        !attachment.text && !attachment.title && attachment.fallback && h("p", {}, attachment.fallback),
      ];
  return h("div", { class: "attachment" }, body);
}

