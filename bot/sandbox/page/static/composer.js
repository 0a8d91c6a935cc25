// The editor under a channel or a thread: Enter sends, slash commands and names are suggested, files can be added.
import { act, upload } from "./api.js";
import { freshId, h, icon, sizeWords, tell } from "./dom.js";
import { openMenu } from "./menu.js";
import { names } from "./names.js";

const drafts = new Map(); // "user channel thread" -> {text, files}

/** An editor. `place()` gives `{user, channel, thread, commands, shortcuts, refresh()}` for the moment of sending. */
export class Composer {
  constructor(label, place, { inThread = false } = {}) {
    this.place = place;
    this.inThread = inThread;
    this.files = [];
    this.shown = [];
    this.active = 0;
    this.listId = freshId("suggestions");
    this.area = h("textarea", {
      rows: 1,
      "aria-label": label,
      "aria-controls": this.listId,
      "aria-expanded": "false",
      "aria-autocomplete": "list",
      role: "combobox",
      oninput: () => this.changed(),
      onkeydown: (event) => this.key(event),
      onblur: () => this.suggest([]),
    });
    this.list = h("div", { class: "suggestions", role: "listbox", id: this.listId, "aria-label": "Suggestions", hidden: true });
    this.chosenFiles = h("ul", { class: "file-list", "aria-label": "Files to send" });
    this.note = h("p", { class: "composer-note", role: "alert" });
    this.broadcast = h("input", { type: "checkbox", id: freshId("broadcast") });
    this.node = h("form", { class: "composer", onsubmit: (event) => this.send(event) }, this.note, this.list, h("div", { class: "composer-box" }, this.area, this.chosenFiles, this.tools()), inThread && h("p", { class: "broadcast" }, this.broadcast, h("label", { for: this.broadcast.id }, "Also send to the channel")));
  }

  tools() {
    const pick = h("input", { type: "file", multiple: true, class: "sr-only", tabindex: "-1", "aria-hidden": "true", onchange: () => this.attach(pick) });
    const button = (name, label, press) => h("button", { type: "button", class: "tool", "aria-label": label, title: label, onclick: (event) => press(event.currentTarget) }, icon(name));
    return h(
      "div",
      { class: "composer-tools" },
      pick,
      button("clip", "Attach files", () => pick.click()),
      !this.inThread && button("slash", "Slash commands", () => this.start("/")),
      !this.inThread && button("bolt", "Shortcuts", (anchor) => this.shortcuts(anchor)),
      h("span", { class: "composer-hint" }, "Enter sends, Shift+Enter starts a new line"),
      h("button", { type: "submit", class: "tool send", "aria-label": "Send", title: "Send" }, icon("send")),
    );
  }

  start(text) {
    this.area.value = text;
    this.area.focus();
    this.changed();
  }

  shortcuts(anchor) {
    const { user, shortcuts } = this.place();
    const global = shortcuts.filter((one) => one.type === "global");
    openMenu(anchor, "Shortcuts", [{ heading: global.length ? "Shortcuts" : "The app has no shortcuts" }, ...global.map((one) => ({ words: one.name, detail: one.description, act: () => this.tryTo(() => act("global_shortcut", { user, callback: one.callback_id })) }))]);
  }

  /** Shows the draft of another place; what was typed here stays with this one. */
  switchTo(key, placeholder) {
    this.area.placeholder = placeholder;
    if (this.keyNow === key) return;
    if (this.keyNow) drafts.set(this.keyNow, { text: this.area.value, files: this.files });
    const draft = drafts.get(key) || { text: "", files: [] };
    this.keyNow = key;
    this.area.value = draft.text;
    this.files = draft.files;
    this.note.textContent = "";
    this.grow();
    this.drawFiles();
  }

  async attach(pick) {
    for (const file of pick.files) {
      try {
        this.files.push(await upload(file));
      } catch (error) {
        tell(`${file.name}: ${error.message}`);
      }
    }
    pick.value = "";
    this.drawFiles();
    this.area.focus();
  }

  drawFiles() {
    const drop = (at) => {
      this.files.splice(at, 1);
      this.drawFiles();
    };
    this.chosenFiles.replaceChildren(...this.files.map((file, at) => h("li", {}, icon("file"), `${file.name} (${sizeWords(file.size)})`, h("button", { type: "button", class: "plain", "aria-label": `Remove ${file.name}`, onclick: () => drop(at) }, icon("close")))));
  }

  grow() {
    this.area.rows = Math.min(8, this.area.value.split("\n").length);
  }

