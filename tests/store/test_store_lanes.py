"""The lanes on a real server: order, leases, dedupe, replacing, parking, holding, waking."""

import asyncio
from datetime import timedelta

import pytest

from bot.conversion.ports import Added, Lease, LeaseLost, Outcome
from bot.conversion.records import Delivered, ThreadKey

T = "T1:C1:1700000000.000100"
NOTHING = Outcome()


async def in_order(lanes, lease):
    """The ids that a lane hands out, each done at once."""
    ids = []
    head = await lanes.head(lease)
    while head is not None:
        ids.append(head.id)
        head = await lanes.done(lease, head.id, NOTHING)
    return ids


async def test_a_lane_is_worked_in_its_order_not_in_that_of_arrival(store, op, claim):
    await store.lanes.add([op("c", 3), op("a", 1)])
    await store.lanes.add([op("b", 2)])

    assert ["a", "b", "c"] == await in_order(store.lanes, await claim())


async def test_operations_of_one_call_get_their_answers_in_the_order_asked(store, op):
    ops = [op(f"m{i % 600}", i, lane=f"T1:C1:17{i % 40:08d}.000100") for i in range(1200)]

    added = await store.lanes.add(ops)

    assert [Added.ADDED] * 600 + [Added.DUPLICATE] * 600 == added


async def test_slack_timestamps_of_today_are_told_apart_to_the_microsecond(store, op, claim):
    await store.lanes.add([op("later", 1_700_000_000_000_101), op("earlier", 1_700_000_000_000_100)])

    assert ["earlier", "later"] == await in_order(store.lanes, await claim())


async def test_a_message_that_waits_is_not_accepted_again(store, op):
    await store.lanes.add([op()])

    assert [Added.DUPLICATE] == await store.lanes.add([op(payload="other")])
    assert "{}" == await store.lanes.peek(T, "msg:1")


async def test_a_message_that_was_done_is_not_accepted_again(store, op, claim):
    await store.lanes.add([op()])
    await in_order(store.lanes, await claim())

    assert [Added.DUPLICATE, Added.DUPLICATE] == await store.lanes.add([op(), op(replace=True)])
