"""An edit or a deletion in Slack reaches the ticket once, the last counts, and the old text stays readable."""

import time
from dataclasses import replace

import pytest

from adapters.contract import Capability
from adapters.errors import Rejected
from adapters.model import Body, MessageDraft, Person, TicketRef, Visibility
from adapters.whmcs_family.letters import spelled
from bot.conversion.ops import edit_op, mirror_op, perhaps_done
from bot.conversion.records import DeleteMessage, EditMessage
from bot.conversion.stamps import marker_of
from bot.conversion.sweep import put_back
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_pull import idle, pulled
from tests.conversion.test_conversion_worker import THREAD, failing, opened, reply


async def test_two_edits_within_one_second_both_reach_the_ticket(house):
    work = await _one_is_sent(house)

    await house.intake.edit(THREAD, _edit(work.ts, "two", "one", "1800000009.0"), change="1800000009.1")
    await house.intake.edit(THREAD, _edit(work.ts, "three", "two", "1800000009.0"), change="1800000009.2")

    async def told():
        (ticket,) = await house.tickets()
        return "three" in ticket.messages[-1].text

    await house.until(told)


async def _one_is_sent(house):
    """Have a ticket, and a message "one" brought to it."""
    await opened(house)
    work = reply(1, "one")
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.receipts)
    return work


async def _sent_and_forgotten(house, ticket, work, text="one"):
    """Have a message on the ticket of which the store knows nothing."""
    sent = MessageDraft(
        body=Body(plain=text),
        author=Person(name="Ada Lovelace"),
        marker=marker_of(f"msg:T1:C1:{work.ts}"),
        visibility=Visibility.PUBLIC,
    )
    await house.desk.add_message(TicketRef(id=ticket.id, number=ticket.number), sent)


async def _found_and_edited(house, *, sent, now="two"):
    """The replies on a ticket after the edit of a message that was found there, and that says *sent* there."""
    ticket = await opened(house)
    work = reply(1, "one")
    await _sent_and_forgotten(house, ticket, work, text=sent)
    edit = _edit(work.ts, now, "one", "1800000009.1")
    with perhaps_done(time.time()):
        await house.intake.mirror(THREAD, work.model_copy(update={"message": edit.message, "edited": edit.edited}))
    await idle(house, str(THREAD))
    await house.intake.edit(THREAD, edit, change=edit.edited)
    await idle(house, str(THREAD))
    (ticket,) = await house.tickets()
    return ticket.messages[1:]


async def test_an_edit_reaches_a_ticket_whose_message_was_sent_before_the_store_forgot_it(house):
    """Slack hands both over again; the message waits to be looked for, and keeps its place and its text."""
    ticket = await opened(house)
    work = reply(1, "one")
    await _sent_and_forgotten(house, ticket, work)
    with perhaps_done(time.time()):
        await house.intake.mirror(THREAD, work)
        await house.intake.edit(THREAD, _edit(work.ts, "two", "one", "1800000009.0"), change="1800000009.1")

    async def told():
        (ticket,) = await house.tickets()
        return "two" in ticket.messages[-1].text

    await house.until(told)

    (ticket,) = await house.tickets()
    assert ["It burns", "> one"] == [message.text.splitlines()[-1] for message in ticket.messages]


async def test_an_edit_reaches_a_message_that_was_found_with_its_old_text(house):
    """The edit took the message's place in the lane, of which the store had forgotten that it was sent."""
    messages = await _found_and_edited(house, sent="one")

    assert ["two\n\nBefore it was edited:\n\n> one"] == [message.text for message in messages]


@pytest.mark.parametrize(
    ("sent", "now", "notes"), [("two", "two", 0), ("one", "two", 1), ("at 12:30:45", "at 12:40:45", 1)]
)
async def test_an_edit_of_a_message_that_was_found_is_noted_only_where_its_text_is_the_old_one(
    house, monkeypatch, sent, now, notes
):
    """As at a desk whose messages cannot be changed."""
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.EDIT_MESSAGE})
    messages = await _found_and_edited(house, sent=sent, now=now)

    assert notes == sum("edited their message" in message.text for message in messages)


async def test_an_edit_of_a_message_that_was_found_is_not_noted_where_the_desk_only_spelled_it_out(house, monkeypatch):
    """As one whose database keeps no letters of four bytes."""
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.EDIT_MESSAGE})
    now = "two \N{PARTY POPPER} \N{MATHEMATICAL BOLD CAPITAL A} \U00020000 too"
    messages = await _found_and_edited(house, sent=spelled(now), now=now)

    assert [spelled(now)] == [message.text for message in messages]


