"""Links in both directions, on a real server."""

import pytest

from bot.conversion.ports import Outcome
from bot.conversion.records import Delivered, ThreadKey, stored_form
from bot.conversion.stored import UnknownVersion
from bot.store.keys import shard_of

T = "T1:C1:1700000000.000100"
OTHER = "T1:C2:1700000001.000200"
KEY = ThreadKey.parse(T)


async def test_a_link_is_found_from_both_ends_and_never_expires(store, link):
    await store.links.put(link())
    await store.links.put(link(OTHER))

    assert link() == await store.links.get(KEY)
    assert (KEY, ThreadKey.parse(OTHER)) == await store.links.threads("whmcs", "7")
    assert (link(), link(OTHER)) == await store.links.find("#7")
    assert {-1} == {await store.connection.do("TTL", key) for key in await store.connection.do("KEYS", "tk:*")}


async def test_an_unlinked_thread_is_found_from_neither_end(store, link):
    await store.links.put(link())
    await store.links.remove(link())
    await store.links.remove(link())

    assert None is await store.links.get(KEY)
    assert () == await store.links.threads("whmcs", "7")
    assert () == await store.links.find("#7")


async def test_a_link_that_is_there_is_not_written_over_by_a_process_that_was_suspended_before_it_wrote(store, link):
    await store.links.put(link())
    await store.links.update(KEY, lambda old: old.model_copy(update={"seen": "42", "card_ts": "5.5"}))

    await store.links.put(link())

    assert link(seen="42", card_ts="5.5") == await store.links.get(KEY)


async def test_removing_a_link_leaves_a_newer_one_of_the_thread_alone(store, link):
    await store.links.put(link())
    await store.links.update(KEY, lambda _: link(ticket="8"))
    await store.links.remove(link())

    assert link(ticket="8") == await store.links.get(KEY)
    assert () == await store.links.threads("whmcs", "7")
    assert (KEY,) == await store.links.threads("whmcs", "8")


async def test_the_same_ticket_number_at_two_desks_is_two_tickets(store, link):
    await store.links.put(link())
    await store.links.put(link(OTHER, desk="local"))

    assert (KEY,) == await store.links.threads("whmcs", "7")
    assert (link(), link(OTHER, desk="local")) == await store.links.find("#7")


async def test_finishing_an_operation_links_its_thread_in_both_directions(store, op, claim, link):
    await store.lanes.add([op("create", 0, makes_link=True), op("msg", 1)])
    lease = await claim()

    head = await store.lanes.done(lease, "create", Outcome(link=link(), delivered={"1.1": Delivered(message_id="5")}))

    assert link() == head.link
    assert (KEY,) == await store.links.threads("whmcs", "7")
    assert Delivered(message_id="5") == await store.links.delivered(KEY, "1.1")
    assert None is await store.links.delivered(KEY, "1.2")


async def test_finishing_an_operation_can_unlink_its_thread_and_forgets_what_was_delivered(store, op, claim, link):
    await store.links.put(link())
    await store.lanes.add([op("msg", 1), op("unlink", 2)])
    lease = await claim()
    await store.lanes.done(lease, "msg", Outcome(delivered={"1.1": Delivered(message_id="5")}))

    await store.lanes.done(lease, "unlink", Outcome(unlink=True))

    assert None is await store.links.get(KEY)
    assert () == await store.links.threads("whmcs", "7")
    assert None is await store.links.delivered(KEY, "1.1")


async def test_what_is_learnt_of_a_message_is_kept_while_its_thread_is_linked(store, link):
    await store.links.learn(KEY, "TL-1", Delivered(message_id="5"))
    assert None is await store.links.delivered(KEY, "TL-1")

    await store.links.put(link())
    await store.links.learn(KEY, "TL-1", Delivered(message_id="5"))
    assert Delivered(message_id="5") == await store.links.delivered(KEY, "TL-1")


async def test_a_change_of_a_link_keeps_what_another_process_changed_meanwhile(store, link):
    await store.links.put(link())
    calls = []

    def change(old):
        calls.append(old)
        return old.model_copy(update={"status": "open"})

    original = store.connection.run

    async def slow(script, keys, args):
        if len(calls) == 1:  # somebody is quicker between our look and our write
            await store.connection.do("HSET", shard_of(T, 16).key("links"), T, stored_form(link(card_ts="5.5")))
        return await original(script, keys, args)

    store.links._connection.run = slow
    changed = await store.links.update(KEY, change)

    assert link(card_ts="5.5", status="open") == changed == await store.links.get(KEY)
    assert 2 == len(calls)
    assert None is await store.links.update(ThreadKey.parse(OTHER), change)


async def test_a_changed_ticket_is_found_by_its_new_number(store, link):
    await store.links.put(link())
    await store.links.update(KEY, lambda old: old.model_copy(update={"number": "#70"}))

    assert () == await store.links.find("#7")
    assert ["#70"] == [found.number for found in await store.links.find("#70")]


