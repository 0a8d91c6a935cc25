"""Carries out what concerns a whole ticket: opening it from a thread or a form, linking it, changing it."""

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import NotFound
from adapters.model import Change, MessageRef, Opened, Person, Status, TicketDraft, TicketRef
from bot.conversion import compose
from bot.conversion.decisions import number_opened
from bot.conversion.delivery import Delivery, delivered_on, doubt, fetched, fingerprints
from bot.conversion.journal import Journal
from bot.conversion.ops import agents_ops, card_op, pull_op, step_op, sweep_op, told_op, watch_ops
from bot.conversion.people import Requesters, speaking_to
from bot.conversion.ports import Author, Card, Outcome, SlackFile, SlackRefused, ThreadMessage
from bot.conversion.records import (
    ChangeTicket,
    FinishStep,
    Link,
    LinkTicket,
    OpenTicket,
    Progress,
    Switch,
    ThreadKey,
)
from bot.conversion.relinking import face, joined, relink
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import making, marker_of
from bot.conversion.sweep import found_op, is_for_the_ticket
from bot.conversion.text.clean import clean_subject
from bot.conversion.text.plain import from_plain
from bot.words import _

log = logging.getLogger("threadline.worker")

AT_ONCE = 1.0
"""Seconds between a ticket and its link in which nobody answers on it. Whatever a desk told of it meanwhile is gone."""

_LINKING = "linking"


async def open_ticket(rooms: Rooms, people: Requesters, journal: Journal, work: OpenTicket) -> Outcome:
    """Open a ticket, put the whole conversion on it, link it with its thread and have the card shown."""
    begun = journal.progress.tried  # then the link is from an earlier try of this very one
    if journal.head.link and not begun:
        await _tell_of_other(rooms, journal, work, journal.head.link)
        await _end_step(rooms, work, journal.head.link.thread)
        return Outcome()
    team = journal.lease.lane.partition(":")[0]
    thread = ThreadKey(team=team, channel=work.channel, ts=work.thread_ts)
    if begun and await _is_parted(rooms, journal, work, thread):
        await _end_step(rooms, work, thread)
        return Outcome()
    desk = rooms.desks.get(work.desk)
    there: Sequence[ThreadMessage] = ()
    if work.thread_ts and work.offered is None:
        there = await rooms.threads.read(thread)
    messages = await _messages(rooms, journal, work, there)
    conversion = await _convert(rooms, work, messages, desk, packed=journal.progress.packed)
    fix_parts(journal, conversion)
    requester = await _made_known(people, journal, desk, await requester_of(rooms, people, work, desk))
    delivery = Delivery(
        desk=desk,
        threads=rooms.threads,
        journal=journal,
        author=requester,
        visibility=work.visibility,
        notify=work.notify,
        says=fingerprints(messages),
    )
    began = asyncio.get_running_loop().time()
    opened, left_out = await open_at(rooms, delivery, work, conversion.parts[0], requester)
    if opened is None:
        await _tell_how_to_link(rooms, journal, work)
        return Outcome()
    link = _link(team, work, opened, desk, read_to=journal.progress.read_to)
    if work.thread_ts and journal.head.link is None:  # else it is there from an earlier try, and may know more by now
        await journal.save()  # whoever lost the lane has nothing to link any more
        await rooms.links.put(link)
    ids, more_left_out = await add_rest(delivery, opened, conversion)
    left_out = (*conversion.left_out, *left_out, *more_left_out)
    if not work.thread_ts:
        link = await _card_starts_thread(rooms, journal, work, link, desk)
    about = {"lane": str(link.thread), "op": journal.head.id, "desk": link.desk, "number": link.number}
    log.info("open_ticket linked", extra=about)  # from a form the operation's own lane is not the thread's
    if left_out:
        await rooms.links.update(link.thread, lambda now: now.model_copy(update={"left_out": left_out}))
    slow = begun or asyncio.get_running_loop().time() > began + AT_ONCE
    told_once = slow and desk.has(Capability.CHANGED_SINCE)  # perhaps when nobody knew yet which thread it belongs to
    late = [pull_op(link.thread)] if told_once else []
    if journal.progress.verify and work.thread_ts:  # replies that waited for the ticket may be forgotten
        late.append(sweep_op(link.thread))
    later = [message for message in there if _is_later(message, work)]  # their events may have come before the wish did
    late += [found_op(link, message, Progress()) for message in later if is_for_the_ticket(link, message)]
    agents = agents_ops(desk, link, department=work.department)
    await rooms.lanes.add([card_op(link.thread), *watch_ops(desk, link.thread), *agents, *late])
    await _end_step(rooms, work, link.thread)
    delivered = delivered_on(journal, conversion.parts, ids, messages)
    known = await rooms.links.deliveries(link.thread) if begun else {}  # what was told while the rest waited stays so
    return Outcome(delivered={name: one for name, one in delivered.items() if name not in known})


