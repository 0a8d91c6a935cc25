"""Every change of a message, and the events that it raises."""

import re
from typing import Any

from bot.sandbox.slack.events import Events
from bot.sandbox.slack.state import Message, SandboxChannel, State, copied

_LINK = re.compile(r"<(https?://[^|>\s]+)(?:\|[^>]*)?>")
_OF_ROOTS = ("reply_count", "reply_users_count", "latest_reply", "reply_users", "is_locked", "subscribed", "replies")


class Messages:
    """Adds, changes and removes messages of the state, and tells the app and those beside it."""

    def __init__(self, state: State, events: Events) -> None:
        self.state, self.events = state, events
        self.apps: list[Messages] = [self]
        """As each app of the workspace sees them; all hold the same list."""

    def add(self, channel_id: str, message: Message) -> Message:
        """Store a message; raises ``message``, and ``app_mention``, ``link_shared`` and ``file_shared`` where due."""
        self.state.add_message(channel_id, message)
        for app in self.apps:
            app.tell_added(self.state.channels[channel_id], message)
        return message

    def tell_added(self, channel: SandboxChannel, message: Message) -> None:
        """Raise the events of a new message for this app."""
        event = self.for_event(message)
        event["event_ts"] = message["ts"]
        if message.get("subtype") == "thread_broadcast":
            event["root"] = self.for_event(self.state.messages[channel.id][message["thread_ts"]], root=True)
        self.events.message(channel, event)
        own = message.get("bot_id") == self.state.bot_id
        if not own and channel.bot_in and f"<@{self.state.bot_user_id}>" in message["text"] and not channel.is_im:
            self._mention(channel, message)
        if not own:
            self.share_links(channel, message)
            for file in message.get("files", ()):
                self._file_shared(channel, file["id"], message)

    def change(self, channel_id: str, ts: str, changes: Message, *, gone: tuple[str, ...] = ()) -> Message:
        """Give a message other fields; raises ``message_changed``. A person's edit brings its own ``edited``."""
        channel = self.state.channels[channel_id]
        message = self.state.messages[channel_id][ts]
        before = copied(message)
        message.update(changes)
        for key in gone:
            message.pop(key, None)
        self._changed(channel, message, before)
        return message

    def remove(self, channel_id: str, ts: str) -> None:
        """Delete a message; raises ``message_deleted``, or ``message_changed`` where a tombstone stays."""
        channel = self.state.channels[channel_id]
        before = copied(self.state.messages[channel_id][ts])
        stone = self.state.remove_message(channel_id, ts)
        if stone is not None:
            self._changed(channel, stone, before)
            return
        now = self.state.new_ts()
        event = {"subtype": "message_deleted", "hidden": True, "deleted_ts": ts, "ts": now, "event_ts": now}
        for app in self.apps:
            app.events.message(channel, {**event, "previous_message": app.for_event(before)})

    def react(self, user: str, channel_id: str, ts: str, emoji: str, *, add: bool) -> bool:
        """Add or remove a reaction; raises ``reaction_added`` or ``reaction_removed``. False if nothing changed."""
        channel = self.state.channels[channel_id]
        message = self.state.messages[channel_id][ts]
        reactions: list[dict[str, Any]] = message.setdefault("reactions", [])
        found = next((item for item in reactions if item["name"] == emoji), None)
        if add == (found is not None and user in found["users"]):
            return False
        if found is None:
            found = {"name": emoji, "users": [], "count": 0}
            reactions.append(found)
        if add:
            found["users"].append(user)
        else:
            found["users"].remove(user)
        found["count"] = len(found["users"])
        message["reactions"] = [item for item in reactions if item["count"]]
        if not message["reactions"]:
            del message["reactions"]
        self.state.changes.note(f"message {channel_id} {ts}")
        if channel.bot_in:
            name = "reaction_added" if add else "reaction_removed"
            item = {"type": "message", "channel": channel_id, "ts": ts}
            event = {"type": name, "user": user, "reaction": emoji, "item": item, "item_user": message.get("user", "")}
            for app in self.apps:
                app.events.emit(name, event, channel=channel)
        return True

    def share_links(self, channel: SandboxChannel, message: Message) -> None:
        """Raise ``link_shared`` for addresses of the app's domains; the bot need not be a member."""
        links = [
            {"url": url, "domain": domain}
            for url in (found.replace("&amp;", "&") for found in _LINK.findall(message["text"]))
            if (domain := self.events.registered(url))
        ]
        if links:
            event = {
                "type": "link_shared",
                "channel": channel.id,
                "is_bot_user_member": channel.bot_in,
                "user": message["user"],
                "message_ts": message["ts"],
                "unfurl_id": f"{channel.id}-{message['ts']}",
                "source": "conversations_history",
                "links": links,
            }
            if "thread_ts" in message:
                event["thread_ts"] = message["thread_ts"]
            self.events.emit("link_shared", event)

    def joined(self, user: str, channel: SandboxChannel, *, inviter: str = "") -> None:
        """Make someone a member: a ``channel_join`` message and ``member_joined_channel``."""
        channel.members.append(user)
        self.state.changes.note(f"channel {channel.id}")
        words = f"<@{user}> has joined the channel"
        note: Message = {"type": "message", "subtype": "channel_join", "ts": self.state.new_ts(), "user": user}
        self.add(channel.id, {**note, "text": words, **({"inviter": inviter} if inviter else {})})
        if channel.bot_in:
            event = {
                "type": "member_joined_channel",
                "user": user,
                "channel": channel.id,
                "channel_type": "G" if channel.private else "C",
                "team": self.state.people[user].team_id,
            }
            self.events.emit("member_joined_channel", {**event, **({"inviter": inviter} if inviter else {})})

    def _mention(self, channel: SandboxChannel, message: Message) -> None:
        event = {**self.for_event(message), "type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}
        event.pop("subtype", None)
        self.events.emit("app_mention", event)

    def _file_shared(self, channel: SandboxChannel, file_id: str, message: Message) -> None:
        if channel.bot_in:
            event = {"type": "file_shared", "file_id": file_id, "file": {"id": file_id}, "user_id": message["user"]}
            self.events.emit("file_shared", {**event, "channel_id": channel.id}, channel=channel)

    def _changed(self, channel: SandboxChannel, message: Message, before: Message) -> None:
        now = self.state.new_ts()
        self.state.changes.note(f"message {channel.id} {message['ts']}")
        event = {"subtype": "message_changed", "hidden": True, "ts": now, "event_ts": now}
        for app in self.apps:
            new, old = app.for_event(message, root=True), app.for_event(before, root=True)
            app.events.message(channel, {**event, "message": new, "previous_message": old})

    def for_app(self, message: Message) -> Message:
        """A copy of a message as the app gets it: of a stranger's files it gets only that they are there."""
        own = self.state.team_id
        if any(file.get("user_team", own) != own for file in message.get("files", ())):
            message["files"] = [
                file
                if file.get("user_team", own) == own
                else {"id": file["id"], "mode": "file_access", "file_access": "check_file_info"}
                for file in message["files"]
            ]
        return message

    def for_event(self, message: Message, *, root: bool = False) -> Message:
        """A message as an event shows it to this app; *root* keeps what only a thread's first message has."""
        shown = copied(message, metadata="metadata.message:read" in self.events.scopes)
        if not root:
            for key in _OF_ROOTS:
                shown.pop(key, None)
        return self.for_app(shown)
