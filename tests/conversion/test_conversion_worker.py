"""The worker with a real store and a real desk: each wish once, in order, or a person is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from adapters.contract import Reconcile
from adapters.errors import NotAuthorised, OutcomeUnknown, Rejected, Unavailable, UnsupportedFeature
from adapters.model import Act, Visibility
from bot.conversion import worker
from bot.conversion.decisions import Decision, decided
from bot.conversion.ports import Added, NoSuchDesk, SlackFile, SlackOutcomeUnknown, SlackRefused, StoreAway
from bot.conversion.records import AddMessage, ChangeTicket, LinkTicket, OpenTicket, ThreadKey
from bot.conversion.text.plain import to_plain
from tests.conversion.slack_fakes import BEN, said, with_files

THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
OPEN = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts=THREAD.ts, subject="Printer on fire")


def reply(number, text="more smoke", actor="U1"):
    ts = f"1800000{number:03}.000100"
    return AddMessage(actor=actor, ts=ts, message={"ts": ts, "text": text})


def failing(house, monkeypatch, method, *errors, after=False, desk=None):
    """Have the desk's *method* raise each of *errors* once, before it does its work or (after) behind it."""
    desk = desk or house.desk
    real = getattr(desk, method)
    left = list(errors)

    async def broken(*args, **more):
        if not left:
            return await real(*args, **more)
        error = left.pop(0)
        if after:
            await real(*args, **more)
        raise error

    monkeypatch.setattr(desk, method, broken)


async def opened(house, work=OPEN):
    house.threads.messages = house.threads.messages or [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", work, once="view")
    await house.until(lambda: house.voice.cards)
    (ticket,) = await house.tickets()
    return ticket


async def test_the_log_says_once_why_nothing_is_worked_on_and_once_that_it_goes_on(house, monkeypatch, caplog):
    left = [StoreAway("Redis has no memory left. Give it more.")] * 3
    claim = house.store.lanes.claim

    async def broken(limit):
        if left:
            raise left.pop()
        return await claim(limit)

    monkeypatch.setattr(house.store.lanes, "claim", broken)
    monkeypatch.setattr(worker, "POLL", timedelta(milliseconds=10))
    await house.until(lambda: "the store is back" in caplog.messages)

    assert ["the store is away, so nothing is worked on", "the store is back"] == caplog.messages
    assert "Redis has no memory left. Give it more." == caplog.records[0].why


async def test_a_store_that_answers_and_takes_nothing_is_not_back(house, monkeypatch, caplog):
    """A claim that finds nothing is no write, so a full store has an answer to it."""
    full, claim, left = StoreAway("Redis has no memory left."), house.store.lanes.claim, [3]

    async def refused(limit):
        monkeypatch.setattr(house.store.lanes, "claim", claim)
        raise full

    async def written():
        if left[0]:
            left[0] -= 1
            raise full

    monkeypatch.setattr(house.store.lanes, "claim", refused)
    monkeypatch.setattr(worker, "POLL", timedelta(milliseconds=10))
    await house.until(lambda: "the store is back" in caplog.messages, written=written)

    assert [0] == left
    assert ["the store is away, so nothing is worked on", "the store is back"] == caplog.messages


async def test_a_whole_thread_reaches_the_desk_with_its_files_and_is_linked(house):
    root = with_files(said(THREAD.ts, "It burns"), SlackFile(id="F1", name="F1.txt", size=5))
    house.threads.files["F1"] = b"smoke"
    house.threads.messages = [root, *(said(f"17000001{n:02}.000100", f"reply number {n}", BEN) for n in range(60))]

    ticket = await opened(house)

    text = "\n".join(message.text for message in ticket.messages)
    assert all(f"reply number {n}" in text for n in range(60))
    assert "Ben Bitdiddle" in text
    assert [("F1.txt", 5)] == [(file.name, file.size) for message in ticket.messages for file in message.files]
    assert (ticket.number, "desk") == await _link(house)


async def test_s18_a_thread_that_is_longer_than_one_ticket_may_be_is_refused_with_words(house):
    object.__setattr__(house.rooms, "thread_messages", 2)
    house.threads.messages = [said(THREAD.ts, "It burns"), *(said(f"170000010{n}.000100", str(n)) for n in range(2))]

    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.told)

    assert "It would be made of 3 messages, and 2 is the most." in house.voice.told[0][1]
    assert [] == await house.tickets()


async def _link(house):
    link = await house.store.links.get(THREAD)
    return link.number, link.desk