def fix_parts(journal: Journal, conversion: compose.Conversion) -> None:
    """Write down which messages are in which part, before any of them may be at the desk; later tries keep to it."""
    packed = [list(part.messages) for part in conversion.parts]
    journal.progress.packed = journal.progress.packed or packed


async def add_rest(
    delivery: Delivery, opened: Opened, conversion: compose.Conversion
) -> tuple[list[str], tuple[str, ...]]:
    """Write what opening the ticket did not carry; the desk's ids of all parts, and what could not be carried."""
    first = int(delivery.desk.has(Capability.FIRST_MESSAGE))
    ids, left_out = await delivery.add(opened.ticket, conversion.parts[first:], first=first)
    return [*[opened.first.id if opened.first else ""] * first, *ids], tuple(left_out)


async def _end_step(rooms: Rooms, work: OpenTicket, thread: ThreadKey) -> None:
    if work.step:
        await rooms.lanes.add([step_op(thread.team, FinishStep(step=work.step, thread=thread))])


async def _tell(rooms: Rooms, journal: Journal, work: OpenTicket | LinkTicket, text: str, *, once: str) -> None:
    """Say something to whoever asked for this, once for each *once*."""
    team = journal.lease.lane.partition(":")[0]
    thread = ThreadKey(team=team, channel=work.channel, ts=work.thread_ts)
    await rooms.lanes.add([told_op(thread, work.actor, text, once=journal.head.id + once)])


async def _tell_of_other(rooms: Rooms, journal: Journal, work: OpenTicket, link: Link) -> None:
    """The thread got its ticket in another way while this waited."""
    with await speaking_to(rooms, work.actor):
        text = _("This thread has ticket {number} already, so no second one was opened.", number=link.number)
    await _tell(rooms, journal, work, text, once=f":{work.actor}")


async def _is_parted(rooms: Rooms, journal: Journal, work: OpenTicket, thread: ThreadKey) -> bool:
    """Whether *thread* was unlinked before all was on its ticket; what it has now is another wish's. That is told."""
    number = number_opened(journal.progress) if work.thread_ts else ""
    if not number or journal.head.id == making(str(thread), await rooms.links.partings(thread)):
        return False
    with await speaking_to(rooms, work.actor):
        text = _(
            "Ticket {number} was opened, but its thread was unlinked before all of it was there. The rest is not sent.",
            number=number,
        )
    await _tell(rooms, journal, work, text, once=":parted")
    return True


async def _tell_how_to_link(rooms: Rooms, journal: Journal, work: OpenTicket) -> None:
    """A person said that the ticket is there, whose number only the desk knows."""
    with await speaking_to(rooms, work.actor):
        text = _(
            "The ticket is there, but its number is not known here. To link a thread with it, write @Threadline link "
            "NUMBER in the thread."
        )
    await _tell(rooms, journal, work, text, once=":there")


