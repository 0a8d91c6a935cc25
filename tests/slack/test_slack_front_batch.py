"""Storing what many events bring with one call."""

import asyncio
import itertools
import random

import pytest

from bot.conversion.ops import event_op
from bot.conversion.ports import Added, NewOp, StoreAway
from bot.slack.batch import Batch, StoreFirst
from tests.slack.doors import Taken


def op(name, order=1, *, lane="in/T1:C1:1.1"):
    return NewOp(lane=lane, id=name, order=order, payload="{}")


class Store:
    def __init__(self):
        self.calls = []
        self.open = asyncio.Event()
        self.open.set()
        self.refuse = ""

    async def add(self, ops):
        self.calls.append([one.id for one in ops])
        await self.open.wait()
        if self.refuse and any(one.id == self.refuse for one in ops):
            raise ValueError(self.refuse)
        return [Added.DUPLICATE if one.id.endswith("again") else Added.ADDED for one in ops]


async def test_events_in_flight_share_one_call_and_each_gets_its_own_results():
    store = Store()
    batch = Batch(store.add)

    results = await asyncio.gather(*(batch.add(op(name)) for name in ("a", "b", "b again", "c")))

    assert [["a", "b", "b again", "c"]] == store.calls
    assert [Added.ADDED, Added.ADDED, Added.DUPLICATE, Added.ADDED] == list(results)


async def test_what_comes_during_a_call_goes_with_the_next():
    store = Store()
    batch = Batch(store.add)
    store.open.clear()
    first = asyncio.ensure_future(batch.add(op("a")))
    await asyncio.sleep(0.01)
    rest = [asyncio.ensure_future(batch.add(op(name))) for name in "bcd"]
    await asyncio.sleep(0.01)
    store.open.set()
    await asyncio.gather(first, *rest)

    assert [["a"], ["b", "c", "d"]] == store.calls


async def test_where_many_wait_a_second_call_begins_beside_the_first():
    store = Store()
    batch = Batch(store.add)
    store.open.clear()
    waiting = []
    for names in ("a", "bcd", "e", "fghijklmno"):
        waiting += [asyncio.ensure_future(batch.add(op(name, lane=name))) for name in names]
        await asyncio.sleep(0.01)
    before = list(store.calls)
    store.open.set()
    await asyncio.gather(*waiting)

    assert [["a"], list("bcde")] == before
    assert [*before, list("fghijklmno")] == store.calls


async def test_beside_a_large_call_a_second_one_waits_for_half_as_many():
    store = Store()
    batch = Batch(store.add)
    store.open.clear()
    waiting = []
    for count in (20, 9, 1):
        waiting += [asyncio.ensure_future(batch.add(op(str(n), lane=f"{count} {n}"))) for n in range(count)]
        await asyncio.sleep(0.01)
        assert [20, 10][: 1 + (count == 1)] == [len(call) for call in store.calls]
    store.open.set()
    await asyncio.gather(*waiting)


async def test_what_is_said_does_not_overtake_an_event_of_its_thread_although_they_go_to_two_lanes():
    store = Store()
    batch = Batch(store.add)
    store.open.clear()
    waiting = [asyncio.ensure_future(batch.add(op("mention", lane="in/T")))]
    await asyncio.sleep(0.01)
    waiting += [asyncio.ensure_future(batch.add(op(name, lane=name))) for name in ("T", *"abcd")]
    await asyncio.sleep(0.01)
    before = list(store.calls)
    store.open.set()
    await asyncio.gather(*waiting)

    assert [["mention"], list("abcd")] == before
    assert [*before, ["T"]] == store.calls


async def test_nothing_overtakes_what_is_before_it_in_its_lane():
    """Though many wait, so that a second call begins beside the first."""
    store = Store()
    batch = Batch(store.add)
    store.open.clear()
    wishes = [op("L1", lane="L"), op("L2", lane="L"), op("L3", lane="L")]
    wishes += [op(name, lane=name) for name in "abcdef"]
    waiting = [asyncio.ensure_future(batch.add(wishes[0]))]
    await asyncio.sleep(0.01)
    waiting += [asyncio.ensure_future(batch.add(wish)) for wish in wishes[1:]]
    await asyncio.sleep(0.01)
    before = list(store.calls)
    store.open.set()
    await asyncio.gather(*waiting)

    assert [["L1"], list("abcdef")] == before
    assert [*before, ["L2", "L3"]] == store.calls


async def test_one_that_cannot_be_stored_does_not_take_its_neighbours_along():
    store = Store()
    store.refuse = "bad"
    batch = Batch(store.add)

    good, bad = await asyncio.gather(batch.add(op("good")), batch.add(op("bad")), return_exceptions=True)

    assert Added.ADDED == good
    assert isinstance(bad, ValueError)


async def test_what_is_sent_by_itself_after_a_call_that_failed_does_not_overtake_what_is_before_it_in_its_thread():
    """A call by itself may have to wait for a connection, and the next one find one at hand."""
    stored: list[str] = []

    async def add(ops):
        if len(ops) > 1:
            raise StoreAway("Redis does not answer.")
        await asyncio.sleep(0.01 if ops[0].id == "mention" else 0)
        stored.extend(one.id for one in ops)
        return [Added.ADDED]

    batch = Batch(add)
    wishes = op("mention", lane="in/T"), op("T", lane="T"), op("a", lane="a")
    await asyncio.gather(*map(batch.add, wishes))

    assert ["a", "mention", "T"] == stored


async def test_a_waiter_that_gave_up_does_not_disturb_the_others():
    store = Store()
    batch = Batch(store.add)
    store.open.clear()
    tasks = [asyncio.ensure_future(batch.add(op(name))) for name in "ab"]
    await asyncio.sleep(0.01)
    tasks[0].cancel()
    store.open.set()

    assert Added.ADDED == await tasks[1]
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]


