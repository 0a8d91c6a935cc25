"""Accepts wishes and promises only what the store holds: once accepted, work is done or somebody is told."""

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from adapters.contract import Capability, TicketAdapter
from adapters.model import Status
from adapters.settings import MirrorMode
from bot.conversion.decisions import Decision, decided
from bot.conversion.marks import goes_words
from bot.conversion.ports import Added, Lanes, Links, NewOp
from bot.conversion.records import (
    AddMessage,
    ChangeTicket,
    DeleteMessage,
    EditMessage,
    FinishStep,
    LeaveTicket,
    Link,
    LinkTicket,
    MoveTicket,
    OpenTicket,
    Operation,
    PollDesk,
    Progress,
    PullTicket,
    Receipt,
    Remind,
    Say,
    ShowCard,
    SweepThread,
    Switch,
    Tell,
    TellAgents,
    ThreadKey,
    Work,
    decode,
    encode,
    encode_event,
)
from bot.conversion.stamps import microseconds
from bot.conversion.stored import UnknownVersion

BETWEEN_SWEEPS = timedelta(seconds=1.5)
"""Slack lets a workspace read about 50 pages of replies in a minute, and others want to read too."""
_SWEPT_TOGETHER = 200
"""How many wishes for a look are stored by one call; that many keep the server for a few milliseconds."""
_SWITCHES = 20
"""How many changes of what goes to a ticket are remembered for a thread."""
FIRST = 0
"""The order of what must come before any message of its thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of a wish. Where it is not new, ``link`` or ``actor`` say whose it was."""

    new: bool
    link: Link | None = None  # the thread has a ticket already
    actor: str = ""  # Slack user id of who asked for the same before


