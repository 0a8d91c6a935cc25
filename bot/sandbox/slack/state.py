"""What a pretend workspace holds: people, channels, messages, files; and the notices that something changed."""

import asyncio
import copy
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]
"""A message as Slack's Web API returns it."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


def fixed_id(prefix: str, name: str) -> str:
    """An id that is the same for the same name: people and channels keep theirs when the sandbox restarts."""
    digest = hashlib.sha256(f"{prefix}{name}".encode()).digest()
    return prefix + "0" + "".join(_ALPHABET[byte % 36] for byte in digest[:9])


def fresh_id(prefix: str) -> str:
    """An id that was never used before."""
    return prefix + "0" + "".join(secrets.choice(_ALPHABET) for _ in range(9))


@dataclass(kw_only=True)
class SandboxPerson:
    """A person (or a bot user). ``guest``: a restricted account; ``stranger``: of another workspace (Slack Connect)."""

    id: str
    name: str
    real_name: str
    email: str = ""
    guest: bool = False
    stranger: bool = False
    locale: str = "en-GB"
    colour: str = "4bbe2e"
    title: str = ""
    bot: bool = False
    team_id: str = ""
    deleted: bool = False


@dataclass(kw_only=True)
class SandboxChannel:
    """A channel, a group message (``is_mpim``), or a direct message between one person and the bot (``is_im``)."""

    id: str
    name: str
    private: bool = False
    is_im: bool = False
    is_mpim: bool = False
    members: list[str] = field(default_factory=list)
    created: int = 0
    topic: str = ""
    archived: bool = False
    bot_user_id: str = ""

    @property
    def bot_in(self) -> bool:
        """Whether the bot is a member."""
        return self.bot_user_id in self.members

    @property
    def kind(self) -> str:
        """Slack's ``channel_type``: channel, group, im or mpim."""
        if self.is_im or self.is_mpim:
            return "im" if self.is_im else "mpim"
        return "group" if self.private else "channel"


@dataclass(kw_only=True)
class SandboxFile:
    """A file: Slack's file object and its bytes."""

    info: dict[str, Any]
    content: bytes


class Changes:
    """A numbered list of short notices, so that a page can ask what is new since it last looked."""

    def __init__(self, keep: int = 2000) -> None:
        self._notices: list[str] = []
        self._dropped = 0
        self._keep = keep
        self._news = asyncio.Event()

    def note(self, notice: str) -> None:
        """Add a notice and wake those who wait."""
        self._notices.append(notice)
        if len(self._notices) > self._keep:
            surplus = len(self._notices) - self._keep
            del self._notices[:surplus]
            self._dropped += surplus
        self._news.set()
        self._news = asyncio.Event()

    def since(self, cursor: int) -> tuple[int, list[str]]:
        """The newest cursor, and what was noted after *cursor*."""
        start = max(0, cursor - self._dropped)
        return self._dropped + len(self._notices), self._notices[start:]

    async def wait(self, cursor: int, timeout: float) -> tuple[int, list[str]]:  # noqa: ASYNC109 - the page's long poll
        """Like `since`, but waits up to *timeout* seconds for something to tell."""
        if not self.since(cursor)[1]:
            try:
                await asyncio.wait_for(self._news.wait(), timeout)
            except TimeoutError:
                return self.since(cursor)
        return self.since(cursor)


