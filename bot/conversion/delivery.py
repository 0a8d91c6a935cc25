"""Brings composed parts to a ticket: each file and each message is a step of its own, made once."""

import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypedDict

from adapters.contract import Capability, Reconcile, TicketAdapter
from adapters.errors import UnsupportedFeature
from adapters.model import MessageDraft, OutgoingFile, Person, TicketRef, Visibility
from bot.conversion.compose import Part, kept_back, not_attached, render
from bot.conversion.journal import Journal
from bot.conversion.ports import SlackFile, SlackRefused, SlackTrouble, ThreadMessage, Threads
from bot.conversion.records import Delivered, Link as TicketLink
from bot.conversion.stamps import UNSEEN, marker_of, part_marker
from bot.conversion.text.plain import to_plain
from bot.conversion.text.tree import Document
from bot.words import N_, _

FETCHES = 30
"""How often a file of Slack's may fail to come, which takes about twenty minutes, before its message goes without."""

_NO_NOTES = N_("it has no internal notes, so a message that begins with note: or a lock was not sent there.")
_UNMARK = N_("To send it for all to read, take the mark away in Slack and try again; otherwise discard it.")


class Doubt(TypedDict):
    """What `Journal.once` is told about a desk whose answer may get lost."""

    reconcile: Reconcile
    longest: timedelta
    settle: timedelta


def doubt(desk: TicketAdapter[Any]) -> Doubt:
    """How to find out what became of a call at *desk*; where nothing settles late, a dead process did its worst."""
    settle = desk.limits.settle
    longest = timedelta(seconds=desk.settings.timeout) if settle else timedelta()
    return Doubt(reconcile=desk.reconcile, longest=longest, settle=settle)


def fingerprints(messages: Iterable[ThreadMessage]) -> dict[str, str]:
    """What tells whether a Slack message still says what was sent of it, by its ts."""
    return {message.ts: marker_of(to_plain(message.document)) for message in messages}


async def on_ticket(desk: TicketAdapter[Any], link: TicketLink, identity: str) -> Delivered | None:
    """What the desk has of a message of which the store knows nothing, as after it was set back; None: nothing.

    Nothing, too, where the desk cannot be searched. *identity*: of the operation that brought it. Raises AdapterError.
    """
    if desk.reconcile is Reconcile.NONE:
        return None
    found = await desk.find_message(link.ref, part_marker(identity, 0))
    if found is None:
        return None
    alone = await desk.find_message(link.ref, part_marker(identity, 1)) is None
    return Delivered(message_id=found.id, alone=alone, on=link.ticket_id if link.follows else "")


@dataclass(kw_only=True)
class Carried:
    """A part whose files lie on our disk. ``left_out`` says in words what could not be fetched."""

    part: Part
    files: tuple[OutgoingFile, ...] = ()
    left_out: list[str] = field(default_factory=list)


@asynccontextmanager
async def fetched(threads: Threads, part: Part, *, limit: int | None, tries: dict[str, int]) -> AsyncIterator[Carried]:
    """*part* with its files on disk until the block ends; what Slack does not give is named in the text instead.

    *tries*: how often each could not be had, which is counted on here.

    Raises:
        SlackTrouble: Slack is away; nothing was sent to the desk yet.
    """
    if not part.files:
        yield Carried(part=part)
        return
    with tempfile.TemporaryDirectory(prefix="threadline-") as folder:
        carried = Carried(part=part)
        files: list[OutgoingFile] = []
        for number, file in enumerate(part.files):
            place = Path(folder) / str(number)
            place.mkdir()
            try:
                files.append(await threads.fetch(file, place, limit=limit))
            except (SlackRefused, SlackTrouble) as error:
                words, kept = _why_not(error, file, tries), file.refused(error.code)
                carried.left_out.append(kept_back(kept, words))
                carried.part = _without(carried.part, file, kept)
        carried.files = tuple(files)
        yield carried


def _why_not(error: SlackRefused | SlackTrouble, file: SlackFile, tries: dict[str, int]) -> str:
    """Why a file stays in Slack, in words; raises *error* as long as it may still come."""
    if isinstance(error, SlackRefused):
        return error.words
    if error.retry_after is None:  # else Slack is well, and only busy
        tries[file.id] = tries.get(file.id, 0) + 1
    if tries.get(file.id, 0) < FETCHES:
        raise error
    return _("it could not be fetched, although that was tried {count} times.", count=tries[file.id])


def _without(part: Part, file: SlackFile, kept: SlackFile) -> Part:
    """*part* with a line that says where the file is (*kept*) instead of the file."""
    document = Document((*part.document.blocks, not_attached(kept)))
    return replace(part, document=document, files=tuple(other for other in part.files if other is not file))