class Intake:
    """The one way for work into the lanes."""

    def __init__(self, lanes: Lanes, links: Links) -> None:
        self._lanes = lanes
        self._links = links

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
        return await self._once(str(thread), f"create:{thread}", FIRST, work, makes_link=True)

    async def link_ticket(self, thread: ThreadKey, work: LinkTicket) -> Accepted:
        """Have a thread linked to a ticket that is at the desk already, unless its own ticket is still there."""
        if link := await self._links.get(thread):
            if link.state != Status.GONE:
                return Accepted(new=False, link=link)
            again = f"link:{thread}:{link.ticket_id}:{work.desk}:{work.number}"
            return await self._once(str(thread), again, _now(), work)
        return await self._once(str(thread), f"create:{thread}", FIRST, work, makes_link=True)

    async def add_message(self, thread: ThreadKey, work: AddMessage, *, once: str = "") -> Accepted:
        """Have a message brought to the ticket of *thread*; a Slack message is its own idempotency key."""
        identity = f"msg:{thread.team}:{thread.channel}:{work.ts}" if work.ts else f"text:{once}"
        order = microseconds(work.ts) if work.ts else _now()
        return await self._once(str(thread), identity, order, work)

    async def mirror(self, thread: ThreadKey, work: AddMessage) -> Added:
        """The same for a reply that was simply written in a thread: nothing happens if the thread has no ticket."""
        identity = f"msg:{thread.team}:{thread.channel}:{work.ts}"
        op = _op(str(thread), identity, microseconds(work.ts), work, linked_only=True)
        return (await self._lanes.add([op]))[0]

    async def edit(self, thread: ThreadKey, work: EditMessage, *, change: str) -> None:
        """An edit of a message: it takes the place of one that is not sent yet, else the ticket is told.

        Args:
            thread: where it was said.
            work: the edit.
            change: what makes this edit another than the one before; two may have happened within a second.
        """
        work = work.model_copy(update={"edited": change})  # Slack's edited.ts has whole seconds, and two may share one
        identity = f"msg:{thread.team}:{thread.channel}:{work.ts}"
        message = AddMessage(actor=work.actor, ts=work.ts, message=work.message, edited=work.edited)
        payload = encode(Operation(work=message, progress=Progress(shown=True)))  # that it waits, perhaps
        first: list[NewOp] = []
        parked = await self._lanes.find_parked(str(thread), identity)
        if parked is not None:
            with contextlib.suppress(UnknownVersion):  # what was refused is put right by its edit
                if not parked.held:
                    await self._lanes.unpark(str(thread), identity, _put_right(parked.payload, payload, work))
        elif await self._lanes.peek(str(thread), identity):
            first.append(
                NewOp(lane=str(thread), id=identity, order=microseconds(work.ts), payload=payload, replace=True)
            )
        await self._lanes.add([*first, edit_op(thread, work)])

    async def delete(self, thread: ThreadKey, work: DeleteMessage) -> None:
        """A deletion of a message: one that is not sent yet is not sent at all, else the ticket is told."""
        waiting = f"msg:{thread.team}:{thread.channel}:{work.ts}"
        first: list[NewOp] = []
        parked = await self._lanes.find_parked(str(thread), waiting)
        if parked is not None:
            if not parked.held and _is_untouched(parked.payload):
                await self._lanes.unpark(str(thread), waiting, None)
        elif await self._lanes.peek(str(thread), waiting):  # without its text it is looked for in Slack, and not found
            gone = encode(Operation(work=AddMessage(actor=work.actor, ts=work.ts)))
            first.append(NewOp(lane=str(thread), id=waiting, order=microseconds(work.ts), payload=gone, replace=True))
        identity = f"del:{thread.team}:{thread.channel}:{work.ts}"
        await self._lanes.add([*first, _op(str(thread), identity, _now(), work, linked_only=True)])

    async def change(self, thread: ThreadKey, work: ChangeTicket, *, once: str) -> Accepted:
        """Have something about the ticket of *thread* changed; *once* is the gesture's own id (a trigger id)."""
        return await self._once(str(thread), f"change:{once}", _now(), work)

    async def unlink(self, thread: ThreadKey) -> Link | None:
        """Part thread and ticket; what waits for the ticket is still delivered first by whoever holds the lane."""
        if link := await self._links.get(thread):
            await self._links.remove(link)
        return link

    async def move(self, thread: ThreadKey, work: MoveTicket, *, once: str) -> Accepted:
        """Have a thread go on at another desk; *once* is the gesture's own id."""
        return await self._once(str(thread), f"move:{once}", _now(), work)

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
            return link.model_copy(update={"switches": (*before, new)[-_SWITCHES:]})

        link = await self._links.update(thread, change)
        if link:
            work = Say(thread=thread, text=goes_words(link.now, link.number), actor=actor)
            await self._lanes.add([say_op(work, once=f"mirror:{since}"), card_op(thread)])
        return link

    async def send_earlier(self, thread: ThreadKey) -> None:
        """Have what was said in a thread before its last switch go to the ticket as what is said now."""

        def change(link: Link) -> Link:
            now = [one.model_copy(update={"since": "0"}) for one in link.switches[-1:]]
            return link.model_copy(update={"switches": tuple(now)})

        await self._links.update(thread, change)
        await self._lanes.add([sweep_op(thread)])

    async def show_card(self, thread: ThreadKey) -> None:
        """Have the card brought up to date; many wishes are one."""
        await self._lanes.add([card_op(thread)])

    async def sweep(self) -> None:
        """Have each linked thread read again, one after the other at a pace that Slack allows."""
        number, some = 0, list[NewOp]()
        async for link in self._links.all():
            if link.mirror:
                some.append(sweep_op(link.thread, delay=number * BETWEEN_SWEEPS))
                number += 1
            if len(some) == _SWEPT_TOGETHER:
                await self._lanes.add(some)
                some = []
        await self._lanes.add(some)

    async def finish_step(self, team: str, work: FinishStep) -> None:
        """Have a workflow's step end, once."""
        await self._lanes.add([step_op(team, work)])

    async def tell(self, work: Tell, *, team: str, once: str) -> None:
        """Have somebody told something, even if Slack is away just now."""
        await self._lanes.add([tell_op(team, work, once=once)])

    async def _once(self, lane: str, identity: str, order: int, work: Work, *, makes_link: bool = False) -> Accepted:
        op = _op(lane, identity, order, work, makes_link=makes_link)
        (added,) = await self._lanes.add([op])
        if added is Added.DUPLICATE and makes_link and await self._set_aside(lane, identity):
            (added,) = await self._lanes.add([op])
        if added is not Added.DUPLICATE:
            return Accepted(new=True)
        return Accepted(new=False, actor=await self._asked_by(lane, identity))

    async def _set_aside(self, lane: str, identity: str) -> bool:
        """Drop an earlier try that was refused and waits for a decision: the new wish is that decision."""
        earlier = await self._lanes.find_parked(lane, identity)
        return earlier is not None and not earlier.held and await self._lanes.unpark(lane, identity, None)

    async def _asked_by(self, lane: str, identity: str) -> str:
        stored = await self._lanes.peek(lane, identity)
        try:
            work = decode(stored).work if stored else None
        except UnknownVersion:
            return ""
        return getattr(work, "actor", "")


def _is_untouched(payload: str) -> bool:
    """Whether nothing of parked work can be at its desk yet."""
    try:
        progress = decode(payload).progress
    except UnknownVersion:
        return False
    return not progress.begun