class State:
    """People, channels, messages and files, without any wire. All of one asyncio loop."""

    def __init__(self, *, team_name: str = "Sandbox", clock: Callable[[], float] = time.time) -> None:
        domain = team_name.lower().replace(" ", "-")
        self.team_name, self.domain, self.clock = team_name, domain, clock
        self.team_id = fixed_id("T", domain)
        self.app_id = fixed_id("A", domain)
        self.bot_id = fixed_id("B", domain)
        self.bot_user_id = fixed_id("U", domain + "-bot")
        self.base_url = "http://127.0.0.1:9"
        self.people: dict[str, SandboxPerson] = {}
        self.channels: dict[str, SandboxChannel] = {}
        self.messages: dict[str, dict[str, Message]] = {}
        self.deleted: set[tuple[str, str]] = set()
        self._replies: dict[tuple[str, str], dict[str, None]] = {}
        self.ephemerals: dict[tuple[str, str], list[Message]] = {}
        self.files: dict[str, SandboxFile] = {}
        self.bots: dict[str, str] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.changes = Changes()
        self._last_ts = [0]  # shared by the apps of a workspace
        self.add_person(
            SandboxPerson(id=self.bot_user_id, name="threadline", real_name="Threadline", bot=True, colour="2c2d30")
        )

    def for_app(self, name: str) -> "State":
        """The same workspace as another app has it: with a bot of its own, a member wherever ours is."""
        other = copy.copy(self)
        other.app_id, other.bot_id = fixed_id("A", name), fixed_id("B", name)
        other.bot_user_id = fixed_id("U", f"{name}-bot")
        other.add_person(SandboxPerson(id=other.bot_user_id, name=name, real_name=name, bot=True, colour="2c2d30"))
        self.bots[other.bot_id] = name
        for channel in self.channels.values():
            if channel.bot_in:
                channel.members.append(other.bot_user_id)
        return other

    # --- people and channels ---

    def add_person(self, person: SandboxPerson) -> SandboxPerson:
        """Let someone in."""
        person.team_id = person.team_id or (fixed_id("T", "elsewhere") if person.stranger else self.team_id)
        self.people[person.id] = person
        return person

    def add_channel(self, channel: SandboxChannel) -> SandboxChannel:
        """Open a channel."""
        channel.bot_user_id = self.bot_user_id
        channel.created = channel.created or int(self.clock())
        self.channels[channel.id] = channel
        self.messages[channel.id] = {}
        self.changes.note(f"channel {channel.id}")
        return channel

    def direct(self, *users: str) -> SandboxChannel:
        """The direct message (or group message) of the bot with people, opened where it is not yet."""
        alone = len(users) == 1
        channel_id = fixed_id("D" if alone else "C", "".join(sorted(users)))
        if channel_id not in self.channels:
            names = "--".join(sorted(self.people[user].name for user in users))
            channel = SandboxChannel(id=channel_id, name=users[0] if alone else f"mpdm-{names}--threadline-1")
            channel.is_im, channel.is_mpim, channel.private = alone, not alone, True
            channel.members = [*users, self.bot_user_id]
            self.add_channel(channel)
        return self.channels[channel_id]

    def shared_outside(self, channel: SandboxChannel) -> bool:
        """Whether a stranger is a member (a Slack Connect channel)."""
        return any(self.people[member].stranger for member in channel.members)

    # --- time ---

    def new_ts(self) -> str:
        """A timestamp later than every one before it."""
        self._last_ts[0] = max(int(self.clock() * 1_000_000), self._last_ts[0] + 100)
        return self.stamp(self._last_ts[0])

    @staticmethod
    def stamp(microseconds: int) -> str:
        """Slack's form of a time."""
        return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"

    # --- messages ---

    def add_message(self, channel: str, message: Message, *, count: bool = True) -> Message:
        """Store a message and bring its thread's root up to date; *count* False leaves that to whoever adds many."""
        self.messages[channel][message["ts"]] = message
        root = self.messages[channel].get(message.get("thread_ts", ""))
        if root is not None and root is not message:
            message["parent_user_id"] = root.get("user", "")
            self._replies.setdefault((channel, root["ts"]), {})[message["ts"]] = None
            if count:
                self.refresh_root(channel, root["ts"])
        self.changes.note(f"message {channel} {message['ts']}")
        return message

    def refresh_root(self, channel: str, ts: str) -> None:
        """Recount a root's replies."""
        root = self.messages[channel].get(ts)
        if root is None:
            return
        replies = self.thread(channel, ts)[1:]
        for key in ("reply_count", "reply_users_count", "latest_reply", "reply_users", "is_locked", "subscribed"):
            root.pop(key, None)
        if not replies:
            if root.get("thread_ts") == ts:
                root.pop("thread_ts")
            return
        users = list(dict.fromkeys(reply.get("user") or reply.get("bot_id", "") for reply in replies))
        root.update(
            thread_ts=ts,
            reply_count=len(replies),
            reply_users_count=len(users),
            latest_reply=replies[-1]["ts"],
            reply_users=users[:5],
            is_locked=False,
            subscribed=False,
        )

    def thread(self, channel: str, ts: str) -> list[Message]:
        """A root and its replies in order, as they are stored; a lone message is its own thread."""
        kept = self.messages[channel]
        return [kept[one] for one in (ts, *self._replies.get((channel, ts), ())) if one in kept]

    def place_in(self, channel: str, ts: str) -> str:
        """The root of the thread that *ts* names, by its root or by a reply.

        Empty where that was deleted: as Slack has it, what is for such a thread comes to stand in the channel itself.

        Raises:
            KeyError: there never was such a message.
        """
        if not ts or (channel, ts) in self.deleted:
            return ""
        return str(self.messages[channel][ts].get("thread_ts", ts))

    def top_level(self, channel: str) -> list[Message]:
        """What the channel itself shows, oldest first: no replies unless they were broadcast."""
        return [
            message
            for message in self.messages[channel].values()
            if message.get("thread_ts", message["ts"]) == message["ts"] or message.get("subtype") == "thread_broadcast"
        ]

    def remove_message(self, channel: str, ts: str) -> Message | None:
        """Take a message away; a root with replies becomes a tombstone, which is returned."""
        gone = self.messages[channel][ts]
        self.changes.note(f"message {channel} {ts}")
        if gone.get("reply_count"):
            keep = ("ts", "thread_ts", "reply_count", "reply_users_count", "latest_reply", "reply_users")
            stone: Message = {
                "type": "message",
                "subtype": "tombstone",
                "text": "This message was deleted.",
                "user": "USLACKBOT",
                "hidden": True,
                **{key: gone[key] for key in keep},
                "is_locked": False,
            }
            self.messages[channel][ts] = stone
            return stone
        self._drop(channel, ts)
        root = gone.get("thread_ts", ts)
        if root != ts:
            self._replies.get((channel, root), {}).pop(ts, None)
            self.refresh_root(channel, root)
            left = self.messages[channel].get(root, {})
            if left.get("subtype") == "tombstone" and not left.get("reply_count"):
                self._drop(channel, root)
        return None

    def _drop(self, channel: str, ts: str) -> None:
        del self.messages[channel][ts]
        self.deleted.add((channel, ts))

    def permalink(self, channel: str, ts: str) -> str:
        """A message's address, as Slack writes it."""
        message = self.messages[channel][ts]
        link = f"https://{self.domain}.slack.com/archives/{channel}/p{ts.replace('.', '')}"
        root = message.get("thread_ts", ts)
        return link if root == ts else f"{link}?thread_ts={root}&cid={channel}"

    def set_base_url(self, address: str) -> None:
        """Where this workspace is served: the addresses of its files begin with it."""
        for kept in self.files.values():
            for key in ("url_private", "url_private_download"):
                kept.info[key] = kept.info[key].replace(self.base_url, address, 1)
        self.base_url = address


def copied(message: Message, *, metadata: bool = True) -> Message:
    """A message for a reader. Without *metadata* only the type of its metadata is told, as Slack does."""
    shown = copy.deepcopy(message)
    if not metadata and "metadata" in shown:
        shown["metadata"] = {"event_type": shown["metadata"].get("event_type", "")}
    return shown
