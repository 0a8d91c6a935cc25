"""Tells the ticket that a Slack message was edited or deleted; what it said before stays readable."""

import contextlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import UnsupportedFeature
from adapters.model import MessageRef, Visibility
from bot.conversion import compose
from bot.conversion.decisions import in_part, opened_with
from bot.conversion.delivery import Delivery, fingerprints, on_ticket
from bot.conversion.intake import Intake
from bot.conversion.journal import Again, Journal
from bot.conversion.marks import for_agents
from bot.conversion.ops import missed_op, told_op
from bot.conversion.people import Requesters, speaking_to
from bot.conversion.ports import Added, Outcome, ThreadMessage
from bot.conversion.pull import document_of
from bot.conversion.records import (
    AddMessage,
    DeleteMessage,
    Delivered,
    EditMessage,
    Link,
    LinkRef,
    Operation,
    ThreadKey,
    decode,
)
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import MARKER, making, marker_of
from bot.conversion.stored import UnknownVersion
from bot.conversion.sweep import is_for_the_ticket, is_since
from bot.conversion.text.plain import to_plain
from bot.conversion.text.tree import Block, Quote, paragraph
from bot.words import N_, _

_BEFORE = N_("Before it was edited:")
_NAMED = re.compile(r":(\w[\w-]*):")
"""What may be a letter by its name, as a desk spells it out whose database keeps none of four bytes."""
_NOTE = "message 0"
"""The step in which a `Delivery` writes the first part of a note."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The message at the desk that one of Slack has to itself; ``opening``: it is one of those that opened the ticket.

    ``marker``: what it is found by there, and must still be after its text was replaced.
    """

    message_id: str
    marker: str
    opening: bool


async def edit_message(rooms: Rooms, people: Requesters, journal: Journal, work: EditMessage) -> Outcome:
    """Bring the new text to the ticket: in place where the desk can, else as a note that shows both."""
    thread = ThreadKey.parse(journal.lease.lane)
    link, known = journal.head.link, await _known(rooms, thread, work.ts)
    late = known and (known.gone or (known.edited and float(known.edited) >= float(work.edited)))
    if link is None or late:  # it was deleted since, or edited again
        return Outcome()
    if known is None:
        return await _before_its_message(rooms, journal, link, work)
    desk = rooms.desks.get(link.desk)
    begun = journal.progress.tried
    now = await _as_it_reads(rooms, work, thread)
    later = now is not None and work.message is None and float(now.edited or 0) > float(work.edited)
    if now is None or (later and not begun):
        return Outcome()  # it was deleted since, or an edit that a sweep saw has one more after it, which will be told
    before = await rooms.threads.understand(work.previous, thread.channel) if work.previous else None
    says = fingerprints([now])[work.ts]
    edited = now.edited if later else work.edited
    told = Outcome(delivered={work.ts: known.model_copy(update={"edited": edited, "said": says})})
    if known.said == says and not begun:
        return told  # an earlier edit that is handed over only now must not undo it
    if before is not None and before.document == now.document:
        return Outcome()
    place = await _place(rooms, link, known, work.ts)
    unsure = not begun and (before is None or not known.said)
    marked, was_marked = for_agents(now), before is not None and for_agents(before)
    # of these no text may come to stand in what is for all to read
    private = marked or was_marked or (now.wish and not now.sends)
    replaces = before is not None and (known.internal or not private) and not _is_noted(journal)
    old = _old(before) if known.internal or not was_marked else ()  # a note was never part of what is public
    if not (place and replaces and await _in_place(rooms, people, journal, link, place, now=now, old=old)) and not (
        place and unsure and await _reads_so(desk, link, place, now)
    ):
        head = _(
            "{name} edited their message of {at:%Y-%m-%d %H:%M} UTC in Slack. It now reads:",
            name=now.author.name,
            at=now.at,
        )
        # Slack tells of an edit more exactly than a sweep can see it, so one edit may come under two identities
        identity = f"edit:{thread}:{work.ts}:{now.edited}:{says}"
        blocks = (paragraph(head), *now.document.blocks)
        await _note(rooms, people, journal, now, link, blocks=blocks, old=old, identity=identity)
    if before is not None and marked not in (was_marked, known.internal):
        await _tell_who_reads_it(rooms, journal, work, link, now, marked=marked)
    return told


