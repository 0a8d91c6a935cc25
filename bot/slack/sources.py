"""What a form starts from: a text, or a message with its thread, which is read to its last page."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict

from bot.conversion.compose import imported
from bot.conversion.marks import is_note
from bot.conversion.ports import SlackRefused, SlackTrouble, StoreAway, ThreadMessage, Threads
from bot.conversion.stamps import microseconds
from bot.conversion.text.plain import to_plain
from bot.slack.ids import Block
from bot.slack.seal import Memory
from bot.slack.text.read_rich_text import from_message
from bot.slack.views.form import ThreadSummary, Typed
from bot.slack.wishes import Verb, behind, carrying
from bot.words import N_, _

log = logging.getLogger(__name__)

_KEPT_FOR = timedelta(hours=2)
_UNREAD_FOR = timedelta(hours=24)
"""How long a message is kept that cannot be read again when its form comes back, however late that is."""
_SUBJECT = 80
_UNREADABLE = frozenset({"not_in_channel", "channel_not_found"})
_GONE = frozenset({"thread_not_found", "message_not_found"})
"""What somebody has deleted is not read from the payload of a shortcut either."""
_INVITE = N_(
    "Threadline is not a member of this conversation, so it sees only the message that you chose. To "
    "send the whole thread, write /invite @Threadline in the channel and start again."
)
SLOW = N_("Slack does not let Threadline read the thread just now. It will be read when the ticket is made.")


class Scratch(Protocol):
    """Keeps small things for a while, in the store."""

    async def get(self, key: str) -> str | None:
        """The value, or None."""
        ...

    async def put(self, key: str, value: str, ttl: timedelta) -> None:
        """Keep it for *ttl*."""
        ...

    async def take(self, key: str) -> str | None:
        """The value, which is then gone."""
        ...


class Kept(BaseModel):
    """What a form about a thread keeps between its drawings, because it is too large to travel with it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    offered: dict[str, Any] | None = None  # the message as the shortcut brought it
    summary: ThreadSummary | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Starter:
    """What the form begins with: a text, or a message, of which our user id (``us``) tells what in it is a wish."""

    channel: str = ""
    text: str = ""
    message: dict[str, Any] | None = None
    us: str = ""

    @property
    def message_ts(self) -> str:
        """The message that was chosen."""
        return str((self.message or {}).get("ts", ""))

    @property
    def thread_ts(self) -> str:
        """The thread that it is in, or would begin."""
        return str((self.message or {}).get("thread_ts") or self.message_ts)

    def _begins_with(self) -> str:
        """The words that a subject is made of; a note is for agents alone, and a subject is for everybody."""
        if self.message is None:
            return self.text
        verb, document = carrying(str(self.message.get("text") or ""), self.us), from_message(self.message, _Somebody())
        if verb is Verb.NOTE or is_note(document):
            return ""
        return to_plain(behind(document) if verb else document)

    @property
    def _author(self) -> str:
        message = self.message or {}
        return "" if message.get("bot_id") else str(message.get("user", ""))

    def typed(self, actor: str, *, behalf: bool, outsider: str = "") -> Typed:
        """The inputs that are filled from the start.

        *behalf*: *actor* may open tickets for others; *outsider*: the address that tickets of this channel are for.
        """
        text = self._begins_with()
        typed: dict[str, Mapping[str, Any]] = {
            Block.SUBJECT: {"value": first_line(text)},
            Block.REQUESTER: {"selected_user": (behalf and self._author) or actor},
        }
        if outsider:
            typed[Block.OUTSIDER] = {"value": outsider}
        if not self.message:
            typed[Block.DESCRIPTION] = {"value": text}
        return typed


class _Somebody:
    """Names before anybody was looked up: the form must open at once, and a subject can be changed in it."""

    def user(self, _id: str) -> str:
        return "somebody"

    def channel(self, _id: str) -> str:
        return "channel"

    def usergroup(self, _id: str) -> str:
        return "group"


def literal(message: Mapping[str, Any]) -> str:
    """A message's text as people see it, but for the names in it."""
    return to_plain(from_message(dict(message), _Somebody()))


def first_line(text: str) -> str:
    """A subject from the beginning of a text: its first line, cut at a word."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= _SUBJECT:
        return line
    head, _space, _cut = line[:_SUBJECT].rpartition(" ")
    return (head or line[: _SUBJECT - 1]) + "…"


class Sources:
    """Reads threads for forms, and keeps what it read while the form is open."""

    def __init__(self, threads: Threads, scratch: Scratch) -> None:
        self._threads = threads
        self._scratch = scratch

    async def kept(self, memory: Memory) -> Kept:
        """What was kept for a form; empty where that is gone. Raises StoreAway."""
        stored = await self._scratch.get(_key(memory)) if memory.kept else None
        return Kept.model_validate_json(stored) if stored else Kept()

    async def read(self, memory: Memory, offered: dict[str, Any] | None) -> Kept:
        """Read the thread of a form to its end and keep what came of it. Never raises for Slack or the store.

        A message that can be read again when the ticket is made is not kept.
        """
        if not memory.thread_ts:
            return Kept()
        kept = Kept(offered=offered)
        try:
            messages = await self._threads.read(memory.thread)
            first = {memory.thread_ts, memory.message_ts}
            kept = Kept(summary=summary_of(imported(messages, first), memory.message_ts))
        except SlackRefused as error:
            words = _(_INVITE) if error.code in _UNREADABLE else error.words
            kept = Kept(offered=offered, summary=ThreadSummary(cannot_read=words))
            if error.code in _GONE:
                kept = Kept(trouble=words)
        except SlackTrouble as error:
            log.info("a thread could not be read for a form: %s", error.code)
            kept = Kept(offered=offered, trouble=_(SLOW))
        await self._put(memory, kept, _UNREAD_FOR if kept.offered else _KEPT_FOR)
        return kept

    async def keep(self, memory: Memory, offered: dict[str, Any] | None) -> None:
        """Keep a message for a form. Never raises for the store: the form will say what it lacks."""
        await self._put(memory, Kept(offered=offered), _KEPT_FOR)

    async def forget(self, memory: Memory) -> None:
        """Let go what was kept for a form. Raises StoreAway."""
        if memory.kept:
            await self._scratch.take(_key(memory))

    async def _put(self, memory: Memory, kept: Kept, ttl: timedelta) -> None:
        try:
            await self._scratch.put(_key(memory), kept.model_dump_json(), ttl)
        except StoreAway:
            log.warning("the store is away; a form about a thread goes on without it")


def summary_of(messages: tuple[ThreadMessage, ...], chosen: str) -> ThreadSummary:
    """The numbers that the form shows about a thread."""
    files = [file for message in messages for file in message.files]
    start = microseconds(chosen) if chosen else 0
    return ThreadSummary(
        messages=len(messages),
        from_here=sum(1 for message in messages if microseconds(message.ts) >= start),
        people=len({message.author.id for message in messages}),
        files=len(files),
        size=sum(file.size for file in files),
    )


def _key(memory: Memory) -> str:
    return f"form:{memory.kept}"
