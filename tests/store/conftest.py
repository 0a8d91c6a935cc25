"""A real server for the tests of the store, started once and emptied before each test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from bot.conversion.ports import Lease, NewOp
from bot.conversion.records import Link, ThreadKey
from bot.store.keys import META, SHARDS_OF_A_CLUSTER
from bot.store.server import Server, attach_or_start, stop
from bot.store.store import Store

LEASE = timedelta(milliseconds=250)
T = "T1:C1:1700000000.000100"


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = asyncio.run(attach_or_start(tmp_path_factory.mktemp("redis") / "data", fsync="everysec"))
    yield server
    asyncio.run(stop(server))


@pytest.fixture
async def store(embedded: Server) -> AsyncIterator[Store]:
    async with Redis.from_url(embedded.url) as client:
        await client.flushall()
        await client.hset(META, "shards", SHARDS_OF_A_CLUSTER)  # as on a Cluster, which has more to get wrong
    async with Store.open(embedded.url, lease=LEASE) as opened:
        yield opened


@pytest.fixture
def op() -> Callable[..., NewOp]:
    def make(name: str = "msg:1", order: int = 1, payload: str = "{}", *, lane: str = T, **more) -> NewOp:
        return NewOp(lane=lane, id=name, order=order, payload=payload, **more)

    return make


@pytest.fixture
def link() -> Callable[..., Link]:
    def make(thread: str = T, ticket: str = "7", desk: str = "whmcs", **more) -> Link:
        key = ThreadKey.parse(thread)
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Link(thread=key, desk=desk, ticket_id=ticket, number=f"#{ticket}", created_at=at, **more)

    return make


@pytest.fixture
def claim(store: Store) -> Callable[..., object]:
    async def one() -> Lease:
        (lease,) = await store.lanes.claim(1)
        return lease

    return one