async def _known(rooms: Rooms, thread: ThreadKey, ts: str) -> Delivered | None:
    """Where a message is on the ticket; some desks tell its id only when the ticket is read, by its marker.

    Of a ticket that is half opened, the opening that waits for a decision knows it.
    """
    known = await rooms.links.delivered(thread, ts)
    if known is None:
        opening = await _set_aside(rooms, thread, making(str(thread), await rooms.links.partings(thread)))
        return opened_with(opening).get(ts) if opening else None
    if known.message_id:
        return known
    there = await rooms.links.delivered(thread, _own_marker(thread, ts))
    return known.model_copy(update={"message_id": there.message_id}) if there else known


async def _place(rooms: Rooms, link: Link, known: Delivered, ts: str) -> _Place | None:
    """Where a message stands by itself at the desk; None where it does not, or on another ticket."""
    if not (known.message_id and known.alone and known.is_on(link)):
        return None
    own = _own_marker(link.thread, ts)
    there = await rooms.links.delivered(link.thread, own)
    if there and _is_same(there, known):  # as of every message but those with which the ticket was opened
        return _Place(message_id=known.message_id, marker=own, opening=False)
    deliveries = await rooms.links.deliveries(link.thread)
    markers = [name for name, one in deliveries.items() if name.startswith(MARKER) and _is_same(one, known)]
    marker = markers[0] if markers else own
    return _Place(message_id=known.message_id, marker=marker, opening=marker != own)


def _is_same(one: Delivered, other: Delivered) -> bool:
    return (one.message_id, one.on) == (other.message_id, other.on)


async def _set_aside(rooms: Rooms, thread: ThreadKey, op: str) -> Operation | None:
    """What was refused, perhaps when a part of it was there, and waits for a decision."""
    parked = await rooms.lanes.find_parked(str(thread), op)
    with contextlib.suppress(UnknownVersion):
        return decode(parked.payload) if parked else None
    return None


def _own_marker(thread: ThreadKey, ts: str) -> str:
    return marker_of(thread.bringing(ts))


def _is_noted(journal: Journal) -> bool:
    """Whether a note may be there from an earlier try, so that another step must not take its place."""
    return _NOTE in {journal.progress.calling, *journal.progress.done}


async def _tell_who_reads_it(
    rooms: Rooms, journal: Journal, work: EditMessage, link: Link, now: ThreadMessage, *, marked: bool
) -> None:
    """Tell the author who reads a message whose mark they took away, or gave it when it was for all to read already."""
    with await speaking_to(rooms, work.actor):
        if marked:
            text = _(
                "Your message of {at:%Y-%m-%d %H:%M} UTC is marked as a note now, so its new text went to ticket "
                "{number} as an internal note. What it said before is still there for all to read.",
                at=now.at,
                number=link.number,
            )
        else:
            text = _(
                "Your message of {at:%Y-%m-%d %H:%M} UTC stays an internal note on ticket {number}, although its mark "
                "is gone. To send it for all to read, write it anew without the mark.",
                at=now.at,
                number=link.number,
            )
    await rooms.lanes.add([told_op(link.thread, work.actor, text, once=f"{journal.head.id}:{work.actor}")])


async def _as_it_reads(rooms: Rooms, work: EditMessage, thread: ThreadKey) -> ThreadMessage | None:
    """The message after its edit; None where it is gone. Raises SlackTrouble, SlackRefused."""
    if work.message is not None:
        return await rooms.threads.understand(work.message, thread.channel)
    return next((one for one in await rooms.threads.read(thread) if one.ts == work.ts), None)


