"""Finds what was missed: a linked thread and its ticket are read again, and each gets what it lacks of the other."""

import contextlib
import time
from datetime import timedelta

from adapters.contract import Capability, Reconcile
from bot.conversion.delivery import fingerprints
from bot.conversion.journal import Again
from bot.conversion.marks import goes
from bot.conversion.ops import edit_op, missed_op, perhaps_done, pull_op
from bot.conversion.ports import NewOp, NoSuchDesk, ThreadMessage
from bot.conversion.records import (
    AddMessage,
    Delivered,
    EditMessage,
    Link,
    LinkRef,
    Operation,
    Progress,
    SweepThread,
    encode,
)
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import microseconds

KNOWN = timedelta(days=6)
"""For how long a wish is looked for: the store knows for seven days that one was dealt with, as by a refusal."""
OVERTAKING = timedelta(seconds=1)
"""How long a look at a thread is put off whose events wait: what it found would go to the ticket before them."""


async def sweep_thread(rooms: Rooms, work: SweepThread) -> None:
    """Look both ways: what Slack never delivered goes into the thread's lane, and its ticket is looked at.

    A desk that tells what changed is believed between two sweeps only: an index that lags, a clock that is behind, or a
    wish that went with a server that failed over would hide an answer for ever.

    Raises: Again, SlackTrouble, SlackRefused.
    """
    link = await rooms.links.get(work.thread)
    if link is None:
        return
    with contextlib.suppress(NoSuchDesk):
        if rooms.desks.get(link.desk).has(Capability.CHANGED_SINCE):
            await rooms.lanes.add([pull_op(link.thread)])
    if link.mirror and not await put_back(rooms, link):
        raise Again(OVERTAKING)


async def put_back(rooms: Rooms, link: Link, *, shown: bool = False, doubt: float = 0.0) -> bool:
    """Add what was said since the thread was read for its ticket and is not there, or reads differently now.

    False where nothing was added, since events of the thread wait: what was deleted meanwhile is in them alone, and
    would come after what was said later.

    Args:
        rooms: all rooms.
        link: of the thread.
        shown: whether it may have been shown on a message that it waits.
        doubt: seconds since the epoch before which any of them may have been sent without our knowing, so that each is
            looked for before it is sent; 0: only what the store itself doubts, since it began another run.

    Edits are left to the next sweep after a restart (*shown*, *doubt*), which finds those that the store knows nothing
    of once what it knows of is done. It may have known of them before it was set back, so they are looked for first.
    """
    thread = link.thread
    if await rooms.lanes.waiting(f"in/{thread}"):  # Slack need not be asked yet
        return False
    there, known = await rooms.threads.read(thread), await rooms.links.deliveries(thread)
    ops = [
        found_op(link, message, Progress(verify=doubt, shown=shown))
        for message in there
        if message.ts not in known and is_for_the_ticket(link, message)
    ]
    wishes = [one.sends for one in there if one.ts not in known and one.sends and _is_missed(link, one)]
    ops += [missed_op(thread, wish, doubt=doubt) for wish in wishes]
    edited = [message for message in there if message.ts in known and reads_differently(message, known[message.ts])]
    if edited and not (shown or doubt) and not await rooms.lanes.waiting(str(thread)):  # perhaps the very edits
        with perhaps_done(time.time() if _can_be_looked_for(rooms, link) else 0.0):
            ops += [edit_op(thread, _edit(link, message)) for message in edited]
    if ops and await rooms.lanes.waiting(f"in/{thread}"):
        return False
    if ops:
        await rooms.lanes.add(ops)
    return True


def reads_differently(message: ThreadMessage, sent: Delivered) -> bool:
    """Whether a message was edited after what was sent of it."""
    told = sent.edited and float(sent.edited) >= float(message.edited or 0)
    return bool(message.edited) and not told and sent.said != fingerprints([message])[message.ts]


def _can_be_looked_for(rooms: Rooms, link: Link) -> bool:
    """Whether the desk says what is on its tickets; where it does not, a person would be asked of each edit."""
    with contextlib.suppress(NoSuchDesk):
        return rooms.desks.get(link.desk).reconcile is not Reconcile.NONE
    return False


def is_for_the_ticket(link: Link, message: ThreadMessage) -> bool:
    """Whether a message of a link's thread is one that its ticket gets: said since it was read for it, and meant to go.

    Opening a ticket takes time, and what is said meanwhile belongs to it too.
    """
    return is_since(link, message) and not message.wish and goes(link, message)


def is_since(link: Link, message: ThreadMessage) -> bool:
    """Whether a message of a link's thread was said since that was read for its ticket."""
    since = float(link.read_to) if link.read_to else link.created_at.timestamp()
    return float(message.ts) > since


def _is_missed(link: Link, message: ThreadMessage) -> bool:
    """Whether a message that a verb sends to the ticket may never have come; other wishes are not done late."""
    return is_since(link, message) and float(message.ts) > time.time() - KNOWN.total_seconds()


def _edit(link: Link, message: ThreadMessage) -> EditMessage:
    return EditMessage(actor=_actor(link, message), ts=message.ts, edited=message.edited, under=LinkRef.of(link))


def _actor(link: Link, message: ThreadMessage) -> str:
    return link.opened_by if message.author.bot else message.author.id


def found_op(link: Link, message: ThreadMessage, progress: Progress) -> NewOp:
    """The same operation as a message's event would have made; its text is read again when it is its turn."""
    actor, under = _actor(link, message), LinkRef.of(link)
    work = AddMessage(actor=actor, ts=message.ts, edited=message.edited, mirrored=True, under=under)
    thread = link.thread
    return NewOp(
        lane=str(thread),
        id=thread.bringing(message.ts),
        order=microseconds(message.ts),
        payload=encode(Operation(work=work, progress=progress)),
        begun=progress.verify > 0,
    )
