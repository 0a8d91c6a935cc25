"""Work that broke off half way, and what whoever takes it over makes of it."""

import asyncio

import pytest

from bot.conversion.ports import StoreAway
from bot.store.keys import shard_of
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply

LATER = "1800000001.000100"


@pytest.mark.usefixtures("quick_settle")
async def test_a_ticket_that_was_linked_by_a_try_that_broke_off_is_still_our_own(house, monkeypatch):
    house.threads.messages = [said(THREAD.ts, "It burns"), said(LATER, "more smoke")]
    done, times = house.store.lanes.done, []

    async def dies(lease, op, outcome):
        times.append(op)
        if len(times) == 1:
            raise StoreAway("killed")
        return await done(lease, op, outcome)

    monkeypatch.setattr(house.store.lanes, "done", dies)
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: f"msg:{THREAD.team}:{THREAD.channel}:{LATER}" in times)

    (ticket,) = await house.tickets()
    assert 1 == "\n".join(message.text for message in ticket.messages).count("more smoke")
    assert [] == house.voice.told


async def test_a_lane_goes_on_although_the_stores_client_swallows_the_end_of_the_heartbeat(house, monkeypatch):
    begun, add_message = asyncio.Event(), house.desk.add_message

    async def stubborn(lease):
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise StoreAway("the connection broke") from None

    async def slow(*args):
        await begun.wait()
        return await add_message(*args)

    await opened(house)
    monkeypatch.setattr(house.store.lanes, "extend", stubborn)
    monkeypatch.setattr(house.desk, "add_message", slow)
    await house.intake.mirror(THREAD, reply(1))
    await house.intake.mirror(THREAD, reply(2, "and flames"))

    await house.until(lambda: len(house.voice.receipts) == 2)


async def test_a_lane_is_kept_while_its_thread_is_read_again_after_a_restart(house, monkeypatch):
    await opened(house)
    epoch = shard_of(str(THREAD), house.store.lanes._shards).key("epoch")
    await house.store.connection.do("HSET", epoch, str(THREAD), "another run")
    reads, read = [], house.threads.read

    async def slow(thread):
        reads.append(thread)
        await asyncio.sleep(0.8)  # three times the lease
        return await read(thread)

    monkeypatch.setattr(house.threads, "read", slow)
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.receipts)

    assert [THREAD] == reads
