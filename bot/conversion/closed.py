"""What a reply does in the thread of a ticket that is closed or gone: the desk's rule; mergers are followed."""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import NotFound
from adapters.model import Act, Change, Status
from bot.conversion.journal import AskPerson, Journal, LookLater
from bot.conversion.records import Link
from bot.conversion.relinking import follow, merged_into
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import WAY
from bot.words import _


class Way(StrEnum):
    """How a reply reaches its ticket."""

    ADD = "add"
    REOPEN = "reopen"  # the ticket is opened again first
    NEW = "new"  # a new ticket follows it


class AskClosed(AskPerson):
    """The ticket is closed, and somebody in the thread is to say how this goes on."""


async def way_of(rooms: Rooms, journal: Journal, link: Link, desk: TicketAdapter[Any]) -> Way:
    """How a reply reaches the ticket of *link*; what was found out once holds for all tries.

    Raises:
        LookLater: the thread goes with another ticket from now on; begin anew.
        AskClosed: a person is to say.
        NotFound: the ticket is deleted.
    """
    progress, rule = journal.progress, desk.settings.closed
    if WAY in progress.done:
        return Way(progress.done[WAY])
    if progress.tried or not desk.has(Capability.READ_TICKET) or (desk.reopens and rule == Way.REOPEN):
        return Way.ADD
    ticket = await desk.get_ticket(link.ref)
    if ticket.status is Status.GONE:
        target = await merged_into(desk, ticket)
        if target and await follow(rooms, link, desk, target):
            raise LookLater(timedelta())
        raise NotFound(
            desk.title,
            _("ticket {number} is not there any more.", number=link.number),
            remedy=_("Link the thread to another."),
        )
    if ticket.status is not Status.CLOSED:
        return Way.ADD
    if rule == "ask":
        if progress.answer not in {Way.REOPEN, Way.NEW}:
            raise AskClosed
        rule = Way(progress.answer).value
    way = Way(rule)
    if way is Way.REOPEN and (desk.reopens or not desk.has(Capability.REOPEN)):
        way = Way.ADD
    progress.done[WAY], progress.answer = way, ""
    return way


async def reopen(journal: Journal, desk: TicketAdapter[Any], link: Link) -> None:
    """Open the ticket again; twice is the same as once."""

    async def act() -> str:
        await desk.change(link.ref, Change(act=Act.REOPEN))
        return ""

    await journal.once("reopen", act)
