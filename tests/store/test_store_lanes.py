"""Order, dedupe and replacing in the lanes, on a real server."""

from datetime import timedelta

import pytest

from bot.conversion.ports import Added, Outcome
from bot.conversion.records import Delivered, ThreadKey

T = "T1:C1:1700000000.000100"
NOTHING = Outcome()
NO_TIME = timedelta()


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


async def test_slack_timestamps_of_today_are_told_apart_to_the_microsecond(store, op, claim):
    await store.lanes.add([op("later", 1_700_000_000_000_101), op("earlier", 1_700_000_000_000_100)])

    assert ["earlier", "later"] == await in_order(store.lanes, await claim())


async def test_many_operations_of_one_call_get_their_answers_in_the_order_asked(store, op):
    ops = [op(f"m{i % 600}", i, lane=f"T1:C1:17{i % 40:08d}.000100") for i in range(1200)]

    added = await store.lanes.add(ops)

    assert [Added.ADDED] * 600 + [Added.DUPLICATE] * 600 == added
    assert 600 == sum([await store.lanes.waiting(f"T1:C1:17{i:08d}.000100") for i in range(40)])


async def test_a_thousand_messages_of_one_thread_are_added_by_one_call(store, op):
    assert [Added.ADDED] * 1000 == await store.lanes.add([op(f"m{i}", i) for i in range(1000)])
    assert 1000 == await store.lanes.waiting(T)


async def test_adding_nothing_is_no_trouble(store):
    assert [] == await store.lanes.add([])


@pytest.mark.parametrize("payload", ["", "x|y|z", '{"text":"Zoë 🎫\\u0000\\r\\n"}', "\x00\r\n\x1f", "x" * 200_000])
async def test_a_payload_comes_back_as_it_was_given(store, op, claim, payload):
    await store.lanes.add([op(payload=payload)])

    assert payload == (await store.lanes.head(await claim())).payload
    assert payload == await store.lanes.peek(T, "msg:1")


async def test_names_that_cannot_be_kept_apart_are_refused(store, op):
    for bad in (op(lane="a|b"), op(lane=""), op("")):
        with pytest.raises(ValueError, match="needs an id"):
            await store.lanes.add([op("good"), bad])

    assert 0 == await store.lanes.waiting(T)


async def test_what_waits_is_not_accepted_again(store, op):
    await store.lanes.add([op()])

    assert [Added.DUPLICATE] == await store.lanes.add([op(payload="other")])
    assert "{}" == await store.lanes.peek(T, "msg:1")


async def test_what_was_done_is_not_accepted_again_for_a_week(store, op, claim, embedded):
    await store.lanes.add([op()])
    await in_order(store.lanes, await claim())

    assert [Added.DUPLICATE, Added.DUPLICATE] == await store.lanes.add([op(), op(replace=True)])
    (key,) = await store.connection.do("KEYS", "tk:*:dd:*")
    assert 7 * 24 * 3600 - 60 < await store.connection.do("TTL", key) <= 7 * 24 * 3600


async def test_what_was_done_is_accepted_once_more_where_it_is_wished_for_anew(store, op, claim):
    await store.lanes.add([op()])
    await in_order(store.lanes, await claim())

    assert [Added.ADDED, Added.DUPLICATE] == await store.lanes.add([op(anew=True), op(anew=True)])


async def test_the_same_id_in_the_lane_of_events_and_in_that_of_the_thread_are_two_things(store, op):
    assert [Added.ADDED, Added.ADDED] == await store.lanes.add([op(), op(lane="in/" + T)])


async def test_s22_fifty_wishes_for_one_ticket_are_one(store, op, claim, link):
    wishes = [op("create:" + T, 0, payload=f"{i}", makes_link=True) for i in range(50)]

    assert [Added.ADDED] + [Added.DUPLICATE] * 49 == await store.lanes.add(wishes)

    lease = await claim()
    await store.lanes.head(lease)
    await store.lanes.done(lease, "create:" + T, Outcome(link=link()))

    assert [Added.DUPLICATE] == await store.lanes.add(wishes[:1])


async def test_after_unlinking_a_thread_may_have_a_new_ticket(store, op, claim, link):
    for way in ("by a person", "by an operation"):
        assert [Added.ADDED] == await store.lanes.add([op("create:" + T, 0, makes_link=True)])
        lease = await claim()
        await store.lanes.head(lease)
        await store.lanes.done(lease, "create:" + T, Outcome(link=link()))
        if way == "by a person":
            await store.links.remove(link())
        else:
            await store.lanes.add([op("unlink", 1)])
            lease = await claim()
            await store.lanes.done(lease, "unlink", Outcome(unlink=True))

    assert [Added.ADDED] == await store.lanes.add([op("create:" + T, 0, makes_link=True)])


