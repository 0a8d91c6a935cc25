"""Carries one message to the ticket of its thread."""

from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.contract import Reconcile, TicketAdapter
from adapters.model import Status, Visibility
from bot.conversion import agents, compose
from bot.conversion.closed import Way, reopen, way_of
from bot.conversion.delivery import Delivery, doubt, fingerprints, on_ticket
from bot.conversion.journal import Journal
from bot.conversion.marks import for_agents, goes
from bot.conversion.moving import follow_up
from bot.conversion.ops import card_op, edit_op, receipt_op, say_op, told_op
from bot.conversion.people import Requesters, speaking_to
from bot.conversion.ports import Outcome, ThreadMessage
from bot.conversion.records import AddMessage, Delivered, EditMessage, Link, Receipt, Say, ThreadKey
from bot.conversion.rooms import Rooms
from bot.conversion.text.plain import from_plain
from bot.words import _

APPS_A_MINUTE = 2.0
"""How many posts of other apps a thread takes in the long run."""
APPS_AHEAD = timedelta(minutes=10)
"""How far they may be ahead of that: twenty at once."""
APPS_KEPT = timedelta(days=1)
"""How long it is known what they wrote last: two posts may go to the desk so far apart that were written together."""
LEFT_OUT_KEPT = 20
"""How many lines about what could not be carried a link keeps."""


async def add_message(rooms: Rooms, people: Requesters, journal: Journal, work: AddMessage) -> Outcome:
    """Write a Slack message, or a text typed into a command, on the ticket of this lane's thread."""
    thread = ThreadKey.parse(journal.lease.lane)
    link = journal.head.link
    if link is None:
        await _no_ticket(rooms, journal, work, thread)
        return Outcome()
    begun = journal.progress.tried
    earlier = await rooms.links.delivered(thread, work.ts) if work.ts else None
    # the import had it; what was discarded, or is on the ticket before this one, may be wished for anew
    if earlier and not begun and (work.mirrored or (earlier.is_on(link) and not earlier.gone)):
        return Outcome()
    desk = rooms.desks.get(link.desk)
    # said before there was a link, and not imported: it may be gone, for nobody listened for its deletion then
    read = max(float(link.read_to), link.created_at.timestamp()) if link.read_to else 0.0
    early = work.mirrored and not begun and float(work.ts) <= read
    gone = begun and earlier is not None and earlier.gone  # perhaps deleted while the rest of it waited for a decision
    message = await _understood(rooms, work, thread, again=early or gone)
    if message is None:  # it was deleted in Slack before it could be sent, or before that was written down
        return await _perhaps_sent(rooms, desk, journal, link, work) if journal.progress.begun else Outcome()
    simply = work.mirrored and not begun and link.state != Status.GONE  # what waits for one that went is kept
    if simply and not (goes(link, message) and await _fuse_holds(rooms, desk, link, message)):
        return Outcome()
    way = Way.ADD if for_agents(message) else await way_of(rooms, journal, link, desk)
    if way is Way.NEW:
        outcome = await follow_up(rooms, people, journal, link, message)
        await _show(rooms, link, work, (), again=journal.progress.shown)
        return outcome
    if way is Way.REOPEN:
        await reopen(journal, desk, link)
    conversion = compose.of_message(message, limits=desk.limits, capabilities=desk.able)
    delivery = Delivery(
        desk=desk,
        threads=rooms.threads,
        journal=journal,
        author=await people.of(desk, message.author),
        visibility=message.visibility or work.visibility or link.visibility,
        sent_at=message.at,
        says=fingerprints([message]),
    )
    ticket = link.ref
    ids, fetch_left_out = await delivery.add(ticket, conversion.parts, first=0)
    private = delivery.visibility is Visibility.INTERNAL or any(part.internal for part in conversion.parts)
    if link.agents and not private:
        await agents.show_elsewhere(rooms, journal, link, message)
        await agents.answered(rooms, link, message.at)
    await _show(rooms, link, work, (*conversion.left_out, *fetch_left_out), again=journal.progress.shown)
    on = ticket.id if link.follows else ""
    known = {journal.marker(number): Delivered(message_id=message_id, on=on) for number, message_id in enumerate(ids)}
    if work.newer is not None:
        edit = EditMessage(
            actor=work.actor,
            ts=work.ts,
            message=work.newer,
            previous=work.message,
            edited=work.newer_edited,
            under=work.under,
        )
        await rooms.lanes.add([edit_op(thread, edit, again=True)])
    if work.ts:
        first = ids[0] if ids else ""
        said = journal.progress.said.get(work.ts, "")
        edited = work.edited if said else ""  # what was found there may be what it said before that edit
        alone = len(ids) == 1
        known[work.ts] = Delivered(message_id=first, alone=alone, edited=edited, said=said, on=on, internal=private)
    return Outcome(delivered=known)


