"""What waits for a person: parked operations, held lanes, and putting them back."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.conversion.ports import Added, LeaseLost, Outcome
from bot.store.keys import SHARDS_OF_A_CLUSTER, shard_of

T = "T1:C1:1700000000.000100"
NOTHING = Outcome()


async def everything(lanes):
    return sorted([(p.lane, p.id, p.payload, p.held) async for p in lanes.parked()])


async def test_a_parked_operation_lets_the_others_pass(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2)])
    lease = await claim()

    head = await store.lanes.park(lease, "a", "why")

    assert ("b", 1) == (head.id, head.waiting)
    assert "why" == await store.lanes.peek(T, "a")
    assert [(T, "a", "why", False)] == await everything(store.lanes)
    found = await store.lanes.find_parked(T, "a")
    assert abs((datetime.now(UTC) - found.parked_at).total_seconds()) < 60
    assert [Added.DUPLICATE] == await store.lanes.add([op("a", 1)])


async def test_a_parked_operation_goes_back_to_its_place(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2)])
    lease = await claim()
    await store.lanes.park(lease, "a", "why")

    assert await store.lanes.unpark(T, "a", "again")
    assert not await store.lanes.unpark(T, "a", "again")

    head = await store.lanes.head(lease)
    assert ("a", "again", 2) == (head.id, head.payload, head.waiting)
    assert [] == await everything(store.lanes)


async def test_a_parked_operation_that_is_put_back_does_not_wait_for_the_rest_of_its_lane(store, op, claim):
    """A person pressed Retry: the lane is tried now, though it rests because its desk is away."""
    await store.lanes.add([op("a", 1), op("b", 2)])
    lease = await claim()
    await store.lanes.park(lease, "a", "why")
    await store.lanes.retry(lease, "b", "tried", delay=timedelta(hours=1))

    await store.lanes.unpark(T, "a", "again")

    assert "a" == (await store.lanes.head(await claim())).id


async def test_a_parked_operation_of_an_empty_lane_makes_it_due_again(store, op, claim):
    await store.lanes.add([op("a", 1)])
    assert None is await store.lanes.park(await claim(), "a", "why")
    assert [] == await store.lanes.claim(1)

    await store.lanes.unpark(T, "a", "again")

    assert "a" == (await store.lanes.head(await claim())).id


async def test_a_dropped_operation_is_gone_and_does_not_come_back(store, op, claim):
    await store.lanes.add([op("a", 1)])
    await store.lanes.park(await claim(), "a", "why")

    assert await store.lanes.unpark(T, "a", None)

    assert [] == await everything(store.lanes)
    assert None is await store.lanes.peek(T, "a")
    assert [Added.DUPLICATE] == await store.lanes.add([op("a", 1)])
    assert [] == await store.lanes.claim(1)


async def test_a_held_lane_waits_with_all_that_comes(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2)])
    lease = await claim()
    await store.lanes.hold(lease, "a", "asked")

    assert [Added.ADDED] == await store.lanes.add([op("c", 0)])
    await asyncio.sleep(0.3)

    assert [] == await store.lanes.claim(5)
    assert [(T, "a", "asked", True)] == await everything(store.lanes)
    assert (await store.lanes.find_parked(T, "a")).held
    assert None is await store.lanes.find_parked(T, "b")
    assert "asked" == await store.lanes.peek(T, "a")
    with pytest.raises(LeaseLost):
        await store.lanes.extend(lease)


async def test_a_held_lane_goes_on_once_a_person_has_answered(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2)])
    await store.lanes.hold(await claim(), "a", "asked")

    assert not await store.lanes.unpark(T, "b", "answered")
    assert await store.lanes.unpark(T, "a", "answered")

    head = await store.lanes.head(await claim())
    assert ("a", "answered") == (head.id, head.payload)
    assert [] == await everything(store.lanes)


async def test_dropping_what_holds_a_lane_lets_the_rest_go_on(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2)])
    await store.lanes.hold(await claim(), "a", "asked")

    assert await store.lanes.unpark(T, "a", None)

    assert "b" == (await store.lanes.head(await claim())).id


async def test_dropping_what_alone_holds_a_lane_leaves_nothing_of_it(store, op, claim):
    await store.lanes.add([op(makes_link=True)])
    lease = await claim()
    await store.lanes.hold(lease, "msg:1", "asked")

    assert await store.lanes.unpark(T, "msg:1", None)

    assert {} == await store.connection.client.hgetall(shard_of(T, SHARDS_OF_A_CLUSTER).key("epoch"))


async def test_a_held_lane_goes_on_once_its_thread_is_unlinked(store, op, claim, link):
    """What was asked is about that link, and nobody finds the question without it."""
    made = link(T)
    await store.links.put(made)
    await store.lanes.add([op("a", 1)])
    await store.lanes.hold(await claim(), "a", "asked", linked=True)
    assert [] == await store.lanes.claim(1)

    await store.links.remove(made)

    assert [] == await everything(store.lanes)
    assert "asked" == (await store.lanes.head(await claim())).payload


@pytest.mark.parametrize(("linked", "held"), [(True, False), (False, True)])
async def test_a_lane_whose_thread_was_unlinked_is_not_held_by_what_is_asked_about_its_link(
    store, op, claim, linked, held
):
    """A wish for a ticket has none yet."""
    await store.lanes.add([op("a", 1)])

    await store.lanes.hold(await claim(), "a", "asked", linked=linked)

    assert [held] == [await store.lanes.find_parked(T, "a") is not None]
    assert [not held] == [bool(await store.lanes.claim(1))]


@pytest.mark.parametrize(("begun", "reads"), [(True, "answered"), (False, "edited")])
async def test_an_edit_of_what_is_held_takes_its_place_unless_it_may_have_been_sent(store, op, claim, begun, reads):
    await store.lanes.add([op("a", 1)])
    await store.lanes.hold(await claim(), "a", "asked", begun=begun)
    await store.lanes.add([op("a", 1, "edited", instead=True)])

    await store.lanes.unpark(T, "a", "answered" if begun else await store.lanes.peek(T, "a"))

    lease = await claim()
    assert reads == (await store.lanes.head(lease)).payload
    assert begun is await store.lanes.save(lease, "a", "calling")


@pytest.fixture
async def overtaken(store, op, claim):
    """The lease of a lane whose operation is in hand, and a newer text waits to take its place."""
    await store.lanes.add([op("a", 1)])
    lease = await claim()
    await store.lanes.head(lease)
    await store.lanes.add([op("a", 1, "edited", instead=True)])
    return lease


async def test_a_newer_text_is_handed_out_where_the_old_one_was_to_be_parked(store, overtaken):
    head = await store.lanes.park(overtaken, "a", "refused", begun=False)

    assert ("a", "edited", 1) == (head.id, head.payload, head.waiting)
    assert [] == await everything(store.lanes)


async def test_a_newer_text_is_due_where_a_lane_was_to_be_held_for_the_old_one(store, overtaken, claim):
    await store.lanes.hold(overtaken, "a", "asked", begun=False)

    assert "edited" == (await store.lanes.head(await claim())).payload
    assert [] == await everything(store.lanes)


async def test_what_may_have_been_sent_is_set_aside_although_a_newer_text_waits(store, overtaken):
    assert None is await store.lanes.park(overtaken, "a", "refused", begun=True)

    assert [(T, "a", "refused", False)] == await everything(store.lanes)


async def test_an_operation_parked_in_a_held_lane_goes_back_without_waking_it(store, op, claim):
    await store.lanes.add([op("a", 1), op("b", 2)])
    lease = await claim()
    await store.lanes.park(lease, "a", "why")
    await store.lanes.hold(lease, "b", "asked")

    await store.lanes.unpark(T, "a", "again")

    assert [] == await store.lanes.claim(1)
    await store.lanes.unpark(T, "b", "answered")
    assert "a" == (await store.lanes.head(await claim())).id


async def test_a_parked_wish_for_a_ticket_makes_its_thread_count_as_unlinked_until_it_is_back(store, op, claim):
    await store.lanes.add([op("create", 0, makes_link=True)])
    await store.lanes.park(await claim(), "create", "why")
    assert [Added.NOT_LINKED] == await store.lanes.add([op("reply", 1, linked_only=True)])
    assert [Added.DUPLICATE] == await store.lanes.add([op("create", 0, makes_link=True)])

    await store.lanes.unpark(T, "create", "again")

    assert [Added.ADDED] == await store.lanes.add([op("reply", 1, linked_only=True)])


async def test_a_discarded_wish_for_a_ticket_may_be_made_again(store, op, claim):
    await store.lanes.add([op("create", 0, makes_link=True)])
    await store.lanes.park(await claim(), "create", "why")
    await store.lanes.unpark(T, "create", None)

    assert [Added.ADDED] == await store.lanes.add([op("create", 0, makes_link=True)])


async def test_a_card_that_failed_for_good_may_be_wished_again(store, op, claim):
    await store.lanes.add([op("card", 1, replace=True)])
    lease = await claim()
    await store.lanes.head(lease)
    await store.lanes.add([op("card", 2, "newer", replace=True)])

    head = await store.lanes.park(lease, "card", "why")

    assert ("card", "newer") == (head.id, head.payload)
    await store.lanes.done(lease, "card", NOTHING)
    assert [Added.ADDED] == await store.lanes.add([op("card", 3, replace=True)])
    await store.lanes.unpark(T, "card", "the old one")
    assert 1 == await store.lanes.waiting(T)


async def test_what_waits_for_a_person_is_listed_over_all_shards(store, op):
    lanes = [f"T1:C1:17{i:08d}.000100" for i in range(40)]
    await store.lanes.add([op("a", 1, lane=lane) for lane in lanes])
    for i, lease in enumerate(await store.lanes.claim(40)):
        await (store.lanes.park if i % 2 else store.lanes.hold)(lease, "a", "why")

    assert lanes == [lane for lane, _, _, _ in await everything(store.lanes)]
