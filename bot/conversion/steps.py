"""Ends the steps of workflows: each is told once that its ticket is there, or why it is not."""

from datetime import timedelta

from bot.conversion.journal import Again, Journal
from bot.conversion.records import FinishStep, Link, ThreadKey, decode
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import making
from bot.conversion.stored import UnknownVersion
from bot.words import _

LOOK_AGAIN = timedelta(seconds=5)
"""How long a step waits before it looks again for a ticket that somebody else is having made."""


async def finish_step(rooms: Rooms, journal: Journal, work: FinishStep) -> None:
    """Tell Slack how a step ended.

    Raises:
        Again: its thread's ticket is being made.
        SlackTrouble, SlackRefused: Slack was not told, or does not wait for it any more.
    """
    outputs: dict[str, str] = {}
    error = work.error
    if work.thread and not error:
        link = await rooms.links.get(work.thread)
        if link is None:
            error = await _why_none(rooms, work.thread)
        else:
            outputs = await _outputs(rooms, link)

    async def act() -> str:
        await rooms.voice.finish_step(work.step, outputs, error=error)
        return ""

    await journal.once("finish", act)  # Slack refuses a second end


async def _why_none(rooms: Rooms, thread: ThreadKey) -> str:
    """Why a thread has no ticket, in words. Raises Again where it is about to get one."""
    name = str(thread)
    identity = making(name, await rooms.links.partings(thread))
    if parked := await rooms.lanes.find_parked(name, identity):
        try:
            return decode(parked.payload).why or _("The ticket was not made.")
        except UnknownVersion:
            return _("The ticket was not made.")
    if await rooms.lanes.peek(name, identity) is not None:
        raise Again(LOOK_AGAIN)
    return _("The thread's ticket is not linked with it any more.")


async def _outputs(rooms: Rooms, link: Link) -> dict[str, str]:
    address = rooms.desks.get(link.desk).settings.ticket_address
    url = link.url or address.replace("{id}", link.ticket_id).replace("{number}", link.number)
    thread = await rooms.threads.permalink(link.thread.channel, link.thread.ts)
    return {"ticket_number": link.number, "ticket_link": url, "thread_link": thread}
