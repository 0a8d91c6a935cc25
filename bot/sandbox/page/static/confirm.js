// Asks before something is done: an element's `confirm` object, or a question of the page itself.
import { freshId, h, openDialog } from "./dom.js";
import { textObject } from "./text.js";

/** Does *act* at once, or, where the app asks for a confirmation, after the person has confirmed. */
export function confirmFirst(confirm, act) {
  if (!confirm) {
    act();
    return;
  }
  const titleId = freshId("title");
  const textId = freshId("text");
  const dialog = h(
    "dialog",
    { class: "small-dialog", role: "alertdialog", "aria-labelledby": titleId, "aria-describedby": textId },
    h("h2", { id: titleId }, textObject(confirm.title)),
    h("div", { id: textId }, textObject(confirm.text)),
    h(
      "div",
      { class: "dialog-foot" },
      h("button", { type: "button", class: "button", onclick: () => dialog.close() }, textObject(confirm.deny)),
      h("button", { type: "button", class: `button ${confirm.style || "primary"}`, onclick: () => { dialog.close(); act(); } }, textObject(confirm.confirm)),
    ),
  );
  openDialog(dialog);
}

/** The same for a question of the page's own. */
export function ask(title, text, yes, act) {
  const plain = (words) => ({ type: "plain_text", text: words });
  confirmFirst({ title: plain(title), text: plain(text), confirm: plain(yes), deny: plain("Cancel"), style: "danger" }, act);
}