async def link_ticket(rooms: Rooms, journal: Journal, work: LinkTicket) -> None:
    """Link a thread with a ticket that is at the desk already."""
    thread = ThreadKey.parse(journal.lease.lane)
    old, begun = journal.head.link, _LINKING in journal.progress.done
    if old and old.state != Status.GONE and not begun:
        if (old.desk, old.number.casefold()) != (work.desk, work.number.casefold()):  # somebody else's wish came first
            with await speaking_to(rooms, work.actor):
                text = _("This thread is ticket {number} already.", number=old.number)
            await _tell(rooms, journal, work, text, once=work.number)
        return
    desk = rooms.desks.get(work.desk)
    try:
        ticket = await desk.find_by_number(work.number)
    except NotFound:
        with await speaking_to(rooms, work.actor):
            text = _(
                "{desk} has no ticket {number}, so nothing was linked. Check the number and try again.",
                desk=desk.title,
                number=work.number,
            )
        await _tell(rooms, journal, work, text, once=work.number)
        return
    if await rooms.voice.kept_by_another(thread, ticket.ref.number):  # with two, each message would arrive twice
        with await speaking_to(rooms, work.actor):
            text = _(
                "Nothing was linked: another Threadline app keeps this thread in step with ticket {number} already.",
                number=ticket.ref.number,
            )
        await _tell(rooms, journal, work, text, once=work.number)
        return
    if begun and old and (old.desk, old.ticket_id) == (desk.name, ticket.ref.id):
        await rooms.lanes.add([card_op(thread), *watch_ops(desk, thread), *agents_ops(desk, old, timed=False)])
        return
    journal.progress.done[_LINKING] = ticket.ref.id
    await journal.save()  # an earlier try may write the link and end before it is shown
    if old:
        new = await relink(rooms, old, desk, ticket.ref, **face(ticket), url=ticket.url or "")
        told_agents = agents_ops(desk, new, timed=False) if new else []
        await rooms.lanes.add([card_op(thread), *watch_ops(desk, thread), *told_agents])
        return
    link = Link(
        thread=thread,
        desk=desk.name,
        ticket_id=ticket.ref.id,
        number=ticket.ref.number,
        **face(ticket),
        url=ticket.url or "",
        opened_by=work.actor,
        visibility=desk.settings.visibility,
        switches=_first_switch(desk, thread.channel),
        **await joined(desk, ticket.ref),
        created_at=datetime.now(UTC),
    )
    await rooms.links.put(link)
    await rooms.lanes.add([card_op(thread), *watch_ops(desk, thread), *agents_ops(desk, link, timed=False)])


async def change_ticket(rooms: Rooms, journal: Journal, work: ChangeTicket) -> None:
    """Change one thing about the ticket of a thread; doing it twice is the same as doing it once."""
    link = journal.head.link
    if link is None:
        return
    desk = rooms.desks.get(link.desk)

    async def act() -> str:
        await desk.change(link.ref, Change(act=work.act, value=work.value))
        return ""

    await journal.once("change", act)
    await rooms.lanes.add([card_op(link.thread)])


def _is_later(message: ThreadMessage, work: OpenTicket) -> bool:
    """Whether it was said after the ticket was asked for."""
    return bool(work.asked) and float(message.ts) > float(work.asked)


