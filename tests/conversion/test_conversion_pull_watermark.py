"""Up to where a thread has its ticket's messages: what that costs, and what a look that breaks off leaves."""

from tests.conversion.test_conversion_pull import pulled
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