def _put_right(parked: str, fresh: str, edit: EditMessage) -> str:
    """What a parked message goes back with after its edit: *fresh*, unless a part of it may be at its desk already.

    Then it goes on as it was, and the ticket is told of the edit when all of it is there. Raises UnknownVersion.
    """
    operation = decode(parked)
    work, progress = operation.work, operation.progress
    if not isinstance(work, AddMessage) or not progress.begun:
        return fresh
    newer = work.model_copy(update={"newer": edit.message, "newer_edited": edit.edited})
    again = encode(operation.model_copy(update={"work": newer}))
    return decided(again, Decision.AGAIN) or again


_doubt: ContextVar[float] = ContextVar("since when what is being asked for may have been done", default=0.0)


@contextlib.contextmanager
def perhaps_done(since: float) -> Iterator[None]:
    """What is put into lanes in this block may have been done before *since* and is looked for first; 0: it was not."""
    before = _doubt.set(since)
    try:
        yield
    finally:
        _doubt.reset(before)


def edit_op(thread: ThreadKey, work: EditMessage, *, again: bool = False) -> NewOp:
    """The wish to tell a ticket of an edit; an edit is another than the one before by ``work.edited``.

    *again*: the first time the message was not on the ticket yet.
    """
    identity = f"edit:{thread.team}:{thread.channel}:{work.ts}:{work.edited}{':again' if again else ''}"
    return _op(str(thread), identity, _order(work.edited), work, linked_only=True)


def event_op(body: dict[str, Any]) -> NewOp | None:
    """How a Slack event is stored: in which lane, under which identity; None for events that mean nothing to us.

    The identity says what the thing is, never which delivery it was: a resent event, and the same event under
    another id, are the same thing.

    Raises:
        AttributeError, LookupError, TypeError, ValueError: it is not as Slack's events are.
    """
    event = body.get("event")
    if not isinstance(event, dict):
        return None
    team = str(body.get("team_id") or event.get("team") or "")
    kind = str(event.get("type", ""))
    if kind == "message":
        return _message_event_op(body, event, team)
    if kind == "app_mention":
        ts = str(event.get("ts", ""))
        thread = f"{team}:{event.get('channel', '')}:{event.get('thread_ts') or ts}"
        return _event_op(f"in/{thread}", f"mention:{team}:{event.get('channel', '')}:{ts}", _order(ts), body)
    if kind == "function_executed":  # it brings a token, which must not be stored
        body = {**body, "event": {name: value for name, value in event.items() if name != "bot_access_token"}}
    ts = str(event.get("event_ts") or body.get("event_time") or "0")
    about = _about(kind, event)
    return _event_op(f"in/{team}:{about}", f"event:{body.get('event_id') or f'{team}:{kind}:{ts}'}", _order(ts), body)


def _about(kind: str, event: dict[str, Any]) -> str:
    """What an event is about: those about different things need not wait for each other."""
    item = event.get("item")
    if isinstance(item, dict):  # of a reaction
        return f"{item.get('channel', '')}:{item.get('ts', '')}"
    if kind == "function_executed":
        return f"{kind}-{event.get('function_execution_id', '')}:-"
    if kind == "link_shared":  # apart from its message, which need not wait for a desk that is asked about a link
        return f"{kind}-{event.get('channel', '')}:{event.get('message_ts', '')}"
    return f"{kind}:-"


def _message_event_op(body: dict[str, Any], event: dict[str, Any], team: str) -> NewOp | None:
    channel = str(event.get("channel", ""))
    subtype = event.get("subtype")
    inner = event
    if subtype == "message_changed":
        inner = event.get("message") or {}
        edited = str((inner.get("edited") or {}).get("ts", ""))
        if not edited:  # only an unfurl
            return None
        change = event.get("ts") or edited  # edited.ts has whole seconds, so two edits may share it
        identity = f"edit:{team}:{channel}:{inner.get('ts')}:{change}"
    elif subtype == "message_deleted":
        inner = event.get("previous_message") or {}
        identity = f"del:{team}:{channel}:{event.get('deleted_ts')}"
    else:
        identity = f"msg:{team}:{channel}:{event.get('ts')}"
    root = str(inner.get("thread_ts") or inner.get("ts") or event.get("deleted_ts") or event.get("ts") or "")
    order = _order(str(event.get("event_ts") or event.get("ts") or "0"))
    return _event_op(f"in/{team}:{channel}:{root}", identity, order, body, linked_only=True)


