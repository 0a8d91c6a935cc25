"""The channel of a desk's agents: each new ticket is a card there, with a thread of its own, timers and reminders.

That thread is linked to the ticket like any other, but as one of agents: it gets internal notes and not what the
requester reads, and what is said in it becomes a note.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.errors import AdapterError
from adapters.model import OutgoingFile, Status, Ticket, Visibility
from adapters.settings import AgentsChannel
from bot.conversion.compose import Part
from bot.conversion.delivery import fetched
from bot.conversion.journal import Again, Journal
from bot.conversion.ops import card_op, remind_op, told_op, watch_ops
from bot.conversion.people import speaking_to
from bot.conversion.ports import Card, FromDesk, SlackFile, SlackRefused, ThreadMessage
from bot.conversion.records import Link, Remind, TellAgents, ThreadKey
from bot.conversion.rooms import Rooms
from bot.conversion.slack_nouns import FILE
from bot.conversion.stamps import marker_of
from bot.conversion.text.plain import from_plain
from bot.conversion.text.tree import Document
from bot.words import N_, _


class _CardIsGone(Exception):
    """Somebody deleted the card in the agents' channel, and with it whatever was to be said below it."""


OVER = frozenset({Status.CLOSED, Status.GONE})


async def tell_agents(rooms: Rooms, journal: Journal, work: TellAgents) -> None:
    """Post a ticket's card in its agents' channel and link the thread below it.

    Raises:
        SlackTrouble, SlackRefused, SlackOutcomeUnknown: it was not done, or may have been.
    """
    link = await rooms.links.get(work.thread)
    if link is None or link.agents or link.state in OVER:
        return
    desk = rooms.desks.get(link.desk)
    ticket = await ticket_now(rooms, link, desk)
    channel = desk.settings.agents_channel.channel_for(work.department, ticket.department if ticket else None)
    if not channel or await _is_told(rooms, link):
        return
    if "card" not in journal.progress.done and (await rooms.threads.audience(channel)).shared:
        raise SlackRefused(
            "shared_channel", N_("The agents' channel {channel} is shared with another company."), channel=channel
        )
    shown = _agents_link(link, desk, ticket, timed=work.timed)
    marker = marker_of(f"agents:{link.thread.team}:{link.desk}:{link.ticket_id}:{channel}")

    async def act() -> str:
        return await rooms.voice.post_card(channel, "", Card(link=shown, desk=desk, ticket=ticket), marker)

    async def look() -> str | None:
        return await rooms.voice.find_post(channel, "", marker)

    ts = await journal.once("card", act, look, longest=rooms.voice.longest)
    thread = ThreadKey(team=link.thread.team, channel=channel, ts=ts)
    if await rooms.links.get(thread) is None:
        await rooms.links.put(shown.model_copy(update={"thread": thread, "card_ts": ts}))
    await rooms.lanes.add([card_op(thread), *watch_ops(desk, thread), remind_op(thread)])


async def _is_told(rooms: Rooms, link: Link) -> bool:
    """Whether another thread of the ticket has led to a card for its agents already."""
    threads = await rooms.links.threads(link.desk, link.ticket_id)
    found = [await rooms.links.get(thread) for thread in threads]
    return any(one is not None and one.agents for one in found)


def _agents_link(link: Link, desk: TicketAdapter[Any], ticket: Ticket | None, *, timed: bool) -> Link:
    """The link of the thread in the agents' channel, as far as it is known before its card is posted."""
    settings = desk.settings.agents_channel
    reads = desk.has(Capability.READ_MESSAGES)
    first = timedelta(minutes=settings.first_reply) if settings.first_reply and timed and reads else None
    changes = {
        "agents": True,
        "visibility": Visibility.INTERNAL,
        "mirror": takes_replies(desk, of_agents=True),
        "left_out": (),
        "left_out_before": 0,
        "owner": (ticket.owner or "") if ticket else link.owner,
        "deadline": deadline_of(ticket, settings, since=link.created_at if timed else None),
        "first_reply_by": link.created_at + first if first else None,
    }
    return link.model_copy(update=changes)


def takes_replies(desk: TicketAdapter[Any], *, of_agents: bool) -> bool:
    """Whether a ticket at *desk* takes what is said in a thread: in one of agents only as notes, where those are on."""
    return not of_agents or (desk.settings.agents_channel.notes and desk.has(Capability.NOTE))


def deadline_of(ticket: Ticket | None, settings: AgentsChannel, *, since: datetime | None) -> datetime | None:
    """When a ticket is due: by its desk, else by the settings, which count from when it was opened."""
    if ticket and ticket.deadline:
        return ticket.deadline
    return since + timedelta(hours=settings.within) if settings.within and since else None


