"""A ticket whose looks rest, or wait for another thread, is looked at as soon as there may be something to bring."""

import time
from dataclasses import replace
from datetime import timedelta

from adapters.contract import MARKER_LINE, Capability
from adapters.errors import NotFound
from adapters.model import Status, TicketRef
from bot.conversion.ops import mirror_op, pull_op
from bot.conversion.records import AddMessage, Delivered, LinkTicket, ThreadKey
from tests.conversion.test_conversion_pull import _said, idle
from tests.conversion.test_conversion_worker import THREAD, failing, opened, reply


async def test_what_is_said_on_a_ticket_that_was_left_alone_has_it_looked_at_soon(house, monkeypatch):
    """The desk tells not what changed, and nothing happened for long; then somebody writes, and an agent answers."""
    ticket = await opened(house)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    house.desk.settings = house.desk.settings.model_copy(update={"poll": 0.05})
    await house.store.lanes.add([pull_op(THREAD, repeat=True, delay=timedelta(hours=5))])

    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.receipts)
    await house.agents.reply(ticket.id, "Try another one")

    await house.until(lambda: house.voice.posted, seconds=3)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_a_ticket_that_follows_a_closed_one_is_looked_at_soon(house, monkeypatch):
    ticket = await opened(house)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    house.desk.settings = house.desk.settings.model_copy(update={"poll": 0.05, "closed": "new"})
    await house.agents.set_closed(ticket.id, closed=True)
    await house.store.lanes.add([pull_op(THREAD, repeat=True, delay=timedelta(hours=22))])

    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.receipts)
    (_, follower) = await house.tickets()
    await house.agents.reply(follower.id, "Try another one")

    await house.until(lambda: "Alex Agent" in [author for author, _ in _said(house)], seconds=3)


async def test_a_thread_that_is_linked_with_another_ticket_has_that_looked_at_soon(house, monkeypatch):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    house.desk.settings = house.desk.settings.model_copy(update={"poll": 0.05})
    await house.store.lanes.add([pull_op(THREAD, repeat=True, delay=timedelta(hours=22))])
    link = await house.store.links.get(THREAD)
    await house.store.links.remove(link)
    work = LinkTicket(actor="U1", desk="desk", number=link.number, channel=THREAD.channel, thread_ts=THREAD.ts)
    await house.intake.link_ticket(THREAD, work)
    await idle(house, str(THREAD))
    await house.agents.reply(link.ticket_id, "Try another one")

    await house.until(lambda: house.voice.posted, seconds=3)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_a_ticket_that_was_away_once_is_looked_at_again_where_its_desk_tells_not_what_changed(house, monkeypatch):
    """As while the desk was restored from a copy; nothing else would find that it is there again."""
    monkeypatch.setattr("bot.conversion.pull.RARELY", 2)
    ticket = await opened(house)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    house.desk.settings = house.desk.settings.model_copy(update={"poll": 0.02})
    failing(house, monkeypatch, "get_ticket", NotFound("desk", "there is no such ticket."))
    await house.store.lanes.add([pull_op(THREAD, repeat=True)])
    await house.until(lambda: house.voice.posted)
    await house.agents.reply(ticket.id, "Try another one")

    await house.until(lambda: ("Alex Agent", "Try another one") in _said(house), seconds=5)


async def test_a_ticket_that_was_merged_into_one_that_is_gone_is_asked_for_no_more_than_one_that_is_gone(
    house, monkeypatch
):
    await opened(house)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    house.desk.settings = house.desk.settings.model_copy(update={"poll": 0.02})
    link = await house.store.links.get(THREAD)
    there, asked = await house.desk.get_ticket(link.ref), []
    merged = replace(there, status=Status.GONE, merged_into=TicketRef(id="99", number="99"))

    async def get_ticket(ref):
        asked.append(ref.id)
        if ref.id == "99":
            raise NotFound("desk", "there is no such ticket.")
        return merged

    monkeypatch.setattr(house.desk, "get_ticket", get_ticket)
    await house.store.lanes.add([pull_op(THREAD, repeat=True)])
    await house.until(lambda: house.voice.posted)
    begun = time.monotonic()
    await house.until(lambda: time.monotonic() > begun + 0.5)

    assert 2 >= asked.count("99")  # and once more for the card


async def test_an_answer_that_quotes_another_threads_message_waits_for_nothing_else_of_that_thread(house):
    ticket = await opened(house)
    other, marker = ThreadKey(team="T1", channel="C2", ts="1700000009.000100"), "TL-ABCDEFGHJKLM"
    link = await house.store.links.get(THREAD)
    await house.store.links.put(link.model_copy(update={"thread": other}))
    await house.store.links.learn(other, marker, Delivered(message_id="999"))
    waits = AddMessage(actor="U1", ts="1900000001.000100", message={"ts": "1900000001.000100", "text": "more smoke"})
    await house.store.lanes.add([mirror_op(other, waits)._replace(delay=timedelta(hours=1))])
    long_ago = link.created_at - timedelta(hours=2)
    await house.store.links.update(THREAD, lambda now: now.model_copy(update={"created_at": long_ago}))
    await house.agents.reply(ticket.id, f"Try another one\n\n{MARKER_LINE}{marker}")

    await house.store.lanes.add([pull_op(THREAD)])
    await house.until(lambda: house.voice.posted, seconds=5)

    assert [("Alex Agent", "Try another one")] == _said(house)
