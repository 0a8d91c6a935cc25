"""Lists tickets for one person: what a search found, and their own."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import AdapterError
from adapters.model import Ticket
from bot.conversion.ports import Desks, Links
from bot.conversion.records import Link, ThreadKey
from bot.slack.access import Access
from bot.slack.allowance import Kind
from bot.slack.answers import Answers, Later
from bot.slack.ids import Action
from bot.slack.mine import mine_of, waits_for
from bot.slack.policy import Gesture
from bot.slack.routing import Call, Router, why_not
from bot.slack.tickets import ASK, Asked, Refused, Tickets, title_of
from bot.slack.views.card import seen_status, status_words
from bot.slack.views.elements import Said
from bot.slack.views.help import usage
from bot.slack.views.notices import notice
from bot.slack.views.results import Listed, Row, newest, results
from bot.slack.web import Identity
from bot.slack.wishes import Verb
from bot.words import _, together

WORDS = 200
"""Characters of a search; a button carries them from page to page."""
_MOST = 20
"""Tickets that each desk is asked for."""


class Results:
    """Answers the verbs that list tickets, and the buttons below their answers."""

    def __init__(
        self,
        *,
        identity: Identity,
        tickets: Tickets,
        access: Access,
        links: Links,
        desks: Desks,
        answers: Answers,
        later: Later,
    ) -> None:
        self._us = identity
        self._tickets = tickets
        self._access = access
        self._links = links
        self._desks = desks
        self._answers = answers
        self._later = later

    def register(self, router: Router) -> None:
        """Take the buttons below a list."""
        router.actions[Action.NEXT] = self.turn
        router.actions[Action.BACK] = self.turn
        router.actions[Action.LINK_HERE] = self.link_here

    async def mine(self, asked: Asked, *, page: int = 0) -> Said:
        """The tickets of who asks that are not closed. Raises StoreAway."""
        found = await mine_of(self._links, self._access, asked.actor)
        if not found.links:
            return notice(_("You have no open tickets here. Those are listed that you opened or are the requester of."))
        rows = [row_of(link, self._us, asked.actor.id, desk=title_of(self._desks, link.desk)) for link in found.links]
        notes = [newest(len(rows))] if found.more else []
        return results(Listed(heading=_("Your open tickets"), rows=rows, page=page, notes=notes))

    async def search(self, asked: Asked, words: str, *, thread: ThreadKey | None = None, page: int = 0) -> Said:
        """Tickets with these words, at every desk that can search and that who asks may see.

        Raises:
            Refused: there is nothing to look for, or nowhere.
            StoreAway: it is not known whether the thread has a ticket.
        """
        words = words.strip()[:WORDS].strip()
        if not words:
            raise Refused(_("What should be looked for? Write {command}.", command=usage(Verb.SEARCH)))
        desks = await self._searchable(asked)
        await self._tickets.count(asked, Kind.LOOKUPS)
        found = await asyncio.gather(*(_search(desk, words) for desk in desks))
        silent = [desk.title for desk, tickets in zip(desks, found, strict=True) if tickets is None]
        notes = [_did_not_answer(silent)] if silent else []
        linkable = thread if thread and await self._links.get(thread) is None else None
        rows = [
            _found_row(ticket, desk, linkable)
            for desk, tickets in zip(desks, found, strict=True)
            for ticket in await self._seen(asked, desk, tickets or ())
        ]
        if not rows:
            return notice("\n".join([_("No ticket was found with “{words}” in its subject.", words=words), *notes]))
        again = {"words": words, **({"thread": str(thread)} if thread else {})}
        return results(
            Listed(heading=_("Tickets with “{words}”", words=words), rows=rows, page=page, again=again, notes=notes)
        )

    async def _seen(self, asked: Asked, desk: TicketAdapter[Any], tickets: Sequence[Ticket]) -> list[Ticket]:
        """Those of the found tickets that are there for who asks."""
        shown = [self._access.shown(asked.actor, desk.name, ticket, channel=asked.channel) for ticket in tickets]
        return [ticket for ticket, (seen, _link) in zip(tickets, await asyncio.gather(*shown), strict=True) if seen]

    async def _searchable(self, asked: Asked) -> list[TicketAdapter[Any]]:
        preferred = self._desks.for_channel(asked.channel)
        names = sorted(self._desks.names(), key=lambda name: name != preferred)
        desks = [desk for desk in map(self._desks.get, names) if desk.has(Capability.SEARCH)]
        if not desks:
            raise Refused(_("No helpdesk here can be searched through its API. Look for the ticket there."))
        about = [
            self._access.why_not(asked.actor, Gesture.SEARCH, desk=desk.name, channel=asked.channel) for desk in desks
        ]
        refusals = await asyncio.gather(*about)
        if all(refusals):
            raise Refused(refusals[0])
        return [desk for desk, why_not in zip(desks, refusals, strict=True) if not why_not]

    async def turn(self, call: Call) -> None:
        """Show another page in the place of this one."""
        await call.ack()
        self._later.run(self._turn(call))

    async def _turn(self, call: Call) -> None:
        again: dict[str, str] = json.loads(str(call.pressed.get("value") or "{}"))
        asked = Asked(actor=call.actor, channel=call.channel, once=call.trigger)
        page = int(again.get("page", "0"))
        try:
            if "words" in again:
                thread = ThreadKey.parse(again["thread"]) if "thread" in again else None
                said = await self.search(asked, again["words"], thread=thread, page=page)
            else:
                said = await self.mine(asked, page=page)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person must hear that it did not happen
            words = why_not(error, "button")
            await self._answers.say(call, notice(words), words=words)
        else:
            await self._answers.say(call, said, words=said[1], replace=True)

    async def link_here(self, call: Call) -> None:
        """Link the found ticket to the thread where it was searched for."""
        named, _bar, ticket = str(call.pressed.get("value") or "").partition("|")
        thread = ThreadKey.parse(named).model_copy(update={"team": call.actor.team, "channel": call.channel})
        await call.ack()
        self._later.run(self._link_here(call, thread, ticket))

    async def _link_here(self, call: Call, thread: ThreadKey, ticket: str) -> None:
        asked = Asked(actor=call.actor, channel=call.channel, once=call.trigger)
        try:
            found = await self._tickets.named(asked, ticket, Verb.LINK)
            words = await self._tickets.link(asked, thread, found)
        except Exception as error:  # noqa: BLE001 - whatever it is, the person must hear that it did not happen
            words = why_not(error, "button")
        await self._answers.say(call, notice(words), words=words)


async def _search(desk: TicketAdapter[Any], words: str) -> tuple[Ticket, ...] | None:
    """What a desk finds; None where it does not answer."""
    try:
        async with asyncio.timeout(ASK):
            return await desk.search(words, limit=_MOST)
    except (AdapterError, TimeoutError):
        return None


def _did_not_answer(desks: Sequence[str]) -> str:
    """What is said about desks that were silent."""
    return _("{desks} did not answer, so tickets may be missing here.", desks=together(desks))


def _found_row(ticket: Ticket, desk: TicketAdapter[Any], linkable: ThreadKey | None) -> Row:
    return Row(
        number=ticket.ref.number,
        subject=ticket.subject,
        facts=_(
            "{desk}. Status: {status}. Owner: {owner}.",
            desk=desk.title,
            status=status_words(ticket),
            owner=ticket.owner or _("nobody yet"),
        ),
        url=ticket.url or "",
        link_here=f"{linkable}|{desk.name}:{ticket.ref.number}" if linkable else "",
    )


def row_of(link: Link, us: Identity, user: str, *, desk: str = "") -> Row:
    """A linked ticket as it was last seen; *desk* is said where nothing above the row says it."""
    facts = _("Status: {status}.", status=seen_status(link) or _("not known yet"))
    if desk:
        facts = f"{desk}. {facts}"
    if waits_for(link, user):
        facts += " " + _("It waits for your answer.")
    thread = link.thread
    return Row(
        number=link.number,
        subject=link.subject,
        facts=facts,
        url=link.url,
        thread_url=us.address(thread.channel, thread.ts),
    )
