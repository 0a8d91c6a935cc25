// Draws Slack's text objects and rich_text blocks as nodes: links only where they are harmless, mentions by name.
import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { names } from "./names.js";
import { dateWords } from "./when.js";

/** A plain_text or mrkdwn object. */
export function textObject(object) {
  if (!object) return [];
  if (typeof object === "string") return [object];
  return object.type === "mrkdwn" ? mrkdwn(object.text || "") : lines(plain(object.text || "", object.emoji !== false));
}

const lines = (nodes) => nodes.flatMap((node) => (typeof node === "string" ? node.split("\n").flatMap((line, place) => (place ? [h("br"), line] : [line])) : [node]));

/** Text in which only emoji names mean something. */
export function plain(text, withEmoji = true) {
  if (!withEmoji) return [text];
  return text.split(/(:[a-z0-9_+'-]+(?:::skin-tone-\d)?:)/).map((part) => (/^:[a-z0-9_+'-]+(::skin-tone-\d)?:$/.test(part) && /[a-z+-]/.test(part) ? emoji(part.slice(1, -1)) : part));
}

/** A link that opens elsewhere; where the address is not http, https or mailto it is text with its address shown. */
export function link(url, ...children) {
  const inside = children.flat().filter((child) => child !== "");
  if (!/^(https?:\/\/|mailto:)/i.test(url)) return h("span", { class: "dead-link", title: url }, inside.length ? inside : url, ` (${url})`);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, inside.length ? inside : url);
}

export const mention = (words, own = false) => h("span", { class: own ? "mention own" : "mention" }, words);

const STYLES = { bold: "strong", italic: "em", strike: "s", code: "code", underline: "u" };

function styled(style, node) {
  let result = node;
  for (const [name, tag] of Object.entries(STYLES)) if (style?.[name]) result = h(tag, {}, result);
  return result;
}

const INLINE = {
  text: (element) => element.text,
  link: (element) => link(element.url, element.text || ""),
  emoji: (element) => emoji(element.name, element.unicode),
  user: (element) => mention(`@${names.user(element.user_id)}`, element.user_id === names.me),
  channel: (element) => mention(`#${names.channel(element.channel_id)}`),
  usergroup: (element) => mention(`@${names.group(element.usergroup_id)}`),
  team: (element) => mention(element.team_id),
  broadcast: (element) => mention(`@${element.range}`, true),
  date: (element) => dateWords(element.timestamp, element.format, element.fallback),
  color: (element) => element.value,
};

/** The elements inside a section, a list entry, a quote or a code block. */
export function inline(elements) {
  return (elements || []).map((element) => {
    const draw = INLINE[element.type];
    return styled(element.style, draw ? draw(element) : h("span", { class: "unknown" }, `[${element.type}]`));
  });
}

const bordered = (part) => (part.border ? " bordered" : "");
const PARTS = {
  rich_text_section: (part) => h("div", { class: "rt-section" }, inline(part.elements)),
  rich_text_quote: (part) => h("blockquote", {}, inline(part.elements)),
  rich_text_preformatted: (part) => h("pre", { tabindex: "0", "aria-label": "Code" }, h("code", {}, inline(part.elements))),
  rich_text_list: (part) =>
    h(
      part.style === "ordered" ? "ol" : "ul",
      { class: `rt-list indent-${Math.min(part.indent || 0, 8)}${bordered(part)}`, start: part.offset ? part.offset + 1 : null },
      (part.elements || []).map((entry) => h("li", {}, inline(entry.elements))),
    ),
};

/** A rich_text block. */
export function richText(block) {
  return h(
    "div",
    { class: "rich-text" },
    (block.elements || []).map((part) => (PARTS[part.type] ? PARTS[part.type](part) : h("p", { class: "unknown" }, `[${part.type}]`))),
  );
}

