// Draws a list of messages: author, time, blocks, files, reactions, replies, and the toolbar with the app's shortcuts.
import { act, fileAddress } from "./api.js";
import { drawAttachment, drawBlock } from "./blocks.js";
import { ask } from "./confirm.js";
import { h, icon, keep, sizeWords, tell } from "./dom.js";
import { emoji, OFFERED } from "./emoji.js";
import { closeMenu, openMenu } from "./menu.js";
import { mrkdwn } from "./mrkdwn.js";
import { names } from "./names.js";
import { clock, day, full } from "./when.js";

const FOLLOW_SECONDS = 300;
const PICTURES = /^image\/(png|jpeg|gif|webp)$/;

/** A list of messages in *parent*. *place* is `{user, bot, channel, thread, shortcuts, openThread(ts), refresh()}`. */
export class MessageList {
  constructor(parent, place) {
    this.parent = parent;
    this.place = place;
    this.editing = "";
    this.forms = new Map(); // ts -> Map(block id -> Map(action id -> read)), what is chosen but not yet sent
    parent.addEventListener("keydown", (event) => this.move(event));
  }

  show(messages) {
    const scroller = this.parent.parentElement;
    const place = `${this.place.channel} ${this.place.thread}`;
    const atEnd = this.shownPlace !== place || scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 60;
    this.shownPlace = place;
    this.messages = messages;
    keep(this.parent, this.items(messages), (item) => item.at, (item) => (item.day ? h("li", { class: "day" }, h("span", {}, item.day)) : this.draw(item)));
    if (!this.parent.querySelector('.message[tabindex="0"]')) this.parent.querySelector(".message:last-child")?.setAttribute("tabindex", "0");
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  items(messages) {
    const items = [];
    let last = null;
    for (const message of messages) {
      const words = day(message.ts);
      if (!last || day(last.ts) !== words) items.push({ at: `day ${words}`, day: words });
      const same = last && !last.subtype && !message.subtype && last.user === message.user && !message.ephemeral && !last.ephemeral;
      const follow = Boolean(same && message.ts - last.ts < FOLLOW_SECONDS && !last.reply_count);
      items.push({ at: message.ts, message, follow, editing: this.editing === message.ts, me: this.place.user });
      last = message;
    }
    return items;
  }

  draw({ message, follow, editing }) {
    const author = names.people.get(message.user);
    const quiet = /^(channel_|group_)/.test(message.subtype || "") || message.subtype === "tombstone";
    const name = message.username || author?.real_name || names.user(message.user || message.bot_id || "");
    const app = Boolean(message.bot_id) || author?.bot;
    return h(
      "li",
      { class: `message${follow ? " follow" : ""}${message.ephemeral ? " ephemeral" : ""}${quiet ? " quiet" : ""}`, tabindex: "-1", "data-ts": message.ts, "data-focus": message.ts, "aria-label": `${name}, ${clock(message.ts)}` },
      message.ephemeral && h("p", { class: "only-you" }, icon("eye"), "Only visible to you"),
      avatar(name, author, app),
      h(
        "div",
        { class: "message-main" },
        h("p", { class: "message-head" }, h("span", { class: "author" }, name), app && h("span", { class: "badge" }, "APP"), author?.stranger && h("span", { class: "badge" }, "other company"), author?.guest && h("span", { class: "badge" }, "guest"), h("time", { title: full(message.ts) }, clock(message.ts)), message.subtype === "thread_broadcast" && h("span", { class: "hint" }, "replied to a thread and sent it to the channel")),
        editing ? this.editor(message) : this.content(message),
        this.fileList(message.files || []),
        this.reactions(message),
        !this.place.thread && message.reply_count && this.replies(message),
      ),
      !message.ephemeral && !quiet && this.toolbar(message),
    );
  }

  content(message) {
    const surface = this.surface(message);
    const blocks = message.blocks?.length ? message.blocks.map((block) => drawBlock(block, surface)) : mrkdwn(message.text || "");
    const edited = message.edited && h("span", { class: "edited", title: full(message.edited.ts) }, "(edited)");
    return h("div", { class: "content" }, blocks, edited, (message.attachments || []).map((one) => drawAttachment(one, surface)));
  }

  surface(message) {
    const { user, channel } = this.place;
    const before = this.forms.get(message.ts) || new Map();
    const made = new Map();
    this.forms.set(message.ts, made);
    const values = () => Object.fromEntries([...made].map(([block, elements]) => [block, Object.fromEntries([...elements].map(([action, read]) => [action, read()]))]));
    return {
      act: (block, action, value) => this.tryTo(() => act("press", { user, channel, ts: message.ts, block, action, value, values: values() })),
      suggest: async () => {
        throw new Error("The sandbox offers no searching inside messages.");
      },
      held: (block, action) => before.get(block)?.get(action)?.(),
      register: (block, element, input) => made.set(block.block_id, (made.get(block.block_id) || new Map()).set(element.action_id, input.read)),
    };
  }

  fileList(files) {
    if (!files.length) return null;
    return h("ul", { class: "files-shown", "aria-label": "Files" }, files.map((file) => h("li", {}, shownFile(file))));
  }

  reactions(message) {
    if (!message.reactions?.length) return null;
    return h(
      "div",
      { class: "reactions" },
      message.reactions.map((one) => {
        const mine = one.users.includes(this.place.user);
        const who = one.users.map((id) => names.user(id)).join(", ");
        const label = `${one.name.replaceAll("_", " ")}: ${who}. ${mine ? "Take your reaction away" : "React too"}`;
        return h("button", { type: "button", class: mine ? "reaction mine" : "reaction", title: `${who} reacted with :${one.name}:`, "aria-label": label, "aria-pressed": String(mine), "data-focus": `reaction-${one.name}`, onclick: () => this.react(message, one.name, !mine) }, emoji(one.name), h("span", {}, String(one.count)));
      }),
    );
  }

  replies(message) {
    const count = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
    return h("button", { type: "button", class: "reply-count", "data-focus": "replies", onclick: () => this.place.openThread(message.ts) }, count, h("span", { class: "hint" }, ` Last reply at ${clock(message.latest_reply)}`));
  }

  toolbar(message) {
    const tool = (name, label, press) => h("button", { type: "button", class: "tool", "aria-label": label, title: label, "data-focus": name, onclick: (event) => press(event.currentTarget) }, icon(name));
    return h(
      "div",
      { class: "toolbar", role: "group", "aria-label": "What to do with this message" },
      tool("smile", "Add reaction", (button) => this.pickEmoji(button, message)),
      !this.place.thread && tool("thread", "Reply in thread", () => this.place.openThread(message.ts)),
      tool("more", "More actions", (button) => this.menu(button, message)),
    );
  }

  menu(button, message) {
    button.setAttribute("aria-haspopup", "menu");
    const mine = message.user === this.place.user;
    const shortcuts = this.place.shortcuts.filter((one) => one.type === "message");
    openMenu(button, "Message", [
      ...(shortcuts.length ? [{ heading: "Message shortcuts" }] : []),
      ...shortcuts.map((one) => ({ words: one.name, detail: "Threadline", act: () => this.shortcut(message, one.callback_id) })),
      { heading: "Message" },
      { words: "Copy link", act: () => this.copyLink(message) },
      mine && { words: "Edit message", act: () => this.edit(message.ts) },
      mine && { words: "Delete message…", danger: true, act: () => this.remove(message) },
    ]);
  }

  pickEmoji(button, message) {
    const choose = (name) => ({ words: `:${name}:`, name, act: () => this.react(message, name, true) });
    openMenu(button, "Reactions", [{ heading: "Add a reaction" }, ...OFFERED.map(choose)]);
    const menu = document.querySelector(".menu");
    menu.classList.add("emoji-menu");
    for (const [at, item] of [...menu.querySelectorAll("[role=menuitem]")].entries()) {
      item.replaceChildren(emoji(OFFERED[at]));
      item.setAttribute("aria-label", OFFERED[at].replaceAll("_", " "));
    }
  }

  editor(message) {
    const area = h("textarea", { "aria-label": "Edit message", rows: 3, value: typedFrom(message.text || ""), "data-focus": "edit" });
    const save = () => this.tryTo(async () => {
      await act("edit", { user: this.place.user, channel: this.place.channel, ts: message.ts, text: area.value });
      this.edit("");
    });
    area.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey) {
        event.preventDefault();
        save();
      } else if (event.key === "Escape") this.edit("");
    });
    setTimeout(() => area.focus(), 0);
    return h("div", { class: "editor" }, area, h("div", { class: "dialog-foot" }, h("button", { type: "button", class: "button small", onclick: () => this.edit("") }, "Cancel"), h("button", { type: "button", class: "button small primary", onclick: save }, "Save")));
  }

  edit(ts) {
    this.editing = ts;
    this.show(this.messages);
  }

  remove(message) {
    const where = { user: this.place.user, channel: this.place.channel, ts: message.ts };
    ask("Delete message", "Are you sure you want to delete this message? This cannot be undone.", "Delete", () => this.tryTo(() => act("delete", where)));
  }

  react(message, name, add) {
    return this.tryTo(() => act("react", { user: this.place.user, channel: this.place.channel, ts: message.ts, emoji: name, add }));
  }

  shortcut(message, callback) {
    return this.tryTo(() => act("message_shortcut", { user: this.place.user, channel: this.place.channel, ts: message.ts, callback }));
  }

  copyLink(message) {
    return this.tryTo(async () => {
      const answer = await act("permalink", { channel: this.place.channel, ts: message.ts });
      await navigator.clipboard.writeText(answer.link).then(() => tell("Link copied."), () => tell(answer.link));
    });
  }

  async tryTo(call) {
    try {
      const answer = await call();
      if (answer?.error) tell(answer.error);
    } catch (error) {
      tell(error.message);
    }
    await this.place.refresh();
  }

  move(event) {
    const row = event.target.closest(".message");
    if (event.target !== row || !["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    const rows = [...this.parent.querySelectorAll(".message")];
    const to = { ArrowDown: rows.indexOf(row) + 1, ArrowUp: rows.indexOf(row) - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (!rows[to]) return;
    event.preventDefault();
    closeMenu(false);
    row.setAttribute("tabindex", "-1");
    rows[to].setAttribute("tabindex", "0");
    rows[to].focus();
  }
}

/** A square with the person's initials in their colour. */
export function avatar(name, person, app) {
  const letters = name.split(/\s+/).map((word) => word[0] || "").join("").slice(0, 2).toUpperCase();
  const box = h("span", { class: app ? "avatar app" : "avatar", "aria-hidden": "true" }, app ? icon("desk") : letters);
  if (!app && /^[0-9a-f]{6}$/i.test(person?.colour || "")) box.style.background = `color-mix(in srgb, #${person.colour} 62%, #1b2b33)`;
  return box;
}

function shownFile(file) {
  if (file.mode === "tombstone") return h("span", { class: "file-card" }, icon("file"), "This file was deleted.");
  const name = file.name || file.title || file.id;
  const image = PICTURES.test(file.mimetype || "") && h("img", { src: fileAddress(file.id), alt: name, class: "file-image" });
  return h("a", { class: "file-card", href: fileAddress(file.id), download: name }, image || icon("file"), h("span", {}, h("span", { class: "file-name" }, name), h("span", { class: "hint" }, `${sizeWords(file.size || 0)}, download`)));
}

/** What was typed to get this text: names for ids, characters for their escapes. */
export function typedFrom(text) {
  return text
    .replace(/<@([A-Z0-9]+)(\|[^>]*)?>/g, (_, id) => `@${names.people.get(id)?.name || id}`)
    .replace(/<#([A-Z0-9]+)(\|[^>]*)?>/g, (_, id) => `#${names.channel(id)}`)
    .replace(/<!(here|channel|everyone)(\|[^>]*)?>/g, "@$1")
    .replace(/<mailto:([^|>]+)(\|[^>]*)?>/g, "$1")
    .replace(/<([^|>!@#][^|>]*)\|([^>]*)>/g, "[$2]($1)")
    .replace(/<([^|>!@#][^|>]*)>/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}
