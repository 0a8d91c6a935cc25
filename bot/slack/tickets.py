"""Finds the ticket that people mean, and does with it what they ask for, by command or by mention alike."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from adapters.contract import Capability, TicketAdapter
from adapters.errors import AdapterError, NotFound, UnsupportedFeature
from adapters.model import Act, Status, Ticket, TicketRef, Visibility
from bot.conversion.intake import Accepted, Intake
from bot.conversion.ports import Desks, Links, NoSuchDesk
from bot.conversion.records import AddMessage, ChangeTicket, Link, LinkRef, LinkTicket, ThreadKey, Work
from bot.slack.access import UNREADABLE, Access
from bot.slack.allowance import Allowance, Kind
from bot.slack.mirroring import choices_words, sends, switched_words, wanted
from bot.slack.policy import Actor, Gesture
from bot.slack.views.card import facts_of, made_for, mirror_words, seen_status, status_words
from bot.slack.views.help import usage
from bot.slack.wishes import Reference, Verb, reference
from bot.words import N_, _, together

ASK = 8.0
"""Seconds that a desk may take to tell of a ticket; the person hears in between that it takes a moment."""


FLOOR = 1.6
"""Nobody hears that there is no such ticket but at whole numbers of so many seconds, so that the time does not tell one
that is not there from one that they may not see; Slack is waited for less long."""
GESTURES = {
    Verb.VIEW: Gesture.SEE,
    Verb.REPLY: Gesture.REPLY,
    Verb.NOTE: Gesture.NOTE,
    Verb.LINK: Gesture.LINK,
    Verb.UNLINK: Gesture.LINK,
    Verb.MIRROR: Gesture.LINK,
    Verb.MOVE: Gesture.LINK,
    Verb.ASSIGN: Gesture.ASSIGN,
    Verb.CLOSE: Gesture.CLOSE,
    Verb.REOPEN: Gesture.CLOSE,
}
"""What right each verb that names a ticket needs."""
_OF_A_THREAD = frozenset({Verb.UNLINK, Verb.MIRROR, Verb.MOVE})
"""The verbs that are about one thread of a ticket, which may have several."""
_NEEDS = {Act.CLOSE: Capability.CLOSE, Act.REOPEN: Capability.REOPEN}
_TURNED = {
    Act.CLOSE: N_("Ticket {number} at {desk} will be closed."),
    Act.REOPEN: N_("Ticket {number} at {desk} will be opened again."),
}
_CANNOT = {
    Capability.CLOSE: N_("{desk} has no way to close a ticket through its API. Do it there."),
    Capability.REOPEN: N_("{desk} has no way to open a ticket again through its API. Do it there."),
    Capability.ASSIGN: N_("{desk} has no way to assign a ticket through its API. Do it there."),
}
_ANOTHER = N_(
    "The thread goes with ticket {number} by now, and this was made for another one, so nothing was done. Use the card "
    "of ticket {number}."
)


class Refused(Exception):
    """It cannot be done; the words say why and what to do instead."""


class NotThere(Refused):
    """There is no such ticket, or not for this person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A ticket that somebody named: its link with a thread, or what the desk tells of it, or both."""

    desk: TicketAdapter[Any]
    link: Link | None = None
    ticket: Ticket | None = None

    @property
    def number(self) -> str:
        """What people call it."""
        return self.link.number if self.link else self.ticket.ref.number if self.ticket else ""

    @property
    def made_for(self) -> str:
        """What buttons and forms about it carry of it; empty where no thread has it."""
        return made_for(self.link) if self.link else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, where, and by which gesture (its id makes sure that it counts once)."""

    actor: Actor
    channel: str
    once: str


