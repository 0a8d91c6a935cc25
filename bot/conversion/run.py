"""One operation in the worker's hands: it is carried out, or what follows from its failure is."""

import asyncio
import contextlib
import logging
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from adapters.contract import TicketAdapter
from adapters.errors import AdapterError, OutcomeUnknown, Unavailable, UnexpectedReply
from bot.conversion import agents, display, edits, messages, moving, pull, steps, sweep, tickets
from bot.conversion.closed import AskClosed
from bot.conversion.journal import Again, AskPerson, Journal, LookLater, Overtaken, is_for_another
from bot.conversion.naming import error_words, subject_words
from bot.conversion.ops import card_op, perhaps_done, receipt_op, say_op, step_op, tell_op, told_op
from bot.conversion.people import Requesters, speaking_to
from bot.conversion.ports import (
    Head,
    LeaseLost,
    NoSuchDesk,
    Outcome,
    SlackOutcomeUnknown,
    SlackTrouble,
    StoreAway,
)
from bot.conversion.records import (
    CLOSED,
    AddMessage,
    Asked,
    ChangeTicket,
    DeleteMessage,
    EditMessage,
    FinishStep,
    LeaveTicket,
    Link,
    LinkTicket,
    MoveTicket,
    OpenTicket,
    PollDesk,
    PullTicket,
    Receipt,
    Remind,
    Say,
    ShowCard,
    SlackEvent,
    SweepThread,
    Tell,
    TellAgents,
    ThreadKey,
)
from bot.conversion.rooms import Rooms
from bot.conversion.stored import LEFT_ALONE, UnknownVersion
from bot.conversion.verdicts import CRASHES, Next, verdict
from bot.conversion.watching import look_soon
from bot.words import _

log = logging.getLogger("threadline.worker")

PUT_OFF = timedelta(minutes=5)
"""How long a look at a ticket or desk is left out after it went wrong in a way that waiting does not mend."""
NEWER_LOOKS = timedelta(seconds=5)
"""How long work of a newer Threadline rests before it is offered again, perhaps to a worker that knows it."""
ANNOUNCE_AT = 2
"""The failure at which people are told that something waits; one alone is often over before they have read it."""


