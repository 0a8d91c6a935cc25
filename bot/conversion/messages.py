"""Carries one message to the ticket of its thread."""

from datetime import UTC, datetime

from bot.conversion import compose
from bot.conversion.delivery import Delivery, fingerprints
from bot.conversion.intake import card_op, edit_op, receipt_op, tell_op
from bot.conversion.journal import Journal
from bot.conversion.people import Requesters
from bot.conversion.ports import Outcome, Rooms, ThreadMessage
from bot.conversion.records import AddMessage, Delivered, EditMessage, Link, Receipt, Tell, ThreadKey
from bot.conversion.text.plain import from_plain


async def add_message(rooms: Rooms, people: Requesters, journal: Journal, work: AddMessage) -> Outcome:
    """Write a Slack message, or a text typed into a command, on the ticket of this lane's thread."""
    thread = ThreadKey.parse(journal.lease.lane)
    link = journal.head.link
    if link is None:
        await _no_ticket(rooms, journal, work, thread)
        return Outcome()
    begun = bool(journal.progress.calling or journal.progress.done)
    if work.ts and not begun and await rooms.links.delivered(thread, work.ts):
        return Outcome()  # the import had it already
    desk = rooms.desks.get(link.desk)
    message = await _understood(rooms, work, thread)
    if message is None:
        return Outcome()  # it was deleted in Slack before it could be sent
    conversion = compose.of_message(message, limits=desk.limits, capabilities=desk.able)
    delivery = Delivery(
        desk=desk,
        threads=rooms.threads,
        journal=journal,
        author=await people.of(desk, message.author),
        visibility=work.visibility or link.visibility,
        sent_at=message.at,
        says=fingerprints([message]),
    )
    ticket = link.ref
    ids, fetch_left_out = await delivery.add(ticket, conversion.parts, first=0)
    await _show(rooms, link, work, (*conversion.left_out, *fetch_left_out), again=journal.progress.shown)
    on = ticket.id if link.follows else ""
    known = {journal.marker(number): Delivered(message_id=message_id, on=on) for number, message_id in enumerate(ids)}
    if work.newer is not None:
        edit = EditMessage(
            actor=work.actor, ts=work.ts, message=work.newer, previous=work.message, edited=work.newer_edited
        )
        await rooms.lanes.add([edit_op(thread, edit, again=True)])
    if work.ts:
        first = ids[0] if ids else ""
        said = journal.progress.said.get(work.ts, "")
        known[work.ts] = Delivered(message_id=first, alone=len(ids) == 1, edited=work.edited, said=said, on=on)
    return Outcome(delivered=known)


async def _understood(rooms: Rooms, work: AddMessage, thread: ThreadKey) -> ThreadMessage | None:
    if work.message is not None:
        return await rooms.threads.understand(work.message, thread.channel)
    if work.ts:
        return next((found for found in await rooms.threads.read(thread) if found.ts == work.ts), None)
    author = await rooms.threads.author(work.actor)
    return ThreadMessage(ts="", author=author, at=datetime.now(UTC), document=from_plain(work.text))


async def _show(rooms: Rooms, link: Link, work: AddMessage, left_out: tuple[str, ...], *, again: bool) -> None:
    if work.ts:
        receipt = Receipt(channel=link.thread.channel, ts=work.ts, state="delivered", again=again)
        await rooms.lanes.add([receipt_op(link.thread, receipt)])
    if left_out:
        await rooms.links.update(
            link.thread, lambda now: now.model_copy(update={"left_out": (*now.left_out, *left_out)[-20:]})
        )
    if left_out or not work.ts:
        await rooms.lanes.add([card_op(link.thread)])


async def _no_ticket(rooms: Rooms, journal: Journal, work: AddMessage, thread: ThreadKey) -> None:
    if work.message is not None and journal.head.id.startswith("msg:"):
        text = "This thread has no ticket any more, so your message was not sent to one."
    else:
        text = "This thread has no ticket, so nothing was sent. Create one from the message's menu first."
    told = Tell(user=work.actor, channel=thread.channel, thread_ts=thread.ts, text=text)
    await rooms.lanes.add([tell_op(thread.team, told, once=journal.head.id)])
