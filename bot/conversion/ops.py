"""In which lane each piece of work is stored, under which identity, and in which order. Pure but for the clock."""

import contextlib
import time
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from datetime import timedelta
from typing import Any, TypedDict, Unpack

from pydantic_core import to_json

from adapters.contract import Capability, TicketAdapter
from bot.conversion.ports import NewOp
from bot.conversion.records import (
    AddMessage,
    EditMessage,
    FinishStep,
    LeaveTicket,
    Link,
    Operation,
    PollDesk,
    Progress,
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
    Work,
    encode,
)
from bot.conversion.stamps import bringing, microseconds

_NOT_PLAIN = frozenset({"subtype", "hidden", "bot_id", "app_id", "metadata", "files"})
"""What an event has that is more than what a person said."""
LINKED_BY = timedelta(minutes=2)
"""How long the link may be on its way of a card that began a thread; another process takes over within that."""

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
    return new_op(str(thread), identity, _order(work.edited), work, linked_only=True)


def mirror_op(thread: ThreadKey, work: AddMessage, *, parted: int | None = None) -> NewOp:
    """The wish to bring a reply simply written in a thread to its ticket, if it has one (*parted*: `new_op`)."""
    identity, order = thread.bringing(work.ts), microseconds(work.ts)
    return new_op(str(thread), identity, order, work, parted=parted, linked_only=True)


def event_op(body: dict[str, Any]) -> NewOp | None:
    """How a Slack event is stored: in which lane, under which identity; None for events that mean nothing to us.

    The identity says what the thing is, never which delivery it was: a resent event, and the same event under
    another id, are the same thing.

    Raises:
        ArithmeticError, AttributeError, LookupError, TypeError, ValueError: it is not as Slack's events are.
    """
    event = body.get("event")
    if not isinstance(event, dict):
        return None
    team = str(body.get("team_id") or event.get("team") or "")
    kind = str(event.get("type", ""))
    if kind == "message":
        return _said_op(body, event, team) or _message_event_op(body, event, team)
    if kind == "app_mention":
        return _mention_op(body, event, team)
    if kind == "function_executed":  # it brings a token, which must not be stored
        body = {**body, "event": {name: value for name, value in event.items() if name != "bot_access_token"}}
    ts = str(event.get("event_ts") or body.get("event_time") or "0")
    about = _about(kind, event)
    return _event_op(f"in/{team}:{about}", f"event:{body.get('event_id') or f'{team}:{kind}:{ts}'}", _order(ts), body)


def _mention_op(body: dict[str, Any], event: Mapping[str, Any], team: str) -> NewOp:
    channel, ts = event["channel"], str(event["ts"])
    lane = f"in/{team}:{channel}:{event.get('thread_ts') or ts}"
    return _event_op(lane, f"mention:{team}:{channel}:{ts}", _order(ts), body)


def missed_op(thread: ThreadKey, said: Mapping[str, Any], *, doubt: float) -> NewOp:
    """How the mention of us is stored that Slack did not hand over, so that the same is asked and done as if it had.

    *said*: the message as Slack has it. *doubt*: seconds since the epoch before which what follows from it may have
    been done; 0: it was not.
    """
    event = {**said, "type": "app_mention", "channel": thread.channel}
    body = {"team_id": thread.team, "event": event}
    work = Operation(work=SlackEvent(body=body), progress=Progress(verify=doubt))
    op = _mention_op(body, event, thread.team)._replace(payload=encode(work), begun=doubt > 0)
    if thread.channel.startswith("D"):  # where we are alone with a person, the message itself is the wish: `asks_alone`
        return op._replace(id=f"in:{thread.bringing(str(said['ts']))}")
    return op


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


def below_new_card(body: Mapping[str, Any], said: Mapping[str, Any], *, at: float) -> bool:
    """Whether *said*, a message in an event's *body*, stands below a post of ours that was new *at* that time.

    That may be the card of a ticket that began as a form, and its link be still to be written.

    Source: ``parent_user_id`` of a reply, and ``authorizations`` of an event, which names whom it is for.
    """
    root, whose = said.get("thread_ts"), said.get("parent_user_id")
    if not (root and whose) or at - float(str(root)) >= LINKED_BY.total_seconds():  # most of what is said
        return False
    return _is_us(body, whose)


def _is_us(body: Mapping[str, Any], whose: Any) -> bool:
    """Whether an event says that it is for us as the user *whose*."""
    return any(one.get("user_id") == whose and one.get("is_bot") for one in body.get("authorizations") or ())


def asks_alone(event: Mapping[str, Any]) -> bool:
    """Whether an event may be a wish in a direct message with us, where Slack sends no app_mention."""
    return event.get("channel_type") == "im" and "<@" in str(event.get("text") or "")


