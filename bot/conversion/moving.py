"""A thread goes on in a new ticket: one that follows a closed one, or one at another desk."""

import contextlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count, takewhile
from typing import Any

from adapters.contract import Capability, TicketAdapter, marker_in
from adapters.errors import NotFound, UnsupportedFeature
from adapters.model import (
    Act,
    Change,
    ChoiceList,
    Message,
    MessageDraft,
    Opened,
    Person,
    Role,
    Status,
    TicketRef,
    Visibility,
)
from bot.conversion import compose, tickets
from bot.conversion.delivery import Delivery, delivered_on, fingerprints, write
from bot.conversion.journal import Journal
from bot.conversion.ops import agents_ops, card_op, leave_op, pull_op, say_op, told_op, watch_ops
from bot.conversion.people import Requesters, speaking_to
from bot.conversion.ports import Author, Outcome, ThreadMessage
from bot.conversion.pull import document_of
from bot.conversion.records import Delivered, LeaveTicket, Link, MoveTicket, OpenTicket, Say, ThreadKey
from bot.conversion.relinking import relink
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import making, part_marker
from bot.conversion.text.plain import from_plain
from bot.conversion.text.tree import Document
from bot.words import _

_OLD = "old"


async def follow_up(rooms: Rooms, people: Requesters, journal: Journal, link: Link, message: ThreadMessage) -> Outcome:
    """Open a ticket that follows the closed one of *link*, with *message* on it, and have the thread go with it."""
    desk = rooms.desks.get(link.desk)
    old = journal.progress.done.setdefault(_OLD, link.number)
    about = _("This follows ticket {number}, which is closed.", number=old)
    conversion = compose.of_thread(
        (message,), limits=desk.limits, capabilities=desk.able, description=from_plain(about)
    )
    outcome, new = await _open(rooms, people, journal, desk, link=link, conversion=conversion, messages=(message,))
    if new:
        words = _("Ticket {old} is closed, so this thread goes on in ticket {number}.", old=old, number=new.number)
        said = Say(thread=link.thread, text=words, actor=link.opened_by)
        await rooms.lanes.add([say_op(said, once=f"follows:{new.desk}:{new.ticket_id}"), card_op(link.thread)])
    return outcome if outcome.delivered else Outcome(delivered=delivered_on(journal, conversion.parts, (), (message,)))


async def move_ticket(rooms: Rooms, people: Requesters, journal: Journal, work: MoveTicket) -> Outcome:
    """Open a ticket at another desk with all that was said, have the thread go with it, and have the old one closed."""
    link = journal.head.link
    if link is None:
        return Outcome()
    done, desk = journal.progress.done, rooms.desks.get(work.desk)
    kept = done.setdefault(_OLD, json.dumps([link.desk, link.ticket_id, link.number]))
    old_desk, old_id, old_number = json.loads(kept)
    old = rooms.desks.get(old_desk)
    if link.visibility is Visibility.INTERNAL and not desk.has(Capability.INTERNAL_TICKET):
        cause = _("it has no internal tickets, so what was internal would become public there.")
        raise UnsupportedFeature(desk.title, cause, remedy=_("Open a ticket there by hand."))
    said = await _history(rooms, journal, link, old, TicketRef(id=old_id, number=old_number))
    names = {"number": old_number, "desk": old.title}
    about = from_plain(_("This was ticket {number} at {desk} before.", **names))
    conversion = compose.of_thread(
        said, limits=desk.limits, capabilities=desk.able, description=about, packed=journal.progress.packed
    )
    tickets.fix_parts(journal, conversion)
    outcome, new = await _open(rooms, people, journal, desk, link=link, conversion=conversion, messages=said)
    if new:
        follower = _("ticket {number} at {desk}", number=new.number, desk=desk.title)
        leave = LeaveTicket(actor=work.actor, desk=old_desk, ticket_id=old_id, number=old_number, follower=follower)
        words = _("This thread goes on in {follower}. It was ticket {number} at {desk}.", follower=follower, **names)
        said_so = Say(thread=link.thread, text=words, actor=work.actor)
        once = f"{new.desk}:{new.ticket_id}"
        await rooms.lanes.add([leave_op(link.thread, leave), say_op(said_so, once=once), card_op(link.thread)])
        # a look that repeats itself rests as long as the old ticket deserved, and those at the new one stand behind it
        await rooms.lanes.nudge(pull_op(link.thread).lane)
    return outcome


