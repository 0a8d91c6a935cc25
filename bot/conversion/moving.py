"""A thread goes on in a new ticket: one that follows a closed one, or one at another desk."""

from collections.abc import Sequence
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import ChoiceList, Opened, Status
from bot.conversion import compose, tickets
from bot.conversion.delivery import Delivery, fingerprints
from bot.conversion.intake import agents_ops, card_op, say_op, watch_ops
from bot.conversion.journal import Journal
from bot.conversion.people import Requesters
from bot.conversion.ports import Outcome, Rooms, ThreadMessage
from bot.conversion.records import Link, OpenTicket, Say
from bot.conversion.relinking import relink
from bot.conversion.text.plain import from_plain
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
    return outcome


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
    requester = await tickets.requester_of(rooms, people, work, desk)
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
        return Outcome(), None  # a person said that it is there; they link it by its number
    new = await _linked(rooms, link, desk, opened, work)
    ids, more_left_out = await tickets.add_rest(delivery, opened, conversion)
    left_out = (*conversion.left_out, *left_out, *more_left_out)
    await rooms.links.update(link.thread, lambda now: now.model_copy(update={"left_out": left_out}))
    await rooms.lanes.add([*watch_ops(desk, link.thread), *(agents_ops(desk, new, timed=False) if new else [])])
    edited = {message.ts: message.edited for message in messages}
    delivered = tickets.delivered_on(journal, conversion.parts, ids, edited, on=opened.ticket.id)
    return Outcome(delivered=delivered), new


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
