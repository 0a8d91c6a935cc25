"""Previews of tickets whose addresses people paste, for those who may see them; for anybody else, nothing at all.

A preview is seen by everybody in the channel, so it never holds what was written on a ticket, and a ticket that has
no thread in that channel, at a desk that does not serve it, is shown without its subject.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import AdapterError
from adapters.model import Ticket, TicketRef
from bot.conversion.ports import Desks, Links
from bot.conversion.records import Link, ThreadKey
from bot.slack.access import Access
from bot.slack.addresses import Addressed, ticket_at
from bot.slack.policy import Actor, Gesture
from bot.slack.routing import Event, Router
from bot.slack.views.elements import Json
from bot.slack.views.unfurl import Preview, preview
from bot.slack.web import Identity, Web
from bot.words import speaking

MOST = 3
"""Links of one message that are shown; a message with more is a list."""
ASK = 2.0
"""Seconds that a desk may take to tell of a ticket; nobody waits for a preview."""
PER_MINUTE = 30
"""Tickets for previews that each desk is asked for, by all processes together; beyond it, what was last seen."""
PATIENCE = timedelta(seconds=5)
"""How long a preview waits for its turn."""


class Unfurls:
    """Listens to stored events. All that is done here may be done twice: Slack keeps one preview of each link."""

    def __init__(self, *, web: Web, identity: Identity, links: Links, desks: Desks, access: Access) -> None:
        self._web = web
        self._us = identity
        self._links = links
        self._desks = desks
        self._access = access
        self._spent_until: dict[str, float] = {}  # desk -> when the turn is that came too late, by our own clock

    def register(self, router: Router) -> None:
        """Take the event."""
        router.events["link_shared"] = self.shared

    async def shared(self, happened: Event) -> None:
        """Show the tickets whose addresses somebody posted.

        A link in a message that is still being written is left alone: Slack does not tell who will see it.

        Raises:
            SlackTrouble, SlackRefused, StoreAway: it was not done.
        """
        body, event = happened.body, happened.inner
        outside = body.get("is_ext_shared_channel") is not False  # where Slack does not tell, it is taken for shared
        if event.get("source") == "composer" or outside:
            return
        addresses = list(dict.fromkeys(str(one.get("url", "")) for one in event.get("links") or []))[:MOST]
        meant = [(url, *found) for url in addresses if (found := self._meant(url))]
        if not meant:
            return
        actor = Actor.of(body, self._us)
        shown = await asyncio.gather(*(self._shown(event, actor, desk, named) for _, desk, named in meant))
        previews = {url: found for (url, _, _), found in zip(meant, shown, strict=True) if found}
        if previews:
            where: dict[str, Any] = {"channel": str(event["channel"]), "ts": str(event["message_ts"])}
            await self._web.call("chat.unfurl", **where, unfurls=previews)

    def _meant(self, url: str) -> tuple[TicketAdapter[Any], Addressed] | None:
        """The desk and the ticket of an address."""
        for name in self._desks.names():
            desk = self._desks.get(name)
            if found := ticket_at(desk.settings.ticket_address, url):
                return desk, found
        return None

    async def _shown(
        self, event: dict[str, Any], actor: Actor, desk: TicketAdapter[Any], named: Addressed
    ) -> Json | None:
        """The preview of one ticket; None where there is none, or who posted it may not see it, or it stands here."""
        channel = str(event["channel"])
        if not await self._access.allows(actor, Gesture.SEE, desk=desk.name):
            return None
        links = await self._linked(desk, named)
        if links and not await self._access.nearest(actor, links):
            return None
        root = str(event.get("thread_ts") or event["message_ts"])
        if ThreadKey(team=actor.team, channel=channel, ts=root) in {link.thread for link in links}:
            return None  # its card is in this very thread
        ticket = await self._asked(desk, TicketRef(id=links[0].ticket_id if links else named.id, number=named.number))
        if not links and not (ticket and await self._sees(actor, desk, ticket, channel)):
            return None
        at_home = channel in desk.settings.channels or any(link.thread.channel == channel for link in links)
        with speaking():
            return preview(Preview(desk=desk.title, ticket=ticket, link=links[0] if links else None, at_home=at_home))

    async def _sees(self, actor: Actor, desk: TicketAdapter[Any], ticket: Ticket, channel: str) -> bool:
        return await self._access.allows(actor, Gesture.SEE, desk=desk.name, channel=channel, ticket=ticket)

    async def _linked(self, desk: TicketAdapter[Any], named: Addressed) -> list[Link]:
        if not named.id:
            return [link for link in await self._links.find(named.number) if link.desk == desk.name]
        threads = await self._links.threads(desk.name, named.id)
        found = [await self._links.get(thread) for thread in threads]
        return [link for link in found if link and (link.desk, link.ticket_id) == (desk.name, named.id)]

    async def _asked(self, desk: TicketAdapter[Any], ref: TicketRef) -> Ticket | None:
        """The ticket as the desk has it; None where it has none, does not answer soon, or was asked too often."""
        if not (ref.id and desk.has(Capability.READ_TICKET)):
            return None
        if time.monotonic() < self._spent_until.get(desk.name, 0.0):
            return None  # each turn that is taken and not used puts those to come off
        wait = await desk.shared.turn(f"unfurl:{desk.name}", per_second=PER_MINUTE / 60)
        if wait > PATIENCE:
            self._spent_until[desk.name] = time.monotonic() + wait.total_seconds()
            return None
        await asyncio.sleep(wait.total_seconds())
        try:
            async with asyncio.timeout(ASK):
                return await desk.get_ticket(ref)
        except (AdapterError, TimeoutError):
            return None
