"""Accepts wishes and promises only what the store holds: once accepted, work is done or somebody is told."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Unpack

from adapters.contract import Shared
from adapters.model import Status
from adapters.settings import MirrorMode
from bot.conversion.decisions import WAYS, Decision, decided
from bot.conversion.marks import goes_words
from bot.conversion.ops import (
    How,
    card_op,
    edit_op,
    mirror_op,
    new_op,
    now,
    perhaps_done,
    say_op,
    step_op,
    sweep_op,
    tell_op,
)
from bot.conversion.ports import Added, Lanes, Links, NewOp
from bot.conversion.records import (
    CLOSED,
    AddMessage,
    ChangeTicket,
    DeleteMessage,
    EditMessage,
    FinishStep,
    Link,
    LinkTicket,
    MoveTicket,
    OpenTicket,
    Operation,
    Progress,
    Say,
    Switch,
    Tell,
    ThreadKey,
    Work,
    decode,
    encode,
)
from bot.conversion.stamps import WAY, making, microseconds
from bot.conversion.stored import UnknownVersion
from bot.words import speaking

BETWEEN_SWEEPS = timedelta(seconds=1.5)
"""Slack lets a workspace read about 50 pages of replies in a minute, and others want to read too."""
_SWEPT_TOGETHER = 200
"""How many wishes for a look are stored by one call; that many keep the server for a few milliseconds."""
_SWITCHES = 20
"""How many changes of what goes to a ticket are remembered for a thread."""
_APART = timedelta(seconds=5)
"""By how much the clocks may differ by which a message was said and its thread's link was made."""
FIRST = 0
"""The order of what must come before any message of its thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of a wish. Where it is not new, ``link`` or ``actor`` say whose it was."""

    new: bool
    link: Link | None = None  # the thread has a ticket already
    earlier: Work | None = None  # what stands in its place, and waits

    @property
    def actor(self) -> str:
        """Slack user id of who asked for that; empty where nobody did."""
        return getattr(self.earlier, "actor", "")