async def _history(
    rooms: Rooms, journal: Journal, link: Link, old: TicketAdapter[Any], ref: TicketRef
) -> tuple[ThreadMessage, ...]:
    """What people said in the thread and what only the old ticket has, by time; fixed when the work began."""
    known = dict[str, Delivered]()
    for thread in {link.thread, *await rooms.links.threads(old.name, ref.id)}:
        known |= await rooms.links.deliveries(thread)
    # a wish is told where it is known to have brought something to the ticket
    said = [one for one in await rooms.threads.read(link.thread) if not one.wish or one.ts in known]
    if old.has(Capability.READ_MESSAGES):
        made_as = making(str(link.thread), await rooms.links.partings(link.thread))
        brought = _brought(link.thread, made_as, known, [message.ts for message in said])
        for number, one in enumerate(await old.messages(ref)):
            marker = one.marker or marker_in(one.body)
            # ours are what was typed elsewhere in Slack, and what was typed into the form that the ticket began as
            typed = (marker in known or number == 0) and not {marker, one.id} & brought
            said += [_of_desk(one)] if typed or not marker else []
    if journal.progress.plan:
        (fixed,) = journal.progress.plan
        said = [message for message in said if message.ts in fixed]
    else:
        journal.progress.plan = [[message.ts for message in said]]
    return tuple(sorted(said, key=lambda message: message.at))


def _brought(thread: ThreadKey, made_as: str, known: Mapping[str, Delivered], there: Iterable[str]) -> set[str]:
    """Ids and markers of the ticket's messages that are in the thread (*there*), too, or were deleted in it."""
    told = {*there, *(ts for ts, sent in known.items() if sent.gone)}
    found = {known[ts].message_id for ts in told if ts in known}
    for identity in (made_as, *map(thread.bringing, told)):
        further = (part_marker(identity, number) for number in count(1))
        found |= {part_marker(identity, 0), *takewhile(known.__contains__, further)}
    return found


def _of_desk(message: Message) -> ThreadMessage:
    """A message of the ticket as one of a thread; what is internal there is a note at the new desk, too."""
    blocks = document_of(message).blocks
    if message.attachments:
        names = ", ".join(file.name for file in message.attachments)
        blocks = (*blocks, *from_plain(_("Files that stay on the old ticket: {names}", names=names)).blocks)
    author = Author(id=message.author.desk_id or "", name=message.author.name)
    at = message.at or datetime.now(UTC)
    document = Document(tuple(blocks))
    return ThreadMessage(
        ts=f"desk:{message.id}", author=author, at=at, document=document, visibility=message.visibility
    )


async def leave_ticket(rooms: Rooms, journal: Journal, work: LeaveTicket) -> None:
    """Say on the old ticket where it goes on, where its desk has notes, and close it, where that can be done."""
    desk, ref = rooms.desks.get(work.desk), TicketRef(id=work.ticket_id, number=work.number)
    if desk.has(Capability.NOTE):
        note = MessageDraft(
            body=compose.render(from_plain(_("This goes on in {follower}.", follower=work.follower))),
            author=Person(name="Threadline", role=Role.SYSTEM),
            marker=journal.marker(),
            visibility=Visibility.INTERNAL,
            notify=False,
        )
        await write(desk, ref, note, journal=journal, step="note")
    if desk.has(Capability.CLOSE):

        async def act() -> str:
            await desk.change(ref, Change(act=Act.CLOSE))
            return ""

        await journal.once("close", act)


