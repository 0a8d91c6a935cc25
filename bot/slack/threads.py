"""Reads Slack: whole threads to their last page, single messages, people, files and links to messages."""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.model import OutgoingFile
from bot.conversion.ports import Audience, Author, SlackFile, SlackRefused, SlackTrouble, ThreadMessage
from bot.conversion.records import ThreadKey
from bot.conversion.stamps import microseconds
from bot.slack.files import Files, describe, needs_info
from bot.slack.limits import METADATA_EVENT, PAGE
from bot.slack.people import PATIENCE, People
from bot.slack.text.names import KnownNames, ids_in
from bot.slack.text.read_rich_text import dicts, from_message, is_shared
from bot.slack.web import Identity, Web
from bot.slack.wishes import CARRYING, SENDING, behind, carrying, only_asks

SPOKEN: Final = frozenset({"", "file_share", "me_message", "thread_broadcast", "bot_message"})
"""The subtypes of messages in which somebody says something; the others are Slack's own notices and tombstones."""

_TS = re.compile(r"\d{1,12}\.\d{1,6}")
_KEPT: Final = 32
_FRESH: Final = 600.0
_AUDIENCE: Final = 300.0


@dataclass(slots=True)
class _Reading:
    """How far a thread was read when Slack asked us to wait. The last page is read again when it goes on."""

    begun: float
    cursor: str = ""
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)


