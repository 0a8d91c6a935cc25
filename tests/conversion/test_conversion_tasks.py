"""Background tasks end, also where something takes their cancellation for its own trouble."""

import asyncio
import contextlib

import pytest

from bot.conversion.ports import StoreAway
from bot.conversion.records import OpenTicket, ThreadKey
from bot.conversion.tasks import ended

OPEN = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts="1700000000.000100", subject="Printer on fire")


async def stubborn():
    """As a client library does that turns a cancellation into its own time-out."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        raise StoreAway("Redis does not answer.") from None


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr("bot.conversion.tasks.AGAIN", 0.2)


async def test_a_loop_that_swallowed_its_cancellation_ends():
    async def loop():
        with contextlib.suppress(StoreAway):
            await stubborn()
        await asyncio.sleep(60)

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)

    await ended(task)

    assert task.done()


async def test_a_store_that_swallows_the_end_of_the_heartbeat_does_not_keep_the_thread_for_ever(house, monkeypatch):
    swallowed: list[int] = []

    async def extend(_lease):
        if not swallowed:
            swallowed.append(1)
            await stubborn()

    async def slow(*args):
        await asyncio.sleep(0.3)  # longer than the heartbeat
        return await carry_out(*args)

    carry_out = house.desk.open_ticket
    monkeypatch.setattr(house.desk, "open_ticket", slow)
    monkeypatch.setattr(house.store.lanes, "extend", extend)
    await house.intake.open_ticket("T1", OPEN, once="")

    await house.until(lambda: house.store.links.get(ThreadKey(team="T1", channel="C1", ts=OPEN.thread_ts)))

    assert swallowed