async def may_show_notes(rooms: Rooms, link: Link) -> bool:
    """Whether internal notes may be shown in an agents' thread: switched on, and nobody from outside is there.

    Raises:
        SlackTrouble: Slack does not tell just now.
        SlackRefused: we cannot see who is there, as where we were removed; what was not shown is not passed over then.
    """
    if not rooms.desks.get(link.desk).settings.agents_channel.notes:
        return False
    return not (await rooms.threads.audience(link.thread.channel)).outsiders


async def answered(rooms: Rooms, link: Link, at: datetime | None) -> None:
    """An agent gave the first reply."""
    when = at or datetime.now(UTC)
    await rooms.links.update(link.thread, lambda now: now.model_copy(update={"answered": now.answered or when}))
    await changed(rooms, link.thread)


async def changed(rooms: Rooms, thread: ThreadKey) -> None:
    """Something about the ticket of an agents' thread changed that its card and its timers should know of."""
    await rooms.lanes.add([card_op(thread), remind_op(thread)])
    await rooms.lanes.nudge(f"remind/{thread}")


async def show_elsewhere(rooms: Rooms, journal: Journal, link: Link, message: ThreadMessage) -> None:
    """Bring a public reply that was typed in an agents' thread to the requester's, which the desk's echo will not do.

    Raises:
        SlackTrouble, SlackOutcomeUnknown: it is not known to be there.
    """
    for thread in await rooms.links.threads(link.desk, link.ticket_id):
        other = await rooms.links.get(thread)
        if other is None or other.agents:
            continue
        try:
            why = "\n".join(await _show_in(rooms, journal, thread, message))
        except SlackRefused as refused:  # the reply is on the ticket all the same, and is not brought from there
            why = refused.words
        if why:
            await _tell_it_is_not_shown(rooms, journal, link, thread, why)


async def _show_in(rooms: Rooms, journal: Journal, thread: ThreadKey, message: ThreadMessage) -> list[str]:
    """What of a reply could not be fetched for a thread, in words; the rest of it is there."""
    said = FromDesk(document=message.document, author=message.author.name)
    for number, post in enumerate(rooms.voice.posts(said)):
        marker = marker_of(f"typed:{thread}:{journal.head.id}:{number}")

        async def act(post: Any = post, marker: str = marker) -> str:
            return await rooms.voice.post(thread, post, marker)

        async def look(marker: str = marker) -> str | None:
            return await rooms.voice.find_post(thread.channel, thread.ts, marker)

        await journal.once(f"typed {thread} {number}", act, look, longest=rooms.voice.longest)
    files = tuple(file for file in message.files if _step(thread, file) not in journal.progress.done)
    part = Part(document=Document(), files=files)
    async with fetched(rooms.threads, part, limit=FILE, tries=journal.progress.tries) as carried:
        for file, fetch in zip(carried.part.files, carried.files, strict=True):
            await _share_in(rooms, journal, thread, _step(thread, file), fetch)
    return carried.left_out


def _step(thread: ThreadKey, file: SlackFile) -> str:
    return f"typed:{thread}:{file.id}"


async def _share_in(rooms: Rooms, journal: Journal, thread: ThreadKey, step: str, file: OutgoingFile) -> None:
    """A file of a reply in another thread: its own may be where the requester sees nothing."""
    content = file.path.read_bytes()

    async def act() -> str:
        await rooms.voice.upload(thread, file.name, content)
        return ""

    async def look() -> str | None:
        return "" if await rooms.voice.find_upload(thread, file.name, len(content)) else None

    await journal.once(step, act, look, longest=rooms.voice.longest)


async def _tell_it_is_not_shown(rooms: Rooms, journal: Journal, link: Link, thread: ThreadKey, why: str) -> None:
    """Tell who typed a reply that those in the requester's thread do not read it, or not all of it."""
    actor = getattr(journal.operation.work, "actor", "")
    if not actor:
        return
    with await speaking_to(rooms, actor):
        words = _(
            "Your reply is on ticket {number}, but not all of it could be shown in the requester's thread. {why}",
            number=link.number,
            why=why,
        )
    await rooms.lanes.add([told_op(link.thread, actor, words, once=f"{journal.head.id}:{thread}:not-shown")])


# --- reminders --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A reminder and when its time comes."""

    key: str
    at: datetime
    words: Callable[[Link], str]


def dues(link: Link, settings: AgentsChannel) -> list[Due]:
    """The reminders of an open ticket, whether they were given already or not. Pure."""
    found = []
    if link.first_reply_by and not link.answered:
        found.append(Due(key="first reply", at=link.first_reply_by, words=_unanswered))
    if link.deadline:
        stamp = f"{link.deadline.timestamp():.0f}"  # another deadline is another reminder
        if settings.remind:
            before = link.deadline - timedelta(minutes=settings.remind)
            found.append(Due(key=f"soon {stamp}", at=before, words=_due_soon))
        found.append(Due(key=f"over {stamp}", at=link.deadline, words=_overdue))
    return found


