// The blocks of a form or of App Home: keeps what a person gave while the app redraws them, and reads it all together.
import { act } from "./api.js";
import { drawBlock } from "./blocks.js";
import { freshId, h, keep } from "./dom.js";
import { INPUTS } from "./elements.js";
import { textObject } from "./text.js";

/** Draws a view's blocks into `body`, and in place again with each `update`. */
export class ViewBody {
  constructor(user) {
    this.user = user;
    this.made = new Map(); // block id -> Map(action id -> {element, read, block})
    this.errors = new Map(); // block id -> words
    this.body = h("div", { class: "view-body" });
    this.banner = h("p", { class: "view-banner", role: "alert", hidden: true });
  }

  /** Gives whether anything changed. */
  update(view) {
    if (this.print === JSON.stringify(view)) return false;
    this.print = JSON.stringify(view);
    this.view = view;
    const blocks = new Map((view.blocks || []).map((block, at) => [block.block_id || `block ${at}`, block]));
    const places = [...blocks].map(([at, block]) => ({ at, block: withoutProposals(block) }));
    keep(this.body, places, (place) => place.at, (place) => this.redraw(blocks.get(place.at)));
    const ids = new Set([...blocks.values()].map((block) => block.block_id));
    for (const id of this.made.keys()) if (!ids.has(id)) this.made.delete(id);
    return true;
  }

  /** Enter in a line of text; a form sends itself. */
  enter() {}

  redraw(block) {
    const before = this.made.get(block.block_id) || new Map();
    this.made.set(block.block_id, new Map());
    return drawBlock(block, this.surface(before));
  }

  surface(before) {
    const form = this;
    return {
      act: (blockId, actionId, value) => form.press(blockId, actionId, value),
      suggest: async (blockId, actionId, typed) =>
        (await act("suggest", { user: form.user, view: form.view.id, block: blockId, action: actionId, typed })).options,
      held: (_, actionId) => before.get(actionId)?.read(),
      register: (block, element, made) => form.made.get(block.block_id)?.set(element.action_id, { element, read: made.read }),
      drawInput: (block) => form.drawInput(block, before),
    };
  }

  drawInput(block, before) {
    const element = block.element;
    const draw = INPUTS[element.type];
    const ids = { id: freshId("input"), label: freshId("label"), hint: freshId("hint"), error: freshId("error") };
    if (!draw) return h("p", { class: "unknown" }, `[The sandbox does not draw inputs of the type "${element.type}".]`);
    const dispatch = (value) => block.dispatch_action && value && this.press(block.block_id, element.action_id, value);
    const made = draw(element, {
      id: ids.id,
      focus: `${block.block_id}-${element.action_id}`,
      labelledBy: ids.label,
      describedBy: `${ids.hint} ${ids.error}`,
      held: fitting(element, before.get(element.action_id)),
      changed: (value) => this.touched(block.block_id, () => dispatch(value)),
      typed: (value) => this.touched(block.block_id, () => dispatch(value)),
      entered: (value) => (block.dispatch_action ? dispatch(value) : this.enter()),
      suggest: (typed) => this.surface(before).suggest(block.block_id, element.action_id, typed),
    });
    this.made.get(block.block_id).set(element.action_id, { element, read: made.read, block });
    const label = h("label", { id: ids.label, for: ids.id }, textObject(block.label), block.optional && h("span", { class: "optional" }, " (optional)"));
    const error = h("p", { id: ids.error, class: "field-error" }, this.errors.get(block.block_id));
    return h("div", { class: this.errors.has(block.block_id) ? "wrong" : "" }, label, made.node, block.hint && h("p", { id: ids.hint, class: "hint" }, textObject(block.hint)), error);
  }

  touched(blockId, then) {
    if (this.errors.delete(blockId)) this.showError(blockId, "");
    then();
  }

  values() {
    const values = {};
    for (const [blockId, elements] of this.made) {
      for (const [actionId, made] of elements) values[blockId] = { ...values[blockId], [actionId]: orNull(made.read()) };
    }
    return values;
  }

  async press(blockId, actionId, value) {
    const body = { user: this.user, view: this.view.id, block: blockId, action: actionId, value, values: this.values() };
    await this.tryTo(() => act("press", body));
  }

  showError(blockId, text) {
    const block = this.body.querySelector(`[data-block="${CSS.escape(blockId)}"]`);
    const place = block?.querySelector(".field-error");
    if (!place) {
      if (text) this.say(text);
      return;
    }
    block.classList.toggle("wrong", Boolean(text));
    place.textContent = text;
    for (const input of block.querySelectorAll("input, textarea, select")) input.setAttribute("aria-invalid", String(Boolean(text)));
  }

  say(text) {
    this.banner.hidden = !text;
    this.banner.textContent = text;
  }

  async tryTo(call) {
    this.say("");
    try {
      const answer = await call();
      if (answer.error) this.say(answer.error);
      return answer;
    } catch (error) {
      this.say(error.message);
      return null;
    }
  }
}

/** What an app proposes counts only when an input is new; one that a person may be typing into is left alone, as Slack does. */
function withoutProposals(block) {
  if (block.type !== "input") return block;
  const kept = Object.entries(block.element).filter(([name]) => !name.startsWith("initial_"));
  return { ...block, element: Object.fromEntries(kept) };
}

/** Null for what is empty, as for an element that nobody touched. */
const orNull = ({ type, ...rest }) => (Object.values(rest).every((part) => part === null) ? null : { type, ...rest });

/** What the person gave before, where the element can still hold it. */
function fitting(element, before) {
  if (!before || before.element.type !== element.type) return undefined;
  const value = before.read();
  if (!element.type.endsWith("static_select") || !value.selected_option) return value;
  const offered = (element.option_groups || [{ options: element.options || [] }]).flatMap((group) => group.options);
  return offered.some((option) => option.value === value.selected_option.value) ? value : undefined;
}