async def _before_its_message(rooms: Rooms, journal: Journal, link: Link, work: EditMessage) -> Outcome:
    """What it edits was refused, or Slack hands it over later: the message goes to the ticket as it reads now.

    Where a verb behind our name sends it, it is asked anew whether it may: Slack tells of no mention in an edit.
    """
    if await Intake(rooms.lanes, rooms.links).put_right(link.thread, work):
        return Outcome()
    now = await _as_it_reads(rooms, work, link.thread)
    if now is not None and now.sends and is_since(link, now):
        wish = missed_op(link.thread, now.sends, doubt=journal.progress.verify)
        asked = await rooms.lanes.add([wish])  # under the name that a sweep gives it, too
        anew = wish._replace(id=f"{wish.id}:{work.edited}")
        return Outcome(then=(anew,) if asked == [Added.DUPLICATE] else ())
    if now is not None and now.sends:
        await _tell_it_is_older(rooms, journal, work, link)
    elif link.mirror and now is not None and is_for_the_ticket(link, now):
        message = AddMessage(
            actor=work.actor, ts=work.ts, message=work.message, edited=work.edited, under=LinkRef.of(link)
        )
        added = await Intake(rooms.lanes, rooms.links).mirror(link.thread, message)
        if added is Added.DUPLICATE and await rooms.lanes.peek(str(link.thread), link.thread.bringing(work.ts)):
            raise Again(timedelta())  # it came in the meantime, and goes first
    return Outcome()


async def _tell_it_is_older(rooms: Rooms, journal: Journal, work: EditMessage, link: Link) -> None:
    """Tell the author that a message is sent by no edit that may have been for another ticket, or for none."""
    with await speaking_to(rooms, work.actor):
        text = _(
            "Your message was written before this thread went with ticket {number}, so its edit does not send it "
            "there. Write it anew.",
            number=link.number,
        )
    await rooms.lanes.add([told_op(link.thread, work.actor, text, once=f"{journal.head.id}:{work.actor}")])


async def delete_message(rooms: Rooms, people: Requesters, journal: Journal, work: DeleteMessage) -> Outcome:
    """Note on the ticket that a message is gone from Slack; take it off the ticket where the operator wants that."""
    thread = ThreadKey.parse(journal.lease.lane)
    link, known = journal.head.link, await _known(rooms, thread, work.ts)
    if link is None or (known and known.gone):  # told already, or dropped before it was sent
        return Outcome()
    desk = rooms.desks.get(link.desk)
    if known is None:
        known = await on_ticket(desk, link, thread.bringing(work.ts))
        if known is None and (message := await _set_aside(rooms, thread, thread.bringing(work.ts))):
            known = in_part(message)
    if known is None:  # Slack may hand the message over later; it is not sent then
        return Outcome(delivered={work.ts: Delivered(message_id="", gone=True)})
    told = Outcome(delivered={work.ts: known.model_copy(update={"gone": True})})
    redact = desk.settings.deletions == "redact" and desk.has(Capability.DELETE_MESSAGE)
    alone = bool(known.message_id) and known.alone and known.is_on(link)
    if redact and alone and await _off_the_ticket(journal, desk, link, known.message_id):
        return told
    before = await rooms.threads.understand(work.previous, thread.channel) if work.previous else None
    if before is not None and desk.settings.deletions == "redact":
        said = _(
            "{name} deleted their message of {at:%Y-%m-%d %H:%M} UTC in Slack. Take it off this ticket by hand: "
            "Threadline cannot, since it is part of a longer message or this desk has no way to.",
            name=before.author.name,
            at=before.at,
        )
        await _note(rooms, people, journal, before, link, blocks=(paragraph(said),))
    elif before is not None:
        head = _(
            "{name} deleted their message of {at:%Y-%m-%d %H:%M} UTC in Slack. It read:",
            name=before.author.name,
            at=before.at,
        )
        blocks = (paragraph(head), Quote(before.document.blocks))
        await _note(rooms, people, journal, before, link, blocks=blocks)
    return told


