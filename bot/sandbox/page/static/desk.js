// The helpdesk as its agents see it: the list of tickets, one ticket with its messages, and what an agent can do there.
import { deskFileAddress, get, post, upload } from "./api.js";
import { freshId, h, icon, keep, sizeWords, tell } from "./dom.js";
import { deskText } from "./emoji.js";
import { safeHtml } from "./safe_html.js";
import { deskTime } from "./when.js";

const EVERY_MS = 1500;

/** The pane of the desk, kept up to date by asking: the desk is another system and tells the page nothing. */
export class Desk {
  constructor(pane, system) {
    this.list = h("ul", { class: "tickets" });
    this.empty = h("p", { class: "empty" }, "No tickets yet. Write something in a channel and choose Create ticket from its menu, or send /ticket.");
    this.detail = h("div", { class: "ticket", hidden: true });
    this.open = "";
    this.count = h("span", { class: "hint" });
    this.overview = h("div", { class: "overview scroll" }, this.empty, this.list);
    pane.replaceChildren(h("header", { class: "pane-head" }, h("h2", {}, icon("desk"), system), this.count, h("span", { class: "hint agent-view" }, "as its agents see it")), this.overview, this.detail);
    this.reply = this.replyForm();
    this.loop();
  }

  async loop() {
    for (;;) {
      await this.refresh();
      await new Promise((done) => setTimeout(done, EVERY_MS));
    }
  }

  async refresh() {
    try {
      const { tickets } = await get("/desk");
      this.showList(tickets);
      if (this.open) this.showTicket((await get("/desk/ticket", { id: this.open })).ticket);
    } catch (error) {
      this.count.textContent = error.message;
    }
  }

  showList(tickets) {
    this.tickets = tickets;
    this.count.textContent = tickets.length === 1 ? "1 ticket" : `${tickets.length} tickets`;
    this.empty.hidden = tickets.length > 0;
    keep(this.list, tickets, (ticket) => ticket.id, (ticket) => this.line(ticket));
  }

  line(ticket) {
    return h("li", {}, h("button", { type: "button", class: "ticket-line", "data-focus": ticket.id, onclick: () => this.openTicket(ticket.id) }, h("span", { class: "ticket-top" }, h("span", { class: "number" }, numbered(ticket)), status(ticket)), h("span", { class: "subject" }, ticket.subject), h("span", { class: "hint" }, [ticket.department, ticket.priority, ticket.requester].filter(Boolean).join(" · "))));
  }

  /** Whether *address* is that of a ticket in a desk on this machine; then it is opened here. */
  follow(address) {
    const { hostname, origin, href } = new URL(address);
    if (origin === location.origin || !["127.0.0.1", "localhost"].includes(hostname)) return false;
    const ticket = this.tickets?.find((one) => [`=${one.id}`, `/${one.id}`].some((end) => href.endsWith(end)));
    if (ticket) this.openTicket(ticket.id);
    return Boolean(ticket);
  }

  async openTicket(id) {
    this.open = id;
    this.print = "";
    await this.refresh();
    this.detail.querySelector("h3")?.focus();
  }

  back() {
    const was = this.open;
    this.open = "";
    this.detail.hidden = true;
    this.overview.hidden = false;
    this.list.querySelector(`[data-focus="${CSS.escape(was)}"]`)?.focus();
  }

