"""A server that restarted or was set back: what it holds is looked at again before it is believed."""

import asyncio
import os
import shutil
import signal
import time
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from bot.conversion.ports import Added, LeaseLost, Outcome
from bot.store.server import _lock, attach_or_start, stop
from bot.store.store import Store

T = "T1:C1:1700000000.000100"
OLD = "T1:C1:1600000000.000100"
YOUNG = "T1:C1:4000000000.000100"
NOTHING = Outcome()
NO_TIME = timedelta()


class Machine:
    """A server that a test may kill and set back."""

    def __init__(self, directory):
        self.directory = directory

    @asynccontextmanager
    async def store(self):
        server = await attach_or_start(self.directory)
        async with Store.open(server.url) as store:
            yield store

    async def kill(self):
        os.kill(int((self.directory / "server.pid").read_text()), signal.SIGKILL)
        while True:
            with _lock(self.directory) as lock:
                if lock is not None:
                    return
            await asyncio.sleep(0.01)

    def keep_a_copy(self):
        shutil.copytree(self.directory / "appendonlydir", self.directory.parent / "copy")

    def set_back(self):
        shutil.rmtree(self.directory / "appendonlydir")
        shutil.copytree(self.directory.parent / "copy", self.directory / "appendonlydir")


@pytest.fixture
async def machine(tmp_path):
    machine = Machine(tmp_path / "data")
    yield machine
    await stop(await attach_or_start(machine.directory))


async def head_of(store, lane=T):
    """The head of a lane, and the lease on it."""
    while True:
        for lease in await store.lanes.claim(50):
            if lease.lane == lane:
                return await store.lanes.head(lease), lease
        await asyncio.sleep(0.05)


async def test_work_from_before_a_restart_is_marked_and_its_thread_is_to_be_read_again(machine, op, link):
    async with machine.store() as store:
        await store.links.put(link())
        await store.lanes.add([op("a", 1), op("b", 2)])
        head, _ = await head_of(store, T)
        assert (False, False) == (head.verify, head.resync)
    await machine.kill()

    async with Store.open((await attach_or_start(machine.directory)).url) as store:
        await store.connection.do("ZADD", store.lanes._shard(T).key("ready"), 0, T)  # the lease is over
        head, lease = await head_of(store)
        assert ("a", True, True, link()) == (head.id, head.verify, head.resync, head.link)

        await store.lanes.resynced(lease)
        assert [("a", True, False)] == [await looks(store, lease)]

        await store.lanes.save(lease, "a", "began now")
        assert [("a", False, False)] == [await looks(store, lease)]

        await store.lanes.add([op("new", 0)])
        assert [("new", False, False)] == [await looks(store, lease)]
        await store.lanes.done(lease, "new", NOTHING)
        await store.lanes.done(lease, "a", NOTHING)
        assert [("b", True, False)] == [await looks(store, lease)]


async def test_what_stood_behind_work_that_was_not_begun_was_not_begun_either(machine, op):
    async with machine.store() as store:
        await store.lanes.add([op("a", 1), op("b", 2), op("c", 3)])
    for first, second in (("a", "b"), ("b", "c")):
        await machine.kill()
        async with Store.open((await attach_or_start(machine.directory)).url) as store:
            await store.connection.do("ZADD", store.lanes._shard(T).key("ready"), 0, T)
            head, lease = await head_of(store)
            assert (first, True, True) == (head.id, head.verify, head.waited)

            await store.lanes.done(lease, first, Outcome(untouched=True))
            assert (second, False, True) == await looks(store, lease)


async def test_what_is_found_again_is_behind_work_that_was_not_begun_or_before_it(machine, op):
    async with machine.store() as store:
        await store.lanes.add([op("b", 2)])
    await machine.kill()
    async with Store.open((await attach_or_start(machine.directory)).url) as store:
        await store.lanes.add([op("c", 3), op("d", 4)])
        await store.connection.do("ZADD", store.lanes._shard(T).key("ready"), 0, T)
        head, lease = await head_of(store)
        assert ("b", True, True) == (head.id, head.verify, head.waited)

        await store.lanes.done(lease, "b", Outcome(untouched=True))
        assert ("c", False, True) == await looks(store, lease)
        await store.lanes.done(lease, "c", NOTHING)
        assert ("d", False, True) == await looks(store, lease)

        await store.lanes.add([op("a", 1)])
        assert ("a", True, True) == await looks(store, lease)


async def test_what_was_in_hand_may_be_done_although_what_came_before_it_later_was_not_begun(machine, op):
    async with machine.store() as store:
        await store.lanes.add([op("b", 2)])
        await head_of(store)
        await store.lanes.add([op("a", 1)])
    await machine.kill()
    async with Store.open((await attach_or_start(machine.directory)).url) as store:
        await store.connection.do("ZADD", store.lanes._shard(T).key("ready"), 0, T)
        head, lease = await head_of(store)
        assert ("a", True, True) == (head.id, head.verify, head.waited)

        await store.lanes.done(lease, "a", Outcome(untouched=True))

        assert ("b", True, True) == await looks(store, lease)


async def looks(store, lease):
    head = await store.lanes.head(lease)
    return head.id, head.verify, head.resync


async def test_a_retry_without_progress_keeps_the_mark_and_an_edit_does_not_take_the_place_of_what_has_it(machine, op):
    async with machine.store() as store:
        await store.lanes.add([op("a", 1, "said")])
    await machine.kill()

    async with machine.store() as store:
        assert [Added.REPLACED] == await store.lanes.add([op("a", 1, "edited", instead=True)])
        head, lease = await head_of(store)
        assert ("said", True) == (head.payload, head.verify)
        await store.lanes.retry(lease, "a", "said", delay=NO_TIME)
        head, _ = await head_of(store)
        assert head.verify


