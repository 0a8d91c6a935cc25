"""A thread goes on with another ticket: the one that its own was merged into, or one that took its place."""

import time
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import NotFound
from adapters.model import Message, Status, Ticket, TicketRef
from bot.conversion.agents import takes_replies
from bot.conversion.ops import card_op, say_op
from bot.conversion.records import Link, Say
from bot.conversion.rooms import Rooms
from bot.words import _

_MOST_MERGERS = 5


def face(ticket: Ticket, *, unnamed: bool = False) -> dict[str, str]:
    """What a link keeps of a ticket, so that it is seen when it changes; *unnamed*: without the subject."""
    return {
        "status": ticket.status_name,
        "state": str(ticket.status),
        **({} if unnamed else {"subject": ticket.subject}),
        "owner": ticket.owner or "",
        "priority": ticket.priority or "",
        "department": ticket.department or "",
    }


def seen_to(message: Message | None) -> dict[str, str]:
    """What a link says whose thread has all of its ticket's messages up to one of them."""
    return {"seen": message.id, "mark": message.mark} if message else {"seen": "", "mark": ""}


async def joined(desk: TicketAdapter[Any], ticket: TicketRef) -> dict[str, Any]:
    """What a link says whose thread begins to go with a ticket: what that has by now stays there."""
    last = await last_message(desk, ticket)
    return {**seen_to(last), "behind": {ticket.id: (last.mark or last.id) if last else ""}}


async def last_message(desk: TicketAdapter[Any], ticket: TicketRef) -> Message | None:
    """What was on a ticket before it was linked stays there; only what comes later is brought to the thread.

    After a merger the last by date need not be the last by number, so it is asked what would come behind it.
    """
    if not desk.has(Capability.READ_MESSAGES):
        return None
    last, after, asked = None, "", set[str]()
    while after not in asked and (messages := await desk.messages(ticket, after=after)):
        asked.add(after)
        last = messages[-1]
        after = last.mark or last.id
    return last


async def relink(rooms: Rooms, link: Link, desk: TicketAdapter[Any], ref: TicketRef, **known: str) -> Link | None:
    """Have the thread of *link* go with the ticket *ref* at *desk*; None where it goes with yet another by now.

    What is known of its messages is kept: they are on the ticket that it went with before.
    """
    changed = {
        "desk": desk.name,
        "ticket_id": ref.id,
        "number": ref.number,
        "mirror": takes_replies(desk, of_agents=link.agents),
        **await joined(desk, ref),
        "follows": link.number,
        "unnamed": False,
        **known,
    }

    def change(now: Link) -> Link:
        same = (now.desk, now.ticket_id) == (link.desk, link.ticket_id)
        stays = {"read_to": f"{time.time():.6f}"} if now.state == Status.GONE else {}  # as people were told
        return now.model_copy(update=changed | stays) if same else now

    new = await rooms.links.update(link.thread, change)
    return new if new and (new.desk, new.ticket_id) == (desk.name, ref.id) else None


async def follow(rooms: Rooms, link: Link, desk: TicketAdapter[Any], target: Ticket) -> Link | None:
    """Have a thread go with *target*, into which its own ticket was merged, and say so there once; else as `relink`."""
    words = _(
        "Ticket {number} was merged into ticket {target} at {desk}. This thread goes with ticket {target} from "
        "now on; what was written there before stays there.",
        target=target.ref.number,
        number=link.number,
        desk=desk.title,
    )
    said = Say(thread=link.thread, text=words)
    await rooms.lanes.add([say_op(said, once=f"merged:{link.desk}:{link.ticket_id}")])
    known = face(target) | {"status": ""}  # so the next look shows the card, should this process not get to ask for it
    new = await relink(rooms, link, desk, target.ref, **known, url=target.url or "")
    await rooms.lanes.add([card_op(link.thread)])
    return new


async def merged_into(desk: TicketAdapter[Any], ticket: Ticket) -> Ticket | None:
    """The ticket that *ticket* was merged into, and that one perhaps again; None where it is not known or not there."""
    for _merger in range(_MOST_MERGERS):
        if ticket.status is not Status.GONE:
            return ticket
        if ticket.merged_into is None:
            return None
        try:
            ticket = await desk.get_ticket(ticket.merged_into)
        except NotFound:
            return None
    return None