async def test_fifty_people_at_once_make_one_ticket_and_learn_whose_it_is(house):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    wishes = [OPEN.model_copy(update={"actor": f"U{n}"}) for n in range(50)]

    answers = await asyncio.gather(*(house.intake.open_ticket("T1", wish, once="v") for wish in wishes))
    await house.until(lambda: house.voice.cards)

    (first,) = [wish.actor for wish, answer in zip(wishes, answers, strict=True) if answer.new]
    assert {first} == {answer.actor for answer in answers if not answer.new}
    assert 1 == len(await house.tickets())


async def test_a_later_wish_for_the_same_thread_is_told_the_ticket(house):
    ticket = await opened(house)

    answer = await house.intake.open_ticket("T1", OPEN, once="later")

    assert not answer.new
    assert ticket.number == answer.link.number


async def test_the_same_reply_five_times_is_one_message(house):
    await opened(house)
    for _ in range(5):
        await house.intake.mirror(THREAD, reply(1))

    await house.until(lambda: house.voice.receipts)
    await house.intake.mirror(THREAD, reply(1))

    (ticket,) = await house.tickets()
    assert 2 == len(ticket.messages)
    assert [("1800000001.000100", "delivered")] == house.voice.receipts


async def test_replies_arrive_in_the_order_in_which_they_were_written(house):
    await opened(house)
    for number in (3, 1, 2, 5, 4):
        await house.intake.mirror(THREAD, reply(number, f"reply {number}"))

    await house.until(lambda: len(house.voice.receipts) == 5)

    (ticket,) = await house.tickets()
    assert [f"reply {n}" for n in range(1, 6)] == [message.text.splitlines()[0] for message in ticket.messages[1:]]


async def test_a_reply_that_the_import_had_already_is_not_sent_again(house):
    ts = "1800000001.000100"
    house.threads.messages = [said(THREAD.ts, "It burns"), said(ts, "more smoke")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.intake.mirror(THREAD, reply(1))
    await house.intake.mirror(THREAD, reply(2, "and flames"))

    await house.until(lambda: ("1800000002.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    texts = "\n".join(message.text for message in ticket.messages)
    assert (1, 1) == (texts.count("more smoke"), texts.count("and flames"))


async def test_what_only_asks_us_for_something_is_not_imported(house):
    wish = replace(said("1800000001.000100", "@Threadline note the customer is difficult"), wish=True)
    house.threads.messages = [said(THREAD.ts, "It burns"), wish]

    ticket = await opened(house)

    assert "difficult" not in "\n".join(message.text for message in ticket.messages)


async def test_what_a_wish_carries_is_imported_and_a_wish_that_was_chosen_is_too(house):
    root = replace(said(THREAD.ts, "@Threadline search fire"), wish=True)
    new = replace(said("1700000001.000100", "It burns"), wish=True, carries=True)
    note = replace(said("1700000002.000100", "a bad customer"), wish=True, carries=True, visibility=Visibility.INTERNAL)
    house.threads.messages = [root, new, note]

    ticket = await opened(house)

    first, last = ticket.messages
    assert (True, True, False) == ("search fire" in first.text, "It burns" in first.text, "bad customer" in first.text)
    assert (True, True) == ("bad customer" in last.text, last.internal)


async def test_a_reply_in_a_thread_without_a_ticket_is_nothing(house):
    assert Added.NOT_LINKED == await house.intake.mirror(THREAD, reply(1))


@pytest.mark.usefixtures("quick_settle")
async def test_a_lost_answer_is_looked_up_and_makes_no_second_ticket(house, monkeypatch):
    failing(house, monkeypatch, "open_ticket", OutcomeUnknown("desk", "it broke off"), after=True)

    await opened(house)

    assert 1 == len(await house.tickets())


@pytest.mark.usefixtures("quick_settle")
async def test_a_lost_request_is_looked_up_and_then_sent(house, monkeypatch):
    failing(house, monkeypatch, "open_ticket", OutcomeUnknown("desk", "it broke off"))

    await opened(house)

    assert 1 == len(await house.tickets())


@pytest.mark.usefixtures("quick_settle")
async def test_a_worker_that_dies_ten_times_between_the_answer_and_our_note_makes_one_ticket(house, monkeypatch):
    failing(house, monkeypatch, "open_ticket", *[asyncio.CancelledError()] * 3, after=True)
    failing(house, monkeypatch, "find_ticket", *[asyncio.CancelledError()] * 7)
    monkeypatch.setattr("bot.conversion.run.CRASHES", 99)

    await opened(house)

    assert 1 == len(await house.tickets())


async def test_while_the_desk_is_away_messages_wait_and_then_arrive_in_order(house, monkeypatch):
    await opened(house)
    failing(house, monkeypatch, "add_message", *[Unavailable("desk", "it does not answer.")] * 2)
    for number in (1, 2, 3):
        await house.intake.mirror(THREAD, reply(number, f"reply {number}"))

    await house.until(lambda: [state for _, state in house.voice.receipts].count("delivered") == 3)

    (ticket,) = await house.tickets()
    assert ["reply 1", "reply 2", "reply 3"] == [message.text.splitlines()[0] for message in ticket.messages[1:]]
    notes = [card.note for card in house.voice.updates if card.note]
    assert any("nothing is lost" in note for note in notes)


async def test_a_refused_ticket_is_shown_to_the_person_and_can_be_tried_again(house, monkeypatch):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    failing(house, monkeypatch, "open_ticket", Rejected("desk", "there is no such department."))
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.told)

    ((user, words, parked),) = house.voice.told
    assert ("U1", True) == (user, "there is no such department." in words)
    lane, op = parked.split("|")
    found = await house.store.lanes.find_parked(lane, op)
    await house.store.lanes.unpark(lane, op, decided(found.payload, Decision.AGAIN))
    await house.until(lambda: house.voice.cards)
    assert 1 == len(await house.tickets())


async def test_a_refused_ticket_is_replaced_by_a_corrected_one(house, monkeypatch):
    failing(house, monkeypatch, "open_ticket", Rejected("desk", "the subject is missing."))
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.told)

    answer = await house.intake.open_ticket("T1", OPEN.model_copy(update={"subject": "Better"}), once="v2")
    await house.until(lambda: house.voice.cards)

    assert answer.new
    assert ["Better"] == [ticket.subject for ticket in await house.tickets()]
    assert [] == [parked async for parked in house.store.lanes.parked()]


async def test_a_refused_reply_is_parked_and_the_next_ones_go_on(house, monkeypatch):
    await opened(house)
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))
    for number in (1, 2):
        await house.intake.mirror(THREAD, reply(number, f"reply {number}"))

    await house.until(lambda: len(house.voice.receipts) == 2)

    assert {("1800000001.000100", "failed"), ("1800000002.000100", "delivered")} == set(house.voice.receipts)
    assert ["U1"] == [user for user, _, _ in house.voice.told]