async def remind(rooms: Rooms, journal: Journal, work: Remind) -> None:
    """Give the reminders whose time has come, each once, and take back what has been answered.

    Raises:
        Again: there is a later one.
        SlackTrouble, SlackRefused, SlackOutcomeUnknown: not all of it was done.
    """
    link = await rooms.links.get(work.thread)
    if link is None or not link.agents:
        return
    with contextlib.suppress(_CardIsGone):
        await _remind(rooms, journal, link, now=datetime.now(UTC))


async def _remind(rooms: Rooms, journal: Journal, link: Link, *, now: datetime) -> None:
    desk = rooms.desks.get(link.desk)
    if any(due.at <= now and due.key not in link.reminded for due in dues(link, desk.settings.agents_channel)):
        link = await _seen_again(rooms, link, desk)
    await _settle(rooms, link)
    if link.state in OVER:
        return
    waiting = []
    for due in dues(link, desk.settings.agents_channel):
        if due.key in link.reminded:
            continue
        if due.at > now:
            waiting.append(due.at)
            continue
        await _give(rooms, journal, link, due)
    if waiting:
        raise Again(min(waiting) - now)


async def _give(rooms: Rooms, journal: Journal, link: Link, due: Due) -> None:
    (post,) = rooms.voice.posts(FromDesk(document=from_plain(due.words(link))))[:1]
    marker = marker_of(f"remind:{link.thread}:{due.key}")

    async def act() -> str:
        try:
            return await rooms.voice.post(link.thread, post, marker, broadcast=True)
        except SlackRefused as refused:
            raise _CardIsGone if refused.code == "thread_not_found" else refused from None

    async def look() -> str | None:
        return await rooms.voice.find_post(link.thread.channel, link.thread.ts, marker)

    ts = await journal.once(due.key, act, look, longest=rooms.voice.longest)
    await _note_reminded(rooms, link, {due.key: ts})


async def _settle(rooms: Rooms, link: Link) -> None:
    """Reminders that are not true any more say so, in their place."""
    over = link.state in OVER
    for key, ts in link.reminded.items():
        done = over or (key == "first reply" and link.answered is not None)
        if not done or not ts:
            continue
        words = _("Ticket {number} is closed.", number=link.number)
        if key == "first reply" and link.answered:
            words = answered_words(link)
        (post,) = rooms.voice.posts(FromDesk(document=from_plain(words)))[:1]
        await rooms.voice.rewrite(link.thread.channel, ts, post)
        await _note_reminded(rooms, link, {key: ""})


async def _note_reminded(rooms: Rooms, link: Link, given: dict[str, str]) -> None:
    await rooms.links.update(link.thread, lambda now: now.model_copy(update={"reminded": {**now.reminded, **given}}))


async def _seen_again(rooms: Rooms, link: Link, desk: TicketAdapter[Any]) -> Link:
    """The link with how its ticket stands now, since nobody should be reminded of what is done."""
    ticket = await ticket_now(rooms, link, desk)
    if ticket is None:
        return link
    shown = {"state": str(ticket.status), "status": ticket.status_name, "owner": ticket.owner or ""}
    shown_at = {"deadline": ticket.deadline or link.deadline}
    return await rooms.links.update(link.thread, lambda now: now.model_copy(update={**shown, **shown_at})) or link


async def ticket_now(rooms: Rooms, link: Link, desk: TicketAdapter[Any]) -> Ticket | None:
    """The ticket as the desk has it; None where it does not tell."""
    if not desk.has(Capability.READ_TICKET) or await rooms.breakers.wait(desk.name):
        return None
    try:
        return await desk.get_ticket(link.ref)
    except AdapterError:
        return None


# --- words ------------------------------------------------------------------------------------------------------------


def _unanswered(link: Link) -> str:
    by = link.first_reply_by or link.created_at
    return _(
        "Ticket {number} has had no reply since {time}. The first one was due by {due}.",
        number=link.number,
        time=moment(link.created_at),
        due=moment(by),
    )


def _due_soon(link: Link) -> str:
    return _("Ticket {number} is due by {due}.", number=link.number, due=moment(link.deadline))


def _overdue(link: Link) -> str:
    return _("Ticket {number} was due by {due}, and it is still open.", number=link.number, due=moment(link.deadline))


def owner_words(number: str, owner: str) -> str:
    """Who a ticket was given to."""
    if owner:
        return _("Ticket {number} was assigned to {owner}.", number=number, owner=owner)
    return _("Ticket {number} is assigned to nobody now.", number=number)


def answered_words(link: Link) -> str:
    """How long the first reply took."""
    took = (link.answered - link.created_at) if link.answered else timedelta()
    minutes = max(0, round(took.total_seconds() / 60))
    return _("Ticket {number} had its first reply after {minutes} min.", number=link.number, minutes=minutes)


def moment(at: datetime | None) -> str:
    """A time for people, without a zone of anybody's in particular."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "-"
