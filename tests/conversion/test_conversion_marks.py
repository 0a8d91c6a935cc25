"""What begins with note: or a lock goes to the agents alone, or not at all."""

import itertools

import pytest

from adapters.contract import Capability, Limits
from adapters.model import Visibility
from bot.conversion.compose import of_thread
from bot.conversion.marks import is_note
from bot.conversion.records import AddMessage, EditMessage, OpenTicket, ThreadKey
from bot.conversion.text.plain import from_plain
from bot.conversion.text.tree import Document, Emoji, Paragraph, Quote, Run
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_pull import idle

THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
OPEN = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts=THREAD.ts, subject="Printer on fire")


@pytest.mark.parametrize(
    "text",
    [
        *("note: it is the fuse", "  Note : x", "NOTE:", "🔒 it is the fuse", ":lock: x"),
        *("\u200bnote: x", "\ufeffnote: x", " \u2060note\u200b: x", "note\uff1ax"),
    ],
)
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


async def _edited(house, *texts):
    """The messages on a ticket after a reply was written as the first of *texts* and edited to each other."""
    await opened(house)
    work = reply(1, texts[0])
    await house.intake.mirror(THREAD, work)
    await idle(house, str(THREAD))
    for number, (before, now) in enumerate(itertools.pairwise(texts)):
        message, previous = ({"ts": work.ts, "text": text} for text in (now, before))
        change = f"1800000009.{number}"
        edit = EditMessage(actor="U1", ts=work.ts, message=message, previous=previous, edited=change)
        await house.intake.edit(THREAD, edit, change=change)
        await idle(house, str(THREAD))
    (ticket,) = await house.tickets()
    return ticket.messages[1:]


def _without(house, monkeypatch, *capabilities):
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - set(capabilities))


SECRET = "owes us 5000"


@pytest.mark.parametrize("texts", [("He", f"note: he {SECRET}"), ("He", f"note: he {SECRET}", f"note: {SECRET}", "We")])
@pytest.mark.parametrize("lacking", [(), (Capability.EDIT_MESSAGE,)])
async def test_what_is_marked_as_a_note_by_an_edit_is_an_internal_note_beside_the_public_message(
    house, monkeypatch, texts, lacking
):
    _without(house, monkeypatch, *lacking)

    messages = await _edited(house, *texts)

    assert "He" == messages[0].text
    assert len(texts) == len(messages)
    assert {True} == {message.internal for message in messages if SECRET in message.text}
    await house.until(lambda: "is still there for all to read" in str(house.voice.told))


@pytest.mark.parametrize("texts", [("He", f"note: he {SECRET}"), ("He", f"note: {SECRET}", "We")])
async def test_what_is_marked_by_an_edit_is_not_sent_to_a_desk_without_notes_and_its_author_is_told(
    house, monkeypatch, texts
):
    _without(house, monkeypatch, Capability.NOTE, Capability.EDIT_MESSAGE)

    messages = await _edited(house, *texts)
    await house.until(lambda: house.voice.told)

    assert SECRET not in str(messages)
    assert house.voice.told[0][1].startswith("Your edit of the message of 2027-01-15 08:00 UTC was not sent. it has no")
    assert "it has no internal notes, so a message that begins with note: or a lock was not sent" in str(
        house.voice.told
    )


async def test_a_note_whose_mark_is_taken_away_stays_one_and_its_author_is_told(house):
    (message,) = await _edited(house, "note: we call you at nine", "we call you at nine")
    await house.until(lambda: house.voice.told)

    assert (True, "we call you at nine") == (message.internal, message.text.splitlines()[0])
    assert "stays an internal note" in str(house.voice.told)


async def test_a_note_that_stays_one_is_edited_in_place(house):
    (message,) = await _edited(house, "note: it is the fuse", "note: it was the fuse")

    assert (True, "note: it was the fuse") == (message.internal, message.text.splitlines()[0])
    assert [] == house.voice.told


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