async def test_an_edit_that_is_handed_over_after_a_later_one_does_not_undo_it(house):
    """The later one was there already: the message was read again when it was sent."""
    await opened(house)
    work = reply(1, "three")
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.receipts)

    for now, before, change in (("three", "two", "1800000009.2"), ("two", "one", "1800000009.1")):
        await house.intake.edit(THREAD, _edit(work.ts, now, before, "1800000009.0"), change=change)
        await idle(house, str(THREAD))

    (ticket,) = await house.tickets()
    assert ["It burns", "three"] == [message.text.splitlines()[-1] for message in ticket.messages]


async def test_a_deletion_reaches_a_ticket_whose_message_was_sent_before_the_store_forgot_it(house):
    """The message waits to be looked for, and is gone from Slack when it is its turn."""
    ticket = await opened(house)
    work = reply(1, "one").model_copy(update={"ts": "1750000001.000100"})
    await _sent_and_forgotten(house, ticket, work)
    with perhaps_done(time.time()):
        await house.intake.mirror(THREAD, work.model_copy(update={"message": None}))
    await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=work.ts, previous={"ts": work.ts, "text": "one"}))
    await idle(house, str(THREAD))

    (ticket,) = await house.tickets()
    assert (3, True) == (len(ticket.messages), "deleted their message" in ticket.messages[-1].text)


async def test_a_deletion_is_told_of_a_message_that_the_store_forgot_and_slack_has_no_more(house):
    """Nothing puts such a message back into its lane, since nobody can read it any more."""
    ticket = await opened(house)
    work = reply(1, "one")
    await _sent_and_forgotten(house, ticket, work)
    await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=work.ts, previous={"ts": work.ts, "text": "one"}))
    await idle(house, str(THREAD))

    (ticket,) = await house.tickets()
    assert (3, True) == (len(ticket.messages), "deleted their message" in ticket.messages[-1].text)


async def test_an_edit_that_is_handed_over_after_the_deletion_brings_nothing_back(house):
    """The message was gone before it could be sent, so its ticket never had it."""
    await opened(house)
    ts = "1750000001.000100"
    await house.intake.delete(THREAD, DeleteMessage(actor="U1", ts=ts, previous={"ts": ts, "text": "my password is x"}))
    await idle(house, str(THREAD))
    edit = _edit(ts, "my password is y", "my password is x", "1750000002.0")
    await house.intake.edit(THREAD, edit, change="1750000002.1")
    await idle(house, str(THREAD))

    (ticket,) = await house.tickets()
    assert ["It burns"] == [message.text.splitlines()[-1] for message in ticket.messages]


async def test_an_edit_that_slack_never_delivered_is_found_by_a_sweep_and_told_once(house):
    work = await _one_is_sent(house)
    now = replace(said(work.ts, "two"), edited="1900000000.000000")
    house.threads.messages = [*house.threads.messages, now]

    for _ in range(2):
        await house.intake.sweep()
        await idle(house, f"sweep/{THREAD}", str(THREAD))

    (ticket,) = await house.tickets()
    assert ["one", "two"] == [message.text.splitlines()[-1] for message in ticket.messages[1:]]


async def test_an_edit_that_the_store_forgot_having_told_is_not_told_again_by_a_sweep(house, monkeypatch):
    """Slack's event names its moment more exactly than what a sweep reads."""
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.EDIT_MESSAGE})
    work = await _one_is_sent(house)
    before = await house.store.links.delivered(THREAD, work.ts)
    edit = _edit(work.ts, "two", "one", "1900000000.4711")
    edit.message["edited"] = {"user": "U1", "ts": "1900000000.000000"}
    await house.intake.edit(THREAD, edit, change="1900000000.4711")
    await idle(house, str(THREAD))
    now = replace(said(work.ts, "two"), edited="1900000000.000000")
    house.threads.messages = [*house.threads.messages, now]

    await house.store.links.learn(THREAD, work.ts, before)  # as in the copy that it was set back to
    await house.intake.sweep()
    await idle(house, f"sweep/{THREAD}", str(THREAD))

    (ticket,) = await house.tickets()
    assert 2 == len(ticket.messages[1:])


