"""Work that broke off half way, and what whoever takes it over makes of it."""

import asyncio

import pytest

from adapters.errors import OutcomeUnknown
from bot.conversion import tasks, worker
from bot.conversion.ops import encode_event, new_op, now
from bot.conversion.ports import NewOp, StoreAway
from bot.conversion.records import AddMessage, LinkTicket, ThreadKey
from bot.store.keys import shard_of
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_unsearchable import another_run
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply

LATER = "1800000001.000100"


async def test_a_stopping_worker_does_not_wait_for_a_store_that_takes_back_no_lane(house, monkeypatch):
    for module, name in ((worker, "DRAIN"), (worker, "LAST_CLAIM"), (tasks, "AGAIN")):
        monkeypatch.setattr(module, name, 0.05)
    await opened(house)
    hung = asyncio.Event()

    async def hangs(*_args, **_more):
        hung.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(house.store.lanes, "save", hangs)
    monkeypatch.setattr(house.store.lanes, "retry", hangs)
    await house.intake.mirror(THREAD, reply(1))
    async with asyncio.timeout(10), house.working():
        await hung.wait()


async def test_a_worker_that_is_told_to_stop_again_while_it_gives_up_its_last_claim_stops(house, monkeypatch):
    monkeypatch.setattr(worker, "LAST_CLAIM", 0.01)
    working, claiming, told = worker.Worker(house.rooms), asyncio.Event(), 0

    async def hangs(_limit):
        nonlocal told
        claiming.set()
        try:
            await asyncio.Event().wait()
        finally:
            working.stop()  # as by a second signal
            told += 1

    monkeypatch.setattr(house.store.lanes, "claim", hangs)
    async with asyncio.timeout(10):
        run = asyncio.create_task(working.run())
        await claiming.wait()
        working.stop()
        await run

    assert 1 == told


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


async def test_a_link_whose_try_broke_off_before_it_was_shown_gets_its_card(house, monkeypatch):
    ticket = await opened(house)
    add, shown = house.store.lanes.add, list[str]()

    async def dies(ops):
        shown.extend(op.id for op in ops if op.lane == f"ui/{other}" and op.id == "card")
        if len(shown) == 1:
            raise StoreAway("killed")
        return await add(ops)

    other = ThreadKey(team="T1", channel="C1", ts="1700009999.000100")
    monkeypatch.setattr(house.store.lanes, "add", dies)
    wish = LinkTicket(actor="U2", desk="desk", number=ticket.number, channel="C1", thread_ts=other.ts)
    await house.intake.link_ticket(other, wish)

    await house.until(lambda: 2 == len(house.voice.cards), seconds=40)

    assert ticket.id == (await house.store.links.get(other)).ticket_id


@pytest.mark.usefixtures("quick_settle")
async def test_a_message_that_was_deleted_after_a_try_whose_answer_was_lost_is_not_sent_again(house, monkeypatch):
    root = said(THREAD.ts, "It burns")
    house.threads.messages, open_ticket = [root, said(LATER, "more smoke")], house.desk.open_ticket

    async def lost(draft):
        await open_ticket(draft)
        house.threads.messages = [root]
        raise OutcomeUnknown("desk", "it did not answer.")

    monkeypatch.setattr(house.desk, "open_ticket", lost)
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.intake.mirror(THREAD, reply(1))
    await house.intake.mirror(THREAD, reply(2, "and flames"))
    await house.until(lambda: house.voice.receipts)

    (ticket,) = await house.tickets()
    texts = "\n".join(message.text for message in ticket.messages)
    assert (1, 1) == (texts.count("more smoke"), texts.count("and flames"))


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


@pytest.mark.usefixtures("quick_settle")
async def test_a_reply_that_the_server_forgot_while_its_ticket_was_to_be_opened_is_found_in_slack(house, monkeypatch):
    """The store was set back to a copy in which the ticket waits to be opened, and the reply is not there yet."""
    house.threads.messages, open_ticket = [said(THREAD.ts, "It burns")], house.desk.open_ticket

    async def slow(draft):
        house.threads.messages = [*house.threads.messages, said(LATER, "more smoke")]
        return await open_ticket(draft)

    monkeypatch.setattr(house.desk, "open_ticket", slow)
    await house.intake.open_ticket("T1", OPEN, once="view")
    epoch = shard_of(str(THREAD), house.store.lanes._shards).key("epoch")
    await house.store.connection.do("HSET", epoch, str(THREAD), "another run")
    await another_run(house)

    await house.until(lambda: house.voice.receipts)

    (ticket,) = await house.tickets()
    assert ["It burns", "more smoke"] == [message.text.splitlines()[-1] for message in ticket.messages]


@pytest.mark.usefixtures("quick_settle")
@pytest.mark.parametrize("stored", ["by its listener", "with the event"])
async def test_what_follows_from_an_event_that_the_server_forgot_having_handled_is_looked_for_first(
    house, monkeypatch, stored
):
    lanes, lane, heard = house.store.lanes, f"in/{THREAD}", []

    async def note(body, _link):
        heard.append(body)
        work = AddMessage(actor="U1", text="a note")
        if stored == "with the event":
            return new_op(str(THREAD), "text:event", now(), work)
        await house.intake.add_message(THREAD, work, once="event")
        return None

    async def told():
        return len(heard) == times and not await lanes.waiting(str(THREAD)) and not await lanes.waiting(lane)

    async def counted(*args):
        written.append(args)
        return await add_message(*args)

    written: list[tuple[object, ...]] = []
    add_message = house.desk.add_message
    await opened(house)
    monkeypatch.setattr(house.desk, "add_message", counted)  # the local desk itself would refuse a second one
    monkeypatch.setattr(house.events, "dispatch", note)
    shard, payload = shard_of(str(THREAD), lanes._shards), encode_event({"event": {"type": "app_mention"}})
    for times in (1, 2):
        await lanes.add([NewOp(lane=lane, id="in:event", order=1, payload=payload)])
        if times == 2:
            await house.store.connection.do("HSET", shard.key("ops"), f"{lane}|in:event", f"0||{payload}")
        await house.until(told)
        for where, op in ((lane, "in:event"), (str(THREAD), "text:event")):
            assert await house.store.connection.do("DEL", shard.memory(where, op))

    assert 1 == len(written)