def pull_op(thread: ThreadKey, *, repeat: bool = False, delay: timedelta = timedelta(), doubt: float = 0.0) -> NewOp:
    """The wish to see what is new on the ticket of a thread; *repeat*: for as long as they are linked.

    *doubt*: seconds since the epoch before which any of it may have been brought without our knowing; 0: none was.
    """
    work = Operation(work=PullTicket(thread=thread, repeat=repeat), progress=Progress(verify=doubt))
    identity = "repeat" if repeat else "pull"
    return NewOp(
        lane=f"pull/{thread}",
        id=identity,
        order=_now(),
        payload=encode(work),
        replace=True,
        begun=doubt > 0,
        delay=delay,
    )


def sweep_op(thread: ThreadKey, *, delay: timedelta = timedelta()) -> NewOp:
    """The wish to look in Slack for what never came of a thread."""
    op = _op(f"sweep/{thread}", "sweep", _now(), SweepThread(thread=thread), replace=True)
    return replace(op, delay=delay)


def poll_op(team: str, desk: str) -> NewOp:
    """The wish to ask a desk what changed, again and again; one that is there knows up to where it asked."""
    return _op(f"pull/{team}:{desk}:0", "poll", _now(), PollDesk(desk=desk))


def watch_ops(desk: TicketAdapter[Any], thread: ThreadKey) -> list[NewOp]:
    """The wish to have a ticket looked at from time to time, where its desk cannot tell what changed."""
    soon = timedelta(seconds=desk.settings.poll)
    reads = desk.has(Capability.READ_MESSAGES) or desk.has(Capability.READ_TICKET)
    return [] if desk.has(Capability.CHANGED_SINCE) or not reads else [pull_op(thread, repeat=True, delay=soon)]


def agents_ops(desk: TicketAdapter[Any], link: Link, *, department: str = "", timed: bool = True) -> list[NewOp]:
    """The wish to show a ticket to its agents, where they have a channel; once for each ticket of a thread."""
    work = TellAgents(thread=link.thread, department=department, timed=timed)
    op = _op(f"agents/{link.thread}", f"agents:{link.desk}:{link.ticket_id}", _now(), work)
    return [op] if desk.settings.agents_channel.channels else []


def remind_op(thread: ThreadKey) -> NewOp:
    """The wish to look at a ticket's times, and again whenever one comes."""
    return _op(f"remind/{thread}", "remind", _now(), Remind(thread=thread), replace=True)


def card_op(thread: ThreadKey, note: str = "") -> NewOp:
    """The wish to bring a card up to date; *note* is trouble that it should speak of."""
    return _op(f"ui/{thread}", "card", _now(), ShowCard(thread=thread, note=note), replace=True)


def leave_op(thread: ThreadKey, work: LeaveTicket) -> NewOp:
    """The wish to have the ticket closed that a thread went with before; it waits for its own desk alone."""
    return _op(f"leave/{thread}", f"leave:{work.desk}:{work.ticket_id}", _now(), work)


def say_op(work: Say, *, once: str) -> NewOp:
    """The wish to say something for everybody in a thread, once for each *once*."""
    return _op(f"ui/{work.thread}", f"say:{once}", _now(), work)


def step_op(team: str, work: FinishStep) -> NewOp:
    """The wish to end a workflow's step; the first end counts."""
    return _op(f"ui/{team}:step-{work.step}:-", f"step:{work.step}", _now(), work)


def tell_op(team: str, work: Tell, *, once: str) -> NewOp:
    """The wish to tell somebody something, once for each *once*."""
    lane = f"ui/{team}:{work.channel or work.user}:{work.thread_ts or '-'}"
    return _op(lane, f"tell:{once}", _now(), work)


def receipt_op(thread: ThreadKey, work: Receipt) -> NewOp:
    """The wish to show how far a message got; only the last one counts."""
    return _op(f"ui/{thread}", f"receipt:{work.channel}:{work.ts}", _now(), work, replace=True)


def _event_op(lane: str, identity: str, order: int, body: dict[str, Any], *, linked_only: bool = False) -> NewOp:
    if "|" in lane:  # a lane cannot bear it, and Slack has no such ids
        raise ValueError("an id that is none of Slack's")
    return NewOp(lane=lane, id=f"in:{identity}", order=order, payload=encode_event(body), linked_only=linked_only)


class _How(TypedDict, total=False):
    linked_only: bool
    replace: bool
    makes_link: bool


def _op(lane: str, identity: str, order: int, work: Work, **how: Unpack[_How]) -> NewOp:
    payload = encode(Operation(work=work, progress=Progress(verify=_doubt.get())))
    return NewOp(lane=lane, id=identity, order=order, payload=payload, begun=_doubt.get() > 0, **how)


def _order(ts: str) -> int:
    try:
        return microseconds(ts)
    except ValueError:
        return _now()


def _now() -> int:
    return time.time_ns() // 1000
