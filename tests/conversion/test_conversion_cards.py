"""The card follows what changes at the desk, in place and not more often than a person can read."""

import pytest

from adapters.model import Act, Change
from bot.conversion import display
from bot.conversion.ops import card_op, say_op
from bot.conversion.records import Say
from bot.conversion.verdicts import FAULTS
from bot.store.personal import about_person, forget_person
from tests.conversion.test_conversion_pull import _said, pulled
from tests.conversion.test_conversion_worker import THREAD, opened


@pytest.mark.parametrize(
    ("act", "value", "seen"),
    [(Act.SUBJECT, "Fire", "subject"), (Act.PRIORITY, "High", "priority"), (Act.ASSIGN, "Alex Agent", "owner")],
)
async def test_a_new_subject_priority_or_owner_at_the_desk_is_on_the_card(house, act, value, seen):
    await opened(house)
    link = await house.store.links.get(THREAD)
    await house.desk.change(link.ref, Change(act=act, value=value))

    await pulled(house)
    await house.until(lambda: house.voice.updates and value == getattr(house.voice.updates[-1].ticket, seen))

    assert 1 == len(house.voice.cards)


async def test_the_first_card_knows_how_the_ticket_stands_for_the_lists_of_tickets_too(house):
    """Else they would show the desk's own word for it, in the desk's language, until the ticket changes."""
    await opened(house)

    assert ("open", "Open") == ((link := await house.store.links.get(THREAD)).state, link.status)


async def test_a_state_that_the_card_sees_first_is_still_said_in_the_thread(house):
    ticket = await opened(house)
    await house.desk.change((await house.store.links.get(THREAD)).ref, Change(act=Act.CLOSE))
    await house.store.lanes.add([card_op(THREAD)])
    await house.until(lambda: house.voice.updates)
    await pulled(house)

    assert [f"Ticket {ticket.number} was closed at desk."] == [text for _, text in _said(house)]


async def test_what_somebody_called_a_ticket_does_not_come_back_after_they_were_forgotten(house):
    await opened(house)
    held = await about_person(house.store, "U1")
    await forget_person(house.store, "U1", held)

    await house.store.lanes.add([card_op(THREAD)])
    await house.until(lambda: house.voice.updates)
    await pulled(house)
    await pulled(house)

    link = await house.store.links.get(THREAD)
    assert ("", "", 1) == (link.subject, link.opened_by, len(house.voice.updates))


async def test_a_card_changes_also_while_there_is_news_all_the_time(house, monkeypatch):
    """Each wish takes the place of the one that waits for its turn, and must not begin to wait anew."""
    monkeypatch.setattr(display, "BETWEEN_CARDS", 0.3)
    await opened(house)

    async def news():
        await house.store.lanes.add([card_op(THREAD)])
        return len(house.voice.updates) > 2

    await house.until(news)


async def test_many_changes_within_a_moment_are_one_change_of_the_card(house, monkeypatch):
    monkeypatch.setattr(display, "BETWEEN_CARDS", 3600.0)
    await opened(house)
    link = await house.store.links.get(THREAD)
    for number in range(5):
        await house.desk.change(link.ref, Change(act=Act.SUBJECT, value=f"subject {number}"))
        await pulled(house)

    assert (0, 1) == (len(house.voice.updates), await house.store.lanes.waiting(f"ui/{THREAD}"))


async def test_a_card_that_cannot_be_drawn_is_let_go_and_what_stands_behind_it_is_shown(house, monkeypatch):
    """By a fault of our own: it is tried a few times, as all work is."""
    monkeypatch.setattr(display, "BETWEEN_CARDS", 0.2)
    await opened(house)
    tries = 0

    async def broken(_card):
        nonlocal tries
        tries += 1
        raise KeyError("owner")

    monkeypatch.setattr(house.voice, "update_card", broken)
    await house.store.lanes.add([card_op(THREAD), say_op(Say(thread=THREAD, text="behind it"), once="behind")])

    await house.until(lambda: _said(house), seconds=5)

    assert FAULTS == tries
