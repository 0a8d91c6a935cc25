"""An edit takes the place of what was sent where a desk can do that, and the rest of the message stays as it was."""

from dataclasses import replace

import pytest

from adapters import registry
from adapters.model import Body, MessageDraft, Person, TicketDraft
from adapters.shared import InProcess
from bot.conversion.mapped import Mapped
from bot.conversion.ops import pull_op
from bot.conversion.records import DeleteMessage, EditMessage
from bot.conversion.stamps import marker_of
from bot.sandbox.desks.whmcs import WhmcsStandIn
from tests.conversion.conftest import House
from tests.conversion.slack_fakes import BEN, said
from tests.conversion.test_conversion_pull import idle
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply


@pytest.fixture
async def whmcs(store):
    """A house with a WHMCS, which tells the number of a message only when its ticket is read."""
    stand_in = WhmcsStandIn()
    async with stand_in.serve() as table:
        settings = registry.settings_for("desk", {**table, "department": "1"})
        async with registry.make("desk", settings, InProcess()) as desk:
            yield House(store, desk, stand_in)


def _set(house, **values):
    house.desk.settings = house.desk.settings.model_copy(update=values)


async def _edited(house, ts, now, before):
    """The messages on the ticket after an edit in Slack."""
    message, previous = ({"ts": ts, "text": text} for text in (now, before))
    edit = EditMessage(actor="U1", ts=ts, message=message, previous=previous, edited="1800000009.1")
    await house.intake.edit(THREAD, edit, change=edit.edited)
    await idle(house, str(THREAD))
    (ticket,) = await house.tickets()
    return ticket.messages


async def _sent_and_read(house, text):
    """Have a message on the ticket whose number is known, since the ticket was read."""
    await opened(house)
    work = reply(1, text)
    await house.intake.mirror(THREAD, work)
    await idle(house, str(THREAD))
    await _read(house, work.ts)
    return work.ts


async def _read(house, ts):
    """Have the ticket looked at, until it told the number of the message that was sent."""
    marker = marker_of(f"msg:{THREAD.team}:{THREAD.channel}:{ts}")
    await house.store.lanes.add([pull_op(THREAD)])
    await house.store.lanes.nudge(f"pull/{THREAD}")

    async def known():
        return (await house.store.links.delivered(THREAD, marker)).message_id

    await house.until(known)


async def test_an_edit_takes_the_place_of_a_message_whose_number_was_learnt_from_the_ticket(whmcs):
    ts = await _sent_and_read(whmcs, "more smoke")

    (_, message) = await _edited(whmcs, ts, "more fire", "more smoke")

    assert (False, "more fire") == (message.internal, message.text.splitlines()[0])


async def test_an_edit_to_what_was_perhaps_to_be_a_note_leaves_the_message_and_is_a_note(whmcs, monkeypatch):
    ts, understand = await _sent_and_read(whmcs, "more smoke"), whmcs.threads.understand

    async def perhaps(message, channel):
        read = await understand(message, channel)
        return replace(read, wish="note" in message["text"])

    monkeypatch.setattr(whmcs.threads, "understand", perhaps)
    text = "Hi @Threadline note: they owe us"

    (_, message, note) = await _edited(whmcs, ts, text, "more smoke")

    assert (False, "more smoke") == (message.internal, message.text.splitlines()[0])
    assert (True, True) == (note.internal, text in note.text)


async def test_a_message_whose_number_was_learnt_from_the_ticket_is_taken_off_it(whmcs):
    _set(whmcs, deletions="redact")
    ts = await _sent_and_read(whmcs, "my password is x")

    await whmcs.intake.delete(THREAD, DeleteMessage(actor="U1", ts=ts, previous={"ts": ts, "text": "my password is x"}))
    await idle(whmcs, str(THREAD))

    (ticket,) = await whmcs.tickets()
    assert ["It burns"] == [message.text.splitlines()[2] for message in ticket.messages]


async def test_an_edit_of_a_note_is_a_note_where_notes_cannot_be_changed(whmcs):
    ts = await _sent_and_read(whmcs, "note: it is the fuse")

    (_, note, edit) = await _edited(whmcs, ts, "note: it was the fuse", "note: it is the fuse")

    assert (True, True) == (note.internal, edit.internal)
    assert "note: it was the fuse" in edit.text
    assert [] == whmcs.voice.told


