"""Receipts in words: one post in the thread says how far its messages got."""

from datetime import UTC, datetime

from adapters.errors import Rejected
from bot.conversion.records import AddMessage, Link, OpenTicket, ThreadKey
from bot.slack.views.receipts import receipts
from bot.words import speaking
from tests.conversion.slack_fakes import said

THREAD = ThreadKey(team="T1", channel="C1", ts="1700000000.000100")
OPEN = OpenTicket(desk="desk", actor="U1", channel="C1", thread_ts=THREAD.ts, subject="Printer on fire")


def reply(number):
    ts = f"1800000{number:03}.000100"
    return AddMessage(actor="U1", ts=ts, message={"ts": ts, "text": f"reply {number}"})


async def test_many_messages_have_one_post_that_is_changed_and_what_failed_stays_in_it(house, monkeypatch):
    house.voice.receipts_are_words = True
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)
    add, refused = type(house.desk).add_message, [1]

    async def moody(desk, ticket, draft):
        if "reply 2" in draft.body.plain and refused:
            refused.pop()
            raise Rejected("desk", "no.")
        return await add(desk, ticket, draft)

    monkeypatch.setattr(type(house.desk), "add_message", moody)

    for number in (1, 2, 3):
        await house.intake.mirror(THREAD, reply(number))

    expected = {"1800000002.000100": "failed", "1800000003.000100": "delivered"}

    async def said_so():
        link = await house.store.links.get(THREAD)
        return link.receipts == expected and house.voice.rewritten.get(link.receipts_ts) == expected

    await house.until(said_so)

    assert 1 == len(house.voice.posted)
    assert 1 == len(house.voice.rewritten)
    assert [] == house.voice.receipts


async def test_a_lost_answer_does_not_make_a_second_post(house):
    house.voice.receipts_are_words = True
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)
    house.voice.lose_next_post = True

    await house.intake.mirror(THREAD, reply(1))

    async def known():
        return (await house.store.links.get(THREAD)).receipts_ts

    await house.until(known)
    assert 1 == len(house.voice.posted)


def linked(**states):
    return Link(
        thread=THREAD,
        desk="desk",
        ticket_id="1",
        number="7",
        receipts={f"{1_700_000_000 + int(at[1:]) * 60}.000100": state for at, state in states.items()},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_the_post_says_each_state_in_words_and_its_text_the_same():
    blocks, text = receipts(linked(m1="failed", m2="waiting", m3="delivered"))

    assert (
        "On ticket 7: all messages up to 22:16 UTC, except:\n"
        "22:14 UTC: this message was not delivered; who wrote it was told why, and can act.\n"
        "22:15 UTC: this message waits for the helpdesk, and will be sent."
    ) == text
    assert 3 == len(blocks)


def test_when_all_is_there_it_is_one_sentence_in_the_language_of_the_thread():
    assert "On ticket 7: all messages up to 22:14 UTC." == receipts(linked(m1="delivered"))[1]
    with speaking("it-IT"):
        assert "Sul ticket 7: tutti i messaggi fino alle 22:14 UTC." == receipts(linked(m1="delivered"))[1]


async def test_where_receipts_are_silent_nothing_is_stored_for_them(house, monkeypatch):
    house.voice.receipts_are_silent = True
    house.threads.messages = [said(THREAD.ts, "It burns")]
    await house.intake.open_ticket("T1", OPEN, once="view")
    await house.until(lambda: house.voice.cards)
    add, added = type(house.store.lanes).add, list[str]()

    async def noted(lanes, ops):
        added.extend(op.id for op in ops)
        return await add(lanes, ops)

    monkeypatch.setattr(type(house.store.lanes), "add", noted)

    await house.intake.mirror(THREAD, reply(1))
    await house.intake.mirror(THREAD, reply(2))

    async def arrived():
        return await house.store.links.delivered(THREAD, "1800000002.000100") is not None

    await house.until(arrived)
    assert ["msg:T1:C1:1800000001.000100", "msg:T1:C1:1800000002.000100"] == added
