"""Finds the tickets of one person among the links."""

from dataclasses import dataclass

from adapters.model import Status
from bot.conversion.agents import OVER
from bot.conversion.ports import Links
from bot.conversion.records import Link
from bot.slack.access import Access
from bot.slack.policy import Actor, Gesture

MOST = 50
"""Tickets of one person that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """Somebody's tickets that are not closed, those that wait for them first, the newest first. ``more``: not all."""

    links: tuple[Link, ...] = ()
    more: bool = False


async def mine_of(links: Links, access: Access, actor: Actor) -> Mine:
    """The tickets that *actor* opened or is the requester of, and may see. Raises StoreAway, SlackTrouble."""
    user = actor.id
    found: dict[tuple[str, str], Link] = {}
    async for link in links.all(naming=user):
        if link.agents:  # it names the same people, and they need not be in that channel
            continue
        if link.thread.team == actor.team and user in {link.opened_by, link.requester} and link.state not in OVER:
            ticket = (link.desk, link.ticket_id)
            known = found.get(ticket)  # several threads may have one ticket
            found[ticket] = link if known is None else min(known, link, key=lambda one: one.created_at)
    found = {ticket: link for ticket, link in found.items() if await access.allows(actor, Gesture.SEE, link=link)}
    newest = sorted(found.values(), key=lambda link: link.created_at, reverse=True)
    newest.sort(key=lambda link: not waits_for(link, user))
    return Mine(links=tuple(newest[:MOST]), more=len(newest) > MOST)


def waits_for(link: Link, user: str) -> bool:
    """Whether the desk waits for an answer of this person."""
    return link.state == Status.PENDING and user == (link.requester or link.opened_by)
