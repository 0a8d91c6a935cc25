"""Connections that are kept at hand: each who asks hears their own answer, whatever becomes of a connection."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import NoScriptError, TimeoutError as RedisTimeoutError

from bot.store.at_hand import FEW, AtHand
from bot.store.connection import connect

ONE, TWO = ("EVAL", "return 'one'", 0), ("EVAL", "return {'two', 2}", 0)


@pytest.fixture
async def at_hand(embedded):
    client = connect(embedded.url)
    assert isinstance(client, Redis)
    kept = AtHand(client)
    yield kept
    await kept.aclose()
    await client.aclose()


async def test_commands_that_are_sent_together_are_answered_in_their_order_errors_included(at_hand):
    one, trouble, two = await at_hand.ask([ONE, ("EVALSHA", "0" * 40, 0), TWO])

    assert ("one", ["two", 2]) == (one, two)
    assert isinstance(trouble, NoScriptError)


def test_what_the_client_makes_something_else_of_is_left_to_it(at_hand):
    """It makes pairs of what SCAN answers, and True of SET's OK."""
    assert [True, False, False] == [
        at_hand.answers(commands) for commands in ([ONE, ("HGET", "a", "b")], [("SCAN", 0)], [ONE, ("SET", "a", "b")])
    ]


async def test_what_cannot_be_written_as_bytes_is_told_before_anything_is_sent(at_hand):
    with pytest.raises(UnicodeError):
        await at_hand.ask([ONE, ("ECHO", "\ud83d")])

    assert ["one"] == await at_hand.ask([ONE])


async def test_an_answer_that_nobody_waits_for_any_more_is_not_given_to_the_next(at_hand):
    for _ in range(FEW):
        asking = asyncio.create_task(at_hand.ask([("BLPOP", "nothing", 10)]))
        await asyncio.sleep(0.05)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    assert ["one"] == await at_hand.ask([ONE])


async def test_an_answer_that_does_not_come_in_time_is_not_given_to_the_next(embedded):
    client = connect(embedded.url, timeout=0.2)
    assert isinstance(client, Redis)
    kept = AtHand(client)
    try:
        for _ in range(FEW + 1):
            with pytest.raises(RedisTimeoutError):
                await kept.ask([("BLPOP", "nothing", 10)])

        assert ["one"] == await kept.ask([ONE])
    finally:
        await kept.aclose()
        await client.aclose()


async def test_a_connection_that_is_given_back_has_the_clients_own_time_out_again(embedded):
    client = connect(embedded.url, timeout=0.2)
    assert isinstance(client, Redis)
    kept = AtHand(client)
    await kept.ask([ONE])

    await kept.aclose()

    with pytest.raises(RedisTimeoutError):
        await client.execute_command("BLPOP", "nothing", 10)
    await client.aclose()


async def test_a_few_are_kept_and_used_again(at_hand, embedded):
    for _ in range(3):
        asking = [asyncio.create_task(at_hand.ask([("BLPOP", "list", 10)])) for _ in range(FEW)]
        await asyncio.sleep(0.05)
        assert not at_hand.is_free
        async with Redis.from_url(embedded.url) as other:
            await other.rpush("list", *"x" * FEW)
        await asyncio.gather(*asking)
        assert at_hand.is_free


async def test_a_script_is_asked_again_where_its_connection_was_lost(store, op):
    await store.lanes.add([op("a")])
    async with Redis.from_url(store.url) as other:
        await other.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    await store.lanes.add([op("b")])

    assert 2 == await store.lanes.waiting(op("a").lane)
