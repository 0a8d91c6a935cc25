"""Compares threads and tickets: what either lacks of the other, and links made again from what both remember."""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.contract import Capability, Reconcile, TicketAdapter, marker_in
from adapters.model import Message, Ticket, Visibility
from bot.conversion.agents import takes_replies
from bot.conversion.ops import card_op, pull_op, sweep_op, watch_ops
from bot.conversion.ports import FoundCard, ThreadMessage
from bot.conversion.pull import message_identity, post_marker
from bot.conversion.records import Delivered, Link
from bot.conversion.relinking import seen_to
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import part_marker
from bot.conversion.sweep import is_for_the_ticket, put_back

CLOCKS = timedelta(minutes=1)
"""By how much a desk's clock may be behind Slack's. What is older than its link stays where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How a thread and its ticket differ. All are ids: Slack timestamps, or the desk's."""

    unsent: tuple[str, ...] = ()  # messages of the thread that the ticket lacks
    parked: tuple[str, ...] = ()  # those that it lacks until a person has decided
    vanished: tuple[str, ...] = ()  # messages on record as delivered that the desk does not show (any more)
    unseen: tuple[str, ...] = ()  # public messages of the desk that the thread lacks
    seen: str = ""  # the last message of the desk before which the thread lacks none
    found: dict[str, Delivered] = field(default_factory=dict)  # what the desk has and the store knows nothing of

    @property
    def equal(self) -> bool:
        """Whether neither lacks anything of the other but what waits for a person."""
        return not (self.unsent or self.vanished or self.unseen)


def compare(
    link: Link,
    *,
    said: Sequence[ThreadMessage],
    known: Mapping[str, Delivered],
    posted: Collection[str],
    there: Sequence[Message],
    parked: Collection[str] = (),
    since: Collection[str] | None = None,
) -> Comparison:
    """How a thread and its ticket differ.

    Args:
        link: of both.
        said: the thread's messages in order, our own left out.
        known: timestamp -> where the store says that it is on the ticket.
        posted: the markers of what we posted in the thread.
        there: all messages of the ticket, in order.
        parked: ids of the thread's operations that wait for a person.
        since: ids of what came to the ticket since the thread goes with it; None: by when it came.
    """
    marked = ((message.marker or marker_in(message.body), message.id) for message in reversed(there))
    ours = {marker: at for marker, at in marked if marker}  # of several the oldest: the others quote it
    ids = {message.id for message in there}
    found = {one.ts: at for one in said if one.ts not in known and (at := _found(link, one, ours)) is not None}
    unseen = [
        one.id
        for one in there
        if _is_news(link, one, since) and post_marker(link, message_identity(link, one.id), 0) not in posted
    ]
    lacking = [one for one in said if is_for_the_ticket(link, one) and one.ts not in known and one.ts not in found]
    return Comparison(
        unsent=tuple(one.ts for one in lacking if link.thread.bringing(one.ts) not in parked),
        parked=tuple(one.ts for one in lacking if link.thread.bringing(one.ts) in parked),
        vanished=tuple(ts for ts, at in known.items() if at.message_id and at.is_on(link) and at.message_id not in ids),
        unseen=tuple(unseen),
        seen=_before(there, unseen[:1]),
        found=found,
    )


def _found(link: Link, message: ThreadMessage, ours: Mapping[str, str]) -> Delivered | None:
    """Where a message is on the ticket, by its marker."""
    identity = link.thread.bringing(message.ts)
    if (at := ours.get(part_marker(identity, 0))) is None:
        return None
    alone, on = part_marker(identity, 1) not in ours, link.ticket_id if link.follows else ""
    return Delivered(message_id=at, alone=alone, edited=message.edited, on=on)


def _is_news(link: Link, message: Message, since: Collection[str] | None) -> bool:
    """Whether a message of the desk belongs into the thread: said there, in public, since the thread goes with it.

    Into an agents' thread nothing does for certain: notes are held back while somebody from outside is there.
    """
    if link.agents:
        return False
    late = message.at is None or message.at >= link.created_at - CLOCKS if since is None else message.id in since
    return late and message.visibility is Visibility.PUBLIC and not (message.marker or marker_in(message.body))