async def _messages(
    rooms: Rooms, journal: Journal, work: OpenTicket, there: Sequence[ThreadMessage]
) -> tuple[ThreadMessage, ...]:
    """Those of the thread that are imported: fixed when the work began, so that each try makes the same parts."""
    if not work.thread_ts:
        return ()
    if work.offered is not None:
        return (await rooms.threads.understand(work.offered, work.channel),)
    # each try imports the same, although a restored store may have forgotten that one was made
    there = tuple(message for message in there if not _is_later(message, work))
    messages = compose.imported(there, {work.thread_ts, work.from_ts, *work.chosen})
    if work.chosen:
        messages = tuple(message for message in messages if message.ts in work.chosen)
    elif work.from_ts:
        messages = tuple(message for message in messages if float(message.ts) >= float(work.from_ts))
    if rooms.thread_messages and len(messages) > rooms.thread_messages:
        raise SlackRefused("thread_too_long", _too_long(len(messages), rooms.thread_messages))
    if journal.progress.plan:
        (fixed,) = journal.progress.plan
        return tuple(message for message in messages if message.ts in fixed)
    journal.progress.plan = [[message.ts for message in messages]]
    journal.progress.read_to = there[-1].ts if there else ""
    return messages


def _too_long(there: int, most: int) -> str:
    return _(
        "It would be made of {there:,} messages, and {most:,} is the most. Choose Create ticket on a "
        "later message, and send from that message on.",
        there=there,
        most=most,
    )


async def _convert(
    rooms: Rooms,
    work: OpenTicket,
    messages: Sequence[ThreadMessage],
    desk: TicketAdapter[Any],
    *,
    packed: Sequence[Sequence[str]],
) -> compose.Conversion:
    files: list[SlackFile] = []
    for file in work.files:
        try:
            files.append(await rooms.threads.file(file.id))
        except SlackRefused as refused:
            files.append(SlackFile(id=file.id, name=file.name or file.id, trouble=refused.words))
    conversion = compose.of_thread(
        messages,
        limits=desk.limits,
        capabilities=desk.able,
        description=from_plain(work.description),
        extra_files=files,
        packed=packed,
    )
    first, *rest = conversion.parts
    if not (first.document or first.files):  # a ticket needs a text, and some desks refuse an empty one
        first = replace(first, document=from_plain(work.subject))
    return replace(conversion, parts=(first, *rest))


async def requester_of(rooms: Rooms, people: Requesters, work: OpenTicket, desk: TicketAdapter[Any]) -> Person:
    """Who is the requester of the ticket that *work* opens."""
    if work.requester_email:
        name = work.requester_name or work.requester_email
        return await people.known(desk, Person(name=name, email=work.requester_email))
    author: Author = await rooms.threads.author(work.requester or work.actor)
    return await people.of(desk, author)


async def _made_known(people: Requesters, journal: Journal, desk: TicketAdapter[Any], requester: Person) -> Person:
    """*requester*, with whom the desk is made acquainted where it does not know them and its operator wants that."""
    email = requester.email or ""
    if requester.desk_id or not (email and requester.trusted_email and desk.creates_requesters):
        return requester

    async def act() -> str:
        return (await desk.create_requester(requester)).desk_id or ""

    async def look() -> str | None:
        found = await desk.find_requester(email)
        return found.desk_id if found else None

    made = await journal.once("requester", act, look, **doubt(desk))
    people.forget(desk, requester)
    return replace(requester, desk_id=made or None)


async def open_at(
    rooms: Rooms, delivery: Delivery, work: OpenTicket, part: compose.Part, requester: Person
) -> tuple[Opened | None, tuple[str, ...]]:
    """The step that opens the ticket; with its first message where the desk takes both in one call."""
    desk, journal = delivery.desk, delivery.journal
    if "open" in journal.progress.done:
        return _opened(journal.progress.done["open"]), ()
    carried_part = part if desk.has(Capability.FIRST_MESSAGE) else compose.Part(document=part.document)
    tries = journal.progress.tries
    async with fetched(rooms.threads, carried_part, limit=desk.limits.file, tries=tries) as carried:
        draft = TicketDraft(
            subject=clean_subject(work.subject, desk.limits.subject or 255),
            first=await delivery.draft(carried.part, carried.files, 0),
            requester=requester,
            department=work.department or desk.settings.department or None,
            priority=work.priority or desk.settings.priority or None,
            fields=work.fields,
            options=work.options,
        )

        async def act() -> str:
            return _written(await desk.open_ticket(draft), desk)

        async def look() -> str | None:
            found = await desk.find_ticket(draft.first.marker, draft)
            return None if found is None else _written(found, desk)

        result = await journal.once("open", act, look, says=delivery.says_in(carried.part.messages), **doubt(desk))
        return _opened(result), tuple(carried.left_out)