def is_deletion(event: Mapping[str, Any]) -> bool:
    """Whether an event says that a message is gone; a tombstone takes the place of one that has replies.

    Raises AttributeError: it is not as Slack's events are.
    """
    changed = event.get("subtype") == "message_changed"
    tombstone = changed and (event.get("message") or {}).get("subtype") == "tombstone"
    return tombstone or event.get("subtype") == "message_deleted"


def said_at(body: Mapping[str, Any]) -> str:
    """The timestamp of the message that a stored event hands over; empty where it tells of something else."""
    event = body.get("event") or {}
    changes = event.get("subtype") in {"message_changed", "message_deleted"}
    return str(event.get("ts") or "") if event.get("type") in {"message", "app_mention"} and not changes else ""


def _message_event_op(body: dict[str, Any], event: dict[str, Any], team: str) -> NewOp | None:
    channel = str(event.get("channel", ""))
    subtype = event.get("subtype")
    inner = event
    if is_deletion(event):
        inner = event.get("previous_message") or {}
        identity = f"del:{team}:{channel}:{event.get('deleted_ts') or inner.get('ts')}"
    elif subtype == "message_changed":
        inner = event.get("message") or {}
        edited = str((inner.get("edited") or {}).get("ts", ""))
        if not edited:  # only an unfurl
            return None
        change = event.get("ts") or edited  # edited.ts has whole seconds, so two edits may share it
        identity = f"edit:{team}:{channel}:{inner.get('ts')}:{change}"
    else:
        identity = bringing(team, channel, str(event.get("ts")))
    root = str(inner.get("thread_ts") or inner.get("ts") or event.get("deleted_ts") or event.get("ts") or "")
    order = _order(str(event.get("event_ts") or event.get("ts") or "0"))
    linked_only = not (below_new_card(body, inner, at=order / 1_000_000) or asks_alone(event))
    return _event_op(f"in/{team}:{channel}:{root}", identity, order, body, linked_only=linked_only)


def _said_op(body: dict[str, Any], event: dict[str, Any], team: str) -> NewOp | None:
    """How what a person simply said is stored: where its event would bring it, unless that needs a look at the thread.

    None for all that is more: a wish of us, a post of an app, ours among them, or a change. Most events come by here.
    """
    user, text, ts = event.get("user"), event.get("text"), event.get("ts")
    if not (isinstance(user, str) and isinstance(text, str) and isinstance(ts, str)):
        return None
    if "<@" in text or not (user.isalnum() and _NOT_PLAIN.isdisjoint(event)):
        return None
    try:
        order = microseconds(ts)
    except ValueError:
        return None
    channel = event.get("channel", "")
    thread, identity = f"{team}:{channel}:{event.get('thread_ts') or ts}", bringing(team, channel, ts)
    if "|" in thread or _is_us(body, user) or below_new_card(body, event, at=order / 1_000_000):
        return None
    return NewOp(
        lane=thread,
        id=identity,
        order=order,
        payload=encode_said(user, ts, event),
        linked_only=True,
        behind=lambda: _event_op(f"in/{thread}", identity, order, body, linked_only=True),
    )


def pull_op(thread: ThreadKey, *, repeat: bool = False, delay: timedelta = timedelta(), doubt: float = 0.0) -> NewOp:
    """The wish to see what is new on the ticket of a thread; *repeat*: for as long as they are linked.

    *doubt*: seconds since the epoch before which any of it may have been brought without our knowing; 0: none was. Such
    a look goes before those without a doubt, which would bring it again.
    """
    work = Operation(work=PullTicket(thread=thread, repeat=repeat), progress=Progress(verify=doubt))
    identity = "repeat" if repeat else "pull"
    return NewOp(
        lane=f"pull/{thread}",
        id=identity,
        order=0 if doubt else now(),
        payload=encode(work),
        replace=True,
        begun=doubt > 0,
        delay=delay,
    )


def sweep_op(thread: ThreadKey, *, delay: timedelta = timedelta()) -> NewOp:
    """The wish to look in Slack for what never came of a thread."""
    op = new_op(f"sweep/{thread}", "sweep", now(), SweepThread(thread=thread), replace=True)
    return op._replace(delay=delay)


def poll_op(team: str, desk: str) -> NewOp:
    """The wish to ask a desk what changed, again and again; one that is there knows up to where it asked."""
    return new_op(f"pull/{team}:{desk}:0", "poll", now(), PollDesk(desk=desk))


def watch_ops(desk: TicketAdapter[Any], thread: ThreadKey) -> list[NewOp]:
    """The wish to have a ticket looked at from time to time, where its desk cannot tell what changed."""
    soon = timedelta(seconds=desk.settings.poll)
    reads = desk.has(Capability.READ_MESSAGES) or desk.has(Capability.READ_TICKET)
    return [] if desk.has(Capability.CHANGED_SINCE) or not reads else [pull_op(thread, repeat=True, delay=soon)]