async def test_an_edit_in_place_that_the_store_forgot_is_not_told_again_by_a_sweep(house):
    """No note of it is there to be found: the message itself says it."""
    work = await _one_is_sent(house)
    before = await house.store.links.delivered(THREAD, work.ts)
    edit = _edit(work.ts, "two", "one", "1900000000.4711")
    await house.intake.edit(THREAD, edit, change="1900000000.4711")
    await idle(house, str(THREAD))
    house.threads.messages = [*house.threads.messages, replace(said(work.ts, "two"), edited="1900000000.000000")]

    await house.store.links.learn(THREAD, work.ts, before)  # as in the copy that it was set back to
    await house.intake.sweep()
    await idle(house, f"sweep/{THREAD}", str(THREAD))

    (ticket,) = await house.tickets()
    assert ["two\n\nBefore it was edited:\n\n> one"] == [message.text for message in ticket.messages[1:]]


async def test_an_edit_found_by_a_sweep_is_left_to_the_later_one_that_came_meanwhile(house, monkeypatch):
    """The sweep's waits for its look while Slack hands over both edits; each is told, in order, once."""
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.EDIT_MESSAGE})
    work = await _one_is_sent(house)
    house.threads.messages = [*house.threads.messages, replace(said(work.ts, "three"), edited="1900000002.000000")]

    swept = EditMessage(actor="U1", ts=work.ts, edited="1900000000.000000")
    await house.rooms.lanes.add([edit_op(THREAD, swept)])
    await idle(house, str(THREAD))
    for text, before, second in (("two", "one", 0), ("three", "two", 2)):
        edit = _edit(work.ts, text, before, f"190000000{second}.4711")
        edit.message["edited"] = {"user": "U1", "ts": f"190000000{second}.000000"}
        await house.intake.edit(THREAD, edit, change=edit.edited)
        await idle(house, str(THREAD))

    (ticket,) = await house.tickets()
    told = [[line for line in message.text.splitlines()[1:] if line] for message in ticket.messages[2:]]
    assert [[now, "Before it was edited:", f"> {before}"] for now, before in (("two", "one"), ("three", "two"))] == told


def _edit(ts, text, before, edited):
    now, was = {"ts": ts, "text": text}, {"ts": ts, "text": before}
    return EditMessage(actor="U1", ts=ts, message=now, previous=was, edited=edited)


async def test_an_edit_reaches_the_ticket_and_the_old_text_stays_readable(house):
    await opened(house)
    work = reply(1, "more smoke")
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.receipts)

    await house.intake.edit(THREAD, _edit(work.ts, "more fire", "more smoke", "1800000009.0"), change="1800000009.1")

    async def told():
        (ticket,) = await house.tickets()
        return "more fire" in ticket.messages[-1].text

    await house.until(told)
    (ticket,) = await house.tickets()
    assert "more smoke" in ticket.messages[-1].text
    assert 2 == len(ticket.messages)


async def test_an_edit_before_delivery_takes_the_place_of_what_was_written(house):
    await opened(house)
    work = reply(1, "more smoke")
    await house.intake.mirror(THREAD, work)
    await house.intake.edit(THREAD, _edit(work.ts, "more fire", "more smoke", "1800000009.0"), change="1800000009.1")

    await house.until(lambda: house.voice.receipts)

    (ticket,) = await house.tickets()
    assert ["more fire"] == [message.text for message in ticket.messages[1:]]


async def test_an_edit_puts_a_refused_message_right_and_sends_it_once(house, monkeypatch):
    await opened(house)
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    work = reply(1, "much too long")
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.told)

    await house.intake.edit(THREAD, _edit(work.ts, "short", "much too long", "1800000009.0"), change="1800000009.1")
    await house.until(lambda: (work.ts, "delivered") in house.voice.receipts)
    await pulled(house)

    (ticket,) = await house.tickets()
    assert ["short"] == [message.text for message in ticket.messages[1:]]
    assert [] == [parked async for parked in house.store.lanes.parked()]


async def test_an_edit_of_an_imported_message_is_an_internal_note(house):
    await opened(house)
    root = THREAD.ts
    house.threads.messages *= 2  # as if two messages had been imported together
    link = await house.store.links.get(THREAD)
    known = await house.store.links.delivered(THREAD, root)
    await house.store.links.learn(THREAD, root, known.model_copy(update={"alone": False}))

    await house.intake.edit(THREAD, _edit(root, "It burns a lot", "It burns", "1800000009.0"), change="1800000009.1")

    async def told():
        (ticket,) = await house.tickets()
        return len(ticket.messages) == 2

    await house.until(told)
    (ticket,) = await house.tickets()
    assert (True, True) == (ticket.messages[1].internal, "It burns a lot" in ticket.messages[1].text)
    assert link.number == ticket.number


