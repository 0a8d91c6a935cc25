"""One message with which a desk always fails while it takes others: it stands aside, and a person hears of it."""

import itertools
from datetime import timedelta

import pytest

from adapters.errors import NotAuthorised, OutcomeUnknown, Unavailable
from bot.conversion.decisions import Decision, decided
from bot.conversion.records import AddMessage, ThreadKey, decode, encode
from tests.conversion.test_conversion_worker import THREAD, opened, reply

OTHER = ThreadKey(team="T1", channel="C2", ts="1900000000.000100")
AGAIN = OutcomeUnknown("desk", "it broke off.")


@pytest.fixture
async def desk(house, monkeypatch):
    """A desk that fails with what speaks of poison; ``fails`` has each such call, ``sick`` has it fail with all."""
    monkeypatch.setattr("bot.conversion.journal.ALONE", 3)
    monkeypatch.setattr("bot.conversion.verdicts.FAST", (timedelta(milliseconds=5), timedelta(milliseconds=10)))
    monkeypatch.setattr("bot.conversion.verdicts.SLOW", (timedelta(milliseconds=5), timedelta(milliseconds=10)))
    await opened(house)
    link = await house.store.links.get(THREAD)
    await house.store.links.put(link.model_copy(update={"thread": OTHER}))
    add_message = house.desk.add_message

    class Moody:
        fails, sick, error = 0, False, AGAIN

    async def moody(ticket, draft):
        if Moody.sick or "poison" in draft.body.plain:
            Moody.fails += 1
            raise Moody.error
        return await add_message(ticket, draft)

    async def waits(_desk):  # nobody waits for a desk that fails
        return timedelta()

    monkeypatch.setattr(house.desk, "add_message", moody)
    monkeypatch.setattr(house.store.breakers, "wait", waits)
    return Moody


async def texts(house):
    (ticket,) = await house.tickets()
    return [message.text.splitlines()[0] for message in ticket.messages[1:]]


def told(house):
    return [text for _user, text, _parked in house.voice.told]


async def another(house, number):
    await house.intake.mirror(OTHER, reply(number, f"other {number}"))


async def while_others_write(house, condition):
    """Work until *condition*, while the desk takes what others write."""
    numbers = itertools.count(101)

    async def holds():
        await another(house, next(numbers))
        return await condition()

    await house.until(holds)


@pytest.mark.parametrize("error", [AGAIN, Unavailable("desk", "it broke off before it read it.")])
async def test_it_stands_aside_and_what_follows_in_its_thread_goes_on(house, desk, error):
    desk.error = error
    await house.intake.mirror(THREAD, reply(1, "poison"))
    await house.intake.mirror(THREAD, reply(2, "behind it"))

    async def goes_on():
        return "behind it" in await texts(house)

    await while_others_write(house, goes_on)

    (parked,) = [one async for one in house.store.lanes.parked()]
    words = (
        f"The helpdesk failed {desk.fails} times with it, while it took what others sent. Write it otherwise, or ask "
        "whoever runs the helpdesk."
    )
    assert (THREAD.bringing(reply(1).ts), True) == (parked.id, "poison" not in await texts(house))
    assert [f"Your message was not sent. {words}"] == told(house)


async def test_who_has_it_tried_again_has_it_looked_for_and_tried_as_often_again(house, desk):
    await house.intake.mirror(THREAD, reply(1, "poison"))
    seen = []

    async def stands_aside():
        async for parked in house.store.lanes.parked():
            seen.append(desk.fails)
            await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))
        return len(seen) == 2

    await while_others_write(house, stands_aside)

    assert seen[1] >= seen[0] + 3


async def test_where_the_desk_fails_with_all_of_them_nothing_stands_aside_and_all_of_it_goes_in_the_end(house, desk):
    """Nobody is to press a button for each message of a day on which the helpdesk could not write."""
    desk.sick = True
    for number in (1, 2):
        await house.intake.mirror(THREAD, reply(number, f"here {number}"))
        await another(house, number)

    await house.until(lambda: desk.fails > 30)
    parked = [one async for one in house.store.lanes.parked()]
    desk.sick = False

    async def all_there():
        return len(await texts(house)) == 4

    await house.until(all_there)
    assert [] == parked
    assert ["here 1", "here 2"] == [text for text in await texts(house) if text.startswith("here")]


async def test_what_is_not_tried_because_the_desk_cannot_be_searched_is_sent_when_it_can(house, desk, monkeypatch):
    """The desk broke off once; that its search fails for an hour says nothing of the message."""
    find_message, searched = house.desk.find_message, 0

    async def no_search(_ticket, _marker):
        nonlocal searched
        searched += 1
        raise Unavailable("desk", "its search is away.")

    monkeypatch.setattr(house.desk, "find_message", no_search)
    await house.intake.mirror(THREAD, reply(1, "poison"))
    await house.until(lambda: desk.fails == 1)

    async def goes_on():
        return searched > 15

    await while_others_write(house, goes_on)
    monkeypatch.setattr(house.desk, "find_message", find_message)
    await house.until(lambda: desk.fails > 1)

    assert [] == told(house)


async def test_what_needs_nothing_of_the_desk_is_no_sign_that_it_takes_others(house, desk):
    """On a day on which it takes nothing, others delete what they wrote before it was sent."""
    desk.sick = True
    await house.intake.mirror(THREAD, reply(1, "here"))
    number = 100

    async def goes_on():
        nonlocal number
        number += 1
        await house.intake.mirror(OTHER, AddMessage(actor="U1", ts=f"19000001{number}.000100"))  # without its text
        return desk.fails > 15

    await house.until(goes_on)
    desk.sick = False
    await house.until(lambda: _there(house))

    assert [] == told(house)


async def _there(house):
    return "here" in await texts(house)


async def test_what_the_operator_must_mend_is_waited_for(house, desk):
    desk.error = NotAuthorised("desk", "it does not let us write on tickets of this department.")
    await house.intake.mirror(THREAD, reply(1, "poison"))

    async def goes_on():
        return desk.fails > 8

    await while_others_write(house, goes_on)

    assert [] == [one async for one in house.store.lanes.parked()]


async def test_an_older_release_that_has_it_tried_again_leaves_the_count_and_it_is_tried_all_the_same(house, desk):
    """Beside a newer one: it keeps what it does not know as it is."""
    desk.error = Unavailable("desk", "it broke off before it read it.")
    await house.intake.mirror(THREAD, reply(1, "poison"))
    again = []

    async def stands_aside():
        async for parked in house.store.lanes.parked():
            before, after = decode(parked.payload), decode(decided(parked.payload, Decision.AGAIN) or "")
            after.progress.alone = before.progress.alone
            again.append(desk.fails)
            await house.store.lanes.unpark(parked.lane, parked.id, encode(after))
        return len(again) == 2

    await while_others_write(house, stands_aside)

    assert again[1] >= again[0] + 3
