"""What waits in a thread is for the ticket that the thread had, or was getting, when it was said, and for no other."""

import pytest

from adapters.errors import Unavailable
from adapters.model import TicketRef
from bot.conversion.ops import event_op
from bot.conversion.records import ThreadKey, decode
from bot.conversion.relinking import relink
from tests.conversion import test_conversion_parted as parted
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_parted import NOT_SENT, link_to, standing, told
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, reply

SECOND = ThreadKey(team="T1", channel="C1", ts="1700000900.000100")
TS = "1800000001.000100"
two = parted.two


@pytest.fixture
async def straight(house, two):
    """A reply that was handed over while the thread had its first ticket, and that nobody has tried yet."""
    event = {"type": "message", "channel": "C1", "user": "U1", "text": "for mine", "ts": TS, "event_ts": TS}
    op = event_op({"team_id": "T1", "event": event | {"thread_ts": THREAD.ts}})
    assert op
    assert str(THREAD) == op.lane
    await house.store.lanes.add([op])
    return two


async def done(house):
    await idle(house, str(THREAD))
    await idle(house, f"ui/{THREAD}")


async def test_it_goes_to_that_ticket(house, straight):
    await done(house)

    assert [(False, ["for mine"]), (False, [])] == await standing(house)


async def test_it_goes_to_no_other_one_that_was_linked_before_its_turn_and_who_wrote_it_is_told(house, straight):
    _, other = straight
    await house.intake.unlink(THREAD)
    await link_to(house, other)

    await done(house)

    assert [(False, []), (False, [])] == await standing(house)
    why = f"{NOT_SENT} it was for the ticket that this thread had then, not for ticket {other.number}."
    assert why in told(house)


async def test_it_goes_to_that_ticket_also_where_the_thread_was_unlinked_and_linked_with_it_again(house, straight):
    mine, _ = straight
    await house.intake.unlink(THREAD)
    await link_to(house, mine)

    await done(house)

    assert [(False, ["for mine"]), (False, [])] == await standing(house)


async def test_where_the_thread_has_no_ticket_any_more_who_wrote_it_is_told(house, straight):
    await house.intake.unlink(THREAD)

    await done(house)

    assert [(False, []), (False, [])] == await standing(house)
    assert [f"{NOT_SENT} its thread has no ticket any more."] == told(house)


async def test_it_goes_along_to_the_ticket_with_which_the_thread_goes_on(house, straight):
    """As after a merger or a move."""
    _, other = straight
    link = await house.store.links.get(THREAD)
    await relink(house.rooms, link, house.desk, TicketRef(id=other.id, number=other.number))

    await done(house)

    assert [(False, []), (False, ["for mine"])] == await standing(house)


@pytest.fixture
async def opening(house, two, monkeypatch):
    """Two replies that were written while the thread's ticket was being opened; the desk took neither."""
    wish = OPEN.model_copy(update={"thread_ts": SECOND.ts})
    house.threads.messages = [said(SECOND.ts, "It smells")]
    await house.intake.open_ticket("T1", wish, once="second")
    for number in (1, 2):
        await house.intake.mirror(SECOND, reply(number, f"private {number}"))
    failing(house, monkeypatch, "add_message", *[Unavailable("desk", "is away")] * 20)
    await house.until(lambda: house.voice.cards)

    async def tried():
        return decode(await house.store.lanes.peek(str(SECOND), SECOND.bringing(reply(1).ts))).progress.attempts

    await house.until(tried)
    return two


async def test_what_was_said_while_a_ticket_was_being_opened_goes_to_no_other_one_although_it_was_not_tried(
    house, opening
):
    _, other = opening
    await house.intake.unlink(SECOND)
    await link_to(house, other, SECOND)

    await idle(house, str(SECOND))
    await idle(house, f"ui/{SECOND}")

    assert [[], [], []] == [texts for _, texts in await standing(house)]
    assert 2 == sum(words.startswith(NOT_SENT) for words in told(house))