async def test_a_thread_that_goes_with_another_ticket_leaves_nothing_at_the_one_before(store, link):
    await store.links.put(link())
    await store.links.put(link(OTHER))

    await store.links.update(KEY, lambda _: link(ticket="8"))

    assert {OTHER: ["tk:number:#7", "tk:ticket:whmcs:7"], T: ["tk:number:#8", "tk:ticket:whmcs:8"]} == await ways(store)


async def test_a_change_that_another_was_quicker_than_leaves_nothing_of_its_first_try(store, link):
    await store.links.put(link())
    real = store.connection.run

    async def slow(script, keys, args):
        store.links._connection.run = real
        await store.links.update(KEY, lambda _: link(ticket="9"))
        return await real(script, keys, args)

    store.links._connection.run = slow
    await store.links.update(KEY, lambda old: link(ticket="8") if old.ticket_id == "7" else old)

    assert {T: ["tk:number:#9", "tk:ticket:whmcs:9"]} == await ways(store)


async def test_a_ticket_that_a_thread_goes_with_again_finds_it_although_it_was_taken_off_its_list_late(store, link):
    """A process stands still behind its change of a link, and meanwhile the thread comes back to the first ticket."""
    await store.links.put(link())
    real = store.connection.do_many

    async def slow(commands):
        if commands[0][0] == "SREM":
            store.links._connection.do_many = real
            await store.links.update(KEY, lambda _: link())
        return await real(commands)

    store.links._connection.do_many = slow
    await store.links.update(KEY, lambda _: link(ticket="8"))

    assert (KEY,) == await store.links.threads("whmcs", "7")
    assert (link(),) == await store.links.find("#7")


async def test_a_thread_is_found_by_a_number_that_it_keeps_while_its_link_is_changed(store, link):
    await store.links.put(link())
    real, found = store.connection.do_many, []

    async def watched(commands):
        answers = await real(commands)
        found.extend(await real([("SISMEMBER", "tk:number:#7", T)]))
        return answers

    store.links._connection.do_many = watched
    await store.links.update(KEY, lambda _: link(desk="local"))

    assert {1} == set(found)


async def test_a_link_that_is_taken_away_late_leaves_the_number_of_the_next(store, link):
    await store.links.put(link())
    await store.links.update(KEY, lambda _: link(desk="local"))

    await store.links.remove(link())

    assert (link(desk="local"),) == await store.links.find("#7")


async def ways(store):
    """Each thread, and the lists that it is on."""
    found: dict[str, list[str]] = {}
    for pattern in ("tk:number:*", "tk:ticket:*"):
        async for key in store.connection.client.scan_iter(pattern):
            for thread in await store.connection.do("SMEMBERS", key):
                found.setdefault(thread, []).append(key)
    return found


async def test_all_links_come_once_each(store, link):
    threads = [f"T1:C1:17{i:08d}.000100" for i in range(1500)]
    for thread in threads:
        shard = shard_of(thread, 16)
        await store.connection.do("HSET", shard.key("links"), thread, link(thread).model_dump_json())

    assert threads == sorted([str(found.thread) async for found in store.links.all()])


async def test_a_link_of_a_newer_version_is_left_alone(store, link):
    stored = link().model_dump_json().replace('"v":1', '"v":2,"colour":"red"')
    await store.connection.do("HSET", shard_of(T, 16).key("links"), T, stored)

    with pytest.raises(UnknownVersion):
        await store.links.get(KEY)


async def test_a_stored_link_says_its_version(store, link):
    await store.links.put(link())

    assert (await store.connection.do("HGET", shard_of(T, 16).key("links"), T)).startswith('{"v":1,"thread":')


@pytest.mark.parametrize("way", ["by a person", "by an operation"])
async def test_partings_of_a_thread_are_counted_once_each(store, op, claim, link, way):
    for number in range(3):
        assert number == await store.links.partings(KEY)
        await store.links.put(link())
        if way == "by a person":
            await store.links.remove(link())
            await store.links.remove(link())
        else:
            await store.lanes.add([op(f"unlink {number}", 1)])
            await store.lanes.done(await claim(), f"unlink {number}", Outcome(unlink=True))

    assert (3, 0) == (await store.links.partings(KEY), await store.links.partings(ThreadKey.parse(OTHER)))


async def test_nothing_but_their_number_is_left_of_a_thread_that_is_parted_from_its_ticket(store, op, link):
    await store.links.put(link())
    await store.lanes.add([op("a", 1)])
    (lease,) = await store.lanes.claim(1)
    head = await store.lanes.head(lease)
    await store.lanes.done(lease, head.id, Outcome())

    await store.links.remove(link())

    # what was done, for a while; what is of the installation; the number
    known = (":dd:", ":claim:", ":runs", "tk:meta", ":partings")
    left = [key async for key in store.connection.client.scan_iter() if not any(one in key for one in known)]
    assert [] == left
