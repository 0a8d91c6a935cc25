"""A pretend Slack workspace and what its people can do in it."""

import copy
import secrets
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bot.sandbox.slack.elements import NotOffered
from bot.sandbox.slack.events import Events
from bot.sandbox.slack.files import external_file, new_file, remove_file, share_file
from bot.sandbox.slack.interactions import Interactions
from bot.sandbox.slack.messages import Messages
from bot.sandbox.slack.outlet import Answer, Outlet
from bot.sandbox.slack.response_urls import ResponseUrls
from bot.sandbox.slack.state import Message, SandboxChannel, SandboxPerson, State, fixed_id
from bot.sandbox.slack.steps import Steps
from bot.sandbox.slack.typed import typed
from bot.sandbox.slack.views import Views

__all__ = ["Answer", "Message", "NotOffered", "SandboxChannel", "SandboxPerson", "Workspace", "registered"]


def registered(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What an app's manifest registers, as options of `Workspace`."""
    features, settings = manifest.get("features", {}), manifest.get("settings", {})
    return {
        "commands": features.get("slash_commands", ()),
        "shortcuts": features.get("shortcuts", ()),
        "unfurl_domains": features.get("unfurl_domains", ()),
        "scopes": manifest["oauth_config"]["scopes"]["bot"],
        "events": settings.get("event_subscriptions", {}).get("bot_events", ()),
        "functions": manifest.get("functions", {}),
    }


class Workspace:
    """One workspace with one app in it.

    ``commands`` and ``shortcuts`` are those of the app's manifest (``features.slash_commands`` and ``.shortcuts``),
    ``scopes`` its bot scopes, ``events`` its bot events; left out, the app has all of those that are known here.
    """

    def __init__(
        self,
        *,
        name: str = "Sandbox",
        commands: Sequence[Mapping[str, Any]] = (),
        shortcuts: Sequence[Mapping[str, Any]] = (),
        scopes: Iterable[str] | None = None,
        events: Iterable[str] | None = None,
        unfurl_domains: Sequence[str] = (),
        functions: Mapping[str, Any] | None = None,
        clock: Callable[[], float] = time.time,
        state: State | None = None,
    ) -> None:
        self.state = state or State(team_name=name, clock=clock)
        self.commands = [dict(item) for item in commands]
        self.shortcuts = [dict(item) for item in shortcuts]
        self.team_id, self.app_id = self.state.team_id, self.state.app_id
        self.bot_id, self.bot_user_id = self.state.bot_id, self.state.bot_user_id
        self.bot_token = "xoxb-sandbox-bot"
        self.app_token = "xapp-1-sandbox-app"
        self.uninstalled = False
        self.signing_secret = "5a6d626f7853616e64626f7853656372"
        self.people: dict[str, SandboxPerson] = self.state.people
        self.channels: dict[str, SandboxChannel] = self.state.channels
        self.events = Events(self.state, scopes=scopes, subscribed=events, domains=unfurl_domains)
        self.messages = Messages(self.state, self.events)
        self.views = Views(state=self.state)
        self.steps = Steps(functions or {})
        self.response_urls = ResponseUrls(state=self.state, messages=self.messages)
        self._interactions = Interactions(
            state=self.state,
            events=self.events,
            views=self.views,
            response_urls=self.response_urls,
            commands=self.commands,
            shortcuts=self.shortcuts,
        )

    @classmethod
    def demo(cls, **options: Any) -> "Workspace":
        """A small company with people, channels and a conversation; *options* are those of the constructor."""
        # The company is content, not machinery: it is written down in a module of its own, which imports this one.
        from bot.sandbox.slack.demo import company  # noqa: PLC0415

        return company(cls(name="Kestrel Cycles", **options))

    def another_app(self, name: str, **options: Any) -> "Workspace":
        """The same people, channels and messages for another app, whose bot has this name.

        *options* are those of the constructor. What happens is told to both apps, whichever it is done through.
        """
        other = Workspace(state=self.state.for_app(name), **options)
        other.messages.apps = self.messages.apps
        self.messages.apps.append(other.messages)
        return other

    @property
    def outlet(self) -> Outlet:
        """How the app is reached."""
        return self.events.outlet

    @outlet.setter
    def outlet(self, outlet: Outlet) -> None:
        self.events.outlet = outlet

    # --- setting it up ---

    def add_person(self, name: str, real_name: str, **more: Any) -> SandboxPerson:
        """Let someone in; *more* are fields of `SandboxPerson`."""
        user_id = more.pop("id", "") or fixed_id("U", name)
        return self.state.add_person(SandboxPerson(id=user_id, name=name, real_name=real_name, **more))

    def add_channel(
        self, name: str, members: Iterable[str] = (), *, private: bool = False, bot: bool = True
    ) -> SandboxChannel:
        """Open a channel; with *bot* its bot is a member."""
        listed = [*members, *([self.bot_user_id] if bot else [])]
        return self.state.add_channel(
            SandboxChannel(id=fixed_id("C", name), name=name, private=private, members=listed)
        )

    # --- writing ---

    async def post(
        self,
        user: str,
        channel: str,
        text: str,
        *,
        thread_ts: str = "",
        files: Sequence[tuple[str, bytes, str]] = (),
        broadcast: bool = False,
    ) -> Message:
        """Write a message; *files* are (name, bytes, media type)."""
        self._member(user, channel)
        person = self.people[user]
        subtype = ""
        if text.startswith("/me "):
            subtype, text = "me_message", text.removeprefix("/me ")
        message: Message = {
            "type": "message",
            "user": user,
            "ts": self.state.new_ts(),
            "client_msg_id": str(uuid.uuid4()),
            "team": person.team_id,
            **self._typed(text),
        }
        if subtype:
            message["subtype"] = subtype
            for key in ("blocks", "client_msg_id"):
                message.pop(key, None)
        if person.stranger:
            message |= {"user_team": person.team_id, "source_team": person.team_id}
        if thread_ts:
            self._root(channel, thread_ts)
            message["thread_ts"] = thread_ts
        if broadcast:
            message["subtype"] = "thread_broadcast"
        if files:
            kept = [await self.upload(user, *file) for file in files]
            message |= {"subtype": "file_share", "upload": False, "display_as_bot": False}
            message["files"] = [self.state.files[file_id].info for file_id in kept]
            for file_id in kept:
                share_file(self.state, file_id, self.channels[channel], message)
        return copy.deepcopy(self.messages.add(channel, message))

    async def upload(self, user: str, name: str, content: bytes, media_type: str) -> str:
        """Put a file where a form's file field or a message can name it; returns its id."""
        kept = new_file(self.state, user, name, content, media_type=media_type)
        return str(kept.info["id"])

    async def edit(self, user: str, channel: str, ts: str, text: str) -> Message:
        """Change one's own message."""
        message = self._own(user, channel, ts)
        stamp = {"user": user, "ts": self.state.stamp(int(self.state.clock()) * 1_000_000)}
        return copy.deepcopy(self.messages.change(channel, message["ts"], {**self._typed(text), "edited": stamp}))

    async def delete(self, user: str, channel: str, ts: str) -> None:
        """Delete one's own message."""
        self._own(user, channel, ts)
        self.messages.remove(channel, ts)

    async def react(self, user: str, channel: str, ts: str, emoji: str, *, add: bool = True) -> None:
        """Add or take away a reaction."""
        self._member(user, channel)
        self.messages.react(user, channel, ts, emoji.strip(":"), add=add)

    async def post_external_file(self, user: str, channel: str, name: str, url: str) -> Message:
        """Share a file that lies with somebody else: its "private" address is on another host."""
        self._member(user, channel)
        kept = external_file(self.state, user, name, url)
        message: Message = {"type": "message", "subtype": "file_share", "user": user, "ts": self.state.new_ts()}
        message |= {"team": self.people[user].team_id, "text": "", "upload": False, "files": [kept.info]}
        share_file(self.state, str(kept.info["id"]), self.channels[channel], message)
        return copy.deepcopy(self.messages.add(channel, message))

    async def delete_file(self, file_id: str) -> None:
        """Delete a file: its messages keep a tombstone."""
        for channel, ts in remove_file(self.state, file_id):
            self.state.changes.note(f"message {channel} {ts}")

    async def uninstall(self) -> None:
        """Take the app out of the workspace: it is told, and its token is worth nothing from now on."""
        bots = {"oauth": [], "bot": [self.bot_user_id]}
        self.events.emit("tokens_revoked", {"type": "tokens_revoked", "tokens": bots})
        self.events.emit("app_uninstalled", {"type": "app_uninstalled"})
        self.uninstalled = True

    async def unfurl(self, channel: str, ts: str, url: str, title: str) -> None:
        """Slack's own preview of a public page appears: the message changes although nobody edited it."""
        preview = {"id": 1, "from_url": url, "original_url": url, "fallback": title, "title": title, "title_link": url}
        self.messages.change(channel, ts, {"attachments": [preview]})

    async def post_as_app(self, channel: str, name: str, text: str, *, thread_ts: str = "") -> Message:
        """Another app's post, such as an alert: ``bot_message`` with text only."""
        message: Message = {
            "type": "message",
            "subtype": "bot_message",
            "bot_id": fixed_id("B", name),
            "username": name,
            "ts": self.state.new_ts(),
            "text": text,
        }
        self.state.bots[message["bot_id"]] = name
        if thread_ts:
            message["thread_ts"] = thread_ts
        return copy.deepcopy(self.messages.add(channel, message))

    # --- asking the app ---

    async def command(self, user: str, channel: str, command: str, text: str) -> Answer:
        """Send a slash command."""
        self._member(user, channel)
        return await self._interactions.command(user, channel, command, text)

    async def message_shortcut(self, user: str, channel: str, ts: str, callback_id: str) -> Answer:
        """Choose one of the app's entries in a message's menu."""
        self._member(user, channel)
        return await self._interactions.message_shortcut(user, channel, ts, callback_id)

    async def global_shortcut(self, user: str, callback_id: str) -> Answer:
        """Choose one of the app's entries in the lightning menu."""
        return await self._interactions.global_shortcut(user, callback_id)

    async def press(
        self,
        user: str,
        *,
        view_id: str = "",
        channel: str = "",
        ts: str = "",
        block_id: str,
        action_id: str,
        value: Any = None,
        values: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> Answer:
        """Use an element of a message, a form or App Home.

        *value* is the element's own form (``{"selected_option": {...}}``, ``{"value": "typed"}``, ...) or, shorter, the
        value of an option, a list of them, or the typed text. *values* is what else is filled into the form by now.
        """
        element: dict[str, Any] = {"block_id": block_id, "action_id": action_id, "value": value, "values": values or {}}
        if view_id:
            return await self._interactions.press_in_view(user, view_id, **element)
        return await self._interactions.press_in_message(user, channel, ts, **element)

    async def submit(self, user: str, view_id: str, values: Mapping[str, Mapping[str, Any]]) -> Answer:
        """Send the form on top; what the app answers (errors, update, push, clear) is applied to the stack of forms."""
        return await self._interactions.submit(user, view_id, values)

    async def close(self, user: str, view_id: str, *, everything: bool = False) -> None:
        """Close the form on top, or all of them."""
        await self._interactions.close(user, view_id, everything=everything)

    async def suggest(
        self, user: str, view_id: str, block_id: str, action_id: str, typed: str, *, channel: str = "", ts: str = ""
    ) -> list[dict[str, Any]]:
        """The options, or groups of options, that the app offers for what was typed into an external select.

        With *channel* and *ts* in place of a view's id, the select stands in a message.
        """
        where = {"channel": channel, "ts": ts, "block_id": block_id, "action_id": action_id}
        return await self._interactions.suggest(user, typed, view_id=view_id, **where)

    async def run_step(self, step: str, inputs: Mapping[str, Any]) -> str:
        """Have a workflow come to one of the app's steps; the id of this execution in `steps`."""
        execution, event = self.steps.begin(step, inputs)
        self.events.tell(event)
        return execution

    async def open_home(self, user: str) -> None:
        """Open the app's Home tab."""
        event: dict[str, Any] = {"type": "app_home_opened", "user": user, "tab": "home"}
        home = self.views.homes.get(user)
        if home is not None:
            event["view"] = copy.deepcopy(home)
        self.events.emit("app_home_opened", {**event, "channel": self.state.direct(user).id})

    async def invite_bot(self, channel: str) -> None:
        """Make the bot a member."""
        await self.join(self.bot_user_id, channel)

    async def join(self, user: str, channel: str) -> None:
        """Make a person a member."""
        found = self.channels[channel]
        if user not in found.members:
            self.messages.joined(user, found)

    async def leave(self, user: str, channel: str) -> None:
        """Take a person, or the bot, out of a channel."""
        found = self.channels[channel]
        found.members.remove(user)
        self.state.changes.note(f"channel {channel}")
        event = {"type": "member_left_channel", "user": user, "channel": channel, "team": self.people[user].team_id}
        if found.bot_in:
            self.events.emit("member_left_channel", {**event, "channel_type": "G" if found.private else "C"})

    async def direct(self, *users: str) -> str:
        """The channel id of the bot's direct message with a person, or of its group message with several."""
        return self.state.direct(*users).id

    # --- looking ---

    def views_of(self, user: str) -> list[dict[str, Any]]:
        """The forms that a person has open, the one on top last."""
        return copy.deepcopy(self.views.stacks.get(user, []))

    def home_of(self, user: str) -> dict[str, Any] | None:
        """The person's Home tab, if the app has published one."""
        return copy.deepcopy(self.views.homes.get(user))

    def ephemerals(self, user: str, channel: str) -> list[Message]:
        """What only this person sees in a channel, oldest first."""
        return copy.deepcopy(self.state.ephemerals.get((user, channel), []))

    def history(self, channel: str) -> list[Message]:
        """What a channel shows, oldest first."""
        return copy.deepcopy(self.state.top_level(channel))

    def replies(self, channel: str, ts: str) -> list[Message]:
        """A thread, its root first."""
        return copy.deepcopy(self.state.thread(channel, ts))

    def file_bytes(self, file_id: str) -> bytes:
        """A file's bytes. Raises KeyError."""
        return self.state.files[file_id].content

    def changed(self, cursor: int) -> tuple[int, list[str]]:
        """The newest cursor and the notices after *cursor*.

        Notices: ``message C ts``, ``ephemeral U C``, ``view U``, ``home U``, ``channel C``.
        """
        return self.state.changes.since(cursor)

    async def wait_change(self, cursor: int, timeout: float) -> tuple[int, list[str]]:  # noqa: ASYNC109 - a long poll
        """Like `changed`, but waits up to *timeout* seconds for something to tell."""
        return await self.state.changes.wait(cursor, timeout)

    # --- inside ---

    def _member(self, user: str, channel: str) -> None:
        if user not in self.channels[channel].members:
            raise NotOffered(f"{self.people[user].real_name} is not a member of #{self.channels[channel].name}")

    def _root(self, channel: str, ts: str) -> Message:
        message = self.state.messages[channel].get(ts)
        if message is None or message.get("thread_ts", ts) != ts:
            raise NotOffered(f"{ts} does not begin a thread")
        return message

    def _own(self, user: str, channel: str, ts: str) -> Message:
        message = self.state.messages[channel][ts]
        if message.get("user") != user:
            raise NotOffered("people can change their own messages only")
        return message

    def _typed(self, text: str) -> dict[str, Any]:
        if not text:
            return {"text": ""}
        block, mrkdwn = typed(text, self.find_name)
        return {"text": mrkdwn, "blocks": [{**block, "block_id": secrets.token_urlsafe(4)[:5]}]}

    def find_name(self, sign: str, name: str) -> str:
        """What a typed ``@name`` or ``#name`` refers to, as a control sequence; empty where it is no name."""
        if sign == "#":
            ids = (found.id for found in self.channels.values() if found.name == name and not found.is_im)
            return next((f"<#{channel_id}|{name}>" for channel_id in ids), "")
        if name in {"here", "channel", "everyone"}:
            return f"<!{name}>"
        ids = (person.id for person in self.people.values() if name in {person.name, person.id})
        groups = (group["id"] for group in self.state.groups.values() if group["handle"] == name)
        return next((f"<@{user}>" for user in ids), "") or next((f"<!subteam^{group}>" for group in groups), "")
