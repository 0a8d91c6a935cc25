"""Answers whether somebody may do something: asks Slack who they are and what they can read; the rights decide."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from adapters.model import Ticket
from bot.conversion.ports import Links, SlackRefused, SlackTrouble, Threads
from bot.conversion.records import Link
from bot.slack.policy import Actor, Gesture, Matter, Person, Reach, Right, Standing, may, refusal
from bot.slack.remembered import Remembered
from bot.slack.web import Web
from bot.words import N_

PATIENCE: Final = 1.5
"""Seconds that Slack may take to tell of a person or a channel; a form has to open within three."""
UNREADABLE: Final = N_(
    "You cannot read that conversation, or Threadline cannot. Ask somebody who takes part in it to do this, and to "
    "invite Threadline there."
)
_MEMBERS: Final = 60.0
"""Seconds for which the members of a channel are remembered."""
_GROUPS: Final = 300.0
_PAGE: Final = 1000
_ALL: Final = "all"


class Access:
    """The one place that says what somebody may do.

    Where Slack does not tell who somebody is, SlackTrouble is raised, and nothing is allowed.
    """

    def __init__(
        self,
        *,
        web: Web,
        threads: Threads,
        links: Links,
        rights: Sequence[Right],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._web = web
        self._threads = threads
        self._links = links
        self._rights = rights
        self._by_group = any(one.startswith("S") for right in rights for one in right.who)
        self._public: Remembered[bool] = Remembered(self._ask_public, ttl=_MEMBERS, clock=clock)
        self._members: Remembered[frozenset[str]] = Remembered(self._ask_members, ttl=_MEMBERS, clock=clock)
        self._groups: Remembered[Mapping[str, frozenset[str]]] = Remembered(self._ask_groups, ttl=_GROUPS, clock=clock)

    # --- questions ---

    async def why_not(
        self,
        actor: Actor,
        gesture: Gesture,
        *,
        desk: str | None = None,
        channel: str | None = None,
        link: Link | None = None,
        ticket: Ticket | None = None,
    ) -> str:
        """Why not, in words for the actor; empty if they may.

        Args:
            actor: who asks.
            gesture: what they want.
            desk: at which desk; None for any at all.
            channel: where, for what has no thread yet; None for anywhere at all.
            link: the ticket's thread, where the gesture is about a ticket that has one.
            ticket: the ticket, where no thread has it.
        """
        if link is not None:
            here = bool(actor.at) and actor.at == link.thread.channel
            desk, channel, reach = link.desk, link.thread.channel, Reach.READABLE if here else Reach.ALL
        else:
            reach = Reach.OWN if ticket is None else Reach.UNLINKED
        matter = Matter(desk=desk, channel=channel, reach=reach)
        if self._certainly(actor, gesture, matter):
            return ""
        person = await self.person(actor)
        if may(self._rights, person, gesture, matter):
            return ""
        if may(self._rights, person, gesture, replace(matter, reach=Reach.OWN)):  # the answer hangs on how near it is
            nearer = replace(matter, reach=await self._reach(actor, link, ticket))
            return "" if may(self._rights, person, gesture, nearer) else refusal(person, gesture)
        return refusal(person, gesture)

    def _certainly(self, actor: Actor, gesture: Gesture, matter: Matter) -> bool:
        """Whether members and guests may do it alike, so that Slack need not be asked which of them somebody is."""
        either = (Person(id=actor.id, standing=standing) for standing in (Standing.MEMBER, Standing.GUEST))
        return actor.own and actor.sure and all(may(self._rights, one, gesture, matter) for one in either)

    async def allows(self, actor: Actor, gesture: Gesture, **about: Any) -> bool:
        """`why_not`, as yes or no."""
        return not await self.why_not(actor, gesture, **about)

    def allows_unasked(self, actor: Actor, gesture: Gesture, *, desk: str, channel: str) -> bool:
        """Whether somebody may whom Slack does not tell of, be they member or guest."""
        return self._certainly(replace(actor, sure=True), gesture, Matter(desk=desk, channel=channel))

    async def nearest(self, actor: Actor, links: Iterable[Link]) -> Link | None:
        """The first of the links of a ticket by which somebody may see it; None: for them there is no such ticket.

        A conversation of which Slack does not tell just now is closed: else its trouble would tell that there is one.
        """
        for link in links:
            with contextlib.suppress(SlackTrouble):
                if await self.allows(actor, Gesture.SEE, link=link):
                    return link
        return None

    async def shown(self, actor: Actor, desk: str, ticket: Ticket, *, channel: str) -> tuple[bool, Link | None]:
        """Whether somebody may see a ticket that its desk told of, and its link with a thread they may see."""
        threads = await self._links.threads(desk, ticket.ref.id)
        links = [link for thread in threads if (link := await self._links.get(thread)) is not None]
        links.sort(key=lambda link: link.agents)  # what is done by their thread is done as their agents do it
        link = await self.nearest(actor, links)
        if link or not _without_thread(links, actor):
            return link is not None, link
        return await self.allows(actor, Gesture.SEE, desk=desk, channel=channel, ticket=ticket), None

    async def reads(self, actor: Actor, channel: str) -> bool:
        """Whether somebody can read a conversation. Raises SlackTrouble."""
        if actor.at and actor.at == channel:
            return True
        try:
            person = await self.person(actor)
        except SlackTrouble:  # who is in the conversation can, whoever they are, and one call tells of all
            if await self._is_in(actor, channel):
                return True
            raise
        if person.standing is Standing.GONE:
            return False
        async with _patience():
            if person.standing is Standing.MEMBER and await self._public.get(channel):
                return True
        return await self._is_in(actor, channel)

    async def person(self, actor: Actor) -> Person:
        """Who somebody is, as far as rights are concerned. Raises SlackTrouble."""
        if not actor.own:
            return Person(id=actor.id, standing=Standing.VISITOR)
        async with _patience():
            author = await self._threads.author(actor.id)
            groups = await self._groups.get(_ALL) if self._by_group else {}
        standing = Standing.GUEST if author.guest else Standing.MEMBER
        if not author.own_workspace:
            standing = Standing.VISITOR
        if not author.active:
            standing = Standing.GONE
        return Person(id=actor.id, standing=standing, groups=groups.get(actor.id, frozenset()))

    # --- how near a ticket is ---

    async def _reach(self, actor: Actor, link: Link | None, ticket: Ticket | None) -> Reach:
        if link is None:
            return Reach.OWN if ticket is None or await self._is_theirs(actor, ticket) else Reach.UNLINKED
        if not link.agents and actor.id in {link.opened_by, link.requester}:
            return Reach.OWN
        return Reach.READABLE if await self.reads(actor, link.thread.channel) else Reach.ALL

    async def _is_in(self, actor: Actor, channel: str) -> bool:
        async with _patience():
            return actor.id in await self._members.get(channel)

    async def _is_theirs(self, actor: Actor, ticket: Ticket) -> bool:
        email = ticket.requester.email if ticket.requester else None
        if not (email and actor.own):
            return False
        async with _patience():
            own = (await self._threads.author(actor.id)).email
        return bool(own) and email.casefold() == str(own).casefold()

    # --- asking ---

    async def _ask_public(self, channel: str) -> bool:
        try:
            found = (await self._web.call("conversations.info", channel=channel)).get("channel") or {}
        except SlackRefused:
            return False  # what we cannot look into is closed
        return bool(found.get("is_channel")) and not found.get("is_private")

    async def _ask_members(self, channel: str) -> frozenset[str]:
        pages = self._web.pages("conversations.members", "members", channel=channel, limit=_PAGE)
        try:
            members = [str(one) async for one in pages]
        except SlackRefused:
            return frozenset()
        return frozenset(members)

    async def _ask_groups(self, _key: str) -> Mapping[str, frozenset[str]]:
        """Person -> the user groups that they are in."""
        answer = await self._web.call("usergroups.list", include_users=True)
        groups: dict[str, frozenset[str]] = {}
        for group in answer.get("usergroups") or []:
            for user in group.get("users") or []:
                groups[str(user)] = groups.get(str(user), frozenset()) | {str(group.get("id"))}
        return groups


def _without_thread(links: Sequence[Link], actor: Actor) -> bool:
    """Whether no thread has a ticket, or, for those whose ticket it is, only that of its agents."""
    return all(link.agents and actor.id in {link.opened_by, link.requester} for link in links)


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """A block that Slack may not hold up for longer than `PATIENCE`."""
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    except TimeoutError:
        raise SlackTrouble("timeout") from None
