// The page: keeps what the person looks at, asks the server what is there, and draws it whenever something changes.
import { act, get } from "./api.js";
import { Composer } from "./composer.js";
import { Desk } from "./desk.js";
import { h, icon, tell } from "./dom.js";
import { MessageList } from "./messages.js";
import { showForms } from "./modal.js";
import { names } from "./names.js";
import { Sidebar } from "./sidebar.js";
import { ViewBody } from "./view_body.js";

const FIRST = 200; // so many messages of a channel are shown before one asks for older ones
const state = { user: "", place: "", thread: "", limit: FIRST };
const part = (id) => document.getElementById(id);
const homes = new Map(); // person -> ViewBody
let start;
let parts;

const context = (thread) => () => ({ user: state.user, channel: state.place, thread: thread ? state.thread : "", commands: start.commands, shortcuts: start.shortcuts, openThread, refresh });

async function draw() {
  const { user, place, thread, limit } = state;
  const asked = { user, channel: place === "home" ? "" : place, thread, limit };
  const screen = await get("/screen", asked);
  if (user !== state.user || place !== state.place || thread !== state.thread) return;
  names.me = user;
  names.learn(start.people, screen.channels);
  parts.sidebar.show({ user, place, channels: screen.channels });
  drawMain(screen);
  drawThread(screen);
  showForms(user, screen.views, refresh);
}

function drawMain(screen) {
  const channel = names.channels.get(state.place);
  part("home").hidden = state.place !== "home";
  part("channel").hidden = state.place === "home";
  if (state.place === "home") {
    drawHead(h("h2", {}, icon("home"), "Threadline: Home"));
    drawHome(screen.home);
    return;
  }
  if (!channel) return;
  const name = channel.im ? names.user(start.bot) : channel.name;
  const members = channel.im ? "Direct message" : `${channel.members} members${channel.private ? ", private" : ""}${channel.topic ? `, ${channel.topic}` : ""}`;
  const invite = !channel.bot_in && h("button", { type: "button", class: "button small", onclick: () => quietly(act("invite", { user: state.user, channel: channel.id })) }, `Invite ${names.user(start.bot)}`);
  drawHead(h("h2", {}, icon(channel.im ? "thread" : channel.private ? "lock" : "hash"), name), h("span", { class: "hint" }, members), invite);
  part("older").hidden = !screen.older;
  Object.assign(parts.messages.place, context(false)());
  parts.messages.show(screen.messages);
  parts.composer.node.hidden = !channel.member;
  part("join").hidden = channel.member;
  parts.composer.switchTo(`${state.user} ${state.place}`, channel.im ? `Message ${name}` : `Message #${name}, or /ticket`);
}

/** The head is drawn again only when it says something new, so that the focus stays in it. */
function drawHead(...children) {
  const fresh = h("div", {}, children);
  const head = part("main-head");
  if (head.dataset.says === state.place + fresh.textContent) return;
  head.dataset.says = state.place + fresh.textContent;
  head.replaceChildren(...fresh.childNodes);
}

function drawHome(view) {
  const box = part("home");
  if (!homes.has(state.user)) homes.set(state.user, new ViewBody(state.user));
  const home = homes.get(state.user);
  if (view) home.update(view);
  const nothing = h("p", { class: "empty" }, "The app shows nothing here yet.");
  const wanted = view ? [home.banner, home.body] : [nothing];
  if (view ? home.body.parentElement !== box : !box.querySelector(".empty")) box.replaceChildren(...wanted);
}

function drawThread(screen) {
  const pane = part("thread");
  const open = Boolean(state.thread && state.place !== "home");
  document.body.classList.toggle("with-thread", open);
  pane.hidden = !open;
  if (!open) return;
  const channel = names.channels.get(state.place);
  part("thread-place").textContent = channel?.im ? names.user(start.bot) : `#${channel?.name || ""}`;
  Object.assign(parts.replies.place, context(true)());
  parts.replies.show(screen.replies);
  parts.reply.switchTo(`${state.user} ${state.place} ${state.thread}`, "Reply…");
}

function openThread(ts) {
  remember({ thread: ts });
  parts.reply.area.focus();
}

function closeThread() {
  const ts = state.thread;
  remember({ thread: "" });
  document.querySelector(`#messages [data-ts="${CSS.escape(ts)}"]`)?.focus();
}