async def _perhaps_sent(
    rooms: Rooms, desk: TicketAdapter[Any], journal: Journal, link: Link, work: AddMessage
) -> Outcome:
    """What is known of a message that is gone: it is on the ticket by an earlier try, so that its deletion is told."""
    if desk.reconcile is Reconcile.NONE:  # nothing waits for what nobody wants to be there, so it is no question
        await _perhaps_there(rooms, desk, link, work, once=journal.head.id)
        return Outcome()

    sent: Delivered | None = None

    async def look() -> str | None:
        nonlocal sent
        sent = await on_ticket(desk, link, journal.head.id)
        return None if sent is None else sent.message_id

    async def act() -> str:
        return ""  # nothing is to be sent any more

    await journal.once("message 0", act, look, **doubt(desk))
    return Outcome(delivered={work.ts: sent} if sent else {})


async def _perhaps_there(rooms: Rooms, desk: TicketAdapter[Any], link: Link, work: AddMessage, *, once: str) -> None:
    """Tell who wrote a message that is gone that the ticket may have it; nobody where they were forgotten."""
    if not work.actor:
        return
    with await speaking_to(rooms, work.actor):
        words = _(
            "A message that was deleted here may be on ticket {number} all the same: {desk} did not answer when it was "
            "sent, and cannot be searched for it. Please look there.",
            number=link.number,
            desk=desk.title,
        )
    await rooms.lanes.add([told_op(link.thread, work.actor, words, once=f"{once}:gone")])


async def _fuse_holds(rooms: Rooms, desk: TicketAdapter[Any], link: Link, message: ThreadMessage) -> bool:
    """Whether other apps may go on writing in a thread; two that answer each other would never end.

    It counts when they wrote: what waited for the desk goes to it all at once, and what is tried again is one post.
    """
    if not message.author.bot:
        return True
    key, written = f"apps:{link.thread}", float(message.ts)
    last, until = map(float, (await desk.shared.get(key) or "0 0").split())
    if written <= last:
        return True
    until = max(until, written)
    if until - written <= APPS_AHEAD.total_seconds():
        kept = f"{message.ts} {until + 60 / APPS_A_MINUTE:.6f}"
        await desk.shared.put(key, kept, ttl=APPS_KEPT)
        return True

    def off(now: Link) -> Link:
        new = now.now.model_copy(update={"since": message.ts, "apps": False})
        return now.model_copy(update={"switches": (*now.switches, new)})

    if await rooms.links.update(link.thread, off):
        words = _(
            "Other apps wrote too much here in a short time, as they do when they answer each other. From now on "
            "their posts do not go to ticket {number}. To let them again, write: @Threadline mirror apps on",
            number=link.number,
        )
        said = Say(thread=link.thread, text=words)
        await rooms.lanes.add([say_op(said, once=f"fuse:{message.ts}"), card_op(link.thread)])
    return False


async def _understood(rooms: Rooms, work: AddMessage, thread: ThreadKey, *, again: bool) -> ThreadMessage | None:
    """The message that is to be sent; None where it is not in Slack any more. *again*: it is read there anew."""
    if work.message is not None and not again:
        return await rooms.threads.understand(work.message, thread.channel)
    if work.ts:
        return next((found for found in await rooms.threads.read(thread) if found.ts == work.ts), None)
    author = await rooms.threads.author(work.actor)
    text = from_plain(work.text)
    return ThreadMessage(ts="", author=author, at=datetime.now(UTC), document=text, visibility=work.visibility)


async def _show(rooms: Rooms, link: Link, work: AddMessage, left_out: tuple[str, ...], *, again: bool) -> None:
    if work.ts and not rooms.voice.receipts_are_silent:
        receipt = Receipt(channel=link.thread.channel, ts=work.ts, state="delivered", again=again)
        await rooms.lanes.add([receipt_op(link.thread, receipt)])
    if left_out:
        await rooms.links.update(link.thread, lambda now: _leaving_out(now, left_out))
    if left_out or not work.ts:
        await rooms.lanes.add([card_op(link.thread)])


def _leaving_out(link: Link, more: tuple[str, ...]) -> Link:
    """*link* with *more* that could not be carried; of the older the number is enough."""
    every = (*link.left_out, *more)
    before = link.left_out_before + len(every[:-LEFT_OUT_KEPT])
    return link.model_copy(update={"left_out": every[-LEFT_OUT_KEPT:], "left_out_before": before})


async def _no_ticket(rooms: Rooms, journal: Journal, work: AddMessage, thread: ThreadKey) -> None:
    with await speaking_to(rooms, work.actor):
        if work.message is not None and journal.head.id.startswith("msg:"):
            text = _("This thread has no ticket any more, so your message was not sent to one.")
        else:
            text = _("This thread has no ticket, so nothing was sent. Create one from the message's menu first.")
    await rooms.lanes.add([told_op(thread, work.actor, text, once=journal.head.id)])
