"""Has a ticket looked at soon where something of ours happened on it: a look that repeats itself may rest for hours."""

from datetime import timedelta
from typing import Any

from adapters.contract import Capability, TicketAdapter
from bot.conversion.ops import pull_op
from bot.conversion.ports import Rooms
from bot.conversion.records import AddMessage, ChangeTicket, EditMessage, Link, LinkTicket, OpenTicket, ThreadKey, Work

OFTEN = timedelta(minutes=10)
"""For how long a ticket is looked at often after something happened on it: `bot.conversion.pull.AGES`."""


async def look_soon(rooms: Rooms, lane: str, work: Work, link: Link | None, desk: TicketAdapter[Any] | None) -> None:
    """Wake the looks at the ticket of *lane*'s thread after *work*; *link* is the one that it was done under."""
    if isinstance(work, LinkTicket | OpenTicket):
        thread = ThreadKey.parse(lane) if isinstance(work, LinkTicket) or work.thread_ts else None
        gone = isinstance(work, LinkTicket)  # perhaps; then nothing was taken away
        if thread and (gone or await rooms.links.partings(thread)):  # they rest as the ticket before deserved
            await rooms.lanes.nudge(pull_op(thread).lane)
        return
    if not isinstance(work, AddMessage | EditMessage | ChangeTicket) or link is None or desk is None:
        return
    if desk.has(Capability.CHANGED_SINCE) or not desk.has(Capability.READ_MESSAGES):
        return
    key = f"woken:{link.desk}:{link.ticket_id}"
    if await desk.shared.get(key):
        return
    for thread in {link.thread, *await rooms.links.threads(link.desk, link.ticket_id)}:
        await rooms.lanes.nudge(pull_op(thread).lane)
    await desk.shared.put(key, "1", ttl=OFTEN)
