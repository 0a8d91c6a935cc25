// Draws the `markdown` block: headings, lists, quotes, code, tables and emphasis of common Markdown.
import { h } from "./dom.js";
import { link, plain } from "./text.js";

/** Nodes for a Markdown text. */
export function markdown(text) {
  const lines = text.replaceAll("\r\n", "\n").split("\n");
  const nodes = [];
  while (lines.length) {
    const before = lines.length;
    for (const read of BLOCKS) {
      const block = read(lines);
      if (block) {
        nodes.push(block);
        break;
      }
    }
    if (lines.length === before) lines.shift();
  }
  return nodes;
}

const takeWhile = (lines, test) => {
  const taken = [];
  while (lines.length && test(lines[0])) taken.push(lines.shift());
  return taken;
};

function fence(lines) {
  if (!/^ {0,3}(```|~~~)/.test(lines[0])) return null;
  const mark = lines.shift().trim().slice(0, 3);
  const code = takeWhile(lines, (line) => !line.trim().startsWith(mark));
  lines.shift();
  return h("pre", { tabindex: "0", "aria-label": "Code" }, h("code", {}, code.join("\n")));
}

function heading(lines) {
  const match = /^(#{1,6}) +(.*?)\s*#*$/.exec(lines[0]);
  if (!match) return null;
  lines.shift();
  return h("p", { role: "heading", "aria-level": String(match[1].length + 2), class: "md-heading" }, spans(match[2]));
}

function rule(lines) {
  if (!/^ {0,3}([-*_])( *\1){2,} *$/.test(lines[0])) return null;
  lines.shift();
  return h("hr");
}

function quote(lines) {
  if (!/^ {0,3}>/.test(lines[0])) return null;
  const inside = takeWhile(lines, (line) => /^ {0,3}>/.test(line)).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return h("blockquote", {}, markdown(inside.join("\n")));
}

const ENTRY = /^( {0,3})([-*+]|\d{1,9}[.)]) +(.*)$/;
function list(lines) {
  const first = ENTRY.exec(lines[0]);
  if (!first) return null;
  const ordered = /\d/.test(first[2]);
  const entries = [];
  while (lines.length && ENTRY.test(lines[0]) && /\d/.test(ENTRY.exec(lines[0])[2]) === ordered) {
    const inside = [ENTRY.exec(lines.shift())[3]];
    inside.push(...takeWhile(lines, (line) => /^ {2,}\S/.test(line)).map((line) => line.replace(/^ {2,4}/, "")));
    entries.push(h("li", {}, inside.length === 1 ? spans(inside[0]) : markdown(inside.join("\n"))));
  }
  return h(ordered ? "ol" : "ul", { start: ordered ? parseInt(first[2], 10) : null }, entries);
}

function table(lines) {
  if (!lines[0].includes("|") || !/^ *\|?( *:?-+:? *\|)+( *:?-+:? *)?\|? *$/.test(lines[1] || "")) return null;
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => spans(cell.trim()));
  const head = cells(lines.shift());
  lines.shift();
  const rows = takeWhile(lines, (line) => line.includes("|")).map(cells);
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, head.map((cell) => h("th", {}, cell)))),
    h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell) => h("td", {}, cell))))),
  );
}

function paragraph(lines) {
  if (!lines[0].trim()) return null;
  const first = [lines.shift()];
  const rest = takeWhile(lines, (line) => line.trim() && !/^ {0,3}(#{1,6} |>|```|~~~)/.test(line) && !ENTRY.test(line));
  const text = [...first, ...rest];
  return h("p", {}, text.flatMap((line, index) => [index ? h("br") : "", ...spans(line.trim())]));
}

const BLOCKS = [fence, heading, rule, quote, list, table, paragraph];

const SPAN = new RegExp(
  [
    "\\\\([!-/:-@[-`{-~])", // 1: an escaped character
    "`([^`]+)`", // 2: code
    "\\[([^\\]]*)\\]\\(([^)\\s]+)\\)", // 3, 4: a link
    "<((?:https?:|mailto:)[^>\\s]+)>", // 5: an address in angle brackets
    "(\\*\\*|__)(?=\\S)([\\s\\S]*?\\S)\\6", // 7: strong
    "~~(?=\\S)([\\s\\S]*?\\S)~~", // 8: struck out
    "([*_])(?=\\S)([\\s\\S]*?\\S)\\9", // 10: emphasised
  ].join("|"),
);

/** The inline part of Markdown. */
function spans(text) {
  const match = SPAN.exec(text);
  if (!match) return plain(text);
  const [whole, escaped, code, label, address, bare, , strong, struck, , em] = match;
  let node = escaped;
  if (code !== undefined) node = h("code", {}, code);
  else if (address !== undefined) node = link(address, ...spans(label));
  else if (bare !== undefined) node = link(bare);
  else if (strong !== undefined) node = h("strong", {}, spans(strong));
  else if (struck !== undefined) node = h("s", {}, spans(struck));
  else if (em !== undefined) node = h("em", {}, spans(em));
  return [...plain(text.slice(0, match.index)), node, ...spans(text.slice(match.index + whole.length))];
}
