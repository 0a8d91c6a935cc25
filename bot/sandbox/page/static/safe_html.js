// Copies a desk's HTML node by node, and only what is on a short list: no script, style, picture, form or handler survives.
import { h } from "./dom.js";
import { deskText } from "./emoji.js";
import { link } from "./text.js";

const KEPT = new Set("P BR B STRONG I EM U S DEL STRIKE CODE PRE BLOCKQUOTE UL OL LI TABLE THEAD TBODY TR TH TD HR DIV SPAN DL DT DD SUB SUP".split(" "));
const DROPPED = new Set("SCRIPT STYLE TEMPLATE NOSCRIPT IFRAME OBJECT EMBED HEAD TITLE".split(" "));

/** Harmless nodes that show what the desk's HTML shows. The parsed document is never part of the page. */
export function safeHtml(html) {
  return copies(new DOMParser().parseFromString(html, "text/html").body);
}

function copies(parent) {
  return [...parent.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return deskText(node.textContent);
    if (node.nodeType !== Node.ELEMENT_NODE || DROPPED.has(node.tagName)) return [];
    if (node.tagName === "A") return [link(node.getAttribute("href") || "", ...copies(node))];
    if (node.tagName === "IMG") return [`[picture: ${node.getAttribute("alt") || "without a description"}]`];
    if (/^H[1-6]$/.test(node.tagName)) return [h("p", { class: "md-heading" }, copies(node))];
    return KEPT.has(node.tagName) ? [h(node.tagName.toLowerCase(), {}, copies(node))] : copies(node);
  });
}
