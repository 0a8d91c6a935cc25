"""Breakers, what desks share, and scratch, on a real server."""

import asyncio
import sys
from datetime import timedelta

from bot.store.breakers import RedisBreakers
from bot.store.keys import breaker
from bot.store.store import Store

SECOND = timedelta(seconds=1)
ZERO = timedelta()


async def reopen(store, desk):
    """The time to leave the desk alone is over."""
    await store.connection.do("DEL", breaker(desk)[0])


async def test_a_desk_that_is_well_is_not_waited_for(store):
    assert ZERO == await store.breakers.wait("whmcs")
    assert not await store.breakers.succeeded("whmcs")


async def test_a_desk_that_fails_is_left_alone_longer_and_longer_up_to_a_minute(store):
    waits = []
    for _ in range(9):
        waits.append((await store.breakers.failed("whmcs", None)).total_seconds())
        await reopen(store, "whmcs")

    full = [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert all(most / 2 - 0.01 <= wait <= most for most, wait in zip(full, waits, strict=True)), waits


async def test_many_workers_that_fail_together_count_as_one_failure(store):
    waits = await asyncio.gather(*(store.breakers.failed("whmcs", None) for _ in range(20)))

    assert max(waits) <= SECOND
    assert "1" == await store.connection.do("GET", breaker("whmcs")[1])


async def test_a_desks_own_wish_counts_if_it_is_longer(store):
    await store.breakers.failed("whmcs", None)

    assert 300 * SECOND == await store.breakers.failed("whmcs", 300 * SECOND)
    assert 299 * SECOND < await store.breakers.wait("whmcs") <= 300 * SECOND


async def test_other_processes_leave_a_failing_desk_alone_and_other_desks_are_not_touched(store):
    other = RedisBreakers(store.connection)
    await store.breakers.failed("whmcs", None)

    assert ZERO < await other.wait("whmcs") <= SECOND
    assert ZERO == await other.wait("local")


async def test_an_answer_ends_the_trouble_and_is_told_once(store):
    await store.breakers.failed("whmcs", None)

    assert await store.breakers.succeeded("whmcs")
    assert not await store.breakers.succeeded("whmcs")
    assert ZERO == await RedisBreakers(store.connection).wait("whmcs")


async def test_a_shared_value_is_there_until_its_time_is_over(store):
    await store.shared.put("session", "abc", ttl=SECOND)

    assert "abc" == await store.shared.get("session")
    assert 0 < await store.connection.do("PTTL", "tk:value:session") <= 1000
    assert None is await store.shared.get("other")


async def test_a_lock_is_held_by_one_at_a_time(store, embedded):
    inside, most = 0, 0

    async def enter(shared):
        nonlocal inside, most
        async with shared.lock("login", ttl=10 * SECOND):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    async with Store.open(embedded.url) as other:
        await asyncio.gather(*(enter(shared) for shared in (store.shared, other.shared) for _ in range(4)))

    assert 1 == most
    assert None is await store.connection.do("GET", "tk:lock:login")


async def test_a_holder_that_was_too_slow_does_not_give_back_the_lock_of_the_next(store):
    async with store.shared.lock("login", ttl=timedelta(milliseconds=30)):
        await asyncio.sleep(0.05)
        async with store.shared.lock("login", ttl=10 * SECOND):
            mine = await store.connection.do("GET", "tk:lock:login")
            await store.connection.run("release", ["tk:lock:login"], ["somebody else's"])

            assert mine == await store.connection.do("GET", "tk:lock:login")


TURNS = """
import asyncio, sys
from bot.store.store import Store
async def main():
    async with Store.open(sys.argv[1]) as store:
        for _ in range(20):
            print((await store.shared.turn("slack", per_second=0.01)).total_seconds())
asyncio.run(main())
"""


async def test_two_processes_keep_one_pace(store, embedded):
    """One turn in 100 seconds: each of the 40 is another 100 seconds later, whoever took it."""
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", TURNS, embedded.url, stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]
    said = [(await process.communicate())[0] for process in processes]
    waits = [float(word) for text in said for word in text.split()]

    assert list(range(40)) == sorted(round(wait / 100) for wait in waits)


async def test_a_pace_that_nobody_uses_costs_no_wait(store):
    assert ZERO == await store.shared.turn("slack", per_second=1)
    assert ZERO < await store.shared.turn("slack", per_second=1) <= SECOND


async def test_scratch_is_kept_read_and_taken(store):
    await store.scratch.put("view:1", "typed", SECOND)

    assert "typed" == await store.scratch.get("view:1")
    assert "typed" == await store.scratch.take("view:1")
    assert None is await store.scratch.take("view:1")
    assert None is await store.scratch.get("view:1")


async def test_once_is_true_for_one_of_many(store):
    answers = await asyncio.gather(*(store.scratch.once("trigger:1", SECOND) for _ in range(20)))

    assert 1 == sum(answers)
    assert 0 < await store.connection.do("PTTL", "tk:once:trigger:1") <= 1000


async def test_a_window_has_so_many_places_one_for_each_gesture_and_they_become_free(store):
    async def spend(once, window):
        return (await store.scratch.spend([("tickets:T1:U1", 2)], once, window=window))[0]

    hour = timedelta(hours=1)
    assert [timedelta()] * 3 == [await spend("a", hour), await spend("b", hour), await spend("a", hour)]
    assert timedelta() < await spend("c", hour) <= hour

    await asyncio.sleep(0.01)
    assert timedelta() == await spend("c", timedelta(milliseconds=5))  # of a shorter window those places are free


async def test_of_many_at_once_so_many_get_a_place_as_there_are(store):
    minute = timedelta(minutes=1)
    keys = [("changes:T1:U1", 5), ("changes:T1", 1000)]

    waits = await asyncio.gather(*(store.scratch.spend(keys, str(n), window=minute) for n in range(20)))

    assert 5 == sum(person == timedelta() for person, _ in waits)
