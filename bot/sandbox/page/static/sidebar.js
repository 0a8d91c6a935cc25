// The left column: who one acts as, the app's home, the channels and the direct message with the app.
import { h, icon, keep } from "./dom.js";
import { names } from "./names.js";

const seen = new Map(); // "user channel" -> ts of the newest message that this person has looked at

/** The left column in *parent*; `go(place)` opens a channel id or "home", `become(user)` acts as somebody else. */
export class Sidebar {
  constructor(parent, { workspace, bot, go, become }) {
    this.go = go;
    this.bot = bot;
    this.person = h("select", { id: "act-as", onchange: () => become(this.person.value) });
    this.personHint = h("p", { class: "hint", id: "act-as-hint" });
    this.person.setAttribute("aria-describedby", "act-as-hint");
    this.app = h("ul", {});
    this.channels = h("ul", {});
    parent.replaceChildren(
      h("h1", {}, workspace),
      h("div", { class: "act-as" }, h("label", { for: "act-as" }, "Act as"), this.person, this.personHint),
      h("h2", { id: "app-title" }, `${names.user(bot)} (app)`),
      h("nav", { "aria-labelledby": "app-title" }, this.app),
      h("h2", { id: "channels-title" }, "Channels"),
      h("nav", { "aria-labelledby": "channels-title" }, this.channels),
      h("p", { class: "sandbox-note" }, "A pretend Slack workspace. The bot is the true one. Nothing leaves this machine."),
    );
  }

  show({ user, place, channels }) {
    this.people(user);
    const open = channels.find((channel) => channel.id === place);
    if (open) seen.set(`${user} ${open.id}`, open.latest);
    const line = (channel) => ({ ...channel, here: channel.id === place, fresh: channel.latest > (seen.get(`${user} ${channel.id}`) ?? channel.latest) });
    for (const channel of channels) if (!seen.has(`${user} ${channel.id}`)) seen.set(`${user} ${channel.id}`, channel.latest);
    const direct = channels.filter((channel) => channel.im).map((channel) => ({ ...line(channel), name: "Messages" }));
    keep(this.app, [{ id: "home", name: "Home", home: true, here: place === "home" }, ...direct], (item) => item.id, (item) => this.entry(item));
    keep(this.channels, channels.filter((channel) => !channel.im).map(line), (item) => item.id, (item) => this.entry(item));
  }

  entry(item) {
    const face = item.home ? "home" : item.im ? "thread" : item.private ? "lock" : "hash";
    return h(
      "li",
      {},
      h(
        "button",
        { type: "button", class: `place${item.here ? " here" : ""}${item.fresh ? " fresh" : ""}`, "aria-current": item.here ? "page" : null, "data-focus": item.id, onclick: () => this.go(item.id) },
        icon(face),
        h("span", { class: "place-name" }, item.name),
        item.private && !item.im && h("span", { class: "sr-only" }, "private"),
        item.fresh && h("span", { class: "new" }, "new"),
      ),
    );
  }

  people(user) {
    const people = [...names.people.values()].filter((person) => !person.bot);
    const print = JSON.stringify(people);
    if (this.print !== print) {
      this.print = print;
      this.person.replaceChildren(...people.map((person) => h("option", { value: person.id }, person.real_name)));
    }
    this.person.value = user;
    const me = names.people.get(user);
    this.personHint.textContent = me?.guest ? "A guest of this workspace" : me?.stranger ? "Of another company (Slack Connect)" : me?.title || "A member of this workspace";
  }
}