def _old(before: ThreadMessage | None) -> tuple[Block, ...]:
    return (paragraph(_(_BEFORE)), Quote(before.document.blocks)) if before else ()


async def _in_place(
    rooms: Rooms,
    people: Requesters,
    journal: Journal,
    link: Link,
    place: _Place,
    *,
    now: ThreadMessage,
    old: tuple[Block, ...],
) -> bool:
    """Have the desk's message say what the one in Slack says now; False where it cannot, or not in one message."""
    desk = rooms.desks.get(link.desk)
    if not desk.has(Capability.EDIT_MESSAGE):
        return False
    text = compose.of_edit(now, old, limits=desk.limits, capabilities=desk.able, opening=place.opening)
    if text is None:
        return False
    named = now.author
    if place.opening and link.requester:
        named = await rooms.threads.author(link.requester)
    author = await people.of(desk, named)

    async def act() -> str:
        try:
            ref, body = MessageRef(id=place.message_id), compose.render(text)
            await desk.edit_message(link.ref, ref, body, place.marker, author=author)
        except UnsupportedFeature:  # with this message, such as a note
            return ""
        return place.message_id

    return bool(await journal.once("edit", act))


async def _reads_so(desk: TicketAdapter[Any], link: Link, place: _Place, now: ThreadMessage) -> bool:
    """Whether the ticket's message reads as the one in Slack does now: it was sent or edited so, and that forgotten."""
    text = compose.of_edit(now, (), limits=desk.limits, capabilities=desk.able, opening=place.opening)
    if text is None or not desk.has(Capability.READ_MESSAGES):
        return False
    there = next((one for one in await desk.messages(link.ref) if one.id == place.message_id), None)
    if there is None:
        return False
    reads, says = (_letters(to_plain(document)) for document in (document_of(there), text))
    reads = reads.removeprefix(_letters(now.author.name) + "wrote")  # as a desk signs what has no author of its own
    return bool(says) and (reads == says or reads.startswith(says + _letters(_(_BEFORE))))


def _letters(text: str) -> str:
    """What no desk changes of a text."""
    plain = _NAMED.sub(_by_name, unicodedata.normalize("NFKC", text))
    return "".join(letter for letter in plain if letter.isalnum() and letter <= "\uffff")


def _by_name(found: re.Match[str]) -> str:
    """The letter of that name; what has none, such as the minutes of a time, stays."""
    try:
        return unicodedata.lookup(found[1].replace("_", " ").upper())
    except KeyError:
        return found[0]


async def _off_the_ticket(journal: Journal, desk: TicketAdapter[Any], link: Link, message_id: str) -> bool:
    """Take a message off its ticket; False where the desk cannot do that with this one."""

    async def act() -> str:
        try:
            await desk.delete_message(link.ref, MessageRef(id=message_id))
        except UnsupportedFeature:
            return ""
        return message_id

    return bool(await journal.once("delete", act))


async def _note(
    rooms: Rooms,
    people: Requesters,
    journal: Journal,
    message: ThreadMessage,
    link: Link,
    *,
    blocks: tuple[Block, ...],
    old: tuple[Block, ...] = (),
    identity: str = "",
) -> None:
    """An internal note, or where the desk has none a message as visible as the thread's others; in parts where it must.

    Raises:
        UnsupportedFeature: *message* is marked as a note, and the desk has none.
    """
    desk = rooms.desks.get(link.desk)
    delivery = Delivery(
        desk=desk,
        threads=rooms.threads,
        journal=journal,
        author=await people.of(desk, message.author),
        visibility=Visibility.INTERNAL if desk.has(Capability.NOTE) else link.visibility,
        notify=False,
        sent_at=message.at,
        identity=identity,
    )
    internal = for_agents(message)
    documents = compose.of_words(blocks, old, limits=desk.limits)
    parts = [compose.Part(document=document, internal=internal) for document in documents]
    await delivery.add(link.ref, parts, first=0)
