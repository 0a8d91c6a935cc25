// Shows the stack of forms that a person has open, as Slack does: typed text outlives an update, errors stand by their field.
import { act } from "./api.js";
import { freshId, h, icon, openDialog } from "./dom.js";
import { textObject } from "./text.js";
import { ViewBody } from "./view_body.js";

/** One form: drawn from a view's JSON, and drawn again in place when the app updates it. */
class Form extends ViewBody {
  constructor(user, view, refresh) {
    super(user);
    this.refresh = refresh;
    this.titleId = freshId("title");
    this.head = h("header", { class: "modal-head" });
    this.foot = h("footer", { class: "modal-foot" });
    const scroll = h("div", { class: "modal-scroll" }, this.body);
    this.node = h("form", { novalidate: true, class: "modal-form", onsubmit: (event) => this.submit(event) }, this.head, this.banner, scroll, this.foot);
    this.update(view);
  }

  update(view) {
    if (!super.update(view)) return;
    this.head.replaceChildren(
      h("h2", { id: this.titleId }, textObject(view.title)),
      h("button", { type: "button", class: "plain", "aria-label": "Close the form", onclick: () => this.close() }, icon("close")),
    );
    this.drawFoot();
  }

  enter() {
    this.submit();
  }

  drawFoot() {
    this.send = this.view.submit && h("button", { type: "submit", class: "button primary", "data-focus": "submit" }, textObject(this.view.submit));
    this.foot.replaceChildren(h("button", { type: "button", class: "button", "data-focus": "close", onclick: () => this.close() }, this.view.close ? textObject(this.view.close) : "Cancel"));
    if (this.send) this.foot.append(this.send);
  }

  async submit(event) {
    event?.preventDefault();
    if (this.busy || !this.view.submit) return;
    this.setBusy(true);
    const answer = await this.tryTo(() => act("submit", { user: this.user, view: this.view.id, values: this.values() }));
    this.setBusy(false);
    this.show(new Map(Object.entries(answer?.body?.errors || {})));
    await this.refresh();
  }

  show(errors) {
    const gone = [...this.errors.keys()].filter((id) => !errors.has(id));
    this.errors = errors;
    for (const id of gone) this.showError(id, "");
    for (const [id, text] of errors) this.showError(id, text);
    this.body.querySelector(".wrong input, .wrong textarea, .wrong select")?.focus();
  }

  setBusy(busy) {
    this.busy = busy;
    if (!this.send) return;
    this.send.disabled = busy;
    this.send.replaceChildren(...(busy ? ["Sending…"] : textObject(this.view.submit)));
  }

  async close(everything = false) {
    await this.tryTo(() => act("close", { user: this.user, view: this.view.id, everything }));
    await this.refresh();
  }
}

const forms = new Map(); // person -> Map(view id -> Form)
let dialog = null;
let onTop = null;

/** Shows what *views* says: the top one, with the typed text of those below kept until it is their turn. */
export function showForms(user, views, refresh) {
  const mine = forms.get(user) || new Map();
  forms.set(user, mine);
  for (const id of mine.keys()) if (!views.some((view) => view.id === id)) mine.delete(id);
  for (const view of views) {
    if (mine.has(view.id)) mine.get(view.id).update(view);
    else mine.set(view.id, new Form(user, view, refresh));
  }
  const top = views.length ? mine.get(views.at(-1).id) : null;
  if (!top) {
    dialog?.close();
    dialog = onTop = null;
    return;
  }
  if (!dialog) {
    dialog = h("dialog", { class: "modal" });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      onTop?.close();
    });
    openDialog(dialog);
  }
  if (onTop === top) return;
  onTop = top;
  dialog.setAttribute("aria-labelledby", top.titleId);
  dialog.replaceChildren(top.node);
  const first = top.body.querySelector("input, textarea, select, button, a[href]") || top.foot.querySelector("button");
  first?.focus();
}

