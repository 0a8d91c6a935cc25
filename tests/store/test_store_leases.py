"""Leases: one worker for a lane, taken over when it is silent, refused to whoever lost it."""

import asyncio
from datetime import timedelta

import pytest

from bot.conversion.ports import Lease, LeaseLost, NewOp, Outcome
from bot.conversion.records import Delivered, ThreadKey
from bot.store.keys import WAKE
from bot.store.store import Store

T = "T1:C1:1700000000.000100"
NOTHING = Outcome()
SILENCE = 0.35
"""Longer than the lease of these tests."""


def lanes_of(count):
    return [f"T1:C1:17{i:08d}.000100" for i in range(count)]


async def test_a_lane_is_claimed_by_one_worker_only(store, op, embedded):
    await store.lanes.add([op(lane=lane) for lane in lanes_of(60)])

    async with Store.open(embedded.url) as other:
        claims = await asyncio.gather(*(lanes.claim(10) for lanes in (store.lanes, other.lanes) for _ in range(4)))

    assert lanes_of(60) == sorted(lease.lane for leases in claims for lease in leases)


async def test_claims_are_spread_over_the_shards(store, op):
    """Many due lanes of one shard do not keep the lane of another waiting."""
    lanes = lanes_of(400)
    shards = {lane: store.lanes._shard(lane).number for lane in lanes}
    crowd = [lane for lane in lanes if shards[lane] == shards[lanes[0]]]
    lonely = next(lane for lane in lanes if shards[lane] != shards[lanes[0]])
    await store.lanes.add([op(lane=lane) for lane in (*crowd, lonely)])

    assert lonely in {lease.lane for lease in await store.lanes.claim(4)}


async def test_a_claim_gives_no_more_than_asked_and_fills_up_from_one_shard(store, op):
    shard = store.lanes._shard(T).number
    lanes = [lane for lane in lanes_of(500) if store.lanes._shard(lane).number == shard][:12]
    await store.lanes.add([op(lane=lane) for lane in lanes])

    assert 7 == len(await store.lanes.claim(7))
    assert 5 == len(await store.lanes.claim(20))
    assert [] == await store.lanes.claim(0)


async def test_a_silent_workers_lane_is_taken_over_with_what_it_wrote_down(store, op, claim):
    await store.lanes.add([op()])
    await store.lanes.save(await claim(), "msg:1", "began")

    assert [] == await store.lanes.claim(1)
    await asyncio.sleep(SILENCE)

    head = await store.lanes.head(await claim())
    assert ("began", False) == (head.payload, head.verify)


async def test_who_takes_a_lane_over_hears_how_many_died_with_it_in_hand_though_none_wrote_anything_down(store, op):
    await store.lanes.add([op("a", 1), op("b", 2)])
    seen = []
    for _ in range(3):
        (lease,) = await store.lanes.claim(1)
        seen += [(await store.lanes.head(lease)).deaths, (await store.lanes.head(lease)).deaths]
        await asyncio.sleep(SILENCE)
    (lease,) = await store.lanes.claim(1)
    seen.append((await store.lanes.head(lease)).deaths)
    next_one = await store.lanes.done(lease, "a", NOTHING)
    await store.lanes.retry(lease, "b", "given back", delay=timedelta())
    (lease,) = await store.lanes.claim(1)

    assert [0, 0, 1, 1, 2, 2, 3] == seen
    assert [0, 0] == [next_one.deaths, (await store.lanes.head(lease)).deaths]


async def test_a_heartbeat_keeps_the_lane(store, op, claim):
    await store.lanes.add([op()])
    lease = await claim()
    for _ in range(8):
        await asyncio.sleep(0.05)
        await store.lanes.extend(lease)

    assert [] == await store.lanes.claim(1)


async def test_each_step_lengthens_the_lease(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2), op("c", 3)])
    lease = await claim()
    steps = [
        lambda: store.lanes.head(lease),
        lambda: store.lanes.save(lease, "a", "began"),
        lambda: store.lanes.done(lease, "a", NOTHING),
        lambda: store.lanes.park(lease, "b", "parked"),
        lambda: store.lanes.resynced(lease),
    ]
    for step in steps:
        await asyncio.sleep(0.15)
        await step()

    assert [] == await store.lanes.claim(1)