class Tickets:
    """What the verbs do. Each returns words for who asked.

    Raises:
        Refused: with the words.
        StoreAway: nothing was promised.
    """

    def __init__(self, *, intake: Intake, links: Links, desks: Desks, access: Access, allowance: Allowance) -> None:
        self._intake = intake
        self._links = links
        self._desks = desks
        self._access = access
        self._allowance = allowance

    # --- finding ---

    async def named(self, asked: Asked, word: str, verb: Verb) -> Found:
        """The ticket that a word names: by its links first, then by asking the desks.

        Raises:
            NotThere: there is none that this person may see; it is said in the same words and after the same work.
        """
        meant = reference(word)
        if meant is None:
            raise Refused(
                _(
                    "Which ticket? Write {command}; NUMBER may also be the link of a message in its thread.",
                    command=usage(verb),
                )
            )
        begun = time.monotonic()
        try:
            if meant.thread_ts:
                return await self.of_thread(asked, self.thread(asked, meant), GESTURES[verb])
            await self._allow_at_all(asked, GESTURES[verb])
            await self.count(asked, Kind.LOOKUPS)
            found = await self._by_number(asked, meant)
        except NotThere:
            await asyncio.sleep((begun - time.monotonic()) % FLOOR)
            raise
        if verb in _OF_A_THREAD and await self._threads_seen(asked, found) > 1:
            raise Refused(
                _(
                    "Ticket {number} has several threads. Which one? Write {command} with the link of one of its "
                    "messages in place of the number.",
                    number=found.number,
                    command=usage(verb),
                )
            )
        return found

    async def _threads_seen(self, asked: Asked, found: Found) -> int:
        """How many threads a ticket has that this person may see, but for that of its agents."""
        if found.link is None or found.link.agents:
            return 0
        threads = await self._links.threads(found.link.desk, found.link.ticket_id)
        links = [link for thread in threads if (link := await self._links.get(thread)) and not link.agents]
        return sum([await self._access.nearest(asked.actor, [link]) is not None for link in links])

    async def _by_number(self, asked: Asked, meant: Reference) -> Found:
        links = [link for link in await self._links.find(meant.number) if meant.desk in {"", link.desk}]
        preferred = self._desks.for_channel(asked.channel)
        links.sort(key=lambda link: (link.thread.channel != asked.channel, link.desk != preferred, link.agents))
        known = [link for link in links if link.desk in self._desks.names()]
        if link := await self._access.nearest(asked.actor, known):
            return Found(desk=self._desks.get(link.desk), link=link)
        return await self._at_a_desk(asked, meant, preferred)

    def thread(self, asked: Asked, meant: Reference) -> ThreadKey:
        """The thread that the link of a message names."""
        return ThreadKey(team=asked.actor.team, channel=meant.channel, ts=meant.thread_ts)

    async def _allow_at_all(self, asked: Asked, gesture: Gesture) -> None:
        """Refuse who may do this with no ticket whatsoever, before any is looked for."""
        if why_not := await self._access.why_not(asked.actor, gesture):
            raise Refused(why_not)

    async def of_thread(self, asked: Asked, thread: ThreadKey, gesture: Gesture, *, ticket: str = "") -> Found:
        """The ticket of a thread, for a gesture; *ticket*: which one a button or form was made for, if it says so.

        Raises:
            NotThere: there is none that this person may see.
            Refused: the thread goes with another ticket by now, or the ticket's desk is in the settings no more.
        """
        await self._allow_at_all(asked, gesture)
        link = await self._links.get(thread)
        if seen := await self._access.nearest(asked.actor, [link] if link else []):
            if ticket not in {"", made_for(seen)}:
                raise Refused(_(_ANOTHER, number=seen.number))
            if seen.desk not in self._desks.names():
                raise Refused(NoSuchDesk(seen.desk).words)
            return Found(desk=self._desks.get(seen.desk), link=seen)
        raise NotThere(
            _(
                "That thread has no ticket. To make one, choose Create ticket in a message's menu; to use one "
                "that exists, write {command}.",
                command=usage(Verb.LINK),
            )
        )

    async def _at_a_desk(self, asked: Asked, meant: Reference, preferred: str) -> Found:
        """Ask each desk. One that has the ticket for others only is passed by like one that has it not."""
        names = [meant.desk] if meant.desk else sorted(self._desks.names(), key=lambda name: name != preferred)
        silent = []
        for name in names:
            if name not in self._desks.names():
                raise Refused(no_such_desk(name, self._desks))
            desk = self._desks.get(name)
            try:
                async with asyncio.timeout(ASK):
                    ticket = await desk.find_by_number(meant.number)
            except (NotFound, UnsupportedFeature):
                continue
            except (AdapterError, TimeoutError):
                silent.append(desk.title)
                continue
            shown, link = await self._access.shown(asked.actor, name, ticket, channel=asked.channel)
            if shown:
                return Found(desk=desk, ticket=ticket, link=link)
        if silent:
            raise NotThere(silent_words(meant.number, silent))
        raise NotThere(
            _(
                "There is no ticket {number}. Look at the number; a desk's name can stand before it.",
                number=meant.number,
            )
        )

    # --- doing ---

    async def allow(self, asked: Asked, gesture: Gesture, found: Found) -> None:
        """Raises Refused unless this person may do this with a ticket that they may see."""
        why_not = await self._access.why_not(
            asked.actor, gesture, desk=found.desk.name, channel=asked.channel, link=found.link, ticket=found.ticket
        )
        if why_not:
            raise Refused(why_not)

    async def count(self, asked: Asked, kind: Kind) -> None:
        """Raises Refused where that was asked for too often; the same gesture counts once."""
        if why_not := await self._allowance.why_not(asked.actor, kind, channel=asked.channel, once=asked.once):
            raise Refused(why_not)

    async def view(self, asked: Asked, found: Found) -> tuple[str, str]:
        """How a ticket stands, and its address."""
        await self.allow(asked, Gesture.SEE, found)
        ticket, link = found.ticket, found.link
        stale = ""
        if ticket is None and link and found.desk.has(Capability.READ_TICKET):
            try:
                async with asyncio.timeout(ASK):
                    ticket = await found.desk.get_ticket(TicketRef(id=link.ticket_id, number=link.number))
            except NotFound:
                stale = _("{desk} does not have it any more.", desk=found.desk.title)
            except (AdapterError, TimeoutError):
                stale = _(
                    "{desk} did not answer; this is how it stood when Threadline last looked.", desk=found.desk.title
                )
        if ticket:
            lines = [ticket_words(found.desk.title, ticket), *(mirror_words(link) if link else [])]
            return "\n".join(lines), ticket.url or ""
        said = {"number": found.number, "desk": found.desk.title}
        lines = [_("Ticket {number} at {desk}", **said)]
        if link and link.subject:
            lines = [_("Ticket {number} at {desk}: {subject}", subject=link.subject, **said)]
        if link and (status := seen_status(link)):
            lines.append(_("Status: {status}", status=status))
        return "\n".join([*lines, stale]).rstrip(), link.url if link else ""

    async def write(
        self,
        asked: Asked,
        found: Found,
        text: str,
        visibility: Visibility,
        *,
        sure: bool = False,
        message: dict[str, Any] | None = None,
    ) -> str:
        """Add a typed text to a ticket, or the *message* of its thread in which it stands behind our name.

        *sure*: who writes knows that an internal ticket's requester will read it.
        """
        note = visibility is Visibility.INTERNAL
        await self.allow(asked, Gesture.NOTE if note else Gesture.REPLY, found)
        if not text.strip() and not (message and message.get("files")):
            raise Refused(_("What should it say? Write {command}.", command=usage(Verb.NOTE if note else Verb.REPLY)))
        if not found.desk.has(Capability.NOTE if note else Capability.REPLY):
            raise Refused(
                _("{desk} has no way to take internal notes.", desk=found.desk.title)
                if note
                else _("{desk} has no way to take replies.", desk=found.desk.title)
            )
        thread = thread_of_found(found)
        if not note and not sure and is_internal(found):
            raise Refused(
                _(
                    "What this thread says goes to ticket {number} as internal notes, and a reply would be public. "
                    "Press Reply on the ticket's card: it says who would read it, and asks. Or write {command}.",
                    number=found.number,
                    command=usage(Verb.NOTE),
                )
            )
        await self.count(asked, Kind.CHANGES)
        work = AddMessage(actor=asked.actor.id, text=text, visibility=visibility, under=LinkRef.of(found.link))
        if message:
            edited = str((message.get("edited") or {}).get("ts", ""))
            said = {"ts": str(message["ts"]), "message": message, "edited": edited}
            work = work.model_copy(update=said)
        await self._intake.add_message(thread, work, once=asked.once)
        said = {"number": found.number, "desk": found.desk.title}
        if note:
            return _("Your note is on its way to ticket {number} at {desk}.", **said)
        return _("Your reply is on its way to ticket {number} at {desk}.", **said)

    async def turn(self, asked: Asked, found: Found, act: Literal[Act.CLOSE, Act.REOPEN]) -> str:
        """Close a ticket or open it again."""
        await self.change(asked, found, act, _NEEDS[act])
        return _(_TURNED[act], number=found.number, desk=found.desk.title)

    async def change(self, asked: Asked, found: Found, act: Act, needs: Capability, *, value: str = "") -> None:
        """Have one thing about a ticket changed."""
        await self.allow(asked, Gesture.ASSIGN if act is Act.ASSIGN else Gesture.CLOSE, found)
        if not found.desk.has(needs):
            raise Refused(_(_CANNOT[needs], desk=found.desk.title))
        await self.count(asked, Kind.CHANGES)
        work = ChangeTicket(actor=asked.actor.id, act=act, value=value, under=LinkRef.of(found.link))
        await self._intake.change(thread_of_found(found), work, once=asked.once)

    async def link(self, asked: Asked, thread: ThreadKey, found: Found) -> str:
        """Link a thread to a ticket that is there already."""
        await self.allow(asked, Gesture.LINK, found)
        desk, number = found.desk, found.number
        if why_not := await self._access.why_not(asked.actor, Gesture.LINK, desk=desk.name, channel=thread.channel):
            raise Refused(why_not)
        if not await self._access.reads(asked.actor, thread.channel):
            raise Refused(_(UNREADABLE))
        accepted = await self.ask_link(asked, thread, desk.name, number)
        if accepted.link:
            raise Refused(_("That thread is ticket {number} already. Unlink it first.", number=accepted.link.number))
        return _(
            "The thread will be linked to ticket {number} at {desk}; its card will appear there.",
            number=number,
            desk=desk.title,
        )

    async def ask_link(self, asked: Asked, thread: ThreadKey, desk: str, number: str) -> Accepted:
        """Have a thread linked, by the number that people use.

        Raises:
            Refused: not so many at once, or the thread is about to have another ticket.
        """
        await self.count(asked, Kind.CHANGES)
        work = LinkTicket(actor=asked.actor.id, desk=desk, number=number, channel=thread.channel, thread_ts=thread.ts)
        accepted = await self._intake.link_ticket(thread, work)
        if not (accepted.new or accepted.link or _is_the_same(accepted.earlier, work)):
            raise Refused(_("That thread is getting another ticket just now. Look at the thread in a moment."))
        return accepted

    async def mirror(self, asked: Asked, found: Found, typed: str, *, since: str) -> str:
        """Have what was typed hold for the ticket's thread from the timestamp *since* on."""
        await self.allow(asked, Gesture.LINK, found)
        want, thread = wanted(typed), thread_of_found(found)
        if want is None:
            raise Refused(choices_words())
        if sends(want) and found.link and _takes_nothing(found.link):
            raise Refused(
                _(
                    "What is said here does not go to ticket {number}: when its card came, the setting notes of the "
                    "agents' channel was off, or {desk} took no notes. Whoever runs Threadline can switch it on for "
                    "later tickets.",
                    number=found.number,
                    desk=found.desk.title,
                )
            )
        await self.count(asked, Kind.CHANGES)
        link = await self._intake.switch(thread, since=since, mirror=want.mirror, apps=want.apps, actor=asked.actor.id)
        if want.earlier and link:
            await self._intake.send_earlier(thread)
        return switched_words(want, found.number)

    async def unlink(self, asked: Asked, found: Found) -> str:
        """Part a ticket and its thread."""
        await self.allow(asked, Gesture.LINK, found)
        await self.count(asked, Kind.CHANGES)
        await self._intake.unlink(thread_of_found(found))
        return _(
            "Ticket {number} and its thread are no longer linked. What is on the ticket stays there.",
            number=found.number,
        )