class Intake:
    """The one way for work into the lanes."""

    def __init__(self, lanes: Lanes, links: Links, shared: Shared | None = None) -> None:
        """*shared*: has all processes keep one pace of sweeps."""
        self._lanes = lanes
        self._links = links
        self._shared = shared

    async def open_ticket(self, team: str, work: OpenTicket, *, once: str) -> Accepted:
        """Have a ticket opened, for a thread (one ticket however many ask) or from a form alone.

        Args:
            team: the workspace.
            work: what to open.
            once: the idempotency key of a form without a thread, such as its view's id.
        """
        if not work.thread_ts:
            return await self._once(f"{team}:form:{once}", f"create:{team}:{once}", FIRST, work)
        thread = ThreadKey(team=team, channel=work.channel, ts=work.thread_ts)
        if link := await self._links.get(thread):
            return Accepted(new=False, link=link)
        work = work.model_copy(update={"asked": f"{time.time():.6f}"})
        return await self._make(thread, work)

    async def is_opening(self, thread: ThreadKey) -> bool:
        """Whether *thread* has no ticket yet and gets one: nothing else waits in the lane of a thread without one."""
        return await self._links.get(thread) is None and await self._lanes.waiting(str(thread)) > 0

    async def link_ticket(self, thread: ThreadKey, work: LinkTicket) -> Accepted:
        """Have a thread linked to a ticket that is at the desk already, unless its own ticket is still there."""
        if link := await self._links.get(thread):
            if link.state != Status.GONE:
                return Accepted(new=False, link=link)
            order = now()  # each wish is another: one before may have ended without a link, and a second link is none
            return await self._once(str(thread), f"link:{thread}:{order}", order, work)
        return await self._make(thread, work)

    async def add_message(
        self, thread: ThreadKey, work: AddMessage, *, once: str = "", anew: bool = False, searched: bool = True
    ) -> Accepted:
        """Have a message brought to the ticket of *thread*; a Slack message is its own idempotency key.

        *anew*: by a gesture that people may repeat, so that what went to another ticket before, or was refused, goes to
        this one, too. *searched*: whether its desk can be searched, so that it is looked for there first.
        """
        identity = thread.bringing(work.ts) if work.ts else f"text:{once}"
        order = microseconds(work.ts) if work.ts else now()
        accepted = await self._once(str(thread), identity, order, work, parted=await self._parted(thread, work))
        if not anew or accepted.new:
            return accepted
        link = await self._links.get(thread)
        doubt = time.time() if searched else 0.0  # the thread may have gone with this very ticket before
        if accepted.earlier:
            return Accepted(new=True) if await self._take_up(thread, identity, work, link, doubt) else accepted
        if await self._is_known(thread, work.ts, link):
            return accepted
        with perhaps_done(doubt):
            return await self._once(str(thread), identity, order, work, anew=True)

    async def _take_up(
        self, thread: ThreadKey, identity: str, work: AddMessage, link: Link | None, doubt: float
    ) -> bool:
        """Have a message that was refused tried again, as it reads now; False where it waits, or for an answer.

        Where a part of it is on the ticket already, the rest follows. What was refused on another ticket begins anew.
        """
        parked = await self._lanes.find_parked(str(thread), identity)
        if parked is None or parked.held:
            return False
        try:
            before = decode(parked.payload)
        except UnknownVersion:
            return False
        under = getattr(before.work, "under", None)
        same = link is not None and (under is None or under.is_of(link))
        fresh = Progress(shown=before.progress.shown, verify=0.0 if same else doubt)
        again: str | None = encode(Operation(work=work, progress=fresh))
        if same and before.progress.begun:
            again = decided(parked.payload, Decision.AGAIN)
        return await self._lanes.unpark(str(thread), identity, again)

    async def _is_known(self, thread: ThreadKey, ts: str, link: Link | None) -> bool:
        """Whether a message is, or was, on the ticket with which its thread goes now; what was discarded is not."""
        known = await self._links.delivered(thread, ts)
        if known is None or (link and not known.is_on(link)):
            return False
        return bool(known.message_id) or not known.gone

    async def mirror(self, thread: ThreadKey, work: AddMessage, link: Link | None = None) -> Added:
        """The same for a reply that was simply written in a thread: nothing happens if the thread has no ticket."""
        op = await self.bringing(thread, work, link)
        return (await self._lanes.add([op._replace(linked_only=True)]))[0]

    async def bringing(self, thread: ThreadKey, work: AddMessage, link: Link | None) -> NewOp:
        """What is stored for a reply whose event was kept since its thread had a ticket or was getting one.

        It may have waited: where the thread was parted from that ticket since, it goes to no other, of which *link* may
        be, and who wrote it is told.
        """
        is_older = link is not None and _is_older(work.ts, link)
        free = work.model_copy(update={"under": None}) if is_older else work
        parted = await self._parted(thread, free)
        if is_older:
            return mirror_op(thread, free, parted=parted - 1) if parted else mirror_op(thread, work)
        op = mirror_op(thread, work, parted=parted)
        return op._replace(linked_only=False) if parted else op

    async def is_for_earlier(self, link: Link, said: str) -> bool:
        """Whether what was *said* (its Slack timestamp) in a thread is for a ticket before that of its *link*."""
        return _is_older(said, link) and await self._links.partings(link.thread) > 0

    async def _parted(self, thread: ThreadKey, work: AddMessage) -> int | None:
        """How often *thread* was parted from a ticket, where *work* does not say for which link it is."""
        return await self._links.partings(thread) if work.under is None else None

    async def edit(self, thread: ThreadKey, work: EditMessage, *, change: str) -> None:
        """An edit of a message: it takes the place of one that is not sent yet, else the ticket is told.

        Args:
            thread: where it was said.
            work: the edit.
            change: what makes this edit another than the one before; two may have happened within a second.
        """
        work = work.model_copy(update={"edited": change})  # Slack's edited.ts has whole seconds, and two may share one
        lane, identity = str(thread), thread.bringing(work.ts)
        first: list[NewOp] = []
        if not await self.put_right(thread, work) and (waiting := await self._lanes.peek(lane, identity)):
            with contextlib.suppress(UnknownVersion):
                first.append(_instead(lane, identity, _reworded(waiting, work)))
        await self._lanes.add([*first, edit_op(thread, work)])

    async def put_right(self, thread: ThreadKey, edit: EditMessage) -> bool:
        """Have a message that was refused tried again as it reads after an edit; False where it was not."""
        lane, identity = str(thread), thread.bringing(edit.ts)
        parked = await self._lanes.find_parked(lane, identity)
        if parked is None or parked.held:
            return False
        with contextlib.suppress(UnknownVersion):
            if (again := _put_right(parked.payload, edit)) is not None:
                await self._lanes.unpark(lane, identity, again)
        return True

    async def delete(self, thread: ThreadKey, work: DeleteMessage) -> None:
        """A deletion of a message: one that is not sent yet is not sent at all, else the ticket is told."""
        lane, waiting = str(thread), thread.bringing(work.ts)
        first: list[NewOp] = []
        parked = await self._lanes.find_parked(lane, waiting)
        if parked is not None and _is_untouched(parked.payload):
            await self._lanes.unpark(lane, waiting, None)
        elif parked.held if parked else await self._lanes.peek(lane, waiting):
            # without its text it is looked for in Slack, and not found
            gone = Operation(work=AddMessage(actor=work.actor, ts=work.ts, under=work.under))
            first.append(_instead(lane, waiting, gone))
        identity = f"del:{thread.team}:{thread.channel}:{work.ts}"
        await self._lanes.add([*first, new_op(lane, identity, now(), work, linked_only=True)])

    async def change(self, thread: ThreadKey, work: ChangeTicket, *, once: str) -> Accepted:
        """Have something about the ticket of *thread* changed; *once* is the gesture's own id (a trigger id)."""
        return await self._once(str(thread), f"change:{once}", now(), work)

    async def unlink(self, thread: ThreadKey) -> Link | None:
        """Part thread and ticket; what still waits for the ticket is not sent, and who wrote it is told."""
        if link := await self._links.get(thread):
            await self._links.remove(link)
        return link

    async def move(self, thread: ThreadKey, work: MoveTicket, *, once: str) -> Accepted:
        """Have a thread go on at another desk; *once* is the gesture's own id."""
        return await self._once(str(thread), f"move:{once}", now(), work)

    async def switch(
        self, thread: ThreadKey, *, since: str, mirror: MirrorMode | None, apps: bool | None, actor: str
    ) -> Link | None:
        """Have another part of a thread go to its ticket from the timestamp *since* on; None where it has no ticket.

        What is None stays as it is. Everybody in the thread is told.
        """

        def change(link: Link) -> Link:
            before = [one for one in link.switches if one.since != since]
            old = before[-1] if before else Switch()
            new = Switch(since=since, mirror=mirror or old.mirror, apps=old.apps if apps is None else apps)
            return link.model_copy(update={"switches": _remembered((*before, new))})

        link = await self._links.update(thread, change)
        if link:
            with speaking():
                work = Say(thread=thread, text=goes_words(link.now, link.number), actor=actor)
            await self._lanes.add([say_op(work, once=f"mirror:{since}"), card_op(thread)])
        return link

    async def send_earlier(self, thread: ThreadKey) -> None:
        """Have what was said in a thread before its last switch go to the ticket as what is said now."""

        def change(link: Link) -> Link:
            now = [one.model_copy(update={"since": "0"}) for one in link.switches[-1:]]
            return link.model_copy(update={"switches": tuple(now)})

        await self._links.update(thread, change)
        again = sweep_op(thread)
        await self._lanes.add([again])
        await self._lanes.nudge(again.lane)  # its turn among many threads may be hours away

    async def show_card(self, thread: ThreadKey) -> None:
        """Have the card brought up to date; many wishes are one."""
        await self._lanes.add([card_op(thread)])

    async def sweep(self) -> None:
        """Have each linked thread read again, one after the other at a pace that Slack allows.

        With many threads that takes longer than until the next sweep: then those that were read come behind the others.
        """
        number, some = 0, list[ThreadKey]()
        async for link in self._links.all():
            if link.mirror:
                some.append(link.thread)
            if len(some) == _SWEPT_TOGETHER:
                number, some = number + await self._sweep(some, number), []
        await self._sweep(some, number)

    async def _sweep(self, threads: Sequence[ThreadKey], number: int) -> int:
        """Have threads read: those that wait for it when they would be anyhow, the others behind *number*; how many."""
        ops = [sweep_op(thread) for thread in threads]
        waiting = await asyncio.gather(*(self._lanes.waiting(op.lane) for op in ops))
        others = waiting.count(0)
        wait = number * BETWEEN_SWEEPS
        if others and self._shared is not None:
            wait = await self._shared.turn("sweep", per_second=1 / (others * BETWEEN_SWEEPS.total_seconds()))
        turns = itertools.count()
        delays = [timedelta() if waits else wait + next(turns) * BETWEEN_SWEEPS for waits in waiting]
        await self._lanes.add([op._replace(delay=delay) for op, delay in zip(ops, delays, strict=True)])
        return others

    async def finish_step(self, team: str, work: FinishStep) -> None:
        """Have a workflow's step end, once."""
        await self._lanes.add([step_op(team, work)])

    async def tell(self, work: Tell, *, team: str, once: str) -> None:
        """Have somebody told something, even if Slack is away just now."""
        await self._lanes.add([tell_op(team, work, once=once)])

    async def _make(self, thread: ThreadKey, work: OpenTicket | LinkTicket) -> Accepted:
        """Have a thread without a ticket get one, and only one."""
        identity = making(str(thread), await self._links.partings(thread))
        return await self._once(str(thread), identity, FIRST, work, makes_link=True)

    async def _once(
        self, lane: str, identity: str, order: int, work: Work, *, parted: int | None = None, **how: Unpack[How]
    ) -> Accepted:
        op = new_op(lane, identity, order, work, parted=parted, **how)
        (added,) = await self._lanes.add([op])
        if added is Added.DUPLICATE and op.makes_link and await self._set_aside(lane, identity):
            (added,) = await self._lanes.add([op])
        if added is not Added.DUPLICATE:
            return Accepted(new=True)
        return Accepted(new=False, earlier=await self._waiting(lane, identity))

    async def _set_aside(self, lane: str, identity: str) -> bool:
        """Drop an earlier try that was refused and waits for a decision: the new wish is that decision."""
        earlier = await self._lanes.find_parked(lane, identity)
        return earlier is not None and not earlier.held and await self._lanes.unpark(lane, identity, None)

    async def _waiting(self, lane: str, identity: str) -> Work | None:
        stored = await self._lanes.peek(lane, identity)
        try:
            return decode(stored).work if stored else None
        except UnknownVersion:
            return None


