"""On a Cluster: every key of a script lies in one slot, and everything works over three servers."""

import asyncio
from datetime import timedelta

import pytest
from redis.crc import key_slot

from bot.conversion.ports import Added, NewOp, Outcome
from bot.store import keys
from bot.store.durability import durability
from bot.store.lanes import _add_call
from bot.store.store import Store
from tests.store.topologies import Cluster

LANES = [f"T1:C1:17{i:08d}.000100" for i in range(60)]


@pytest.mark.parametrize("lane", [LANES[0], "in/" + LANES[0], "ui/T1:U1:-", "T1:form:V1"])
def test_all_keys_of_a_lane_lie_in_one_slot(lane):
    shard = keys.shard_of(lane, 16)
    mine = [
        *shard.all,
        *(shard.queue(lane), shard.memory(lane, "msg:{other}"), shard.delivered(keys.thread_of(lane))),
        shard.claimed("abc"),
        *_add_call(shard, [NewOp(lane=lane, id="a{b}", order=1, payload="{}")])[1],
    ]

    assert 1 == len({key_slot(key.encode()) for key in mine})


def test_the_lanes_of_one_thread_lie_on_one_shard():
    for lane in LANES:
        assert {keys.shard_of(lane, 16)} == {keys.shard_of(f"{side}/{lane}", 16) for side in ("in", "ui")}


def test_threads_are_spread_over_all_shards():
    assert 16 == len({keys.shard_of(f"T1:C1:17{i:08d}.000100", 16) for i in range(200)})


def test_both_keys_of_a_breaker_lie_in_one_slot():
    assert 1 == len({key_slot(key.encode()) for key in keys.breaker("whmcs")})


@pytest.fixture
async def cluster(tmp_path):
    async with Cluster(tmp_path) as servers:
        yield servers.url


async def test_everything_works_over_three_servers(cluster, op, link):
    async with Store.open(cluster) as store:
        added = await store.lanes.add([op(name, i, lane=lane) for i, name in enumerate("ab") for lane in LANES])
        assert [Added.ADDED] * 120 == added

        seen: dict[str, list[str]] = {}
        while leases := await store.lanes.claim(25):
            for lease in leases:
                head = await store.lanes.head(lease)
                while head is not None:
                    seen.setdefault(lease.lane, []).append(head.id)
                    head = await store.lanes.done(lease, head.id, Outcome(link=link(lease.lane)))
        assert {lane: ["a", "b"] for lane in LANES} == seen

        assert LANES == sorted([str(found.thread) async for found in store.links.all()])
        assert 60 == len(await store.links.threads("whmcs", "7"))
        await everything_else(store, link)
        await is_woken(store, op, cluster)
        assert {"1 for each of 3 primaries"} <= {
            finding.detail.removeprefix("replicas: ") for finding in await durability(store.connection, cluster)
        }


async def everything_else(store, link):
    second = timedelta(seconds=1)
    await store.links.remove(link(LANES[0]))
    assert 59 == len(await store.links.find("#7"))
    assert timedelta() < await store.breakers.failed("whmcs", None)
    assert await store.breakers.succeeded("whmcs")
    async with store.shared.lock("x", ttl=second):
        assert timedelta() == await store.shared.turn("x", per_second=1)
    await store.scratch.put("x", "y", second)
    assert "y" == await store.scratch.take("x")
    assert [True, False] == [await store.scratch.once("z", second) for _ in range(2)]


async def is_woken(store, op, cluster):
    """A ring on one server of the Cluster is heard from all."""
    while store.lanes._bell.take() is None:
        await store.lanes.wake(timedelta(milliseconds=20))
    store.lanes._look_at = float(10**9)
    asleep = asyncio.create_task(store.lanes.wake(timedelta(seconds=60)))
    async with Store.open(cluster) as other:
        await other.lanes.add([op("c", lane=LANES[7])])
    await asyncio.wait_for(asleep, 10)
    assert [LANES[7]] == [lease.lane for lease in await store.lanes.claim(5)]