def _before(there: Sequence[Message], unseen: Sequence[str]) -> str:
    """The id of the message before the first unseen one, of the last where none is unseen."""
    ids = [message.id for message in there]
    place = ids.index(unseen[0]) if unseen else len(ids)
    return ids[place - 1] if place else ""


async def compared(rooms: Rooms, link: Link) -> Comparison | None:
    """How a link's thread and ticket differ now; None where the desk does not show what is on a ticket.

    Raises:
        AdapterError: the desk did not tell. SlackTrouble, SlackRefused: Slack did not.
    """
    desk = rooms.desks.get(link.desk)
    if not _can_compare(desk):
        return None
    said = await rooms.threads.read(link.thread)
    sent = await rooms.links.deliveries(link.thread)
    known = {one.ts: sent[one.ts] for one in said if one.ts in sent}
    posted = await rooms.voice.markers(link.thread)
    parked = {one.id async for one in rooms.lanes.parked() if one.lane == str(link.thread)}
    there, since = await desk.messages(link.ref), await _since(desk, link)
    return compare(link, said=said, known=known, posted=posted, there=there, parked=parked, since=since)


async def _since(desk: TicketAdapter[Any], link: Link) -> Collection[str] | None:
    """Ids of what came since a thread goes with a ticket that it did not begin; None: it began it, or nobody knows."""
    behind = link.behind.get(link.ticket_id)
    if behind is None:  # an older release did not write it down, and what was there before is not for this thread
        return () if link.follows else None
    return {message.id for message in await desk.messages(link.ref, after=behind)}


def _can_compare(desk: TicketAdapter[Any]) -> bool:
    return desk.has(Capability.READ_MESSAGES) and desk.reconcile is not Reconcile.NONE


async def mend(rooms: Rooms, link: Link, comparison: Comparison) -> None:
    """Have each side brought what it lacks; a running Threadline does it, and looks before it repeats anything."""
    for ts, at in comparison.found.items():
        await rooms.links.learn(link.thread, ts, at)
    if comparison.unsent and not await put_back(rooms, link, shown=True, doubt=time.time()):
        sweep = sweep_op(link.thread)  # what waits goes first, and may be all that is unsent
        await rooms.lanes.add([sweep])
        await rooms.lanes.nudge(sweep.lane)
    if comparison.unseen:
        await rooms.links.update(link.thread, lambda now: now.model_copy(update={"seen": comparison.seen}))
        again = pull_op(link.thread, doubt=time.time())
        await rooms.lanes.add([again])
        await rooms.lanes.nudge(again.lane)  # a look that repeats itself may rest there for a day


async def link_again(rooms: Rooms, card: FoundCard, ticket: Ticket | None) -> Comparison | None:
    """Link a thread with the ticket that its card names, as far as Slack and the desk remember.

    Replies written before the card are part of the ticket's first messages. Where the desk does not show which of the
    later ones it has, or the thread went with another ticket before, none of them is sent again. Who may read new
    replies is as careful as it can be where an older card does not say. Returns how the two differed; None where that
    cannot be told.

    Raises: what `compared` raises.
    """
    desk = rooms.desks.get(card.desk)
    comparable = _can_compare(desk) and not card.follows
    for_agents = card.ts == card.thread.ts and card.thread.channel in desk.settings.agents_channel.channels
    link = Link(
        thread=card.thread,
        desk=card.desk,
        ticket_id=card.ticket_id,
        number=card.number,
        subject=ticket.subject if ticket else "",
        url=(ticket and ticket.url) or "",
        opened_by=card.opened_by,
        visibility=Visibility.INTERNAL if for_agents else card.visibility,
        agents=for_agents,
        mirror=takes_replies(desk, of_agents=for_agents),
        card_ts=card.ts,
        status=ticket.status_name if ticket else "",
        state=str(ticket.status) if ticket else "",
        created_at=card.at if comparable else datetime.now(UTC),
    )
    comparison = await compared(rooms, link) if comparable else None
    if comparison is not None:
        link = link.model_copy(update={"seen": comparison.seen})
    elif desk.has(Capability.READ_MESSAGES) and (there := await desk.messages(link.ref)):
        link = link.model_copy(update=seen_to(there[-1]))
    await rooms.links.put(link)
    if comparison is not None:
        await mend(rooms, link, comparison)
    await rooms.lanes.add([card_op(link.thread), *watch_ops(desk, link.thread)])
    return comparison
