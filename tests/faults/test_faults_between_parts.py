"""A bad way between bot and store, and between bot and desk, loses nothing and doubles nothing."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from adapters import registry
from adapters.errors import AdapterError, OutcomeUnknown
from adapters.model import Body, MessageDraft, Person, TicketDraft, Visibility
from adapters.shared import InProcess
from bot.conversion.ports import Added, NewOp, StoreAway
from bot.sandbox.demo import stand_in
from bot.store.store import Store
from tests.faults.proxy import Trouble, proxy_to
from tests.store.conftest import embedded

__all__ = ["embedded"]
T = "T1:C1:1700000000.000100"
OP = NewOp(lane=T, id="msg:1", order=1, payload="{}")


@pytest.fixture
async def way(embedded):
    """A store that is reached through a proxy, and the proxy."""
    async with Redis.from_url(embedded.url) as client:
        await client.flushall()
    path = embedded.url.removeprefix("unix://")
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(proxy_to(lambda: asyncio.open_unix_connection(path)))
        yield await stack.enter_async_context(Store.open(f"redis://{proxy.address}")), proxy


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(latency=0.05),
        Trouble(drip=0.001),
        Trouble(lose_answers=1),
        Trouble(lose_answers=3),
    ],
    ids=["latency", "slow drip", "one answer lost", "three answers lost"],
)
async def test_a_bad_way_to_the_store_is_overcome_and_stores_once(way, trouble):
    store, proxy = way
    proxy.trouble = trouble

    (added,) = await store.lanes.add([OP])

    assert added in {Added.ADDED, Added.DUPLICATE}
    proxy.trouble = Trouble()
    assert 1 == await store.lanes.waiting(T)


async def test_a_way_to_the_store_that_stalls_for_a_while_is_waited_for_and_stores_once(way):
    store, proxy = way
    proxy.trouble = Trouble(stall=True)
    adding = asyncio.create_task(store.lanes.add([OP]))
    await asyncio.sleep(0.5)
    assert not adding.done()

    proxy.trouble.stall = False

    assert [Added.ADDED] == await adding
    assert 1 == await store.lanes.waiting(T)


@pytest.mark.parametrize(
    "trouble",
    [Trouble(reset=True, drop_after=0), Trouble(drop_after=3), Trouble(half_close=True, drop_after=1)],
    ids=["reset", "dropped after three bytes", "half closed"],
)
async def test_a_way_to_the_store_that_stays_broken_is_said_and_promises_nothing(way, trouble):
    store, proxy = way
    proxy.trouble = trouble

    with pytest.raises(StoreAway):
        await store.lanes.add([OP])

    proxy.trouble = Trouble()
    assert (await store.lanes.add([OP]))[0] in {Added.ADDED, Added.DUPLICATE}
    assert 1 == await store.lanes.waiting(T)


def draft(marker):
    body = Body(plain="The printer is on fire", markdown=None, html=None)
    person = Person(name="Ada Lovelace", email="ada@example.com")
    first = MessageDraft(body=body, author=person, marker=marker, visibility=Visibility.PUBLIC)
    return TicketDraft(subject="Fire", first=first, requester=person, department="1", priority="Medium")


@pytest.mark.parametrize(
    ("trouble", "expected", "made"),
    [
        (Trouble(reset=True), OutcomeUnknown, 0),
        (Trouble(lose_answers=1), OutcomeUnknown, 1),
        (Trouble(drop_after=40), OutcomeUnknown, 1),
        (Trouble(stall=True), OutcomeUnknown, 1),
    ],
    ids=["reset", "answer lost", "answer truncated", "answer stalled"],
)
async def test_a_bad_way_to_a_desk_is_told_from_a_refusal(trouble, expected, made):
    whmcs = stand_in("whmcs")
    async with whmcs.serve() as table, AsyncExitStack() as stack:
        parts = urlsplit(table["url"])
        proxy = await stack.enter_async_context(proxy_to(lambda: asyncio.open_connection(parts.hostname, parts.port)))
        table |= {"url": table["url"].replace(parts.netloc, proxy.address), "timeout": 0.5}
        desk = await stack.enter_async_context(registry.make("desk", registry.settings_for("desk", table), InProcess()))
        before = len(await whmcs.tickets())
        proxy.trouble = trouble

        error = await failing(desk)

        assert (expected, made) == (type(error), len(await whmcs.tickets()) - before)


async def failing(desk):
    try:
        await desk.open_ticket(draft("TL-AAAABBBBCCCC"))
    except AdapterError as error:
        return error
    return None
