"""Has a ticket looked at soon where something of ours happened on it: a look that repeats itself may rest for hours."""

import asyncio
import time
from typing import Any

from adapters.contract import Capability, TicketAdapter
from bot.conversion.ops import pull_op
from bot.conversion.pull import AGES
from bot.conversion.records import AddMessage, ChangeTicket, EditMessage, Link, LinkTicket, OpenTicket, ThreadKey, Work
from bot.conversion.rooms import Rooms

REMEMBERED = 10_000
"""Tickets of which it is remembered that they were woken."""
OFTEN, _ = AGES[0]
"""For how long a ticket is looked at often after something happened on it."""


async def look_soon(rooms: Rooms, lane: str, work: Work, link: Link | None, desk: TicketAdapter[Any] | None) -> None:
    """Wake the looks at the ticket of *lane*'s thread after *work*; *link* is the one that it was done under."""
    if isinstance(work, LinkTicket) or (isinstance(work, OpenTicket) and work.thread_ts):
        thread = ThreadKey.parse(lane)  # its looks may rest as the ticket before deserved
        if isinstance(work, LinkTicket) or await rooms.links.partings(thread):
            await rooms.lanes.nudge(pull_op(thread).lane)
        return
    if not isinstance(work, AddMessage | EditMessage | ChangeTicket) or link is None or desk is None:
        return
    if desk.has(Capability.CHANGED_SINCE) or not desk.has(Capability.READ_MESSAGES):
        return
    now = time.monotonic()
    if now < rooms.woken.get((link.desk, link.ticket_id), 0.0):
        return
    looks = pull_op(link.thread).lane
    _, threads = await asyncio.gather(rooms.lanes.nudge(looks), rooms.links.threads(link.desk, link.ticket_id))
    for thread in {*threads} - {link.thread}:
        await rooms.lanes.nudge(pull_op(thread).lane)
    if len(rooms.woken) >= REMEMBERED:
        rooms.woken.clear()  # at worst a ticket is looked at once more
    rooms.woken[link.desk, link.ticket_id] = now + OFTEN.total_seconds()