def _is_older(ts: str, link: Link) -> bool:
    """Whether what was said at *ts* was surely said before its thread was read for the ticket of *link*."""
    since = float(link.read_to) if link.read_to else link.created_at.timestamp()
    return float(ts) < since - _APART.total_seconds()


def _remembered(switches: tuple[Switch, ...]) -> tuple[Switch, ...]:
    """The last *switches*; where earlier ones are forgotten, what was said under them stays in its thread."""
    if len(switches) <= _SWITCHES:
        return switches
    return Switch(mirror="nothing"), *switches[1 - _SWITCHES :]


def _is_untouched(payload: str) -> bool:
    """Whether nothing of parked work can be at its desk yet."""
    try:
        progress = decode(payload).progress
    except UnknownVersion:
        return False
    return not progress.begun


def _instead(lane: str, identity: str, operation: Operation) -> NewOp:
    """*operation* in the place of a message that waits."""
    order = microseconds(identity.rpartition(":")[2])
    return NewOp(lane=lane, id=identity, order=order, payload=encode(operation), instead=True)


def _reworded(waiting: str, edit: EditMessage) -> Operation:
    """A message that was not sent yet, after its edit: as it was meant for the ticket, with the new text.

    An open question about it stays open, and the answer to how it goes on holds. Raises UnknownVersion.
    """
    before = decode(waiting)
    work = before.work.model_copy(update={"message": edit.message, "edited": edit.edited})
    if before.progress.asked == CLOSED and not before.progress.begun:
        return Operation(work=work, progress=before.progress, why=before.why)
    answer, way = before.progress.answer, before.progress.done.get(WAY, "")
    if answer not in WAYS:
        answer = Decision.NEW if way == Decision.NEW else Decision.REOPEN if way else ""
    asked, parted = before.progress.questions, before.progress.parted
    progress = Progress(shown=True, questions=asked, answer=answer, parted=parted)  # it waits, perhaps
    return Operation(work=work, progress=progress)


def _put_right(parked: str, edit: EditMessage) -> str | None:
    """What a parked message goes back with after its edit: the new text, unless a part may be at its desk already.

    Then it goes on as it was, and the ticket is told of the edit when all of it is there. None where that edit, or a
    later one, was what it was refused with. Raises UnknownVersion.
    """
    operation = decode(parked)
    work, progress = operation.work, operation.progress
    if isinstance(work, AddMessage) and float(work.newer_edited or work.edited or 0) >= float(edit.edited):
        return None
    if not progress.begun:
        return encode(_reworded(parked, edit))
    newer = work.model_copy(update={"newer": edit.message, "newer_edited": edit.edited})
    again = encode(operation.model_copy(update={"work": newer}))
    return decided(again, Decision.AGAIN) or again