async def test_a_wish_for_a_ticket_that_made_none_may_be_repeated(store, op, claim):
    await store.lanes.add([op("create:" + T, 0, makes_link=True)])
    await in_order(store.lanes, await claim())

    assert [Added.ADDED] == await store.lanes.add([op("create:" + T, 0, makes_link=True)])


async def test_a_reply_in_a_thread_without_a_ticket_is_dropped_and_may_come_again(store, op, link):
    assert [Added.NOT_LINKED] == await store.lanes.add([op(linked_only=True)])

    await store.links.put(link())

    assert [Added.ADDED] == await store.lanes.add([op(linked_only=True)])


@pytest.mark.parametrize("lane", [T, "in/" + T])
async def test_a_reply_counts_as_linked_while_the_ticket_is_being_opened(store, op, claim, lane):
    await store.lanes.add([op("create:" + T, 0, makes_link=True)])
    assert [Added.ADDED] == await store.lanes.add([op("during", 1, lane=lane, linked_only=True)])

    lease = next(lease for lease in await store.lanes.claim(2) if lease.lane == T)
    await store.lanes.head(lease)
    await store.lanes.done(lease, "create:" + T, NOTHING)

    assert [Added.NOT_LINKED] == await store.lanes.add([op("after", 2, lane=lane, linked_only=True)])


async def test_an_edit_before_anybody_began_replaces_the_message_in_its_place(store, op, claim):
    await store.lanes.add([op("a", 1, "first"), op("b", 2)])

    assert [Added.REPLACED] == await store.lanes.add([op("a", 9, "second", instead=True)])

    head = await store.lanes.head(await claim())
    assert ("a", "second") == (head.id, head.payload)


async def test_an_edit_of_what_does_not_wait_any_more_is_not_a_message_of_its_own(store, op, claim):
    """It was set aside for a person while the edit was on its way: the message must not be there twice."""
    await store.lanes.add([op("a", 1, "first")])
    await store.lanes.park(await claim(), "a", "first, refused")

    assert [Added.DUPLICATE] == await store.lanes.add([op("a", 1, "second", instead=True)])
    assert [Added.DUPLICATE] == await store.lanes.add([op("b", 1, "second", instead=True)])
    assert 0 == await store.lanes.waiting(T)


async def test_who_has_a_message_in_hand_hears_before_it_is_sent_that_it_was_edited(store, op, claim):
    await store.lanes.add([op("a", 1, "first")])
    lease = await claim()
    await store.lanes.head(lease)
    assert not await store.lanes.save(lease, "a", "first, fetched")

    assert [Added.REPLACED] == await store.lanes.add([op("a", 1, "second", instead=True)])
    assert "first, fetched" == await store.lanes.peek(T, "a")
    assert await store.lanes.save(lease, "a", "first, calling")
    await store.lanes.retry(lease, "a", "first, not sent", delay=NO_TIME, begun=False)

    head = await store.lanes.head(await claim())
    assert ("a", "second") == (head.id, head.payload)


async def test_an_edit_of_what_was_sent_meanwhile_is_dropped_with_it(store, op, claim):
    await store.lanes.add([op("a", 1, "first")])
    lease = await claim()
    await store.lanes.head(lease)
    await store.lanes.save(lease, "a", "first, calling")
    await store.lanes.add([op("a", 1, "second", instead=True)])

    assert None is await store.lanes.done(lease, "a", NOTHING)
    assert [] == await store.connection.do("KEYS", "tk:*:again")


async def test_an_edit_does_not_take_the_place_of_a_message_that_may_have_been_sent_before_that_is_known(
    store, op, claim
):
    await store.lanes.add([op("a", 1, "first", begun=True)])

    assert [Added.REPLACED] == await store.lanes.add([op("a", 1, "second", instead=True)])
    lease = await claim()
    assert "first" == (await store.lanes.head(lease)).payload
    assert await store.lanes.save(lease, "a", "first, looked for")


async def test_an_edit_of_a_message_that_went_back_untouched_replaces_it(store, op, claim):
    """The desk is away: the worker took the message, began nothing and put it back."""
    await store.lanes.add([op("a", 1, "first")])
    lease = await claim()
    await store.lanes.head(lease)
    await store.lanes.retry(lease, "a", "first", delay=NO_TIME)

    assert [Added.REPLACED] == await store.lanes.add([op("a", 1, "second", instead=True)])