async def test_a_deletion_is_noted_on_the_ticket(house):
    await opened(house)
    work = reply(1, "my password is x")
    await house.intake.mirror(THREAD, work)
    await house.until(lambda: house.voice.receipts)

    gone = DeleteMessage(actor="U1", ts=work.ts, previous={"ts": work.ts, "text": "my password is x"})
    await house.intake.delete(THREAD, gone)

    async def told():
        (ticket,) = await house.tickets()
        return len(ticket.messages) == 3

    await house.until(told)
    (ticket,) = await house.tickets()
    assert ticket.messages[2].internal
    assert "deleted their message" in ticket.messages[2].text


async def test_what_an_edit_makes_a_wish_is_asked_for_anew_once_for_each_edit(house, monkeypatch):
    """Slack tells of no mention in an edit; who may not reply is told so again, and nothing goes by the edit itself."""
    ticket = await opened(house)
    refused = _wished(monkeypatch, house, ts=f"{time.time() + 60:.6f}")

    for change in ("1800000009.1", "1800000009.1", "1800000012.1"):
        await house.intake.edit(THREAD, _edit(refused.ts, "psst!", "psst", change), change=change)
        await idle(house, str(THREAD), f"in/{THREAD}")

    event = {**refused.sends, "type": "app_mention", "channel": "C1"}
    assert [event] * 2 == [body["event"] for body in house.events.bodies]
    assert ticket.messages == (await house.agents.ticket(ticket.id)).messages


async def test_no_sweep_asks_again_for_what_an_edit_made_a_wish(house, monkeypatch):
    """It was a plain message before, whose event was none of a mention; a refusal of the edit is one for good."""
    await opened(house)
    wish = _wished(monkeypatch, house, ts=f"{time.time() + 60:.6f}")
    house.threads.messages = [*house.threads.messages, wish]
    await house.intake.edit(THREAD, _edit(wish.ts, "psst!", "psst", "1800000009.1"), change="1800000009.1")
    await idle(house, str(THREAD), f"in/{THREAD}")

    await put_back(house.rooms, await house.store.links.get(THREAD))
    await idle(house, str(THREAD), f"in/{THREAD}")

    assert 1 == len(house.events.bodies)


async def test_a_wish_in_doubt_stays_in_doubt_by_its_edit(house, monkeypatch):
    """What the server forgot may be on the ticket, and is looked for before it is sent."""
    await opened(house)
    refused = _wished(monkeypatch, house, ts=f"{time.time() + 60:.6f}")
    doubts = []

    async def dispatch(_body, _link):
        doubts.append(mirror_op(THREAD, reply(1)).begun)

    monkeypatch.setattr(house.events, "dispatch", dispatch)
    with perhaps_done(time.time()):
        await house.intake.edit(THREAD, _edit(refused.ts, "psst!", "psst", "1800000009.1"), change="1800000009.1")
    await idle(house, str(THREAD), f"in/{THREAD}")

    assert [True] == doubts


async def test_who_edits_a_wish_that_is_older_than_the_link_is_told_that_it_is_not_sent(house, monkeypatch):
    """It may have been for another ticket, whose thread this was."""
    ticket = await opened(house)
    older = _wished(monkeypatch, house, ts="1600000000.000100")

    await house.intake.edit(THREAD, _edit(older.ts, "psst!", "psst", "1800000009.1"), change="1800000009.1")
    await house.until(lambda: house.voice.told)

    words = f"Your message was written before this thread went with ticket {ticket.number}, so its edit does not"
    assert [words] == [text[: len(words)] for _user, text, _parked in house.voice.told]
    assert [] == house.events.bodies
    assert ticket.messages == (await house.agents.ticket(ticket.id)).messages


def _wished(monkeypatch, house, *, ts):
    """Have the message of *ts* read as one that a verb behind our name sends."""
    raw = {"ts": ts, "thread_ts": THREAD.ts, "user": "U1", "text": "<@UBOT> reply psst!"}
    message = replace(said(ts, "psst!"), wish=True, carries=True, visibility=Visibility.PUBLIC, sends=raw)
    _reads_as(house, monkeypatch, message)
    return message


def _reads_as(house, monkeypatch, message):
    async def understand(_message, _channel):
        return message

    monkeypatch.setattr(house.threads, "understand", understand)