async def test_who_waits_for_a_store_that_hangs_hears_of_it_in_time_and_the_next_call_goes_out():
    store = Store()
    batch = Batch(store.add, budget=0.05)
    store.open.clear()
    tasks = [asyncio.ensure_future(batch.add(op("a")))]
    await asyncio.sleep(0.01)
    tasks += [asyncio.ensure_future(batch.add(op(name))) for name in "bc"]

    results = await asyncio.gather(*tasks, return_exceptions=True)
    store.open.set()

    assert [TimeoutError] * 3 == [type(result) for result in results]
    assert Added.ADDED == await batch.add(op("d"))
    assert [["a"], ["b", "c"], ["d"]] == store.calls


async def test_an_event_that_is_not_stored_in_time_must_come_again():
    store = Store()
    store.open.clear()

    async def forever(*_):
        await store.open.wait()

    door = StoreFirst(store.add, forever, held_back=forever, budget=0.01)
    event = {"type": "message", "channel": "C1", "ts": "1.000001"}

    for body in ({"type": "event_callback", "team_id": "T1", "event": event}, {"type": "app_rate_limited"}):
        with pytest.raises(TimeoutError):
            await door.event(body, 0)
    assert {"not stored": 1} == door.taken


async def test_a_call_never_grows_without_bound():
    store = Store()
    batch = Batch(store.add, budget=600)  # however slow the machine is, nobody has waited for long

    await asyncio.gather(*(batch.add(op(str(n))) for n in range(1200)))

    assert [24] * 50 == [len(call) for call in store.calls]
    assert [str(n) for n in range(1200)] == [name for call in store.calls for name in call]


async def test_behind_a_slow_store_all_that_waits_goes_together_so_that_it_is_stored_in_time():
    """At 24 a call it would take thirteen of them, and most who wait would be told in vain to send again."""
    calls = []

    async def add(ops):
        calls.append(len(ops))
        await asyncio.sleep(0.2)
        return [Added.ADDED] * len(ops)

    batch = Batch(add, budget=1)
    results = await asyncio.gather(*(batch.add(op(str(n), lane=str(n))) for n in range(300)), return_exceptions=True)

    assert [Added.ADDED] * 300 == results
    assert [24, 276] == calls


@pytest.mark.parametrize("seed", range(100))
async def test_whenever_things_come_and_calls_end_each_is_stored_once_in_order_and_nothing_is_left_waiting(seed):
    chance = random.Random(seed)
    under_way: list[set[str]] = []
    calls: list[list[tuple[str, int]]] = []

    async def add(ops):
        threads = {one.lane.removeprefix("in/") for one in ops}
        assert not any(threads & other for other in under_way), "one thread in two calls at once"
        under_way.append(threads)
        assert len(under_way) <= 2
        for _ in range(chance.randrange(6)):
            await asyncio.sleep(0)
        under_way.remove(threads)
        calls.append([(one.lane, one.order) for one in ops])
        return [Added.ADDED] * len(ops)

    batch, numbers = Batch(add, budget=60), itertools.count()
    for _ in range(40):
        waiting = []
        for count in (chance.randrange(12), chance.randrange(12), 1):  # the last one comes while the others' calls end
            for _ in range(count):
                lane = chance.choice(("", "in/")) + chance.choice("abcdefghijklmnop"[: chance.choice((2, 16))])
                number = next(numbers)
                waiting.append(batch.add(op(str(number), number, lane=lane)))
            for _ in range(chance.randrange(16)):
                await asyncio.sleep(0)
        for _ in range(200):
            await asyncio.sleep(0)
        assert [] == [future for future in waiting if not future.done()]

    stored = [one for call in calls for one in call]
    assert list(range(next(numbers))) == sorted(order for _, order in stored)
    for thread in "abcdefghijklmnop":
        orders = [order for lane, order in stored if lane.removeprefix("in/") == thread]
        assert sorted(orders) == orders


@pytest.mark.parametrize("odd", [{"team_id": "T|1"}, {"event": {"type": "reaction_added", "item": {"channel": "C|1"}}}])
async def test_an_event_whose_ids_no_lane_can_bear_is_left_out_and_not_asked_for_again(odd):
    store = Store()
    body = {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {"type": "app_home_opened"}} | odd
    await StoreFirst(store.add, Taken().interaction).event(body, 0)

    assert [] == store.calls


@pytest.mark.parametrize("missing", ["channel", "ts"])
async def test_a_mention_that_names_no_message_is_left_out(missing):
    """Nobody could be answered, and the worker would try in vain."""
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1700000000.000100", "text": "<@U0> help"}
    del event[missing]
    store = Store()
    await StoreFirst(store.add, Taken().interaction).event({"team_id": "T1", "event": event}, 0)

    assert [] == store.calls


@pytest.mark.parametrize("ts", ["-1", "1e5", "", "1700000000.-1", "soon"])
def test_a_time_that_is_none_of_slacks_gives_an_order_that_the_store_takes(ts):
    event = {"type": "app_mention", "user": "U1", "channel": "C1", "ts": ts, "thread_ts": "1700000000.000100"}
    op = event_op({"team_id": "T1", "event_id": "Ev1", "event": event})

    assert op is not None
    assert op.order > 0


async def test_a_message_of_a_time_that_is_no_number_any_more_is_left_out_and_not_asked_for_again():
    event = {"type": "message", "user": "U1", "channel": "C1", "text": "hi", "ts": f"{'9' * 400}.1"}
    store = Store()
    await StoreFirst(store.add, Taken().interaction).event({"team_id": "T1", "event": event}, 0)

    assert [] == store.calls
