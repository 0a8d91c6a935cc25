"""Carries out what only shows how things stand: cards, receipts, and words to one person."""

import contextlib
import time
from datetime import timedelta
from typing import Any

from adapters.model import Ticket
from bot.conversion.agents import ticket_now
from bot.conversion.journal import Again, Journal
from bot.conversion.ops import tell_op
from bot.conversion.people import speaking_to
from bot.conversion.ports import Card, FromDesk, NoSuchDesk, SlackRefused
from bot.conversion.records import Link, Receipt, Say, ShowCard, Tell, ThreadKey
from bot.conversion.relinking import face
from bot.conversion.rooms import Rooms
from bot.conversion.stamps import marker_of
from bot.conversion.text.plain import from_plain
from bot.words import _

BETWEEN_CARDS = 3.0
"""Seconds between two changes of one card, however much happens on its ticket."""


async def show_card(rooms: Rooms, journal: Journal, work: ShowCard) -> None:
    """Post a thread's card, or bring it up to date in place; that of a desk that left the settings stays as it is."""
    link = await rooms.links.get(work.thread)
    if link is None:
        return
    try:
        desk = rooms.desks.get(link.desk)
    except NoSuchDesk:  # what else is to be shown in the thread stands behind this
        return
    if not (work.note or journal.progress.attempts):  # to begin again would forget how often it failed
        key, now = f"card:{work.thread}", time.time()
        until = float(await desk.shared.get(key) or 0)
        if until > now and link.card_ts:  # to begin again would forget that a first card may be posted already
            raise Again(timedelta(seconds=min(until - now, BETWEEN_CARDS)))
        await desk.shared.put(key, f"{now + BETWEEN_CARDS:.3f}", ttl=timedelta(seconds=BETWEEN_CARDS))
    ticket = await _ticket(rooms, link)
    card = Card(
        link=link,
        desk=desk,
        ticket=ticket,
        note=work.note,
        left_out=link.left_out,
    )
    if link.card_ts:
        await rooms.voice.update_card(card)
    else:
        await _post(rooms, journal, card)


async def _ticket(rooms: Rooms, link: Link) -> Ticket | None:
    """The ticket as the desk has it, for the card; a card without it is better than none."""
    ticket = await ticket_now(rooms, link, rooms.desks.get(link.desk))
    if ticket is None:
        return None
    # that it was closed or opened again is said in the thread first, by whoever pulls it
    kept = {"state"} if link.state else set()
    shown = face(ticket, unnamed=link.unnamed) | {"url": ticket.url or ""}
    seen = {name: value for name, value in shown.items() if name not in kept}
    if any(getattr(link, name) != value for name, value in seen.items()):
        await rooms.links.update(link.thread, lambda now: now.model_copy(update=seen))
    return ticket


async def _post(rooms: Rooms, journal: Journal, card: Card) -> None:
    thread = card.link.thread
    marker = marker_of(f"card:{thread}:{card.link.desk}:{card.link.ticket_id}")

    async def act() -> str:
        return await rooms.voice.post_card(thread.channel, thread.ts, card, marker)

    async def look() -> str | None:
        return await rooms.voice.find_post(thread.channel, thread.ts, marker)

    try:
        ts = await journal.once("post", act, look, longest=rooms.voice.longest)
    except SlackRefused as refused:
        await _tell_instead(rooms, card, refused)
        return
    await rooms.links.update(thread, lambda now: now.model_copy(update={"card_ts": ts}))


async def _tell_instead(rooms: Rooms, card: Card, refused: SlackRefused) -> None:
    """Tell who asked for the ticket that it is there, where its thread cannot show its card."""
    link = card.link
    with await speaking_to(rooms, link.opened_by):
        text = _(
            "Ticket {number} at {desk} goes with the thread, but its card cannot be shown there. {why}",
            number=link.number,
            desk=card.desk.title,
            why=refused.words,
        )
    told = Tell(user=link.opened_by, text=text)
    await rooms.lanes.add([tell_op(link.thread.team, told, once=f"card:{link.thread}:{link.ticket_id}")])


async def receipt(rooms: Rooms, journal: Journal, work: Receipt) -> None:
    """Show how far a message got; where Slack will not have it, the message is on the ticket all the same."""
    with contextlib.suppress(SlackRefused):
        if rooms.voice.receipts_are_words:
            await _say_receipts(rooms, journal, work)
        else:
            await rooms.voice.receipt(work)


async def _say_receipts(rooms: Rooms, journal: Journal, work: Receipt) -> None:
    """One post in the thread, changed in place, since a line for each message would drown the conversation."""
    thread = ThreadKey.parse(journal.lease.lane.removeprefix("ui/"))

    def with_this(link: Link) -> Link:
        return link.model_copy(update={"receipts": _worth_saying({**link.receipts, work.ts: work.state})})

    link = await rooms.links.update(thread, with_this)
    if link is None:
        return
    said = rooms.voice.receipts_of(link)
    if link.receipts_ts:
        await rooms.voice.rewrite(thread.channel, link.receipts_ts, said)
        return
    marker = marker_of(f"receipts:{thread}:{link.desk}:{link.ticket_id}")

    async def act() -> str:
        return await rooms.voice.post(thread, said, marker)

    async def look() -> str | None:
        return await rooms.voice.find_post(thread.channel, thread.ts, marker)

    ts = await journal.once("post", act, look, longest=rooms.voice.longest)
    await rooms.links.update(thread, lambda now: now.model_copy(update={"receipts_ts": ts}))


def _worth_saying(states: dict[str, str]) -> dict[str, str]:
    """The last message that arrived, and all that did not."""
    last = max((ts for ts, state in states.items() if state == "delivered"), default="")
    return {ts: state for ts, state in sorted(states.items()) if ts == last or state != "delivered"}


async def tell(rooms: Rooms, journal: Journal, work: Tell) -> None:
    """Say something to one person. Saying it twice after a lost answer is better than not saying it."""

    async def act() -> str:
        with await speaking_to(rooms, work.user):
            await rooms.voice.tell(
                work.user, work.channel, work.thread_ts, work.text, parked=work.parked, asks=work.asks
            )
        return ""

    await journal.once("tell", act)


async def say(rooms: Rooms, journal: Journal, work: Say) -> None:
    """Say something for everybody in a thread; where Slack will not have a question there, to who caused it."""
    voice, marker = rooms.voice, marker_of(f"{journal.head.id}:{work.thread}")
    said = FromDesk(document=from_plain(work.text))
    posts = (voice.question(work.text, work.parked),) if work.parked else voice.posts(said)
    for number, post in enumerate(posts):

        async def act(post: Any = post, number: int = number) -> str:
            return await voice.post(work.thread, post, f"{marker}:{number}")

        async def look(number: int = number) -> str | None:
            return await voice.find_post(work.thread.channel, work.thread.ts, f"{marker}:{number}")

        try:
            await journal.once(f"say {number}", act, look, longest=voice.longest)
        except SlackRefused:
            if work.parked and work.actor:
                told = Tell(user=work.actor, text=work.text, parked=work.parked)
                await rooms.lanes.add([tell_op(work.thread.team, told, once=journal.head.id)])
            return
