"""The store is lost with all it knew: links are made again, and thread and ticket go on as if nothing had happened."""

import pytest

from bot.commands.reconcile import rebuilt, reconciled
from bot.conversion.sweep import put_back
from bot.wiring import assembled, opened_store
from tests.journeys.day import Plan, a_day

CASES = 2


async def lose_the_store(day):
    async with opened_store(day._settings) as store:
        await store.connection.do("FLUSHALL")


async def busy(day, times=2):
    for case in day.cases:
        for _ in range(times):
            await day.say(case)
            await day.answer(case)


@pytest.mark.parametrize("kind", ["local", "whmcs", "superoffice_soap", "superoffice_rest"])
async def test_links_are_made_again_from_cards_and_markers_and_nothing_is_lost_or_twice(kind, tmp_path):
    async with a_day(Plan(kind=kind, threads=CASES), tmp_path) as day:
        await day.start()
        for number in range(CASES):
            await day._open(day.channels[number % len(day.channels)])
        await day._settled()
        await busy(day)
        assert [] == (await day._settled()).wrong
        await day.stop()
        await lose_the_store(day)
        await busy(day, times=1)

        async with assembled(day._settings) as threadline:
            tried = await rebuilt(threadline, days=1, dry_run=True)
            lines = await rebuilt(threadline, days=1, dry_run=False)
            again = await rebuilt(threadline, days=1, dry_run=False)
        await day.start()
        await busy(day, times=1)
        held = await day._settled()
        await day.stop()

        assert ["would be linked again"] * CASES == [line.outcome for line in tried]
        assert ["linked again"] * CASES == [line.outcome for line in lines]
        assert [1] * CASES == [line.unsent for line in lines]
        assert ["is linked"] * CASES == [line.outcome for line in again]
        assert [] == held.wrong


async def test_a_desk_that_does_not_show_its_tickets_is_linked_again_and_gets_nothing_twice(tmp_path):
    async with a_day(Plan(kind="keliweb", threads=1), tmp_path) as day:
        await day.start()
        await day._open(day.channels[0])
        await day._settled()
        await day.say(day.cases[0])
        await day._settled()
        await day.stop()
        await lose_the_store(day)

        async with assembled(day._settings) as threadline:
            (line,) = await rebuilt(threadline, days=1, dry_run=False)
        await day.start()
        held = await day._settled()
        await day.stop()

        assert "linked again; what was written before cannot be compared and is not sent again" == line.outcome
        assert [] == held.wrong


async def test_reconcile_tells_what_either_lacks_and_has_it_brought(tmp_path):
    async with a_day(Plan(threads=1), tmp_path) as day:
        await day.start()
        await day._open(day.channels[0])
        await day._settled()
        await busy(day)
        await day._settled()
        await day.stop()
        async with assembled(day._settings) as threadline:
            (before,) = await reconciled(threadline, repair=False)
            await busy(day, times=1)
            (differs,) = await reconciled(threadline, repair=False)
            (repaired,) = await reconciled(threadline, repair=True)
        await day.start()
        held = await day._settled()
        await day.stop()
        async with assembled(day._settings) as threadline:
            (after,) = await reconciled(threadline, repair=False)

        assert ("equal", True) == (before.outcome, before.equal)
        assert ("differs", 1) == (differs.outcome, differs.unsent)
        assert "differs; a running Threadline now brings what is missing" == repaired.outcome
        assert [] == held.wrong
        assert ("equal", True) == (after.outcome, after.equal)


async def parked(threadline, link):
    """What the thread says and its ticket lacks is set aside for a person; lane and operation."""
    lanes, lane = threadline.rooms.lanes, str(link.thread)
    await put_back(threadline.rooms, link)
    (lease,) = [lease for lease in await lanes.claim(50) if lease.lane == lane]
    head = await lanes.head(lease)
    await lanes.park(lease, head.id, head.payload)
    return lane, head.id


async def test_what_waits_for_a_person_is_counted_for_itself_and_what_was_dropped_is_not_lacking(tmp_path):
    async with a_day(Plan(threads=1), tmp_path) as day:
        await day.start()
        await day._open(day.channels[0])
        await day._settled()
        await day.stop()
        await day.say(day.cases[0])
        async with assembled(day._settings) as threadline:
            (link,) = [link async for link in threadline.rooms.links.all()]
            lane, op = await parked(threadline, link)
            (waits,) = await reconciled(threadline, repair=True)
            await threadline.rooms.lanes.unpark(lane, op, None)
            (dropped,) = await reconciled(threadline, repair=False)

        assert ("equal but for 1 in `threadline parked list`", 0, 1) == (waits.outcome, waits.unsent, waits.parked)
        assert ("equal", 0, 0) == (dropped.outcome, dropped.unsent, dropped.parked)
