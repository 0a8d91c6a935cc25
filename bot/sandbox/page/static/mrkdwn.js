// Reads Slack's mrkdwn into nodes: code, quotes, emphasis, control sequences in angle brackets, emoji, line breaks.
import { h } from "./dom.js";
import { names } from "./names.js";
import { link, mention, plain } from "./text.js";
import { dateWords } from "./when.js";

const unescape = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

/** A whole text: code blocks and quotes are blocks, the rest is inline. */
export function mrkdwn(text) {
  const nodes = [];
  for (const [index, part] of text.split(/```\n?([\s\S]+?)```\n?/).entries()) {
    if (index % 2) nodes.push(h("pre", { tabindex: "0", "aria-label": "Code" }, h("code", {}, unescape(part.replace(/\n$/, "")))));
    else nodes.push(...quotes(part));
  }
  return nodes;
}

function quotes(text) {
  const nodes = [];
  let plainLines = [];
  let quoted = [];
  const flush = () => {
    if (plainLines.length) nodes.push(...inlineMrkdwn(plainLines.join("\n")));
    if (quoted.length) nodes.push(h("blockquote", {}, inlineMrkdwn(quoted.join("\n"))));
    plainLines = [];
    quoted = [];
  };
  for (const line of text.split("\n")) {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quote ? plainLines.length : quoted.length) flush();
    (quote ? quoted : plainLines).push(quote ? quote[1] : line);
  }
  flush();
  return nodes;
}

/** Text on one or more lines without blocks. */
export function inlineMrkdwn(text) {
  const nodes = [];
  // Code and control sequences first: nothing inside them is formatting.
  for (const [index, part] of text.split(/(`[^`\n]+`|<[^<>\n]+>)/).entries()) {
    if (!part) continue;
    if (index % 2 === 0) nodes.push(part);
    else nodes.push(part[0] === "`" ? h("code", {}, unescape(part.slice(1, -1))) : control(part.slice(1, -1)));
  }
  return emphasis(nodes);
}

const MARKS = { "*": "strong", _: "em", "~": "s" };

/** Finds pairs of marks across strings and nodes, since `*see <url|this>*` has a link inside. */
function emphasis(nodes) {
  const tokens = nodes.flatMap((node) => (typeof node === "string" ? node.split(/([*_~])/).filter(Boolean) : [node]));
  const out = [];
  for (let index = 0; index < tokens.length; index += 1) {
    const token = tokens[index];
    const end = typeof token === "string" && MARKS[token] ? closing(tokens, index) : -1;
    if (end < 0) {
      out.push(...(typeof token === "string" ? lines(token) : [token]));
    } else {
      out.push(h(MARKS[token], {}, emphasis(tokens.slice(index + 1, end))));
      index = end;
    }
  }
  return out;
}

function closing(tokens, start) {
  const before = tokens[start - 1];
  if (typeof before === "string" && /[\p{L}\p{N}]$/u.test(before)) return -1;
  const next = tokens[start + 1];
  if (next === undefined || (typeof next === "string" && /^\s/.test(next))) return -1;
  for (let index = start + 2; index < tokens.length; index += 1) {
    const last = tokens[index - 1];
    if (typeof last === "string" && last.includes("\n") && tokens[index] !== tokens[start]) return -1;
    const after = tokens[index + 1];
    const ends = tokens[index] === tokens[start] && !(typeof last === "string" && /\s$/.test(last));
    if (ends && !(typeof after === "string" && /^[\p{L}\p{N}]/u.test(after))) return index;
  }
  return -1;
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => [...(index ? [h("br")] : []), ...plain(unescape(line))]);
}

function control(inside) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : unescape(inside.slice(bar + 1));
  if (target.startsWith("@")) return mention(`@${label || names.user(target.slice(1))}`, target.slice(1) === names.me);
  if (target.startsWith("#")) return mention(`#${label || names.channel(target.slice(1))}`);
  if (target.startsWith("!date^")) {
    const [, seconds, format, address] = target.split("^");
    const words = dateWords(seconds, format || "", label);
    return address ? link(unescape(address), words) : h("span", {}, words);
  }
  if (target.startsWith("!subteam^")) return mention(label || `@${names.group(target.slice(9))}`);
  if (target.startsWith("!")) return mention(`@${label || target.slice(1)}`, true);
  return link(unescape(target), label || unescape(target).replace(/^mailto:/, ""));
}
