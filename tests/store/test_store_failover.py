"""When a replica takes over, it is another run of the server, also where the same process is primary again."""

import asyncio
import signal

import pytest

from bot.conversion.ports import Added, LeaseLost, StoreAway
from bot.store.store import Store
from tests.store.topologies import DURABLE, Cluster, Node, Sentinels, free_ports, until

T = "T1:C1:1700000000.000100"


@pytest.fixture
async def pair(tmp_path):
    """A primary and its replica, without anybody who watches them."""
    nodes = [Node(tmp_path / str(port), port, DURABLE) for port in free_ports(2)]
    try:
        for node in nodes:
            await node.start()
        await nodes[1].ask("REPLICAOF", "127.0.0.1", nodes[0].port)
        await until(lambda: _says(nodes[0], "state=online"))
        yield nodes
    finally:
        await asyncio.gather(*(node.end() for node in nodes))


async def exchange(old, new):
    """Have *new* take over from *old*, in good order."""
    await old.ask("FAILOVER", "TO", "127.0.0.1", new.port)
    await until(lambda: _says(new, "state=online"))


async def _says(node, words):
    return words in str(await node.ask("INFO", "replication"))


async def test_a_primary_that_is_one_again_is_another_run(pair, op):
    first, second = pair
    async with Store.open(f"redis://127.0.0.1:{first.port}") as before:
        await before.lanes.add([op("a", lane=T)])
        (lease,) = await before.lanes.claim(1)
        head = await before.lanes.head(lease)
        assert head is not None
        assert not head.verify
        await exchange(first, second)
        await exchange(second, first)

        with pytest.raises(LeaseLost):
            await before.lanes.save(lease, "a", "{}")


async def test_a_replica_that_took_over_has_what_was_stored_looked_for_first(pair, op):
    first, second = pair
    async with Store.open(f"redis://127.0.0.1:{first.port}") as store:
        await store.lanes.add([op("a", lane=T)])
    await exchange(first, second)

    async with Store.open(f"redis://127.0.0.1:{second.port}") as store:
        (lease,) = await store.lanes.claim(1)
        head = await store.lanes.head(lease)

    assert head is not None
    assert (True, True) == (head.verify, head.resync)


async def test_what_no_replica_has_does_not_count_as_stored_where_one_must(pair, op):
    first, second = pair
    async with Store.open(f"redis://127.0.0.1:{first.port}", replicas=1) as store:
        assert [Added.ADDED] == await store.lanes.add([op("a", lane=T)])
        second.signal(signal.SIGSTOP)
        with pytest.raises(StoreAway, match="fewer replicas"):
            await store.lanes.add([op("b", lane=T)])
        second.signal(signal.SIGCONT)

        assert [Added.DUPLICATE] == await store.lanes.add([op("b", lane=T)])  # as Slack sends it again
        await first.end()
        await second.ask("REPLICAOF", "NO", "ONE")

    async with Store.open(f"redis://127.0.0.1:{second.port}") as after:
        assert 2 == await after.lanes.waiting(T)


async def test_on_a_cluster_each_primary_has_its_replica_waited_for(tmp_path, op):
    async with Cluster(tmp_path) as servers, Store.open(servers.url, replicas=1) as store:
        lanes = [f"T1:C1:17{i:08d}.000100" for i in range(20)]
        assert [Added.ADDED] * 20 == await store.lanes.add([op("a", lane=lane) for lane in lanes])

        (dead, *_) = servers.nodes[3:]
        dead.signal(signal.SIGSTOP)
        with pytest.raises(StoreAway, match="fewer replicas"):
            await store.lanes.add([op("b", lane=lane) for lane in lanes])


async def test_a_server_that_sentinel_names_and_that_is_not_the_primary_is_not_asked(tmp_path, monkeypatch, op):
    """A Sentinel that has not heard of the failover yet: as a replica that server would answer all that is read."""
    async with Sentinels(tmp_path) as servers:
        (primary,) = await servers.primaries()
        replica = next(node for node in servers.nodes if node is not primary)
        told, asked = [replica.port, replica.port, primary.port], list[int]()

        async def late(*_):
            asked.append(told[min(len(asked), 2)])
            return "127.0.0.1", asked[-1]

        monkeypatch.setattr("redis.asyncio.Sentinel.discover_master", late)
        async with Store.open(servers.url) as store:
            await store.connection.do("PING")
            assert told == asked[:3]
            assert [Added.ADDED] == await store.lanes.add([op("a", lane=T)])
            (lease,) = await store.lanes.claim(1)
            head = await store.lanes.head(lease)
            assert head is not None
            assert "a" == head.id