@pytest.mark.parametrize(("begun", "reads"), [(True, "first, again"), (False, "second")])
async def test_an_edit_after_a_failed_call_replaces_the_message_where_it_surely_was_not_sent(
    store, op, claim, begun, reads
):
    await store.lanes.add([op("a", 1, "first")])
    lease = await claim()
    await store.lanes.save(lease, "a", "calling")
    await store.lanes.retry(lease, "a", "first, again", delay=NO_TIME, begun=begun)

    await store.lanes.add([op("a", 1, "second", instead=True)])
    assert reads == (await store.lanes.head(await claim())).payload


async def test_many_wishes_for_a_card_are_one_and_after_it_is_shown_it_may_be_wished_again(store, op, claim):
    card = op("card", replace=True)

    assert [Added.ADDED, Added.REPLACED] == await store.lanes.add([card, card])

    assert ["card"] == await in_order(store.lanes, await claim())
    assert [Added.ADDED] == await store.lanes.add([card])


async def test_a_card_wished_while_it_is_drawn_is_drawn_again(store, op, claim):
    await store.lanes.add([op("card", 1, "old", replace=True)])
    lease = await claim()
    await store.lanes.head(lease)
    await store.lanes.save(lease, "card", "old, begun")

    assert [Added.REPLACED] == await store.lanes.add([op("card", 2, "new", replace=True)])
    assert "old, begun" == await store.lanes.peek(T, "card")

    again = await store.lanes.done(lease, "card", NOTHING)
    assert ("card", "new") == (again.id, again.payload)
    assert None is await store.lanes.done(lease, "card", NOTHING)


async def test_what_follows_is_stored_as_what_it_follows_from_is_done(store, op, claim, link):
    await store.links.put(link())
    await store.lanes.add([op("event", lane=f"in/{T}")])
    said = Outcome(
        delivered={"1.1": Delivered(message_id="5")},
        then=(op("m2", 2, '{"b":1}', linked_only=True), op("m1", 1, linked_only=True), op("card", lane=f"ui/{T}")),
    )

    assert None is await store.lanes.done(await claim(), "event", said)

    assert None is await store.lanes.peek(f"in/{T}", "event")
    assert "5" == (await store.links.delivered(ThreadKey.parse(T), "1.1")).message_id
    assert '{"b":1}' == await store.lanes.peek(T, "m2")
    due = {lease.lane: lease for lease in await store.lanes.claim(9)}
    assert {T, f"ui/{T}"} == due.keys()
    assert ["m1", "m2"] == await in_order(store.lanes, due[T])


async def test_what_follows_in_the_same_lane_is_handed_out_next(store, op, claim):
    await store.lanes.add([op("a", 1), op("c", 3)])

    head = await store.lanes.done(await claim(), "a", Outcome(then=(op("b", 2),)))

    assert ("b", 2) == (head.id, head.waiting)


async def test_what_follows_is_accepted_on_the_same_terms_as_everything(store, op, claim, link):
    """Not twice, not without a ticket where it is only for one; a wish that may be repeated replaces what waits."""
    other = "T1:C1:1700000009.000900"
    await store.links.put(link())
    await store.lanes.add([op("done before")])
    await store.lanes.done(await claim(), "done before", NOTHING)
    await store.lanes.add([op("event", lane=f"in/{T}"), op("event", lane=f"in/{other}")])
    leases = {lease.lane: lease for lease in await store.lanes.claim(9)}
    await store.lanes.add([op("card", payload="old", lane=f"ui/{T}", replace=True)])

    again = op("done before"), op("card", payload="new", lane=f"ui/{T}", replace=True)
    await store.lanes.done(leases[f"in/{T}"], "event", Outcome(then=again))
    await store.lanes.done(leases[f"in/{other}"], "event", Outcome(then=(op(lane=other, linked_only=True),)))

    assert (0, 0) == (await store.lanes.waiting(T), await store.lanes.waiting(other))
    assert "new" == await store.lanes.peek(f"ui/{T}", "card")


async def test_what_is_for_another_thread_cannot_follow_in_the_same_step(store, op, claim):
    elsewhere = next(lane for n in range(99) if store.lanes._shard(lane := f"T1:C1:1{n}.1") != store.lanes._shard(T))
    await store.lanes.add([op()])

    with pytest.raises(ValueError, match="same thread"):
        await store.lanes.done(await claim(), "msg:1", Outcome(then=(op(lane=elsewhere),)))

    assert 1 == await store.lanes.waiting(T)