def agents_ops(desk: TicketAdapter[Any], link: Link, *, department: str = "", timed: bool = True) -> list[NewOp]:
    """The wish to show a ticket to its agents, where they have a channel; once for each ticket of a thread."""
    work = TellAgents(thread=link.thread, department=department, timed=timed)
    op = new_op(f"agents/{link.thread}", f"agents:{link.desk}:{link.ticket_id}", now(), work)
    return [op] if desk.settings.agents_channel.channels else []


def remind_op(thread: ThreadKey) -> NewOp:
    """The wish to look at a ticket's times, and again whenever one comes."""
    return new_op(f"remind/{thread}", "remind", now(), Remind(thread=thread), replace=True)


def card_op(thread: ThreadKey, note: str = "") -> NewOp:
    """The wish to bring a card up to date; *note* is trouble that it should speak of."""
    return new_op(f"ui/{thread}", "card", now(), ShowCard(thread=thread, note=note), replace=True)


def leave_op(thread: ThreadKey, work: LeaveTicket) -> NewOp:
    """The wish to have the ticket closed that a thread went with before; it waits for its own desk alone."""
    return new_op(f"leave/{thread}", f"leave:{work.desk}:{work.ticket_id}", now(), work)


def say_op(work: Say, *, once: str) -> NewOp:
    """The wish to say something for everybody in a thread, once for each *once*."""
    return new_op(f"ui/{work.thread}", f"say:{once}", now(), work)


def step_op(team: str, work: FinishStep) -> NewOp:
    """The wish to end a workflow's step; the first end counts."""
    return new_op(f"ui/{team}:step-{work.step}:-", f"step:{work.step}", now(), work)


def tell_op(team: str, work: Tell, *, once: str) -> NewOp:
    """The wish to tell somebody something, once for each *once*."""
    lane = f"ui/{team}:{work.channel or work.user}:{work.thread_ts or '-'}"
    return new_op(lane, f"tell:{once}", now(), work)


def told_op(thread: ThreadKey, user: str, text: str, *, once: str) -> NewOp:
    """The wish to tell somebody something where they see a thread, once for each *once*."""
    return tell_op(thread.team, Tell(user=user, channel=thread.channel, thread_ts=thread.ts, text=text), once=once)


def receipt_op(thread: ThreadKey, work: Receipt) -> NewOp:
    """The wish to show how far a message got; only the last one counts."""
    return new_op(f"ui/{thread}", f"receipt:{work.channel}:{work.ts}", now(), work, replace=True)


def _event_op(lane: str, identity: str, order: int, body: dict[str, Any], *, linked_only: bool = False) -> NewOp:
    if "|" in lane:  # a lane cannot bear it, and Slack has no such ids
        raise ValueError("an id that is none of Slack's")
    return NewOp(lane=lane, id=f"in:{identity}", order=order, payload=encode_event(body), linked_only=linked_only)


_AROUND_EVENT = encode(Operation(work=SlackEvent(body={}))).split("{}", 1)
_SAID = AddMessage(actor="?", ts="?", message={}, mirrored=True)
_AROUND_SAID = encode(Operation(work=_SAID)).replace("{}", "?").split("?")


def encode_event(body: dict[str, Any]) -> str:
    """`encode` of a `SlackEvent` that nobody began; eight times as fast, since every event at the door comes by here.

    Raises ValueError: *body* holds something that JSON cannot say.
    """
    before, after = _AROUND_EVENT
    return f"{before}{to_json(body, inf_nan_mode='null').decode()}{after}"


def encode_said(user: str, ts: str, event: dict[str, Any]) -> str:
    """The same for the `AddMessage` that the event of a plain message becomes; *user* and *ts* as Slack writes them."""
    before, between, behind, after = _AROUND_SAID
    return f"{before}{user}{between}{ts}{behind}{to_json(event, inf_nan_mode='null').decode()}{after}"


class How(TypedDict, total=False):
    """How an operation is stored, see `NewOp`."""

    linked_only: bool
    replace: bool
    makes_link: bool
    anew: bool


def new_op(lane: str, identity: str, order: int, work: Work, *, parted: int | None = None, **how: Unpack[How]) -> NewOp:
    """*work* as it is stored; in doubt where it is asked for under `perhaps_done`.

    *parted*: of what does not say for which link it is, how often its thread was parted from a ticket before.
    """
    payload = encode(Operation(work=work, progress=Progress(verify=_doubt.get(), parted=parted)))
    return NewOp(lane=lane, id=identity, order=order, payload=payload, begun=_doubt.get() > 0, **how)


def _order(ts: str) -> int:
    try:
        return microseconds(ts)
    except ValueError:
        return now()


def now() -> int:
    """The order of what is asked for now, in microseconds as those of Slack's timestamps are."""
    return time.time_ns() // 1000
