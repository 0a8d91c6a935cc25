"""The Redis of the simulation answers as the real server does: each command, and each script of the lanes."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.conversion.ports import LeaseLost
from bot.store.connection import Connection, source
from bot.store.store import Store
from tests.simulation.redis_model import Broken, Server
from tests.store.conftest import embedded
from tests.store.test_store_twice import steps, take

__all__ = ["embedded"]

KEYS, WORDS, SCORES = st.sampled_from(("a", "b")), st.sampled_from(("x", "y", "z")), st.sampled_from(("1", "2.5", "-3"))
RANKS = st.sampled_from(("0", "1", "-1", "-2"))
COMMANDS = st.one_of(
    st.tuples(st.sampled_from(("EXISTS", "DEL", "GET", "INCR", "HLEN", "ZCARD", "SMEMBERS", "PTTL")), KEYS),
    st.tuples(st.sampled_from(("HGET", "HEXISTS", "HDEL", "ZSCORE", "ZREM", "SADD", "SREM")), KEYS, WORDS),
    st.tuples(st.just("HMGET"), KEYS, WORDS, WORDS),
    st.tuples(st.sampled_from(("HSET", "HSETNX")), KEYS, WORDS, SCORES),
    st.tuples(st.just("HINCRBY"), KEYS, WORDS, st.sampled_from(("1", "-1"))),
    st.tuples(st.just("SET"), KEYS, st.sampled_from(("1", "text"))),
    st.tuples(st.just("SET"), KEYS, st.just("1"), st.just("NX"), st.just("PX"), st.just("600000")),
    st.tuples(st.just("ZADD"), KEYS, SCORES, WORDS),
    st.tuples(st.just("ZADD"), KEYS, st.just("XX"), SCORES, WORDS),
    st.tuples(st.just("ZADD"), KEYS, st.just("XX"), st.just("LT"), SCORES, WORDS),
    st.tuples(st.just("ZCOUNT"), KEYS, st.just("-inf"), SCORES),
    st.tuples(st.just("ZRANGE"), KEYS, RANKS, RANKS),
    st.tuples(st.just("ZRANGE"), KEYS, st.just("0"), st.just("0"), st.just("WITHSCORES")),
    st.tuples(st.just("ZRANGEBYSCORE"), KEYS, st.just("-inf"), SCORES, st.just("LIMIT"), st.just("0"), st.just("2")),
    st.tuples(st.just("HSCAN"), KEYS, st.just("0"), st.just("COUNT"), st.just("10")),
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(commands=st.lists(COMMANDS, max_size=25))
def test_each_command_answers_as_the_server_does(embedded, commands):
    asyncio.run(_compare(embedded.url, commands))


async def _compare(url, commands):
    model = Server()
    async with Redis.from_url(url, decode_responses=True) as client:
        await client.flushall()
        for command in commands:
            try:
                answer = await client.execute_command(*command)
            except ResponseError:
                with pytest.raises((ResponseError, ValueError)):
                    model.execute(*command)
            else:
                assert _plain(answer) == _plain(model.execute(*command)), command


def _plain(answer):
    """Without what redis-py makes of it."""
    if isinstance(answer, list | tuple):
        flat = [part for one in answer for part in (one if isinstance(one, list | tuple) else [one])]
        return [_plain(one) for one in flat]
    if isinstance(answer, float):
        return f"{answer:g}"
    if isinstance(answer, int) and answer > 500_000:  # milliseconds that are left
        return "later"
    return 1 if answer == "OK" else int(answer) if isinstance(answer, bool) else answer


class Both(Connection):
    """Runs each script at the server and in the model, and compares the answers."""

    def __init__(self, connection, model):
        super().__init__(connection.client)
        self.model = model

    async def run_many(self, calls, *, gathered=False):
        answers = await super().run_many(calls, gathered=gathered)
        for (name, keys, args), answer in zip(calls, answers, strict=True):
            modelled = self.model.execute("EVAL", source(name), len(keys), *keys, *args)
            timed = 2 if name == "claim" else 0  # how many are due, and when the next is, passes by
            assert (answer or [])[timed:] == (modelled or [])[timed:] if timed else answer == modelled, (name, args)
        await asyncio.sleep(0.002)  # so that no two calls share a moment at one of them only
        return answers

    async def do_many(self, commands):
        answers = await super().do_many(commands)
        assert answers == [self.model.execute(*command) for command in commands], commands
        return answers

    async def do(self, *command):
        return (await self.do_many([command]))[0]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(steps)
def test_each_script_answers_as_at_the_server(embedded, todo):
    asyncio.run(_story(embedded.url, todo))


async def _story(url, todo):
    async with Redis.from_url(url) as client:
        await client.flushall()
    async with Store.open(url) as store:
        both = Both(store.connection, Server())
        store.lanes._connection = store.links._connection = both
        await store.lanes.note_run()
        hands: dict[str, list[object]] = {}
        for step in todo:
            with suppress(LeaseLost):
                await take(store, hands, step)


def test_what_the_model_does_not_know_fails():
    with pytest.raises(Broken):
        Server().execute("LPUSH", "a", "1")
