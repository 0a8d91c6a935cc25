// Draws emoji by Slack's names: our own small pictures for the usual ones, else the system's glyph, else the name.
import { h } from "./dom.js";

/** Drawn in emoji.svg, so that they look the same where the system has no emoji font. */
const DRAWN = new Set([
  "ticket", "white_check_mark", "x", "warning", "hourglass_flowing_sand", "eyes", "lock", "memo", "inbox_tray", "paperclip", "tada", "thumbsup", "printer",
]);
const ALIASES = { "+1": "thumbsup", hourglass: "hourglass_flowing_sand", heavy_check_mark: "white_check_mark", admission_tickets: "ticket" };
const GLYPHS = {
  thumbsup: "👍", thumbsdown: "👎", "-1": "👎", tada: "🎉", heart: "❤️", smile: "😄", slightly_smiling_face: "🙂", joy: "😂", fire: "🔥",
  rocket: "🚀", wave: "👋", pray: "🙏", raised_hands: "🙌", clap: "👏", thinking_face: "🤔", bulb: "💡", bug: "🐛", printer: "🖨️",
  ticket: "🎫", white_check_mark: "✅", x: "❌", warning: "⚠️", hourglass_flowing_sand: "⏳", eyes: "👀", lock: "🔒", unlock: "🔓",
  memo: "📝", inbox_tray: "📥", outbox_tray: "📤", envelope: "✉️", email: "📧", paperclip: "📎", link: "🔗", mag: "🔍", bell: "🔔", no_entry: "⛔",
  construction: "🚧", repeat: "🔁", arrows_counterclockwise: "🔄", wastebasket: "🗑️", pencil2: "✏️", question: "❓", exclamation: "❗",
  information_source: "ℹ️", large_green_circle: "🟢", large_yellow_circle: "🟡", red_circle: "🔴", white_circle: "⚪", black_circle: "⚫",
  star: "⭐", sparkles: "✨", zap: "⚡", coffee: "☕", computer: "💻", speech_balloon: "💬", bust_in_silhouette: "👤", busts_in_silhouette: "👥",
  calendar: "📆", clock1: "🕐", key: "🔑", shield: "🛡️", ghost: "👻", robot_face: "🤖", ok_hand: "👌", point_right: "👉", muscle: "💪",
};

/** What the picker for reactions offers. */
export const OFFERED = ["thumbsup", "eyes", "white_check_mark", "ticket", "tada", "heart", "memo", "lock", "warning", "hourglass_flowing_sand", "x", "fire"];

const drawable = new Map();
function canDraw(glyph) {
  if (!drawable.has(glyph)) drawable.set(glyph, pixels(glyph) !== pixels("\u{10FFFD}"));
  return drawable.get(glyph);
}

function pixels(glyph) {
  const canvas = Object.assign(document.createElement("canvas"), { width: 20, height: 20 });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.font = "16px sans-serif";
  context.fillText([...glyph][0], 0, 16);
  return context.getImageData(0, 0, 20, 20).data.join();
}

/** The emoji of that name; it says its name to screen readers and on hover. */
export function emoji(name, unicode = "") {
  const plain = name.split("::")[0];
  const known = ALIASES[plain] || plain;
  const label = { class: "emoji", role: "img", "aria-label": known.replaceAll("_", " "), title: `:${name}:` };
  if (DRAWN.has(known)) return h("span", label, picture(known));
  const glyph = GLYPHS[known] || fromUnicode(unicode);
  if (glyph && canDraw(glyph)) return h("span", label, glyph);
  return h("span", { class: "emoji-name" }, `:${name}:`);
}

const NAMES = new Map(Object.entries(GLYPHS).map(([name, glyph]) => [glyph.replace("\u{FE0F}", ""), name]));
const ANY = new RegExp(`(${[...NAMES.keys()].join("|")})\u{FE0F}?`, "u");

/** A desk's text, in which emoji that this system has no glyph for are drawn as in the conversation. */
export function deskText(text) {
  return text.split(ANY).map((part, at) => (at % 2 && !canDraw(part) ? emoji(NAMES.get(part)) : part));
}

function fromUnicode(unicode) {
  if (!/^[0-9a-f]{2,6}(-[0-9a-f]{2,6})*$/i.test(unicode)) return "";
  const points = unicode.split("-").map((point) => parseInt(point, 16));
  return points.every((point) => point <= 0x10ffff) ? String.fromCodePoint(...points) : "";
}

function picture(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/emoji.svg#${name}`);
  svg.append(use);
  return svg;
}