def _written(opened: Opened, desk: TicketAdapter[Any]) -> str:
    """Id and number of the ticket, and the id of its first message; None where that does not come with it."""
    untold = "" if desk.has(Capability.FIRST_MESSAGE) else None
    return json.dumps([opened.ticket.id, opened.ticket.number, opened.first.id if opened.first else untold])


def _opened(written: str) -> Opened | None:
    """What `_written` wrote; None where a person answered for the desk."""
    if not written:
        return None
    ticket_id, number, first = json.loads(written)
    return Opened(ticket=TicketRef(id=ticket_id, number=number), first=None if first is None else MessageRef(id=first))


async def show_half(rooms: Rooms, journal: Journal, desk: TicketAdapter[Any] | None) -> str:
    """Have a ticket whose rest waits for a person shown and kept in step; its number, empty where none was opened."""
    number, work, lane = number_opened(journal.progress), journal.operation.work, journal.lease.lane
    in_thread = not isinstance(work, OpenTicket) or work.thread_ts
    if number and desk and in_thread and (link := await rooms.links.get(ThreadKey.parse(lane))):
        department, timed = (work.department, True) if isinstance(work, OpenTicket) else ("", False)
        agents = agents_ops(desk, link, department=department, timed=timed)
        await rooms.lanes.add([card_op(link.thread), *watch_ops(desk, link.thread), *agents])
    return number


def _link(team: str, work: OpenTicket, opened: Opened, desk: TicketAdapter[Any], *, read_to: str) -> Link:
    return Link(
        thread=ThreadKey(team=team, channel=work.channel, ts=work.thread_ts or "0"),
        desk=desk.name,
        ticket_id=opened.ticket.id,
        number=opened.ticket.number,
        subject=work.subject,
        opened_by=work.actor,
        requester=work.requester or ("" if work.requester_email else work.actor),
        visibility=work.visibility,
        switches=_first_switch(desk, work.channel),
        read_to=read_to,
        created_at=datetime.now(UTC),
    )


def _first_switch(desk: TicketAdapter[Any], channel: str) -> tuple[Switch, ...]:
    """What goes to the ticket by the settings; nothing is written of what is as always."""
    mirror, apps = desk.settings.mirrored_in(channel)
    first = Switch(mirror=mirror, apps=apps)
    return () if first == Switch() else (first,)


async def _card_starts_thread(
    rooms: Rooms, journal: Journal, work: OpenTicket, link: Link, desk: TicketAdapter[Any]
) -> Link:
    """Post the card of a ticket that began as a form: it is the first message of the ticket's thread.

    Where we may not post in the channel, the thread is in our direct messages with the person who asked.
    """
    marker = marker_of(f"{journal.head.id}#card")

    async def post_in(channel: str, step: str) -> Link:
        async def act() -> str:
            return await rooms.voice.post_card(channel, "", Card(link=link, desk=desk), marker)

        async def look() -> str | None:
            return await rooms.voice.find_post(channel, "", marker)

        ts = await journal.once(step, act, look, longest=rooms.voice.longest)
        thread = ThreadKey(team=link.thread.team, channel=channel, ts=ts)
        return link.model_copy(update={"thread": thread, "card_ts": ts, "read_to": ts})  # all replies are later

    try:
        posted = await post_in(work.channel, "card")
    except SlackRefused:
        posted = await post_in(await rooms.voice.direct_channel(work.actor), "card in direct messages")
    if await rooms.links.get(posted.thread) is None:
        await rooms.links.put(posted)
    return posted