async def write(
    desk: TicketAdapter[Any],
    ticket: TicketRef,
    draft: MessageDraft,
    *,
    journal: Journal,
    step: str,
    says: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Add a message to a ticket, once. *says*: `fingerprints` of the Slack messages in it."""

    async def act() -> str:
        return (await desk.add_message(ticket, draft)).id

    async def look() -> str | None:
        found = await desk.find_message(ticket, draft.marker)
        return None if found is None else found.id

    await journal.once(step, act, look, says=says, **doubt(desk))


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How the parts of one operation are written on a ticket."""

    desk: TicketAdapter[Any]
    threads: Threads
    journal: Journal
    author: Person
    visibility: Visibility
    notify: bool | None = None
    sent_at: datetime | None = None
    says: Mapping[str, str] = field(default_factory=dict)  # `fingerprints` of the Slack messages in it
    identity: str = ""  # of what is written, where that may come under several operations; empty: the operation's

    def says_in(self, messages: Sequence[str]) -> dict[str, str]:
        """What ``says`` has of *messages*, by their ts."""
        return {ts: self.says[ts] for ts in messages if ts in self.says}

    def _is_superseded(self, part: Part) -> bool:
        """Whether *part* goes on with what was sent before it was edited; of the edit the ticket is told by itself."""
        said = self.journal.progress.said
        return any(said.get(ts, now) != now for ts, now in self.says_in(part.goes_on).items())

    async def draft(self, part: Part, files: Sequence[OutgoingFile], number: int | str) -> MessageDraft:
        """*part* as the desk is told it; files that go first are uploaded here, each as a step of its own.

        Raises:
            UnsupportedFeature: it is marked as a note, and the desk has none; it must not become public instead.
        """
        if part.internal and not self.desk.has(Capability.NOTE):
            raise UnsupportedFeature(self.desk.title, _NO_NOTES, remedy=_UNMARK)
        marker = part_marker(self.identity, number) if self.identity else self.journal.marker(number)
        uploads: tuple[str, ...] = ()
        if self.desk.has(Capability.UPLOAD_FIRST):
            uploads = tuple([await self._upload(file, marker, f"{number}:{n}") for n, file in enumerate(files)])
            files = ()
        return MessageDraft(
            body=render(part.document),
            author=self.author,
            marker=marker,
            visibility=Visibility.INTERNAL if part.internal else self.visibility,
            files=tuple(files),
            uploads=uploads,
            sent_at=self.sent_at,
            notify=self.notify,
        )

    async def add(self, ticket: TicketRef, parts: Sequence[Part], *, first: int) -> tuple[list[str], list[str]]:
        """Write *parts* on *ticket*; the first of them is number *first* of the operation.

        Returns:
            The desk's ids of the messages, and what could not be carried, in words.
        """
        ids: list[str] = []
        left_out: list[str] = []
        for place, part in enumerate(parts, start=first):
            number, progress = part.number or place, self.journal.progress
            step = f"message {number}"
            if step not in progress.done:
                if self._is_superseded(part):
                    ids.append("")
                    continue
                limit, tries = self.desk.limits.file, progress.tries
                async with fetched(self.threads, part, limit=limit, tries=tries) as carried:
                    if carried.left_out:
                        progress.left_out[step] = carried.left_out
                    draft = await self.draft(carried.part, carried.files, number)
                    says = self.says_in(part.messages)
                    await write(self.desk, ticket, draft, journal=self.journal, step=step, says=says)
            ids.append(progress.done[step])
            left_out += progress.left_out.get(step, [])
        return ids, left_out

    async def _upload(self, file: OutgoingFile, marker: str, number: str) -> str:
        async def act() -> str:
            return await self.desk.upload(file, marker)

        # nobody sees a file that no message names, so a second copy hurts nobody
        return await self.journal.once(f"{UNSEEN}{number}", act)


def delivered_on(
    journal: Journal,
    parts: Sequence[Part],
    ids: Sequence[str],
    messages: Sequence[ThreadMessage],
    *,
    on: str = "",
) -> dict[str, Delivered]:
    """Which Slack message is in which message of the desk, and which markers are ours; *on* as in `Delivered`.

    *messages*: as they read when the last part was sent, which an earlier part need not say.
    """
    found = [*ids, *[""] * (len(parts) - len(ids))]
    known: dict[str, Delivered] = {}
    now, says, progress = {message.ts: message for message in messages}, fingerprints(messages), journal.progress
    for number, part in enumerate(parts):
        alone = len(part.messages) == 1 and len(parts) == 1 and not part.more
        known[journal.marker(part.number or number)] = Delivered(message_id=found[number], on=on)
        where = Delivered(message_id=found[number], alone=alone, on=on, internal=part.internal)
        for ts in part.messages:  # of what was found after the store forgot it, nobody knows which version it is
            said = progress.said.get(ts, "")
            edited = now[ts].edited if said == says[ts] else ""
            known.setdefault(ts, where.model_copy(update={"edited": edited, "said": said}))
    done = {"message 0": found[0] if found else "", **progress.done}
    for ts, said in progress.said.items():  # that are deleted by now, and an earlier try carried them
        number = next((at for at, stamps in enumerate(progress.packed) if ts in stamps), 0)
        if ts not in known and (there := done.get(f"message {number}")) is not None:
            known[ts] = Delivered(message_id=there, said=said, on=on)
    return known