async def test_a_refused_post_of_an_app_that_is_nobodys_is_told_in_the_thread(house, monkeypatch):
    """Whoever opened the ticket hears of it, unless they were forgotten."""
    await opened(house)
    failing(house, monkeypatch, "add_message", Rejected("desk", "it is too long."))

    await house.intake.mirror(THREAD, reply(1, "an app's words").model_copy(update={"actor": ""}))
    await house.until(lambda: house.voice.posted)

    (words,) = [to_plain(post.document) for post in house.voice.posted.values()]
    assert "it is too long. Whoever runs Threadline decides what becomes of it (threadline parked)." in words
    assert [] == house.voice.told


@pytest.mark.usefixtures("quick_settle")
async def test_where_nobody_can_look_a_person_is_asked_once_and_the_thread_waits(house, monkeypatch):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    blind = UnsupportedFeature("desk", "it has no search.")
    failing(house, monkeypatch, "find_message", blind, blind)
    failing(house, monkeypatch, "add_message", OutcomeUnknown("desk", "it broke off"), after=True)
    for number in (1, 2):
        await house.intake.mirror(THREAD, reply(number, f"reply {number}"))
    await house.until(lambda: house.voice.told)
    assert [] == house.voice.receipts

    (parked,) = [parked async for parked in house.store.lanes.parked()]
    assert parked.held
    await house.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, Decision.THERE))
    await house.until(lambda: [state for _, state in house.voice.receipts].count("delivered") == 2)

    (ticket,) = await house.tickets()
    assert ["reply 1", "reply 2"] == [message.text.splitlines()[0] for message in ticket.messages[1:]]
    assert 1 == len(house.voice.told)


@pytest.mark.usefixtures("quick_settle")
async def test_where_a_message_shows_although_its_answer_was_lost_nobody_is_asked(house, monkeypatch):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "reconcile", Reconcile.NONE)
    failing(house, monkeypatch, "add_message", OutcomeUnknown("desk", "it broke off"), after=True)

    await house.intake.mirror(THREAD, reply(1, "reply 1"))
    await house.until(lambda: house.voice.receipts)

    (ticket,) = await house.tickets()
    assert ["reply 1"] == [message.text.splitlines()[0] for message in ticket.messages[1:]]
    assert [] == house.voice.told


