"""A fleet of two releases: what only the newer one knows waits for it, in its place, and nothing is lost or doubled."""

import asyncio
import json
from contextvars import ContextVar
from datetime import timedelta

import pytest

from bot.conversion import records
from bot.conversion.ports import NewOp
from bot.conversion.records import AddMessage, OpenTicket, Operation, ThreadKey, encode
from bot.conversion.stamps import microseconds
from bot.conversion.stored import UnknownVersion
from tests.conversion.slack_fakes import said

THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
OPEN = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts=THREAD.ts, subject="Printer on fire")
REPLIES = 20
newer = ContextVar("newer", default=False)
"""Whether the worker of this task is of the newer release, which writes and knows version 2."""


@pytest.fixture(autouse=True)
def releases(monkeypatch):
    def decode(stored):
        record = json.loads(stored)
        if record["v"] == 2 and not newer.get():
            raise UnknownVersion("a record of version 2")
        return records.decode(json.dumps(record | {"v": 1}))

    monkeypatch.setattr("bot.conversion.worker.decode", decode)
    monkeypatch.setattr("bot.conversion.worker.NEWER_LOOKS", timedelta(milliseconds=50))


def reply(number):
    """Every third is of version 2."""
    ts = f"1800000{number:03}.000100"
    work = AddMessage(actor="U1", ts=ts, message={"ts": ts, "text": f"reply number {number:02}"})
    payload = json.loads(encode(Operation(work=work))) | {"v": 2 if number % 3 == 0 else 1}
    return NewOp(lane=str(THREAD), id=f"msg:{ts}", order=microseconds(ts), payload=json.dumps(payload))


async def delivered(house):
    (ticket,) = await house.tickets()
    texts = [message.text for message in ticket.messages]
    return [n for text in texts for n in range(1, REPLIES + 1) if f"reply number {n:02}" in text]


async def fleet_until(house, condition):
    """Two workers of the older release and one of the newer, until *condition* holds."""
    token = newer.set(True)
    try:
        async with house.working():
            newer.reset(token)
            async with house.working():
                await house.until(condition)
    finally:
        newer.set(False)


async def test_an_older_release_leaves_what_it_does_not_know_and_a_newer_one_brings_all_in_order(house):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)
    await house.store.lanes.add([reply(number) for number in range(1, REPLIES + 1)])

    async with house.working():
        await asyncio.sleep(1)
    assert [1, 2] == await delivered(house)
    assert [] == [parked async for parked in house.store.lanes.parked()]
    assert REPLIES - 2 == await house.store.lanes.waiting(str(THREAD))

    async def all_there():
        return len(await delivered(house)) >= REPLIES

    await fleet_until(house, all_there)
    assert list(range(1, REPLIES + 1)) == await delivered(house)