class Run:
    """One operation, from its lane's head to what comes after it."""

    def __init__(self, rooms: Rooms, people: Requesters, journal: Journal) -> None:
        self._rooms = rooms
        self._people = people
        self._journal = journal
        self._work = journal.operation.work
        shows = ShowCard | Receipt | Tell | Say | SweepThread | TellAgents | Remind | FinishStep
        self._shows = isinstance(self._work, shows)

    async def carry_out(self) -> Head | None:
        """Carry the operation out; the lane's next one, or None where the lane was given back.

        Raises:
            LeaseLost: another worker has the lane.
            StoreAway: nothing can be written down; the lease runs out by itself.
        """
        progress = self._journal.progress
        if wait := await self._desk_wait():
            await self._wait_for_desk(wait)
            return None
        progress.crashes = max(progress.crashes + (not progress.rested), self._journal.head.deaths)
        progress.rested = False
        if progress.crashes >= CRASHES:
            with await self._to_actor():
                return await self._park(_("Threadline broke off several times while it worked on this."))
        had_trouble = progress.first_failed > 0
        try:
            outcome = await self._carry()
        except (LeaseLost, StoreAway):
            raise
        except asyncio.CancelledError:
            await self._rest(timedelta())
            raise
        except (Again, LookLater, UnknownVersion) as later:  # unknown: of a link, or of a person
            self._note("later")
            if isinstance(later, Again):
                await self._desk_is_well()
                if had_trouble:
                    await self._card_is_well()
                self._journal.begin_again(later.work)
            if isinstance(later, UnknownVersion):
                log.warning(LEFT_ALONE, extra={"lane": self._journal.lease.lane})
            delay = NEWER_LOOKS if isinstance(later, UnknownVersion) else later.delay
            await self._rest(delay, overtaken=isinstance(later, Overtaken))
            return None
        except AskPerson as question:
            await (self._ask_closed() if isinstance(question, AskClosed) else self._ask())
            return None
        except Exception as error:  # noqa: BLE001 - our own faults have a row in the table of verdicts too
            return await self._failed(error)
        await self._desk_is_well()
        if had_trouble:
            await self._card_is_well()
        self._log("done")
        self._note("done")
        outcome = replace(outcome, untouched=True) if self._journal.missed and progress.waited else outcome
        head = await self._rooms.lanes.done(self._journal.lease, self._journal.head.id, outcome)
        await look_soon(self._rooms, self._journal.lease.lane, self._work, self._journal.head.link, self._desk)
        return head

    async def _carry(self) -> Outcome:  # noqa: PLR0912 - one branch for each kind of work
        rooms, journal, work = self._rooms, self._journal, self._work
        outcome, link = Outcome(), journal.head.link
        if await is_for_another(journal, rooms.links):
            await self._parted(link)
            return outcome
        match work:
            case OpenTicket():
                outcome = await tickets.open_ticket(rooms, self._people, journal, work)
            case MoveTicket():
                outcome = await moving.move_ticket(rooms, self._people, journal, work)
            case LeaveTicket():
                await moving.leave_ticket(rooms, journal, work)
            case LinkTicket():
                await tickets.link_ticket(rooms, journal, work)
            case ChangeTicket():
                await tickets.change_ticket(rooms, journal, work)
            case AddMessage():
                outcome = await messages.add_message(rooms, self._people, journal, work)
            case EditMessage():
                outcome = await edits.edit_message(rooms, self._people, journal, work)
            case DeleteMessage():
                outcome = await edits.delete_message(rooms, self._people, journal, work)
            case SweepThread():
                await sweep.sweep_thread(rooms, work)
            case PullTicket():
                await pull.pull_ticket(rooms, journal, work)
            case PollDesk():
                await pull.poll_desk(rooms, work)
            case TellAgents():
                await agents.tell_agents(rooms, journal, work)
            case Remind():
                await agents.remind(rooms, journal, work)
            case FinishStep():
                await steps.finish_step(rooms, journal, work)
            case ShowCard():
                await display.show_card(rooms, journal, work)
            case Receipt():
                await display.receipt(rooms, journal, work)
            case Tell():
                await display.tell(rooms, journal, work)
            case Say():
                await display.say(rooms, journal, work)
            case SlackEvent():
                with perhaps_done(journal.progress.verify):  # the server may have forgotten what followed from it
                    if follows := await rooms.events.dispatch(work.body, link):
                        outcome = Outcome(then=(follows,))
        return outcome

    # --- what follows from a failure ---------------------------------------------------------------------------------

    async def _failed(self, error: Exception) -> Head | None:
        progress = self._journal.progress
        desk = self._desk
        self._note(type(error).__name__)
        others = self._rooms.taken.get((desk.name, self._work.kind), 0.0) if desk else 0.0
        is_sign = isinstance(error, Unavailable | OutcomeUnknown | UnexpectedReply) and isinstance(self._work, Asked)
        self._journal.failed(others if is_sign and getattr(error, "retry_after", None) is None else 0.0)
        answer = verdict(error, attempts=progress.attempts, settle=desk.limits.settle if desk else timedelta())
        about = {name: getattr(error, name, "") for name in ("code", "desk")}
        self._log("failed", error=type(error).__name__, **about, next=str(answer.next))
        if desk is not None and answer.breaks:
            await self._rooms.breakers.failed(desk.name, getattr(error, "retry_after", None))
        if answer.next is Next.PARK:
            with await self._to_actor():
                return await self._park(error_words(error))
        concerns = isinstance(error, AdapterError) or isinstance(self._work, Asked)  # else nobody waits for it
        if progress.attempts >= ANNOUNCE_AT and concerns:
            await self._announce(error)
        await self._rest(answer.delay)
        return None

    async def _card_is_well(self) -> None:
        """Have the card speak no more of waiting, as it may have because of this."""
        if self._journal.head.link and not self._shows:
            await self._rooms.lanes.add([card_op(self._journal.head.link.thread)])

    async def _rest(self, delay: timedelta, *, overtaken: bool = False) -> None:
        journal = self._journal
        journal.progress.rested = True
        begun = journal.progress.begun and not overtaken
        await self._rooms.lanes.retry(journal.lease, journal.head.id, journal.stored(), delay=delay, begun=begun)

    async def _park(self, words: str) -> Head | None:
        """Set the operation aside for a person and tell them; what only shows something is let go."""
        lanes, lease, head = self._rooms.lanes, self._journal.lease, self._journal.head
        if isinstance(self._work, PollDesk | PullTicket | TellAgents | Remind):
            self._log("put off", why=words)  # nobody asked for it, and to stop it would part thread and ticket unseen
            self._journal.forgive()
            await self._rest(PUT_OFF)
            return None
        if self._shows or isinstance(self._work, SlackEvent):
            self._log("given up", why=words)
            return await lanes.done(lease, head.id, Outcome())
        if await self._is_overtaken():
            return None
        self._journal.progress.rested, self._journal.progress.crashes = True, 0
        self._journal.operation.why = words
        if number := await tickets.show_half(self._rooms, self._journal, self._desk):
            told = _("Ticket {number} was opened, but not all of it is there yet. {why}", number=number, why=words)
        else:
            told = _("{what} was not sent. {why}", what=subject_words(self._work), why=words)
        await self._tell(told, parked=True)
        if isinstance(self._work, AddMessage) and self._work.ts and head.link:
            await self._show(head.link, "failed")
        return await lanes.park(lease, head.id, self._journal.stored(), begun=self._journal.progress.begun)

    async def _is_overtaken(self) -> bool:
        """Give the lane back to a newer text where one waits, so that nobody is told or asked of the old one."""
        if self._journal.progress.begun or not await self._journal.save():
            return False
        await self._rest(timedelta())
        return True

    async def _ask(self) -> None:
        """Stop the lane and ask a person whether an earlier try took effect."""
        progress = self._journal.progress
        progress.rested = True
        progress.asked = progress.calling
        desk = self._desk
        with await self._to_actor():
            words = _(
                "{desk} did not answer, so it is not known whether this arrived there: {what}. {desk} cannot be "
                "searched for it, so please look. What follows in this thread waits for your answer.",
                desk=desk.title if desk else _("The helpdesk"),
                what=subject_words(self._work),
            )
            await self._tell(words, parked=True, asks=True)
        await self._hold(words)

    async def _ask_closed(self) -> None:
        """Stop the lane and ask everybody in the thread how a reply to a closed ticket goes on."""
        journal, link = self._journal, self._journal.head.link
        if link is None or await self._is_overtaken():
            return
        progress = journal.progress
        progress.rested, progress.asked, progress.questions = True, CLOSED, progress.questions + 1
        words = _(
            "Ticket {number} is closed. Is what was written here to open it again, or is it about something new? What "
            "follows in this thread waits for your answer, and nothing is lost.",
            number=link.number,
        )
        parked, actor = f"{journal.lease.lane}|{journal.head.id}", getattr(self._work, "actor", "")
        asked = Say(thread=link.thread, text=words, parked=parked, actor=actor)
        await self._rooms.lanes.add([say_op(asked, once=f"closed:{journal.head.id}:{progress.questions}")])
        if getattr(self._work, "ts", ""):
            await self._show(link, "waiting")
        await self._hold(words)

    async def _hold(self, why: str) -> None:
        journal = self._journal
        journal.operation.why = why
        begun, linked = journal.progress.begun, journal.head.link is not None
        await self._rooms.lanes.hold(journal.lease, journal.head.id, journal.stored(), begun=begun, linked=linked)

    async def _wait_for_desk(self, wait: timedelta) -> None:
        """Leave the operation alone while its desk does not answer."""
        progress = self._journal.progress
        if not progress.first_failed or progress.attempts >= ANNOUNCE_AT:
            progress.first_failed = progress.first_failed or time.time()
            await self._announce(None)
        await self._rest(wait)

    async def _announce(self, error: Exception | None) -> None:
        """Say once that something waits: on the card, to all in the thread where none can be drawn, or to who asked."""
        progress, link = self._journal.progress, self._journal.head.link
        if progress.announced:
            return
        progress.announced = True
        since = datetime.fromtimestamp(progress.first_failed, UTC)
        if link:
            note = _(
                "{why} Since {since:%H:%M} UTC what is written here waits; all of it will be sent in order, and "
                "nothing is lost.",
                why=self._why(error),
                since=since,
            )
            op = card_op(link.thread, note)
            if isinstance(error, NoSuchDesk) and error.desk == link.desk:
                if not isinstance(self._work, Asked):  # nobody wrote anything, and a post notifies people
                    return
                op = say_op(Say(thread=link.thread, text=note), once=f"{self._journal.head.id}:{since.timestamp()}")
            await self._rooms.lanes.add([op])
            if isinstance(self._work, AddMessage) and self._work.ts:
                await self._show(link, "waiting")
        else:
            with await self._to_actor():
                kept = _("{what} waits: {why} It is kept and will be sent; you need not type it again.")
                await self._tell(kept.format(what=subject_words(self._work), why=self._why(error)))

    async def _show(self, link: Link, state: Literal["waiting", "failed"]) -> None:
        """Show on the message how far it got. The journal remembers that, so that another process can take it away."""
        if self._rooms.voice.receipts_are_silent:
            return
        progress, channel = self._journal.progress, link.thread.channel
        receipt = Receipt(channel=channel, ts=getattr(self._work, "ts", ""), state=state, again=progress.shown)
        await self._rooms.lanes.add([receipt_op(link.thread, receipt)])
        progress.shown = True

    async def _tell(self, text: str, *, parked: bool = False, asks: bool = False) -> None:
        work, lane, identity = self._work, self._journal.lease.lane, self._journal.head.id
        team, channel, thread_ts = _where(lane, work)
        actor, link = getattr(work, "actor", ""), self._journal.head.link
        told = Tell(
            user=actor,
            channel=channel,
            thread_ts=thread_ts,
            text=text,
            parked=f"{lane}|{identity}" if parked else "",
            asks=asks,
        )
        if parked and isinstance(work, OpenTicket) and work.step:  # a workflow does not wait for what a person decides
            await self._rooms.lanes.add([step_op(team, FinishStep(step=work.step, error=text))])
        progress = self._journal.progress
        # each call, and each server that forgets, is a question of its own
        since = max(progress.since, progress.verify) if asks else progress.first_failed
        once = f"{identity}:{'parked' if parked else 'waiting'}:{since:.0f}"
        if actor:
            op = tell_op(team, told, once=once)
        elif parked and link:  # nobody's: who asked was forgotten
            words = _("{what} Whoever runs Threadline decides what becomes of it (threadline parked).", what=text)
            op = say_op(Say(thread=link.thread, text=words), once=once)
        else:
            return
        await self._rooms.lanes.add([op])

    async def _parted(self, link: Link | None) -> None:
        """Say that something was for a ticket that its thread does not go with any more.

        Nothing is said of an edit, nor of a message that the ticket of now has, since it was opened with it.
        """
        work, thread, identity = self._work, ThreadKey.parse(self._journal.lease.lane), self._journal.head.id
        if isinstance(work, EditMessage | DeleteMessage):
            return
        progress, said = self._journal.progress, work.ts if isinstance(work, AddMessage) else ""
        there = await self._rooms.links.delivered(thread, said) if said else None
        imported = there is not None and not there.gone
        if said and progress.shown:
            state: Literal["delivered", "failed"] = "delivered" if imported else "failed"
            receipt = Receipt(channel=thread.channel, ts=said, state=state, again=True)
            await self._rooms.lanes.add([receipt_op(thread, receipt)])
        if imported:
            return
        with await self._to_actor():
            what = subject_words(work)
            if progress.begun:
                words = _(
                    "{what} may have reached the helpdesk already, wholly or in part, for the ticket that this thread "
                    "had then. No more of it is sent; please look there.",
                    what=what,
                )
            elif link:
                words = _(
                    "{what} was not sent: it was for the ticket that this thread had then, not for ticket {number}.",
                    what=what,
                    number=link.number,
                )
            else:
                words = _("{what} was not sent: its thread has no ticket any more.", what=what)
        if isinstance(work, AddMessage):
            words = f"{words}\n{work.text}".rstrip()  # what was typed into a command stands nowhere else
        await self._rooms.lanes.add([told_op(thread, getattr(work, "actor", ""), words, once=identity)])

    async def _to_actor(self) -> AbstractContextManager[None]:
        """To speak in the words of who asked for this."""
        return await speaking_to(self._rooms, getattr(self._work, "actor", ""))

    # --- what is said of it ------------------------------------------------------------------------------------------

    @cached_property
    def _desk(self) -> TicketAdapter[Any] | None:
        if self._shows or isinstance(self._work, SlackEvent):
            return None
        link = self._journal.head.link
        name = getattr(self._work, "desk", "") or (link.desk if link else "")
        with contextlib.suppress(NoSuchDesk):
            return self._rooms.desks.get(name) if name else None
        return None

    async def _desk_is_well(self) -> None:
        if (desk := self._desk) is not None:
            await self._rooms.breakers.succeeded(desk.name)

    async def _desk_wait(self) -> timedelta:
        desk = self._desk
        return await self._rooms.breakers.wait(desk.name) if desk else timedelta()

    def _why(self, error: Exception | None) -> str:
        """Why it waits; without an error of its own, because the desk is left alone for a while."""
        if isinstance(error, SlackTrouble | SlackOutcomeUnknown):
            if self._journal.progress.tries:
                return _("Slack does not hand over a file that belongs to it.")
            return _("Slack does not answer as it should.")
        if error is not None:
            return error_words(error)
        desk = self._desk
        return _("{desk} does not answer.", desk=desk.title if desk else _("The helpdesk"))

    def _note(self, outcome: str) -> None:
        """Count work at a desk by its outcome."""
        if (desk := self._desk) is not None:
            self._rooms.noted[desk.name, self._work.kind, outcome] += 1
            if outcome == "done" and self._journal.changed:
                self._rooms.taken[desk.name, self._work.kind] = time.time()

    def _log(self, event: str, **fields: str) -> None:
        """One line for each visible change, without texts."""
        where = {"lane": self._journal.lease.lane, "op": self._journal.head.id}
        log.info("%s %s", self._work.kind, event, extra=where | fields)


def _where(lane: str, work: Any) -> tuple[str, str, str]:
    """Workspace, channel and thread in which the person who asked can be told."""
    team, _colon, rest = lane.rpartition("/")[2].partition(":")
    if isinstance(work, OpenTicket):
        return team, work.channel, work.thread_ts
    thread = ThreadKey.parse(f"{team}:{rest}")
    return team, thread.channel, thread.ts
