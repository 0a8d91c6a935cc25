"""A comparison of thread and ticket takes nothing for missing that was on the ticket before its thread went with it."""

import pytest

from bot.conversion.ports import FoundCard
from bot.conversion.reconcile import compared, link_again, mend
from bot.conversion.records import LinkTicket
from bot.conversion.text.plain import to_plain
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_parted import two
from tests.conversion.test_conversion_pull import idle, pulled
from tests.conversion.test_conversion_unsent import just_now
from tests.conversion.test_conversion_worker import THREAD, opened

__all__ = ["two"]

HERS = "For Grace only: your password is reset"


async def linked(house):
    return await house.store.links.get(THREAD)


async def differences(house):
    found = await compared(house.rooms, await linked(house))
    assert found
    return found


async def merged(house, mine, other):
    """The thread's ticket goes into one on which an agent has just answered somebody else."""
    await house.agents.reply(other.id, HERS)
    await house.agents.merge(mine.id, other.id)


async def mended(house):
    """What `reconcile --repair` has brought to the thread."""
    before = len(house.voice.posted)
    await mend(house.rooms, await linked(house), await differences(house))
    await idle(house, f"pull/{THREAD}")
    return [to_plain(post.document) for post in list(house.voice.posted.values())[before:]]


async def follow(house, mine, other):
    await merged(house, mine, other)
    await pulled(house)


async def link_by_hand(house, mine, other):
    await house.agents.reply(other.id, HERS)
    await house.intake.unlink(THREAD)
    wish = LinkTicket(actor="U1", desk="desk", number=other.number, channel="C1", thread_ts=THREAD.ts)
    await house.intake.link_ticket(THREAD, wish)
    await idle(house, str(THREAD))


@pytest.mark.parametrize("join", [follow, link_by_hand])
async def test_a_ticket_that_the_thread_joined_later_lacks_only_what_came_to_it_since(house, two, join):
    """What was there before is another requester's; its time tells nothing, for that may be the same minute."""
    mine, other = two
    await join(house, mine, other)

    before = await differences(house)
    await house.agents.reply(other.id, "For all of you")
    after = await differences(house)

    assert ((), 1) == (before.unseen, len(after.unseen))
    assert ["For all of you"] == await mended(house)


async def test_what_an_older_release_did_not_write_down_of_a_merger_is_not_brought(house, two):
    await follow(house, *two)
    await house.store.links.update(THREAD, lambda link: link.model_copy(update={"behind": {}}))

    assert () == (await differences(house)).unseen


async def followed_up(house):
    """A reply on each of two tickets, of which the second follows the first."""
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "new"})
    made, one, other = await opened(house), just_now("one"), just_now("two")
    await house.intake.mirror(THREAD, one)
    await idle(house, str(THREAD))
    await house.agents.set_closed(made.id, closed=True)
    await house.intake.mirror(THREAD, other)
    await idle(house, str(THREAD))
    house.threads.messages = [said(THREAD.ts, "It burns"), said(one.ts, "one"), said(other.ts, "two")]


async def test_what_is_on_the_ticket_before_a_follow_up_has_not_vanished(house):
    await followed_up(house)

    assert (await differences(house)).equal


async def test_what_the_desk_lost_of_a_follow_up_has_vanished(house):
    await followed_up(house)
    last = house.threads.messages[-1].ts
    sent = await house.store.links.delivered(THREAD, last)
    await house.store.links.learn(THREAD, last, sent.model_copy(update={"message_id": "999"}))

    assert (last,) == (await differences(house)).vanished


async def test_a_link_that_is_made_again_from_a_card_of_a_merged_ticket_brings_nothing_of_before(house, two):
    """The card says when it was posted, not since when its thread goes with this ticket."""
    mine, other = two
    await follow(house, mine, other)
    link = await linked(house)
    posted = len(house.voice.posted)
    await house.store.links.remove(link)
    house.threads.messages.append(said("1700000600.000100", "on the ticket before it"))
    card = FoundCard(thread=THREAD, ts=THREAD.ts, desk="desk", ticket_id=other.id, number=other.number, follows=True)

    told = await link_again(house.rooms, card, None)
    await idle(house, str(THREAD))
    await pulled(house)

    assert (None, posted) == (told, len(house.voice.posted))
    assert HERS == (await house.agents.ticket(other.id)).messages[-1].text