async def test_a_retry_that_wrote_something_down_takes_the_mark_away(machine, op):
    """The worker was told once in this run of the server, and has noted when."""
    async with machine.store() as store:
        await store.lanes.add([op("a", 1)])
    await machine.kill()

    async with machine.store() as store:
        _, lease = await head_of(store)
        await store.lanes.retry(lease, "a", "to be looked for", delay=NO_TIME)
        head, _ = await head_of(store)
        assert ("to be looked for", False) == (head.payload, head.verify)


async def test_nothing_takes_the_place_of_what_may_have_been_begun(machine, op):
    """A look at a ticket is wished for again while the one from before the restart waits for another try."""
    look = f"pull/{T}"
    async with machine.store() as store:
        await store.lanes.add([op("look", 1, "first", lane=look, replace=True)])
    await machine.kill()

    async with machine.store() as store:
        head, lease = await head_of(store, look)
        assert head.verify
        await store.lanes.retry(lease, "look", "first, to be looked for", delay=NO_TIME)
        await store.lanes.add([op("look", 2, "second", lane=look, replace=True)])

        head, lease = await head_of(store, look)
        assert "first, to be looked for" == head.payload
        head = await store.lanes.done(lease, "look", NOTHING)
        assert ("second", False) == (head.payload, head.verify)


async def test_lanes_of_events_and_of_cards_are_not_to_be_read_again(machine, op):
    async with machine.store() as store:
        await store.lanes.add([op(lane="in/" + T), op(lane="ui/" + T)])
    await machine.kill()

    async with machine.store() as store:
        heads = [await store.lanes.head(lease) for lease in await store.lanes.claim(5)]

    assert [(True, False)] * 2 == [(head.verify, head.resync) for head in heads if head]


async def test_a_linked_thread_is_read_again_after_a_restart_even_if_nothing_waited(machine, op, link, claim_all):
    async with machine.store() as store:
        await store.links.put(link())
        await store.lanes.add([op("a", 1)])
        await claim_all(store)
    await machine.kill()

    async with machine.store() as store:
        await store.lanes.add([op("b", 4_000_000_000_000_000)])
        head, _ = await head_of(store)
        assert ("b", False, True) == (head.id, head.verify, head.resync)


async def test_a_server_that_was_set_back_asks_for_threads_that_it_may_have_forgotten(machine, op):
    """It knows nothing of either thread. The older one may have had work in the time that was lost."""
    async with machine.store() as store:
        await store.lanes.add([op(lane=T)])
    await machine.kill()
    machine.keep_a_copy()
    async with machine.store() as store:
        await store.lanes.add([op("create", 0, lane=OLD, makes_link=True)])
    await machine.kill()
    machine.set_back()

    async with machine.store() as store:
        await store.lanes.add([op("create", 0, lane=lane) for lane in (OLD, YOUNG, "T1:form:V1")])
        heads = {lease.lane: await store.lanes.head(lease) for lease in await store.lanes.claim(50)}

    assert {OLD: True, YOUNG: False, "T1:form:V1": False} == {
        lane: heads[lane].resync for lane in (OLD, YOUNG, "T1:form:V1")
    }


async def test_a_thread_that_began_just_as_the_server_was_set_back_may_have_been_forgotten_too(machine, op):
    """Threads and runs of the server are told apart by the second, and Slack's clock is not the server's."""
    async with machine.store() as store:
        await store.lanes.add([op(lane=T)])
    await machine.kill()

    async with machine.store() as store:
        young = f"T1:C1:{int(time.time()) + 1}.000100"
        await store.lanes.add([op("create", 0, lane=young, makes_link=True)])
        assert (await head_of(store, young))[0].resync


async def test_a_new_server_trusts_itself(machine, op):
    async with machine.store() as store:
        await store.lanes.add([op(lane=OLD)])
        assert not (await head_of(store, OLD))[0].resync


@pytest.fixture
def claim_all():
    async def finish(store):
        for lease in await store.lanes.claim(50):
            head = await store.lanes.head(lease)
            while head is not None:
                head = await store.lanes.done(lease, head.id, NOTHING)

    return finish


async def test_what_comes_again_to_a_thread_not_yet_read_again_may_have_been_done_before(machine, op, link):
    """A sweep or Slack itself may bring a message again before the thread is checked."""
    async with machine.store() as store:
        await store.links.put(link())
        await store.lanes.add([op("first", 1)])
    await machine.kill()

    async with machine.store() as store:
        old, new = 1_700_000_001_000_000, 4_000_000_000_000_000
        await store.lanes.add([op("old", old), op("new", new), op("pull", new, lane=f"pull/{T}")])
        assert (await head_of(store, f"pull/{T}"))[0].verify
        await store.connection.do("ZADD", store.lanes._shard(T).key("ready"), 0, T)  # that look's lease is over

        head, lease = await head_of(store)
        for name, verify in (("first", True), ("old", True), ("new", False)):
            assert (name, verify) == (head.id, head.verify)
            await store.lanes.resynced(lease)
            head = await store.lanes.done(lease, head.id, NOTHING)

        await store.lanes.add([op("later", old)])
        assert [("later", False, False)] == [await looks(store, (await head_of(store))[1])]


async def test_a_lease_ends_with_the_run_of_the_server_that_gave_it(machine, op):
    """Its holder may have written something else that is forgotten; what would follow from it must not be kept."""
    async with machine.store() as store:
        await store.lanes.add([op("poll", 1), op("next", 2)])
        _, lease = await head_of(store)
    await machine.kill()

    async with machine.store() as store:
        with pytest.raises(LeaseLost):
            await store.lanes.done(lease, "poll", NOTHING)
        assert 2 == await store.lanes.waiting(T)