@pytest.mark.parametrize(
    "step",
    [
        lambda lanes, lease: lanes.head(lease),
        lambda lanes, lease: lanes.save(lease, "msg:1", "mine"),
        lambda lanes, lease: lanes.extend(lease),
        lambda lanes, lease: lanes.resynced(lease),
        lambda lanes, lease: lanes.done(lease, "msg:1", Outcome(delivered={"1.1": Delivered(message_id="9")})),
        lambda lanes, lease: lanes.done(lease, "msg:1", Outcome(then=(NewOp(lease.lane, "msg:2", 2, "{}"),))),
        lambda lanes, lease: lanes.retry(lease, "msg:1", "mine", delay=timedelta()),
        lambda lanes, lease: lanes.park(lease, "msg:1", "mine"),
        lambda lanes, lease: lanes.hold(lease, "msg:1", "mine"),
    ],
    ids=["head", "save", "extend", "resynced", "done", "then", "retry", "park", "hold"],
)
async def test_whoever_lost_a_lane_changes_nothing_there(store, op, link, step, claim):
    await store.links.put(link())
    await store.lanes.add([op()])
    lost = await claim()
    await asyncio.sleep(SILENCE)
    mine = await claim()

    for stale in (lost, Lease(T, "never given"), Lease("T1:C1:1.1", mine.token)):
        with pytest.raises(LeaseLost):
            await step(store.lanes, stale)

    assert "{}" == await store.lanes.peek(T, "msg:1")
    assert None is await store.links.delivered(ThreadKey.parse(T), "1.1")
    assert "msg:1" == (await store.lanes.head(mine)).id
    assert 1 == await store.lanes.waiting(T)


async def test_a_retry_waits_its_time_and_holds_up_the_lane_but_no_other(store, op, claim):
    other = "T1:C1:1700000001.000100"
    await store.lanes.add([op("a", 1), op("b", 2)])
    await store.lanes.retry(await claim(), "a", "tried", delay=timedelta(milliseconds=300))
    await store.lanes.add([op("c", 3), op(lane=other)])

    (lease,) = await store.lanes.claim(5)
    assert other == lease.lane
    await store.lanes.done(lease, "msg:1", NOTHING)
    await asyncio.sleep(0.35)
    assert ("a", "tried") == ((head := await store.lanes.head(await claim())).id, head.payload)


async def test_an_operation_may_be_told_to_wait_before_its_first_try(store, op):
    await store.lanes.add([op(delay=timedelta(milliseconds=200))])

    assert [] == await store.lanes.claim(1)
    await asyncio.sleep(0.25)
    assert 1 == len(await store.lanes.claim(1))


async def test_a_nudge_ends_a_rest(store, op, claim):
    await store.lanes.add([op()])
    await store.lanes.retry(await claim(), "msg:1", "rests", delay=timedelta(hours=1))
    assert [] == await store.lanes.claim(1)

    await store.lanes.nudge(T)

    assert "rests" == (await store.lanes.head(await claim())).payload


async def test_a_nudge_while_the_lane_is_worked_on_keeps_it_from_resting_once(store, op, claim):
    """What the worker saw may be older than the nudge."""
    await store.lanes.add([op()])
    lease = await claim()
    await store.lanes.nudge(T)
    assert [] == await store.lanes.claim(1)

    await store.lanes.retry(lease, "msg:1", "rests", delay=timedelta(hours=1))
    await store.lanes.retry(await claim(), "msg:1", "rests", delay=timedelta(hours=1))

    assert [] == await store.lanes.claim(1)


async def test_a_nudge_of_a_lane_without_work_or_of_a_held_one_does_nothing(store, op, claim):
    await store.lanes.nudge(T)
    await store.lanes.add([op()])
    await store.lanes.hold(await claim(), "msg:1", "asked")
    await store.lanes.nudge(T)

    assert [] == await store.lanes.claim(1)


async def test_an_empty_lane_is_given_back(store, op, claim):
    await store.lanes.add([op()])
    lease = await claim()

    assert None is await store.lanes.done(lease, "msg:1", NOTHING)
    with pytest.raises(LeaseLost):
        await store.lanes.extend(lease)
    await asyncio.sleep(SILENCE)
    assert [] == await store.lanes.claim(1)


async def test_work_that_came_while_the_lane_was_held_is_handed_out_next(store, op, claim):
    await store.lanes.add([op("a", 1)])
    lease = await claim()
    await store.lanes.add([op("b", 2)])

    head = await store.lanes.done(lease, "a", NOTHING)
    assert ("b", 1) == (head.id, head.waiting)


@pytest.mark.parametrize("before", ["", "hello"], ids=["", "after a ring that is not ours"])
async def test_who_waits_for_work_is_woken_by_another_process(store, op, embedded, before):
    async with Store.open(embedded.url) as other:
        await store.lanes.claim(1)
        await store.lanes.wake(timedelta(milliseconds=100))  # from now on it listens
        while store.lanes._bell.take() is None:
            await store.lanes.wake(timedelta(milliseconds=10))
        if before:
            await other.connection.do("PUBLISH", WAKE, before)
        store.lanes._look_at = float(10**9)
        asleep = asyncio.create_task(store.lanes.wake(timedelta(seconds=60)))
        await asyncio.sleep(0.05)
        await other.lanes.add([op()])

        await asyncio.wait_for(asleep, 5)
        assert [T] == [lease.lane for lease in await store.lanes.claim(1)]


async def test_work_is_found_without_a_ring(store, op, embedded):
    """The bell may be lost: whoever looks once in a while finds the lane all the same."""
    store.lanes._bell.take()
    async with Store.open(embedded.url) as other:
        await other.lanes.add([op()])
    store.lanes._bell.take()
    store.lanes._look_at = 0.0

    assert [T] == [lease.lane for lease in await store.lanes.claim(1)]
