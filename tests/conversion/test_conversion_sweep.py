"""What Slack never delivered is found in the thread, whatever the clock of this machine says."""

from dataclasses import replace
from datetime import datetime, timedelta

from bot.conversion import tickets
from bot.conversion.records import OpenTicket
from tests.conversion.slack_fakes import BEN, said
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened

LATER = "1700000100.000100"


async def on_ticket(house, text):
    (ticket,) = await house.tickets()
    return sum(text in message.text for message in ticket.messages)


async def swept(house):
    for _ in range(2):
        await house.intake.sweep()

        async def idle():
            lanes = [str(THREAD), f"sweep/{THREAD}"]
            return not sum([await house.store.lanes.waiting(lane) for lane in lanes])

        await house.until(idle)


async def test_a_clock_that_is_ahead_of_slacks_hides_nothing(house, monkeypatch):
    class Ahead(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(minutes=4)

    monkeypatch.setattr(tickets, "datetime", Ahead)
    await opened(house)
    house.threads.messages = [*house.threads.messages, said(LATER, "nobody heard me", BEN)]

    await swept(house)

    assert 1 == await on_ticket(house, "nobody heard me")


async def test_replies_to_a_card_that_began_its_thread_are_found_whatever_the_clock_says(house):
    house.threads.messages = []
    await house.intake.open_ticket("T1", OpenTicket(desk="desk", actor="U1", channel="C1", subject="Fire"), once="v")
    await house.until(lambda: house.voice.cards)
    (thread,) = [link.thread async for link in house.store.links.all()]
    link = await house.store.links.get(thread)

    assert thread.ts == link.read_to


async def test_what_was_left_out_of_the_ticket_stays_out(house):
    """Only the later half was chosen: what stands before it is not found by a sweep."""
    first, second = said(THREAD.ts, "lunch?"), said(LATER, "It burns", BEN)
    house.threads.messages = [first, second]
    await opened(house, OPEN.model_copy(update={"from_ts": LATER}))
    house.threads.messages = [first, second, replace(first, ts="1700000200.000100")]

    await swept(house)

    assert (1, 1) == (await on_ticket(house, "lunch?"), await on_ticket(house, "It burns"))
