"""What on a ticket is ours, and what only looks like it: an answer that ends with a quotation is somebody's answer."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.contract import with_marker
from adapters.model import Body, Message, Person, Role, TicketRef, Visibility
from bot.conversion.ops import pull_op
from bot.conversion.reconcile import compare
from bot.conversion.records import Link
from bot.conversion.stamps import marker_of
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_pull import _said, idle, pulled
from tests.conversion.test_conversion_worker import THREAD, opened, reply


async def test_an_agents_quotation_of_our_marker_is_still_an_answer(house, monkeypatch):
    ticket = await opened(house)
    await pulled(house)
    ours = (await house.desk.messages(TicketRef(id=ticket.id, number=ticket.number)))[0].marker
    await house.agents.reply(ticket.id, f"See below\nThreadline ref: {ours}")

    await pulled(house)

    assert 1 == len(_said(house))


async def _linked_an_hour_ago(house):
    hour = timedelta(hours=1)
    await house.store.links.update(THREAD, lambda now: now.model_copy(update={"created_at": now.created_at - hour}))


@pytest.mark.parametrize("last", ["see the mail of Monday", "TL-AAAABBBBCCCC"])
async def test_an_agents_answer_that_ends_with_a_line_like_ours_is_still_an_answer(house, last):
    """Somebody quoted it from another ticket, or wrote it."""
    ticket = await opened(house)
    await pulled(house)
    await _linked_an_hour_ago(house)
    await house.agents.reply(ticket.id, f"We fixed it.\n\nsome text\n\nThreadline ref: {last}")

    await pulled(house)

    assert 1 == len(_said(house))


async def test_what_was_sent_stays_where_it_is_also_where_the_desk_put_words_below_our_marker(house, monkeypatch):
    ticket = await opened(house)
    real = house.desk.add_message

    async def below(ref, draft):
        plain = f"{draft.body.plain}\n\nThreadline ref: {draft.marker}\n\nYour helpdesk"
        return await real(ref, replace(draft, body=Body(plain=plain), marker=""))

    monkeypatch.setattr(house.desk, "add_message", below)
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.receipts)

    await pulled(house)

    assert ([], 2) == (_said(house), len((await house.agents.ticket(ticket.id)).messages))


async def test_what_is_on_the_ticket_and_not_yet_written_down_is_waited_for(house, monkeypatch):
    """The desk calls everybody an agent, and is looked at while its answer is on the way."""
    await opened(house)
    await pulled(house)
    await _linked_an_hour_ago(house)
    real, looked = house.desk.add_message, asyncio.Event()

    async def slow(ref, draft):
        made = await real(ref, replace(draft, author=replace(draft.author, role=Role.AGENT)))
        await house.store.lanes.add([pull_op(THREAD)])
        await looked.wait()
        return made

    read = house.desk.messages

    async def noted(*args, **kwargs):
        found = await read(*args, **kwargs)
        asyncio.get_running_loop().call_later(0.3, looked.set)
        return found

    monkeypatch.setattr(house.desk, "add_message", slow)
    monkeypatch.setattr(house.desk, "messages", noted)
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.receipts)
    await house.store.lanes.nudge(f"pull/{THREAD}")
    await idle(house, f"pull/{THREAD}")

    assert [] == _said(house)


async def test_while_a_thread_is_asked_about_its_closed_ticket_what_agents_write_comes_all_the_same(house):
    """What waits for the choice was not sent, so an answer that ends with a line like ours is none of it."""
    ticket = await opened(house)
    await pulled(house)
    await _linked_an_hour_ago(house)
    await house.agents.set_closed(ticket.id, closed=True)
    house.desk.settings = house.desk.settings.model_copy(update={"closed": "ask"})
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.posted)
    await house.agents.set_closed(ticket.id, closed=False)
    await house.agents.reply(ticket.id, "We fixed it.\n\nsome text\n\nThreadline ref: TL-AAAABBBBCCCC")

    await pulled(house)

    async def sent():
        return "more smoke" in (await house.agents.ticket(ticket.id)).messages[-1].text

    await house.until(sent)
    assert ["We fixed it.\n\nsome text"] == [text for author, text in _said(house) if author]


def test_a_message_is_compared_with_itself_and_not_with_an_answer_that_quotes_it():
    (ts, text), now = ("1800000001.000100", "my words"), datetime(2026, 11, 22, 12, tzinfo=UTC)
    body = with_marker(Body(plain=text), marker_of(f"msg:T1:C1:{ts}"))
    quoted = Body(plain=f"Done.\n\n-----Original message-----\n{body.plain}")
    there = [
        Message(id=id_, body=one, author=Person(name="x"), visibility=Visibility.PUBLIC, at=now)
        for id_, one in (("1", body), ("2", quoted))
    ]
    link = Link(thread=THREAD, desk="desk", ticket_id="1", number="1", created_at=now)

    found = compare(link, said=[said(ts, text)], known={}, posted=(), there=there).found
    assert {ts: "1"} == {ts: at.message_id for ts, at in found.items()}


async def test_a_look_at_many_answers_reads_once_what_the_thread_has_sent(house, monkeypatch):
    """Of a long thread that are many pages, and a look after a night brings many answers."""
    ticket = await opened(house)
    await pulled(house)
    for number in range(12):
        await house.agents.reply(ticket.id, f"answer {number}")
    real, asked = type(house.store.links).deliveries, []

    async def deliveries(self, thread):
        asked.append(thread)
        return await real(self, thread)

    monkeypatch.setattr(type(house.store.links), "deliveries", deliveries)
    await pulled(house)

    assert (12, 1) == (len(_said(house)), len(asked))