  showTicket(ticket) {
    if (ticket.id !== this.open || this.print === JSON.stringify(ticket)) return;
    const fresh = !this.print;
    this.print = JSON.stringify(ticket);
    this.overview.hidden = true;
    this.detail.hidden = false;
    if (fresh) this.drawTicket();
    this.heading.replaceChildren(h("span", { class: "number" }, numbered(ticket)), " ", ticket.subject);
    this.state.replaceChildren(status(ticket), h("button", { type: "button", class: "button small", "data-focus": "closed", onclick: () => this.setClosed(!ticket.closed) }, ticket.closed ? "Reopen ticket" : "Close ticket"));
    const rows = [["Requester", ticket.requester], ["Department", ticket.department], ["Priority", ticket.priority], ["Owner", ticket.owner], ...ticket.fields];
    this.facts.replaceChildren(...rows.filter(([, value]) => value).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
    const atEnd = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < 60;
    keep(this.messages, ticket.messages, (message) => message.id, (message) => deskMessage(message));
    if (fresh) this.body.scrollTop = 0;
    else if (atEnd) this.body.scrollTop = this.body.scrollHeight;
  }

  drawTicket() {
    this.heading = h("h3", { tabindex: "-1" });
    this.state = h("div", { class: "ticket-state" });
    this.facts = h("dl", { class: "facts" });
    this.messages = h("ol", { class: "desk-messages", "aria-label": "Messages of the ticket" });
    this.body = h("div", { class: "scroll" }, h("div", { class: "ticket-head" }, this.heading, this.state, this.facts), this.messages);
    this.detail.replaceChildren(h("p", { class: "crumb" }, h("button", { type: "button", class: "plain", onclick: () => this.back() }, icon("back"), "All tickets")), this.body, this.reply);
  }

  async setClosed(closed) {
    await this.tryTo(() => post("/desk/closed", { ticket: this.open, closed }));
  }

  replyForm() {
    const group = freshId("kind");
    const kinds = ["Public reply", "Internal note"].map((words, at) => ({ words, input: h("input", { type: "radio", name: group, id: `${group}-${at}`, checked: at === 0, onchange: () => mark() }) }));
    const area = h("textarea", { rows: 3, "aria-label": "What to write on the ticket" });
    const files = h("input", { type: "file", multiple: true, "aria-label": "Files to add" });
    const send = h("button", { type: "submit", class: "button primary small" }, "Send reply");
    const internal = () => kinds[1].input.checked;
    const mark = () => {
      form.classList.toggle("internal", internal());
      send.textContent = internal() ? "Add note" : "Send reply";
      area.placeholder = internal() ? "Only agents see this" : "The requester sees this";
    };
    const submit = async (event) => {
      event.preventDefault();
      if (!area.value.trim() && !files.files.length) return;
      send.disabled = true;
      const sent = await this.tryTo(async () => {
        const kept = [];
        for (const file of files.files) kept.push((await upload(file)).upload);
        await post("/desk/reply", { ticket: this.open, text: area.value, internal: internal(), files: kept });
      });
      send.disabled = false;
      if (sent) area.value = files.value = ""; // who may read it stays as chosen: a note must not become a reply by itself
    };
    const form = h("form", { class: "desk-reply", onsubmit: submit }, h("div", { class: "kinds", role: "radiogroup", "aria-label": "Who may read it" }, kinds.map(({ words, input }) => [input, h("label", { for: input.id }, words)])), area, h("div", { class: "desk-tools" }, files, send));
    mark();
    return form;
  }

  async tryTo(call) {
    try {
      await call();
    } catch (error) {
      tell(error.message);
      return false;
    }
    await this.refresh();
    return true;
  }
}

/** "#1042", or a number that has a sign of its own, such as "L-1". */
const numbered = (ticket) => (/^\d+$/.test(ticket.number) ? `#${ticket.number}` : ticket.number);

const status = (ticket) => h("span", { class: ticket.closed ? "status closed" : "status" }, ticket.status);

function deskMessage(message) {
  const kind = message.internal ? "Internal note" : message.by_agent ? "Public reply" : "From the requester";
  return h(
    "li",
    { class: `desk-message${message.internal ? " internal" : ""}${message.by_agent ? " agent" : ""}` },
    h("p", { class: "desk-message-head" }, h("span", { class: "author" }, message.author), h("span", { class: "badge" }, kind), h("time", {}, deskTime(message.at))),
    message.html ? h("div", { class: "desk-text html" }, safeHtml(message.html)) : h("div", { class: "desk-text" }, deskText(message.text)),
    message.files.length > 0 && h("ul", { class: "file-list", "aria-label": "Files" }, message.files.map((file) => h("li", {}, icon("file"), h("a", { href: deskFileAddress(file.id, file.name), download: file.name }, file.name), h("span", { class: "hint" }, ` ${sizeWords(file.size)}`)))),
  );
}
