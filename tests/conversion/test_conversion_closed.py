"""A reply in the thread of a closed ticket does what the desk's rule says, and loses nothing."""

import pytest

from adapters.contract import Reconcile
from adapters.errors import OutcomeUnknown
from bot.conversion.decisions import Decision, decided, is_closed
from bot.conversion.ops import pull_op
from bot.conversion.ports import StoreAway
from bot.conversion.records import Operation, Tell, encode
from bot.conversion.relinking import follow
from bot.conversion.text.plain import to_plain
from bot.store.personal import about_person, forget_person
from tests.conversion.test_conversion_edits import _edit
from tests.conversion.test_conversion_parted import two
from tests.conversion.test_conversion_pull import idle, pulled
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened, reply

__all__ = ["two"]


@pytest.fixture
async def ticket(house):
    """The thread's ticket, closed by an agent a moment ago; nobody has looked since."""
    made = await opened(house)
    await house.agents.set_closed(made.id, closed=True)
    return made


def rule(house, name):
    house.desk.settings = house.desk.settings.model_copy(update={"closed": name})


async def say(house, *numbers):
    for number in numbers:
        await house.intake.mirror(THREAD, reply(number, f"reply {number}"))


async def delivered(house, count):
    await house.until(lambda: [state for _, state in house.voice.receipts].count("delivered") == count)


async def seen(house):
    """Of each ticket: whether it is closed, and the first lines of its messages after the opening one."""
    return [(one.closed, [text(message) for message in one.messages[1:]]) for one in await house.tickets()]


def text(message):
    return message.text.splitlines()[0]


async def test_by_the_rule_reopen_the_ticket_is_opened_again_once(house, ticket):
    await say(house, 1, 2)
    await delivered(house, 2)

    assert [(False, ["reply 1", "reply 2"])] == await seen(house)


async def test_a_note_leaves_the_ticket_closed(house, ticket):
    await house.intake.mirror(THREAD, reply(1, "note: for the file"))
    await delivered(house, 1)

    assert [(True, ["note: for the file"])] == await seen(house)


async def test_a_follow_up_is_for_whom_the_closed_ticket_is_for(house):
    """Who opened it for a customer is not the customer, and may have been forgotten since."""
    for_grace = {"requester_email": "grace@example.com", "requester_name": "Grace Hopper"}
    made = await opened(house, OPEN.model_copy(update=for_grace))
    await house.agents.set_closed(made.id, closed=True)
    await forget_person(house.store, "U1", await about_person(house.store, "U1"))
    rule(house, "new")

    await say(house, 1)
    await delivered(house, 1)

    requesters = [(await house.desk.find_by_number(one.number)).requester for one in await house.tickets()]
    assert [("Grace Hopper", "grace@example.com")] * 2 == [(one.name, one.email) for one in requesters]


async def test_by_the_rule_new_a_follow_up_names_the_old_ticket_and_the_thread_goes_with_it(house, ticket):
    rule(house, "new")

    await say(house, 1, 2)
    await delivered(house, 2)
    await house.until(lambda: house.voice.posted)

    old, new = await house.tickets()
    assert (True, 1) == (old.closed, len(old.messages))
    assert ticket.number in new.messages[0].text
    assert ("Printer on fire", 1) == (new.subject, new.messages[0].text.count("reply 1"))
    assert ["reply 2"] == [text(message) for message in new.messages[1:]]
    link = await house.store.links.get(THREAD)
    assert (new.number, old.number, True) == (link.number, link.follows, link.mirror)
    (words,) = [to_plain(post.document) for post in house.voice.posted.values()]
    assert f"Ticket {old.number} is closed, so this thread goes on in ticket {new.number}." == words


async def asked(house):
    """The one operation that the thread waits with."""
    await house.until(lambda: house.voice.posted)
    (parked,) = [parked async for parked in house.store.lanes.parked()]
    return parked


@pytest.mark.parametrize(
    ("decision", "expected"),
    [
        (Decision.REOPEN, [(False, ["reply 1", "reply 2", "reply 3"])]),
        (Decision.NEW, [(True, []), (False, ["reply 2", "reply 3"])]),
    ],
)
async def test_by_the_rule_ask_all_waits_in_order_behind_one_question(house, ticket, decision, expected):
    rule(house, "ask")
    await say(house, 1, 2, 3)

    parked = await asked(house)
    assert (True, True) == (parked.held, is_closed(parked.payload))
    assert [(True, [])] == await seen(house)
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, decision))
    await delivered(house, 3)

    assert expected == await seen(house)
    questions = [post for post in house.voice.posted.values() if "waits for your answer" in to_plain(post.document)]
    assert 1 == len(questions)


async def test_what_is_edited_after_somebody_chose_goes_to_the_ticket_as_they_chose(house, ticket):
    rule(house, "ask")
    await say(house, 1)
    parked = await asked(house)

    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.REOPEN))
    await house.intake.edit(THREAD, _edit(reply(1).ts, "reply one", "reply 1", "1800000009.0"), change="1800000009.1")
    await delivered(house, 1)

    assert [(False, ["reply one"])] == await seen(house)