async def _open(
    rooms: Rooms,
    people: Requesters,
    journal: Journal,
    desk: TicketAdapter[Any],
    *,
    link: Link,
    conversion: compose.Conversion,
    messages: Sequence[ThreadMessage],
) -> tuple[Outcome, Link | None]:
    """Open a ticket at *desk* for the thread of *link*, put *conversion* on it, and link the two."""
    work = OpenTicket(
        desk=desk.name,
        actor=link.opened_by,
        channel=link.thread.channel,
        thread_ts=link.thread.ts,
        subject=link.subject or link.number,
        requester=link.requester,
        department=await _department(desk, link),
        visibility=link.visibility,
        notify=desk.settings.notify,
    )
    requester = await _requester(rooms, people, work, desk, link)
    delivery = Delivery(
        desk=desk,
        threads=rooms.threads,
        journal=journal,
        author=requester,
        visibility=work.visibility,
        notify=work.notify,
        says=fingerprints(messages),
    )
    opened, left_out = await tickets.open_at(rooms, delivery, work, conversion.parts[0], requester)
    if opened is None:
        await _tell_how_to_go_on(rooms, journal, link, desk)
        return Outcome(), None
    new = await _linked(rooms, link, desk, opened, work)
    ids, more_left_out = await tickets.add_rest(delivery, opened, conversion)
    left_out = (*conversion.left_out, *left_out, *more_left_out)
    await rooms.links.update(
        link.thread, lambda now: now.model_copy(update={"left_out": left_out, "left_out_before": 0})
    )
    await rooms.lanes.add([*watch_ops(desk, link.thread), *(agents_ops(desk, new, timed=False) if new else [])])
    delivered = delivered_on(journal, conversion.parts, ids, messages, on=opened.ticket.id)
    return Outcome(delivered=delivered), new


async def _tell_how_to_go_on(rooms: Rooms, journal: Journal, link: Link, desk: TicketAdapter[Any]) -> None:
    """A person said that the new ticket is there, whose number only its desk knows."""
    actor = getattr(journal.operation.work, "actor", "")
    with await speaking_to(rooms, actor):
        text = _(
            "The new ticket is there, but its number is not known here, so this thread stays with ticket {number}. To "
            "have it go on with the new one, write @Threadline unlink and then @Threadline link {desk}:NUMBER in the "
            "thread.",
            number=link.number,
            desk=desk.name,
        )
    await rooms.lanes.add([told_op(link.thread, actor, text, once=f"{journal.head.id}:there")])


async def _requester(
    rooms: Rooms, people: Requesters, work: OpenTicket, desk: TicketAdapter[Any], link: Link
) -> Person:
    """Whom the new ticket is for: the Slack person of the old one, else whom that is for at its desk."""
    old = rooms.desks.get(link.desk)
    if not link.requester and old.has(Capability.READ_TICKET):
        with contextlib.suppress(NotFound):
            if told := (await old.get_ticket(link.ref)).requester:
                known = told if old.name == desk.name else replace(told, desk_id=None)
                return await people.known(desk, known)
    return await tickets.requester_of(rooms, people, work, desk)


async def _linked(rooms: Rooms, link: Link, desk: TicketAdapter[Any], opened: Opened, work: OpenTicket) -> Link | None:
    """The link to the new ticket; an earlier try may have made it."""
    if (link.desk, link.ticket_id) == (desk.name, opened.ticket.id):
        return link
    blank = dict.fromkeys(("url", "status", "owner", "priority", "department"), "")
    return await relink(rooms, link, desk, opened.ticket, **blank, subject=work.subject, state=str(Status.OPEN))


async def _department(desk: TicketAdapter[Any], link: Link) -> str:
    """The old ticket's department where this desk has one of that name; else the settings' one is used."""
    if not (link.department and desk.has(Capability.DEPARTMENTS)):
        return ""
    known = await desk.choices(ChoiceList.DEPARTMENTS)
    return next((one.id for one in known if link.department in {one.id, one.label}), "")
