"""Up to where a thread has its ticket's messages: what that costs, and what a look that breaks off leaves."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.conversion.ops import mirror_op, pull_op
from tests.conversion.test_conversion_ours import _linked_an_hour_ago
from tests.conversion.test_conversion_pull import _said, idle, pulled
from tests.conversion.test_conversion_worker import THREAD, opened, reply


async def mirrored(house, *numbers):
    """Have replies of the thread brought to its ticket."""
    there = len(house.voice.receipts)
    for number in numbers:
        await house.intake.mirror(THREAD, reply(number))
    await house.until(lambda: there + len(numbers) == len(house.voice.receipts))


def watermarks(house, monkeypatch):
    """Each watermark that is written down."""
    written, update = [], house.store.links.update

    async def noted(thread, change):
        link = await update(thread, change)
        written.append(link.seen)
        return link

    monkeypatch.setattr(house.store.links, "update", noted)
    return written


async def newest(house, ticket):
    return (await house.desk.messages(ticket))[-1].id


async def test_messages_of_ours_are_passed_over_together(house, monkeypatch):
    await opened(house)
    await pulled(house)
    ticket = (await house.store.links.get(THREAD)).ref
    written = watermarks(house, monkeypatch)

    await mirrored(house, 1, 2, 3)
    await pulled(house)
    ours = await newest(house, ticket)
    await mirrored(house, 4, 5)
    await house.agents.reply(ticket.id, "Try another one")
    answer = await newest(house, ticket)
    await mirrored(house, 6)
    await pulled(house)

    assert [ours, answer, await newest(house, ticket)] == list(dict.fromkeys(written))
    assert 1 == house.voice.times_posted


async def test_a_look_that_breaks_off_behind_messages_of_ours_brings_what_follows_once(house, monkeypatch):
    await opened(house)
    await pulled(house)
    ticket = (await house.store.links.get(THREAD)).ref
    await mirrored(house, 1, 2)
    await house.agents.reply(ticket.id, "Try another one")
    house.voice.lose_next_post = True

    await pulled(house)

    assert 1 == len(house.voice.posted)
    assert await newest(house, ticket) == (await house.store.links.get(THREAD)).seen


async def test_what_was_passed_over_in_doubt_is_not_brought_by_the_look_after_one_that_has_to_wait(house, monkeypatch):
    """Nothing but the doubt says of the first that it is ours; the second may be what waits in the thread's lane."""
    ticket = await opened(house)
    await pulled(house)
    await _linked_an_hour_ago(house)
    house.desk.settings = house.desk.settings.model_copy(update={"poll": 1})
    for last in "BC":
        await house.agents.reply(ticket.id, f"{last}\n\nThreadline ref: TL-AAAAAAAAAAA{last}")
    real, doubt = house.desk.messages, time.time() - 300

    async def dated(ref, *, after=""):
        before, now = datetime.fromtimestamp(doubt - 1, UTC), datetime.now(UTC)
        found = await real(ref, after=after)
        return tuple(replace(one, at=before if one.body.plain.startswith("B") else now) for one in found)

    monkeypatch.setattr(house.desk, "messages", dated)
    waits = mirror_op(THREAD, reply(1))._replace(delay=timedelta(seconds=1))
    await house.store.lanes.add([waits, pull_op(THREAD, doubt=doubt)])
    await idle(house, f"pull/{THREAD}")

    assert [("Alex Agent", "C")] == _said(house)


async def test_what_a_look_writes_down_does_not_grow_with_the_answers_that_it_has_brought(house, monkeypatch):
    ticket = await opened(house)
    await pulled(house)
    for number in range(40):
        await house.agents.reply(ticket.id, f"answer {number}")
    real, sizes = type(house.store.lanes).save, []

    async def save(self, lease, op, payload):
        sizes.append(len(payload))
        return await real(self, lease, op, payload)

    monkeypatch.setattr(type(house.store.lanes), "save", save)
    await pulled(house)

    assert 40 == len(_said(house)) == len(sizes)
    assert sizes[-1] < sizes[0] + 10