/** Goes somewhere else; the address says where, so that a link or a reload leads back. */
function remember(change) {
  Object.assign(state, change);
  const address = `#${state.user}/${state.place}${state.thread ? `/${state.thread}` : ""}`;
  if (location.hash !== address) history.replaceState(null, "", address);
  refresh();
}

function go(place) {
  remember({ place, thread: "", limit: FIRST });
  if (place === "home") quietly(act("home", { user: state.user }));
  else if (matchMedia("(pointer: fine)").matches) parts.composer.area.focus();
}

async function become(user) {
  const direct = await act("direct", { user });
  const inDirect = names.channels.get(state.place)?.im;
  remember({ user, place: inDirect ? direct.channel : state.place, thread: inDirect ? "" : state.thread });
  if (state.place === "home") quietly(act("home", { user }));
}

async function quietly(call) {
  try {
    const answer = await call;
    if (answer?.error) tell(answer.error);
  } catch (error) {
    tell(error.message);
  }
  await refresh();
}

let running = Promise.resolve();
let queued = null;
/** Draws what is there now; calls while one is under way share the next. */
export function refresh() {
  queued ||= running.then(() => {
    queued = null;
    running = draw().catch((error) => tell(error.message));
    return running;
  });
  return queued;
}

async function listen() {
  let cursor = start.cursor;
  for (;;) {
    try {
      const news = await get("/changes", { cursor });
      part("offline").hidden = true;
      if (news.cursor !== cursor) await refresh();
      cursor = news.cursor;
    } catch {
      part("offline").hidden = false;
      await new Promise((done) => setTimeout(done, 1500));
    }
  }
}

/** Links to messages of this workspace and to tickets of the desk open here: neither has a page elsewhere. */
function followLink(event) {
  const link = event.target.closest?.("a[href]");
  if (link && parts.desk.follow(link.href)) event.preventDefault();
  const match = link && new RegExp(`^https://${start.domain}\\.slack\\.com/archives/([A-Z0-9]+)/p(\\d{10})(\\d{6})(?:\\?thread_ts=([\\d.]+))?`).exec(link.href);
  if (!match) return;
  event.preventDefault();
  const [, channel, seconds, rest, thread] = match;
  remember({ place: channel, thread: thread || `${seconds}.${rest}` });
}

/** The channel where somebody wrote last. */
function liveliest(channels) {
  const mine = channels.filter((channel) => channel.member && !channel.im);
  return mine.sort((one, other) => (one.latest < other.latest ? 1 : -1))[0]?.id || "home";
}

async function begin() {
  start = await get("/start");
  names.learn(start.people, []);
  names.groups = new Map(start.groups.map((group) => [group.id, group]));
  const [user, place, thread] = decodeURIComponent(location.hash.slice(1)).split("/");
  const people = start.people.filter((person) => !person.bot);
  state.user = people.some((person) => person.id === user) ? user : people[0].id;
  const first = await get("/screen", { user: state.user, channel: "", thread: "", limit: 1 });
  const known = place === "home" || first.channels.some((channel) => channel.id === place);
  Object.assign(state, known ? { place, thread: thread || "" } : { place: liveliest(first.channels) });
  document.title = `${start.workspace} – Threadline sandbox`;
  parts = {
    desk: new Desk(part("desk"), start.desk),
    sidebar: new Sidebar(part("sidebar"), { workspace: start.workspace, bot: start.bot, go, become }),
    messages: new MessageList(part("messages"), context(false)()),
    replies: new MessageList(part("replies"), context(true)()),
    composer: new Composer("Message", context(false)),
    reply: new Composer("Reply in the thread", context(true), { inThread: true }),
  };
  part("composer").append(parts.composer.node);
  part("reply").append(parts.reply.node);
  part("older").addEventListener("click", () => remember({ limit: state.limit + 500 }));
  part("thread-close").addEventListener("click", closeThread);
  part("thread").addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && closeThread());
  part("skip").addEventListener("click", () => parts.composer.area.focus());
  part("join").addEventListener("click", () => quietly(act("join", { user: state.user, channel: state.place })));
  document.addEventListener("click", followLink);
  await act("direct", { user: state.user });
  remember({});
  if (state.place === "home") quietly(act("home", { user: state.user }));
  listen();
}

begin().catch((error) => tell(error.message));