def _is_the_same(earlier: Work | None, work: LinkTicket) -> bool:
    """Whether what waits links a thread to the same ticket, whoever asked for it."""
    return isinstance(earlier, LinkTicket) and (earlier.desk, earlier.number) == (work.desk, work.number)


def _takes_nothing(link: Link) -> bool:
    """Whether an agents' thread was linked so that nothing of it goes to its ticket, whatever is switched."""
    return link.agents and not link.mirror and link.state != Status.GONE


def silent_words(number: str, desks: Sequence[str]) -> str:
    """What is said of a ticket that no thread has, as far as somebody may know, while desks are silent."""
    return _(
        "No thread is linked to ticket {number}, and {desks} did not answer. Please try again in a moment.",
        number=number,
        desks=together(desks),
    )


def no_such_desk(name: str, desks: Desks) -> str:
    """What is said to who names a desk that there is not."""
    return _("There is no helpdesk called {name}. There are: {desks}.", name=name, desks=", ".join(desks.names()))


def title_of(desks: Desks, name: str) -> str:
    """What people call a desk; its name where the settings have it no more."""
    return desks.get(name).title if name in desks.names() else name


def is_internal(found: Found) -> bool:
    """Whether what is said in the ticket's thread goes to it as notes."""
    return found.link is not None and found.link.visibility is Visibility.INTERNAL


def ticket_words(desk: str, ticket: Ticket) -> str:
    """A ticket in a few lines."""
    lines = [
        _("Ticket {number} at {desk}: {subject}", number=ticket.ref.number, desk=desk, subject=ticket.subject),
        _("Status: {status}", status=status_words(ticket)),
        *facts_of(ticket),
    ]
    return "\n".join(lines)


def thread_of_found(found: Found) -> ThreadKey:
    """The thread of a ticket that somebody named. Raises Refused: it has none."""
    if found.link is None:
        raise Refused(
            _(
                "Ticket {number} is at {desk}, but no thread is linked to it. Link one first: {command}.",
                number=found.number,
                desk=found.desk.title,
                command=usage(Verb.LINK),
            )
        )
    return found.link.thread