  changed() {
    this.grow();
    this.note.textContent = "";
    const text = this.area.value;
    const before = text.slice(0, this.area.selectionStart);
    const command = /^\/\S*$/.exec(text);
    const sign = /(?:^|\s)([@#])([\w.-]*)$/.exec(before);
    if (command && !this.inThread) {
      this.suggest(this.place().commands.filter((one) => one.command.startsWith(text)).map((one) => ({ words: `${one.command} ${one.usage_hint || ""}`, detail: one.description, put: `${one.command} `, from: 0 })));
    } else if (sign) {
      const typed = sign[2].toLowerCase();
      const known = sign[1] === "@" ? [...names.people.values()].map((one) => [one.name, one.real_name]) : [...names.channels.values()].filter((one) => !one.im).map((one) => [one.name, ""]);
      const fit = known.filter(([name, real]) => `${name} ${real}`.toLowerCase().includes(typed)).slice(0, 8);
      this.suggest(fit.map(([name, real]) => ({ words: sign[1] + name, detail: real, put: `${sign[1]}${name} `, from: before.length - typed.length - 1 })));
    } else this.suggest([]);
  }

  suggest(entries) {
    this.shown = entries;
    this.active = 0;
    this.list.hidden = !entries.length;
    this.area.setAttribute("aria-expanded", String(entries.length > 0));
    this.list.replaceChildren(...entries.map((entry, at) => h("div", { role: "option", id: `${this.listId}-${at}`, class: "option", "aria-selected": "false", onmousedown: (event) => { event.preventDefault(); this.put(entry); } }, h("span", {}, entry.words), entry.detail && h("span", { class: "option-detail" }, entry.detail))));
    this.mark();
  }

  mark() {
    for (const [at, node] of [...this.list.children].entries()) {
      node.classList.toggle("active", at === this.active);
      node.setAttribute("aria-selected", String(at === this.active));
    }
    if (this.shown.length) this.area.setAttribute("aria-activedescendant", `${this.listId}-${this.active}`);
    else this.area.removeAttribute("aria-activedescendant");
  }

  put(entry) {
    const end = this.area.selectionStart;
    this.area.setRangeText(entry.put, entry.from, end, "end");
    this.suggest([]);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (this.shown.length && step) {
      event.preventDefault();
      this.active = (this.active + step + this.shown.length) % this.shown.length;
      this.mark();
    } else if (this.shown.length && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.suggest([]);
    } else if (this.shown.length && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey && !this.whole()) {
      event.preventDefault();
      this.put(this.shown[this.active]);
    } else if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.send();
    }
  }

  /** Whether the command or name is typed out already, so that Enter means "send". */
  whole() {
    const { put, from } = this.shown[this.active];
    return this.area.value.slice(from, this.area.selectionStart) === put.trim();
  }

  async send(event) {
    event?.preventDefault();
    const { user, channel, thread, commands } = this.place();
    const text = this.area.value;
    if (!text.trim() && !this.files.length) return;
    this.suggest([]);
    const slash = /^(\/[a-z][\w-]*)(?:\s+([\s\S]*))?$/i.exec(text);
    if (slash) {
      await this.sendCommand(slash, commands, { user, channel });
      return;
    }
    const body = { user, channel, thread, text, files: this.files.map((file) => file.upload), broadcast: this.inThread && this.broadcast.checked };
    await this.tryTo(() => act("post", body), text);
    this.broadcast.checked = false;
  }

  async sendCommand([whole, command, text], commands, where) {
    if (!commands.some((one) => one.command === command)) {
      this.note.textContent = `${command} is not a command of this workspace.`;
    } else if (this.inThread) {
      this.note.textContent = `${command} is not supported in threads. Use the channel's editor, or write @threadline here.`;
    } else {
      await this.tryTo(() => act("command", { ...where, command, text: text || "" }), whole);
    }
  }

  /** Empties the editor when the call went well; else says why not and keeps what was typed. */
  async tryTo(call, sent) {
    const before = { text: this.area.value, files: this.files };
    if (sent !== undefined) {
      this.area.value = "";
      this.files = [];
    }
    this.grow();
    this.drawFiles();
    try {
      const answer = await call();
      if (answer.error) this.note.textContent = answer.error;
    } catch (error) {
      this.note.textContent = error.message;
      if (sent !== undefined && !this.area.value) {
        this.area.value = before.text;
        this.files = before.files;
        this.drawFiles();
      }
    }
    await this.place().refresh();
  }
}