async def test_a_first_message_that_cannot_be_taken_off_is_named_instead(whmcs):
    _set(whmcs, deletions="redact")
    await opened(whmcs)

    gone = DeleteMessage(actor="U1", ts=THREAD.ts, previous={"ts": THREAD.ts, "text": "It burns"})
    await whmcs.intake.delete(THREAD, gone)
    await idle(whmcs, str(THREAD))

    (ticket,) = await whmcs.tickets()
    assert "Take it off this ticket by hand" in ticket.messages[1].text
    assert [] == whmcs.voice.told


@pytest.mark.parametrize(
    ("setting", "mapped"), [({"reply_as": "staff", "admin_username": "admin"}, None), ({}, "user:1:3")]
)
async def test_an_edit_in_place_keeps_the_line_that_says_who_wrote_it(whmcs, setting, mapped):
    _set(whmcs, **setting)
    if mapped:
        await whmcs.store.mappings.put(Mapped(desk="desk", user="U1", desk_id=mapped, name="Ada Lovelace"))
        whmcs.rooms = replace(whmcs.rooms, mappings=whmcs.store.mappings)
    ts = await _sent_and_read(whmcs, "more smoke")

    (_, message) = await _edited(whmcs, ts, "more fire", "more smoke")

    assert ["**Ada Lovelace** wrote:", "more fire"] == message.text.splitlines()[:3:2]


async def test_an_edit_of_a_tickets_first_message_keeps_whose_it_is_and_how_the_ticket_is_found(whmcs):
    _set(whmcs, default_client="1")
    whmcs.threads.messages = [said(THREAD.ts, "It burns", BEN)]
    ticket = await opened(whmcs, OPEN.model_copy(update={"requester": "U9"}))
    before = ticket.messages[0].text.splitlines()
    whmcs.threads.understand = _by_ben

    (message,) = await _edited(whmcs, THREAD.ts, "It smokes", "It burns")

    now = message.text.splitlines()
    assert ["**U9** wrote:", "", "**Ben Bitdiddle**, 2023-11-14 22:13 UTC", "", "It burns"] == before[:5]
    assert [*before[:4], "It smokes"] == now[:5]
    assert before[-1] == now[-1]
    marker = marker_of(f"create:{THREAD}")
    draft = TicketDraft(
        subject=OPEN.subject,
        requester=Person(name="U9"),
        first=MessageDraft(body=Body(plain=""), author=Person(name="U9"), marker=marker),
    )
    assert ticket.id == (await whmcs.desk.find_ticket(marker, draft)).ticket.id


async def _by_ben(message, _channel):
    return said(message["ts"], message["text"], BEN)


async def test_an_edit_of_a_message_that_shares_its_place_with_a_forms_description_leaves_that_there(house):
    await opened(house, OPEN.model_copy(update={"description": "Third floor"}))

    (first, note) = await _edited(house, THREAD.ts, "It smokes", "It burns")

    assert ("Third floor", True) == (first.text.splitlines()[0], "It smokes" in note.text)


@pytest.mark.parametrize(("times", "parts"), [(1_090, 2), (2_900, 4)])
async def test_the_edit_of_a_long_message_is_noted_in_as_many_parts_as_it_needs_and_without_its_old_text(
    whmcs, times, parts
):
    """With that it would be longer than a desk may take; it is still there, in the message itself."""
    text = "日本語の長い文章です。" * times
    await opened(whmcs)
    work = reply(1, text)
    await whmcs.intake.mirror(THREAD, work)
    await idle(whmcs, str(THREAD))
    await _read(whmcs, work.ts)
    (ticket,) = await whmcs.tickets()
    sent = [message.text for message in ticket.messages]

    messages = await _edited(whmcs, work.ts, f"{text}終", text)

    notes = [message.text for message in messages if message.internal]
    assert [] == whmcs.voice.told
    assert sent == [message.text for message in messages if not message.internal]
    assert (parts, times, 1) == (len(notes), *("".join(notes).count(what) for what in ("章", "終")))


async def test_an_edit_of_a_message_reads_nothing_of_the_others_in_its_thread(house, monkeypatch):
    """In a long thread those are many pages."""
    ts, asked = await _sent_and_read(house, "before"), []
    monkeypatch.setattr(type(house.store.links), "deliveries", lambda _self, thread: asked.append(thread))

    messages = await _edited(house, ts, "after", "before")

    assert "after" in messages[-1].text
    assert [] == asked