async def test_missing_rights_keep_the_work_and_tell_the_person(house, monkeypatch):
    monkeypatch.setattr("bot.conversion.verdicts.SLOW", (timedelta(milliseconds=20), timedelta(milliseconds=20)))
    error = NotAuthorised("desk", "it refuses our credentials.", remedy="Ask your operator.")
    failing(house, monkeypatch, "open_ticket", *[error] * 3)

    await opened(house)

    assert any("it refuses our credentials." in words for _, words, _ in house.voice.told)
    assert 1 == len(await house.tickets())


async def test_a_form_without_a_thread_starts_one_with_its_card(house):
    await house.intake.open_ticket("T1", OPEN.model_copy(update={"thread_ts": "", "description": "Help"}), once="V1")
    await house.until(lambda: house.voice.updates)

    ((channel, thread_ts, _),) = house.voice.cards
    (ts,) = house.voice.cards.values()
    link = await house.store.links.get(ThreadKey(team="T1", channel="C1", ts=ts))
    assert ("C1", "", ts) == (channel, thread_ts, link.card_ts)


async def test_where_we_may_not_post_the_card_goes_to_direct_messages(house):
    house.voice.trouble = SlackRefused("not_in_channel", "invite us")
    await house.intake.open_ticket("T1", OPEN.model_copy(update={"thread_ts": "", "description": "Help"}), once="V1")

    await house.until(lambda: house.voice.cards)

    assert ["DU1"] == [channel for channel, _, _ in house.voice.cards]
    assert 1 == len(await house.tickets())


async def test_a_card_whose_answer_was_lost_is_found_and_not_posted_twice(house):
    house.threads.messages = [said(THREAD.ts, "It burns")]
    real = house.voice.post_card

    async def lost(*args):
        await real(*args)
        house.voice.post_card = real
        raise SlackOutcomeUnknown("timeout")

    house.voice.post_card = lost
    await house.intake.open_ticket("T1", OPEN, once="view")

    async def carded():
        link = await house.store.links.get(THREAD)
        return link and link.card_ts

    await house.until(carded)
    assert 1 == len(house.voice.cards)


async def test_closing_and_linking_by_number(house):
    ticket = await opened(house)
    await house.intake.change(THREAD, ChangeTicket(actor="U1", act=Act.CLOSE), once="t1")
    other = ThreadKey(team="T1", channel="C1", ts="1700009999.000100")
    wish = LinkTicket(actor="U2", desk="desk", number=ticket.number, channel="C1", thread_ts=other.ts)
    await house.intake.link_ticket(other, wish)

    await house.until(
        lambda: (
            len(house.voice.cards) == 2 and any(c.ticket and c.ticket.status == "closed" for c in house.voice.updates)
        )
    )

    assert (await house.agents.ticket(ticket.id)).closed
    assert ticket.id == (await house.store.links.get(other)).ticket_id


async def test_linking_to_a_number_that_is_not_there_says_so_and_can_be_corrected(house):
    wish = LinkTicket(actor="U2", desk="desk", number="nope", channel="C1", thread_ts=THREAD.ts)
    await house.intake.link_ticket(THREAD, wish)

    await house.until(lambda: house.voice.told)

    assert "has no ticket nope" in house.voice.told[0][1]
    assert (await house.intake.link_ticket(THREAD, wish)).new


async def test_a_file_that_slack_refuses_is_named_and_the_rest_goes(house):
    house.threads.messages = [with_files(said(THREAD.ts, "It burns"), SlackFile(id="F9", name="gone.txt", size=5))]

    ticket = await opened(house)
    await house.until(lambda: house.voice.updates or house.voice.cards)

    link = await house.store.links.get(THREAD)
    assert ("gone.txt: the file is gone from Slack.",) == link.left_out
    assert "gone.txt" in ticket.messages[0].text


async def test_work_for_a_desk_that_left_the_settings_waits_until_it_is_back(house, monkeypatch):
    await opened(house)
    known = house.rooms.desks.get
    missing = [NoSuchDesk("desk")] * 3

    def get(name):
        if missing:
            raise missing.pop()
        return known(name)

    monkeypatch.setattr("bot.conversion.verdicts.SLOW", (timedelta(milliseconds=20), timedelta(milliseconds=20)))
    monkeypatch.setattr(house.rooms.desks, "get", get)
    await house.intake.mirror(THREAD, reply(1))

    await house.until(lambda: ("1800000001.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    assert 2 == len(ticket.messages)
