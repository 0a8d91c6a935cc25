"""What begins with note: or a lock goes to the agents alone, or not at all."""

import pytest

from adapters.contract import Capability, Limits
from adapters.model import Visibility
from bot.conversion.compose import of_thread
from bot.conversion.marks import is_note
from bot.conversion.records import AddMessage, OpenTicket, ThreadKey
from bot.conversion.text.plain import from_plain
from bot.conversion.text.tree import Document, Emoji, Paragraph, Quote, Run
from tests.conversion.slack_fakes import said

THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
OPEN = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts=THREAD.ts, subject="Printer on fire")


@pytest.mark.parametrize("text", ["note: it is the fuse", "  Note : x", "NOTE:", "🔒 it is the fuse", ":lock: x"])
def test_note_and_a_lock_at_the_start_are_marks(text):
    assert is_note(from_plain(text))


@pytest.mark.parametrize("text", ["", "notes: x", "noted", "a note: x", "see 🔒", "it's locked", "note"])
def test_the_same_words_elsewhere_are_none(text):
    assert not is_note(from_plain(text))


def test_a_lock_as_slack_sends_it_is_a_mark_and_a_quoted_one_is_none():
    lock = Paragraph((Emoji("lock", "\N{LOCK}"), Run(" it is the fuse")))

    assert is_note(Document((lock,)))
    assert is_note(Document((Paragraph((Emoji("lock"), Run(" custom"))),)))
    assert not is_note(Document((Quote((lock,)), Paragraph((Run("see above"),)))))


def reply(number, text):
    ts = f"1800000{number:03}.000100"
    return AddMessage(actor="U1", ts=ts, message={"ts": ts, "text": text})


async def opened(house):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)


async def test_a_marked_reply_is_a_note_on_a_public_ticket_and_the_next_is_public_again(house):
    await opened(house)
    await house.intake.mirror(THREAD, reply(1, "note: it is the fuse"))
    await house.intake.mirror(THREAD, reply(2, "On it"))

    await house.until(lambda: ("1800000002.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    assert [("note: it is the fuse", True), ("On it", False)] == [
        (message.text.splitlines()[0], message.internal) for message in ticket.messages[1:]
    ]


async def test_a_desk_without_notes_does_not_get_it_and_the_person_is_told(house, monkeypatch):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "capabilities", frozenset(Capability) - {Capability.NOTE})
    await house.intake.mirror(THREAD, reply(1, "note: it is the fuse"))

    await house.until(lambda: house.voice.told)

    (ticket,) = await house.tickets()
    assert 1 == len(ticket.messages)
    assert "it has no internal notes, so a message that begins with note: or a lock was not sent" in str(
        house.voice.told
    )


async def test_what_is_typed_behind_the_verb_reply_is_a_reply(house):
    await opened(house)
    work = AddMessage(actor="U1", text="note: the door is open", visibility=Visibility.PUBLIC)
    await house.intake.add_message(THREAD, work, once="t1")

    async def there():
        return len((await house.tickets())[0].messages) == 2

    await house.until(there)

    (ticket,) = await house.tickets()
    assert not ticket.messages[1].internal


async def test_an_import_keeps_marked_messages_internal_and_last(house):
    house.threads.messages = [
        said(THREAD.ts, "It burns"),
        said("1700000001.000100", "note: it is the fuse"),
        said("1700000002.000100", "On it"),
    ]

    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)

    (ticket,) = await house.tickets()
    first, note = ticket.messages
    assert [False, True] == [first.internal, note.internal]
    assert "It burns" in first.text
    assert "On it" in first.text
    assert "fuse" not in first.text
    assert "it is the fuse" in note.text


async def test_a_thread_of_notes_alone_begins_with_words_that_tell_nothing(house):
    house.threads.messages = [said(THREAD.ts, "note: it is the fuse")]

    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)

    (ticket,) = await house.tickets()
    assert [False, True] == [message.internal for message in ticket.messages]
    assert "All messages of this thread are marked as notes." in ticket.messages[0].text


def test_a_desk_without_notes_gets_the_rest_of_a_thread_and_the_card_says_what_is_missing():
    messages = [said(THREAD.ts, "It burns"), said("1700000001.000100", "note: it is the fuse")]

    found = of_thread(messages, limits=Limits(), capabilities=frozenset({Capability.REPLY}))

    assert [("A message by", "has no internal notes.")] == [(line[:12], line[-22:]) for line in found.left_out]
    assert "fuse" not in str(found.parts)
    assert "fuse" not in str(found.left_out)