class SlackThreads:
    """`bot.conversion.ports.Threads` over the Web API.

    A long thread may meet Slack's rate: it raises SlackTrouble, and the next `read` goes on where that one stopped.
    """

    def __init__(self, web: Web, people: People, files: Files, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._web = web
        self._people = people
        self._files = files
        self._clock = clock
        self._readings: OrderedDict[ThreadKey, _Reading] = OrderedDict()
        self._audiences: dict[str, tuple[float, Audience]] = {}  # of the agents' channels, which are few

    async def read(self, thread: ThreadKey) -> tuple[ThreadMessage, ...]:
        """All messages of a thread to its last page, in order, our own left out.

        Raises:
            SlackTrouble: try again.
            SlackRefused: we are not in that channel, or it is gone.
        """
        reading = self._readings.pop(thread, None)
        if reading is None or self._clock() - reading.begun > _FRESH:
            reading = _Reading(self._clock())
        try:
            await self._read_pages(thread, reading)
            return await self._understand_all(list(reading.messages.values()), thread.channel)
        except SlackTrouble as trouble:
            if trouble.code != "invalid_cursor":
                self._keep(thread, reading)
            raise

    async def understand(self, message: dict[str, Any], channel: str) -> ThreadMessage:
        """A message as an event or a payload carries it. Raises SlackTrouble."""
        names = await self._people.names(ids_in(message))
        return await self._understand(message, channel, names, await self._web.identity())

    async def author(self, user: str) -> Author:
        """A person by id; an unknown id gives an author named after it. Raises SlackTrouble."""
        return await self._people.author(user)

    async def locale(self, user: str, *, patience: float = PATIENCE) -> str:
        """A person's locale, such as it-IT; empty where Slack does not tell it within *patience* seconds."""
        return await self._people.locale(user, patience=patience)

    async def file(self, file_id: str) -> SlackFile:
        """What Slack says of a file. Raises SlackTrouble, SlackRefused."""
        found = (await self._web.call("files.info", file=file_id)).get("file")
        return describe(found if isinstance(found, dict) else {"id": file_id})

    async def fetch(self, file: SlackFile, folder: Path, *, limit: int | None) -> OutgoingFile:
        """Bring a file to *folder*, checked. Raises SlackTrouble; SlackRefused with the reason for people."""
        if not file.url and not file.trouble:
            file = await self.file(file.id)
        return await self._files.fetch(file, folder, limit=limit)

    async def audience(self, channel: str) -> Audience:
        """Who reads a channel; known for some minutes. Raises SlackTrouble, SlackRefused."""
        until, known = self._audiences.get(channel, (0.0, Audience()))
        if self._clock() < until:
            return known
        info = (await self._web.call("conversations.info", channel=channel)).get("channel") or {}
        shared = bool(info.get("is_ext_shared") or info.get("is_pending_ext_shared"))
        guests = []
        async for member in self._web.pages("conversations.members", "members", channel=channel):
            author = await self._people.author(str(member))
            shared = shared or not (author.own_workspace or author.bot)
            guests += [author.name] if author.guest else []
        found = Audience(guests=tuple(guests), shared=shared)
        self._audiences[channel] = (self._clock() + _AUDIENCE, found)
        return found

    async def permalink(self, channel: str, ts: str) -> str:
        """The address of a message; empty where Slack does not tell. Raises SlackTrouble."""
        try:
            answer = await self._web.call("chat.getPermalink", channel=channel, message_ts=ts)
        except SlackRefused:
            return _address(await self._web.identity(), channel, {"ts": ts})
        return str(answer.get("permalink") or "")

    # --- pages ---

    async def _read_pages(self, thread: ThreadKey, reading: _Reading) -> None:
        """Add what Slack shows of *thread* to *reading*, from its cursor to the last page."""
        while True:
            answer = await self._page(thread, reading.cursor)
            for message in answer.get("messages") or []:
                if isinstance(message, dict) and _TS.fullmatch(str(message.get("ts", ""))):
                    reading.messages[message["ts"]] = message  # the first message comes with every page
            following = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not following:
                return
            reading.cursor = following

    async def _page(self, thread: ThreadKey, cursor: str) -> dict[str, Any]:
        try:
            return await self._web.call(
                "conversations.replies", channel=thread.channel, ts=thread.ts, limit=PAGE, cursor=cursor or None
            )
        except SlackRefused as refused:
            if refused.code == "invalid_cursor" and cursor:
                raise SlackTrouble("invalid_cursor") from refused
            raise

    def _keep(self, thread: ThreadKey, reading: _Reading) -> None:
        self._readings[thread] = reading
        if len(self._readings) > _KEPT:
            self._readings.popitem(last=False)

    # --- messages ---

    async def _understand_all(self, messages: Sequence[dict[str, Any]], channel: str) -> tuple[ThreadMessage, ...]:
        us = await self._web.identity()
        spoken = [message for message in messages if _is_spoken(message) and not is_ours(message, us)]
        spoken.sort(key=lambda message: microseconds(message["ts"]))
        await self._people.learn(str(one["user"]) for one in spoken if one.get("user") and not one.get("bot_id"))
        names = await self._people.names(ident for message in spoken for ident in ids_in(message))
        return tuple([await self._understand(message, channel, names, us) for message in spoken])

    async def _understand(
        self, message: Mapping[str, Any], channel: str, names: KnownNames, us: Identity
    ) -> ThreadMessage:
        ts, text = str(message.get("ts", "")), str(message.get("text") or "")
        edited = message.get("edited")
        verb = None if message.get("bot_id") else carrying(text, us.user_id)
        document = from_message(message, names)
        if verb:
            document = behind(document)
        files = tuple([await self._stub(one) for one in _files(message)])
        return ThreadMessage(
            ts=ts,
            author=await self._people.writer(message),
            at=_time(ts),
            document=document,
            files=files,
            edited=str(edited.get("ts") or "") if isinstance(edited, dict) else "",
            permalink=_address(us, channel, message),
            wish=not message.get("bot_id") and only_asks(text, us.user_id),
            carries=verb is not None and bool(document or files),
            visibility=CARRYING[verb] if verb else None,
            sends=dict(message) if verb in SENDING else None,
        )

    async def _stub(self, file: Mapping[str, Any]) -> SlackFile:
        """A file of a message; where Slack gives only its id, it is asked for."""
        stub = describe(file)
        if not needs_info(file):
            return stub
        try:
            return await self.file(stub.id)
        except SlackRefused as refused:
            return replace(stub, trouble=refused.words).refused(refused.code)


def _files(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The files of a message, and of those that it forwards, each once."""
    shared = [one for one in dicts(message.get("attachments")) if is_shared(one)]
    return list({str(file.get("id")): file for one in (message, *shared) for file in dicts(one.get("files"))}.values())


def _is_spoken(message: Mapping[str, Any]) -> bool:
    return str(message.get("subtype") or "") in SPOKEN and not message.get("hidden")


def is_ours(message: Mapping[str, Any], us: Identity) -> bool:
    """Whether *us* or another Threadline posted a message, under whatever name: then its metadata says so.

    A user's token makes a post look like that person's own, so neither author nor bot id would tell.
    """
    metadata = message.get("metadata")
    return us.wrote(message) or (isinstance(metadata, dict) and metadata.get("event_type") == METADATA_EVENT)


def _time(ts: str) -> datetime:
    """When a message was written; now, for one that Slack gave no time."""
    if not _TS.fullmatch(ts):
        return datetime.now(UTC)
    return datetime.fromtimestamp(microseconds(ts) / 1_000_000, UTC)


def _address(us: Identity, channel: str, message: Mapping[str, Any]) -> str:
    """The address of a message, without a call for each; a reply's leads into its thread."""
    ts, root = str(message.get("ts", "")), str(message.get("thread_ts") or "")
    address = us.address(channel, ts) if _TS.fullmatch(ts) else ""
    return f"{address}?thread_ts={root}&cid={channel}" if address and root and root != ts else address