@pytest.mark.parametrize("edited", [False, True])
async def test_who_has_a_reply_tried_again_instead_of_choosing_is_asked_anew(house, ticket, edited):
    """As App Home offers it, which knows nothing of the choice."""
    rule(house, "ask")
    await say(house, 1)
    parked = await asked(house)

    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.AGAIN))
    if edited:
        edit = _edit(reply(1).ts, "reply one", "reply 1", "1800000009.0")
        await house.intake.edit(THREAD, edit, change="1800000009.1")
    await house.until(lambda: len(house.voice.posted) == 2)

    assert is_closed((await asked(house)).payload)
    assert [(True, [])] == await seen(house)


async def test_who_discards_one_reply_is_asked_about_the_next(house, ticket):
    rule(house, "ask")
    await say(house, 1, 2)
    parked = await asked(house)

    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.DISCARD))
    await house.until(lambda: len(house.voice.posted) == 2)

    (second,) = [parked async for parked in house.store.lanes.parked()]
    assert parked.id != second.id
    assert [(True, [])] == await seen(house)


async def test_what_takes_the_place_of_a_discarded_reply_is_said_and_the_next_is_asked_about(house, ticket):
    rule(house, "ask")
    await say(house, 1, 2)
    parked = await asked(house)

    told = encode(Operation(work=Tell(user="U1", text="You typed: reply 1")))
    await house.store.lanes.unpark(parked.lane, parked.id, told)
    await house.until(lambda: len(house.voice.posted) == 2)

    assert [("U1", "You typed: reply 1", "")] == house.voice.told
    assert [(True, [])] == await seen(house)


async def test_an_edit_of_what_is_on_the_old_ticket_is_told_on_the_new_one(house, ticket):
    rule(house, "new")
    await say(house, 1)
    await delivered(house, 1)
    link = await house.store.links.get(THREAD)

    before, after = await house.store.links.delivered(THREAD, THREAD.ts), reply(1).ts
    known = await house.store.links.delivered(THREAD, after)

    assert (False, True) == (before.is_on(link), known.is_on(link))


@pytest.mark.parametrize("looked_before", [False, True])
async def test_a_merger_that_a_reply_notices_first_is_told_once_and_the_card_goes_along(house, two, looked_before):
    mine, other = two
    await house.agents.merge(mine.id, other.id)
    if looked_before:  # and both notice it at once
        await house.store.lanes.add([pull_op(THREAD)])

    await say(house, 1)
    await delivered(house, 1)
    await pulled(house)
    await idle(house, f"ui/{THREAD}")

    words = [to_plain(post.document) for post in house.voice.posted.values()]
    assert [True] == [one.startswith(f"Ticket {mine.number} was merged into ticket {other.number}") for one in words]
    assert other.number == house.voice.updates[-1].link.number


async def test_a_process_that_dies_before_it_asks_for_the_merged_tickets_card_leaves_that_to_the_next_look(
    house, two, monkeypatch
):
    mine, other = two
    await house.agents.merge(mine.id, other.id)
    link, add = await house.store.links.get(THREAD), house.store.lanes.add
    target = await house.desk.find_by_number(other.number)

    async def dies(ops):
        if ops[0].id == "card":
            raise StoreAway
        return await add(ops)

    monkeypatch.setattr(house.store.lanes, "add", dies)
    with pytest.raises(StoreAway):
        await follow(house.rooms, link, house.desk, target)
    monkeypatch.undo()
    await pulled(house)
    await idle(house, f"ui/{THREAD}")

    assert other.number == house.voice.updates[-1].link.number


@pytest.mark.parametrize("looked_before", [False, True])
async def test_when_an_agent_opens_the_ticket_again_what_waits_goes_on_and_nobody_need_choose(
    house, ticket, looked_before
):
    rule(house, "ask")
    await say(house, 1, 2)
    await asked(house)
    if looked_before:
        await pulled(house)

    await house.agents.set_closed(ticket.id, closed=False)
    await pulled(house)
    await delivered(house, 2)

    assert [(False, ["reply 1", "reply 2"])] == await seen(house)
    assert [] == [one async for one in house.store.lanes.parked()]
    assert (
        f"Ticket {ticket.number} was opened again at desk. What waited in this thread goes on to it, and nobody "
        "need choose any more."
    ) == [to_plain(post.document) for post in house.voice.posted.values()][-1]


async def test_a_look_at_a_ticket_that_is_still_closed_leaves_the_choice_open(house, ticket):
    rule(house, "ask")
    await say(house, 1)
    parked = await asked(house)

    await pulled(house)

    assert parked == await house.store.lanes.held(str(THREAD))


async def test_a_look_at_an_open_ticket_leaves_the_question_whether_something_arrived(house, monkeypatch):
    await opened(house)
    rule(house, "ask")
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    failing(house, monkeypatch, "add_message", OutcomeUnknown("desk", "the time is over"))
    await say(house, 1)
    await house.until(lambda: house.voice.told)
    (waits,) = [parked async for parked in house.store.lanes.parked()]

    await pulled(house)

    assert waits == await house.store.lanes.held(str(THREAD))
