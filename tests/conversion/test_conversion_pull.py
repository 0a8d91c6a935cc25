"""From the ticket to the thread: each agent's word once, in order, nothing internal, nothing of ours."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from adapters.contract import Capability
from adapters.errors import NotFound, Rejected, Unavailable
from adapters.model import Body, Message, Person, Status, Ticket, TicketRef, Visibility
from bot.conversion.ops import perhaps_done, poll_op, pull_op
from bot.conversion.ports import FromDesk
from bot.conversion.pull import RARELY, document_of, message_identity, pause, post_marker
from bot.conversion.reconcile import compared, mend
from bot.conversion.text.plain import from_plain, to_plain
from bot.store.keys import breaker, shard_of
from tests.conversion.slack_fakes import BEN, said
from tests.conversion.test_conversion_worker import OPEN, THREAD, failing, opened, reply

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLL = timedelta(seconds=10)


def _said(house):
    return [(post.author, to_plain(post.document)) for post in house.voice.posted.values()]


async def pulled(house):
    """Have the ticket looked at, and wait until that is over."""
    await house.store.lanes.add([pull_op(THREAD)])
    await idle(house, f"pull/{THREAD}")


async def test_an_agents_reply_reaches_the_thread_once_with_name_and_file(house):
    ticket = await opened(house)
    await house.agents.reply(ticket.id, "Try another one", files=(("guide.pdf", b"%PDF"),))

    await pulled(house)
    await pulled(house)

    assert [("Alex Agent", "Try another one")] == _said(house)
    assert [("guide.pdf", b"%PDF")] == house.voice.uploads


@pytest.mark.parametrize("html", ["<p>&nbsp;</p>", "<img width=1 height=1>", "<style>p {}</style>"])
def test_where_the_html_of_an_answer_shows_nothing_its_text_is_brought(html):
    body = Body(plain="Try another one", html=html)
    message = Message(id="1", author=Person(name="Alex"), body=body, at=NOW, visibility=Visibility.PUBLIC)

    assert "Try another one" == to_plain(document_of(message))


async def test_what_is_internal_and_what_is_ours_stays_where_it_is(house):
    ticket = await opened(house)
    await house.intake.mirror(THREAD, reply(1))
    await house.until(lambda: house.voice.receipts)
    await house.agents.reply(ticket.id, "he is wrong again", internal=True)

    await pulled(house)

    assert [] == _said(house)


async def test_several_replies_keep_the_desks_order_across_restarts(house):
    ticket = await opened(house)
    for number in range(3):
        await house.agents.reply(ticket.id, f"answer {number}")
    await pulled(house)
    for number in range(3, 5):
        await house.agents.reply(ticket.id, f"answer {number}")
    await pulled(house)

    assert [f"answer {number}" for number in range(5)] == [text for _, text in _said(house)]


async def test_a_post_that_was_on_its_way_when_the_store_was_set_back_is_not_made_again(house):
    """Another process made it; its call may take as long as any, and this one knows nothing of it."""
    ticket = await opened(house)
    await house.agents.reply(ticket.id, "Try another one")
    (_, answer) = await house.desk.messages(TicketRef(id=ticket.id, number=ticket.number))
    link = await house.store.links.get(THREAD)
    marker = post_marker(link, message_identity(link, answer.id), 0)
    house.voice.longest = timedelta(seconds=0.6)

    async def late():
        await asyncio.sleep(0.3)
        return await house.voice.post(THREAD, FromDesk(document=from_plain("Try another one")), marker)

    on_its_way = asyncio.create_task(late())
    await house.store.lanes.add([pull_op(THREAD, doubt=time.time())])
    await idle(house, f"pull/{THREAD}")
    await on_its_way

    assert 1 == house.voice.times_posted


async def test_a_post_whose_answer_was_lost_is_found_and_not_repeated(house):
    ticket = await opened(house)
    await house.agents.reply(ticket.id, "Try another one")
    house.voice.lose_next_post = True

    await pulled(house)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_closing_at_the_desk_is_said_in_the_thread_and_shown_on_the_card(house):
    ticket = await opened(house)
    await pulled(house)
    await house.agents.set_closed(ticket.id, closed=True)
    await pulled(house)
    await house.agents.set_closed(ticket.id, closed=False)
    await pulled(house)

    texts = [text for _, text in _said(house)]
    assert [f"Ticket {ticket.number} was closed at desk.", f"Ticket {ticket.number} was opened again at desk."] == texts


async def test_a_desk_that_tells_what_changed_is_asked_for_all_its_tickets(house):
    ticket = await opened(house)
    await house.store.lanes.add([poll_op("T1", "desk")])
    await house.until(lambda: _resting(house))
    await house.agents.reply(ticket.id, "Try another one")
    await house.store.lanes.nudge("pull/T1:desk:0")

    await house.until(lambda: house.voice.posted)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_a_process_that_starts_does_not_forget_up_to_where_a_desk_was_asked(house):
    ticket = await opened(house)
    await house.store.lanes.add([poll_op("T1", "desk")])
    await house.until(lambda: _resting(house))
    await house.agents.reply(ticket.id, "Try another one")
    await house.store.lanes.add([poll_op("T1", "desk")])
    await house.store.lanes.nudge("pull/T1:desk:0")

    await house.until(lambda: house.voice.posted)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_an_answer_that_came_while_a_slow_desk_opened_the_ticket_reaches_the_thread(house, monkeypatch):
    """The desk told of it before anybody knew which thread the ticket belongs to, and tells it once."""
    monkeypatch.setattr("bot.conversion.tickets.AT_ONCE", -1.0)
    real = house.desk.open_ticket

    async def answered(draft):
        found = await real(draft)
        await house.agents.reply(found.ticket.id, "Try another one")
        return found

    monkeypatch.setattr(house.desk, "open_ticket", answered)
    await opened(house)

    await house.until(lambda: house.voice.posted)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_a_worker_that_was_suspended_does_not_set_the_watermark_back(house, monkeypatch):
    """It had asked the desk; meanwhile another brought what was new, and more."""
    ticket = await opened(house)
    await pulled(house)
    await house.agents.reply(ticket.id, "Only for us", internal=True)
    real = house.desk.messages

    async def suspended(*args, **kwargs):
        old = await real(*args, **kwargs)
        if len(old) == 1:
            await house.agents.reply(ticket.id, "Try another one")
            (newest,) = await real(args[0], after=old[-1].id)
            await house.store.links.update(THREAD, lambda now: now.model_copy(update={"seen": newest.id}))
        return old

    monkeypatch.setattr(house.desk, "messages", suspended)
    before = (await house.store.links.get(THREAD)).seen
    await house.store.lanes.add([pull_op(THREAD)])

    async def moved():
        return (await house.store.links.get(THREAD)).seen != before

    await house.until(moved)

    seen = (await house.store.links.get(THREAD)).seen
    assert () == await real(TicketRef(id=ticket.id, number=ticket.number), after=seen)


async def _resting(house):
    payload = await house.store.lanes.peek("pull/T1:desk:0", "poll")
    return payload and '"cursor":"' in payload


async def test_a_desk_is_asked_for_what_is_behind_the_mark_of_what_it_told_last(house, monkeypatch):
    await opened(house)
    real, asked = house.desk.messages, []

    async def marked(ref, *, after=""):
        asked.append(after)
        found = await real(ref, after=after.partition(",")[0])
        return tuple(replace(message, mark=f"{message.id},mark") for message in found)

    monkeypatch.setattr(house.desk, "messages", marked)
    await pulled(house)
    await pulled(house)

    assert ["", "1,mark"] == asked


async def test_a_poll_that_goes_wrong_for_good_is_put_off_and_not_forgotten(house, monkeypatch):
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", timedelta(milliseconds=50))
    ticket = await opened(house)
    failing(house, monkeypatch, "changed_since", Rejected("desk", "the filter is not understood."))
    await house.store.lanes.add([poll_op("T1", "desk")])
    await house.until(lambda: _resting(house))
    await house.agents.reply(ticket.id, "Try another one")
    await house.store.lanes.nudge("pull/T1:desk:0")

    await house.until(lambda: house.voice.posted)

    assert [] == [parked async for parked in house.store.lanes.parked()]


async def test_a_ticket_that_is_gone_is_said_once(house, monkeypatch):
    await opened(house)

    async def gone(*args, **kwargs):
        raise NotFound("desk", "there is no such ticket.")

    monkeypatch.setattr(house.desk, "get_ticket", gone)
    await pulled(house)
    await pulled(house)

    assert 1 == len(_said(house))


async def test_a_ticket_that_is_there_again_gets_new_replies_and_what_was_said_meanwhile_stays(house, monkeypatch):
    await opened(house)
    with monkeypatch.context() as away:

        async def gone(*args, **kwargs):
            raise NotFound("desk", "there is no such ticket.")

        away.setattr(house.desk, "get_ticket", gone)
        await pulled(house)
    meanwhile = f"{time.time():.6f}"
    house.threads.messages = [*house.threads.messages, said(meanwhile, "nobody reads this", BEN)]

    await pulled(house)
    await pulled(house)
    await house.intake.mirror(THREAD, reply(1, "still there?").model_copy(update={"mirrored": True}))
    await house.intake.sweep()
    await house.until(lambda: house.voice.receipts)

    link = await house.store.links.get(THREAD)
    words = f"Ticket {link.number} is at desk again. From here on every reply in this thread goes to ticket"
    assert [True] == [words in text for _, text in _said(house)[1:]]
    (ticket,) = await house.tickets()
    assert (True, "open") == (link.mirror, link.state)
    assert ["still there?"] == [message.text for message in ticket.messages[1:]]


async def test_what_slack_never_delivered_is_found_by_a_sweep_and_sent_once(house):
    await opened(house)
    house.threads.messages = [*house.threads.messages, said("1900000001.000100", "nobody heard me", BEN)]

    for _ in range(2):
        await house.intake.sweep()
        await house.until(lambda: house.voice.receipts)

    (ticket,) = await house.tickets()
    assert 1 == [message.text for message in ticket.messages].count("nobody heard me")


async def test_a_sweep_finds_an_answer_that_the_desk_did_not_tell_of(house):
    ticket = await opened(house)
    await house.agents.reply(ticket.id, "Try another one")

    await house.intake.sweep()
    await house.until(lambda: house.voice.posted)

    assert [("Alex Agent", "Try another one")] == _said(house)


async def test_a_card_speaks_no_more_of_waiting_once_a_look_that_repeats_itself_went_well(house, monkeypatch):
    await opened(house)
    away = Unavailable("desk", "it is away.", retry_after=timedelta(milliseconds=20))
    failing(house, monkeypatch, "messages", away, away)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})

    await house.store.lanes.add([pull_op(THREAD, repeat=True)])
    await house.until(lambda: any("will be sent" in card.note for card in house.voice.updates))
    await house.until(lambda: not house.voice.updates[-1].note)


async def idle(house, *lanes):
    """Work until nothing waits in *lanes*."""

    async def nothing():
        return not any([await house.store.lanes.waiting(lane) for lane in lanes])

    await house.until(nothing)


async def test_what_was_said_after_the_ticket_was_asked_for_follows_it_whenever_that_is_opened(house):
    """A first try opened it with what there was, and the restored store knows nothing of that try."""
    house.threads.messages = [said(THREAD.ts, "It burns")]
    ticket = await opened(house)
    link = await house.store.links.get(THREAD)
    await house.store.links.remove(link)
    partings = shard_of(str(THREAD), house.store.lanes._shards).partings
    await house.store.connection.do("HDEL", partings, str(THREAD))  # nobody parted the two
    house.threads.messages = [*house.threads.messages, said("1900000001.000100", "more smoke", BEN)]
    with perhaps_done(time.time()):
        await house.intake.open_ticket("T1", OPEN, once="view")

    await house.until(lambda: ("1900000001.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    assert ["It burns", "more smoke"] == [message.text.splitlines()[-1] for message in ticket.messages]


async def test_what_was_said_while_the_ticket_was_being_opened_is_found_by_a_sweep_in_its_order(house, monkeypatch):
    """Of two replies Slack delivered neither; the first was written before the ticket was there."""
    real = house.desk.open_ticket

    async def slow(draft):
        house.threads.messages = [*house.threads.messages, said("1700000001.000100", "meanwhile", BEN)]
        return await real(draft)

    monkeypatch.setattr(house.desk, "open_ticket", slow)
    await opened(house)
    house.threads.messages = [*house.threads.messages, said("1900000001.000100", "afterwards", BEN)]

    await house.intake.sweep()
    await house.until(lambda: 2 == len(house.voice.receipts))

    (ticket,) = await house.tickets()
    assert ["meanwhile", "afterwards"] == [message.text for message in ticket.messages[1:]]


async def test_a_repeated_look_that_is_put_off_still_looks_for_what_it_may_have_brought(house, monkeypatch):
    """The store was set back behind a post, and the desk refuses the first look after that."""
    monkeypatch.setattr("bot.conversion.run.PUT_OFF", timedelta(milliseconds=50))
    ticket = await opened(house)
    await house.agents.reply(ticket.id, "Try another one")
    await pulled(house)
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    await house.store.links.update(THREAD, lambda now: now.model_copy(update={"seen": ""}))
    tried = []
    real = house.desk.messages

    async def refused(*args, **kwargs):
        tried.append(args)
        if len(tried) == 1:
            raise Rejected("desk", "not now.")
        return await real(*args, **kwargs)

    again = []
    post = house.voice.post

    async def noted(thread, what, marker, **more):
        again.append(marker)
        return await post(thread, what, marker, **more)

    monkeypatch.setattr(house.desk, "messages", refused)
    monkeypatch.setattr(house.voice, "post", noted)
    await house.store.lanes.add([pull_op(THREAD, repeat=True, doubt=time.time())])

    async def caught_up():
        return (await house.store.links.get(THREAD)).seen != ""

    await house.until(caught_up)

    assert (2, []) == (len(tried), again)


async def test_what_a_comparison_finds_is_brought_at_once_and_once_although_the_repeated_look_rests(house, monkeypatch):
    ticket = await opened(house)
    for answer in ("one", "two"):
        await house.agents.reply(ticket.id, answer)
    await pulled(house)
    first = next(marker for marker, post in house.voice.posted.items() if to_plain(post.document) == "one")
    del house.voice.posted[first]
    monkeypatch.setattr(type(house.desk), "capabilities", house.desk.capabilities - {Capability.CHANGED_SINCE})
    await house.store.lanes.add([pull_op(THREAD, repeat=True, delay=timedelta(hours=33))])
    link = await house.store.links.get(THREAD)

    differs = await compared(house.rooms, link)
    assert differs
    await mend(house.rooms, link, differs)
    await house.until(lambda: first in house.voice.posted)

    async def caught_up():
        return (await house.store.links.get(THREAD)).seen == link.seen

    await house.until(caught_up)
    assert 3 == house.voice.times_posted


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(minutes=1), 1),
        (timedelta(minutes=30), 6),
        (timedelta(hours=5), 30),
        (timedelta(days=3), 180),
        (timedelta(days=300), RARELY),
    ],
)
def test_the_quieter_a_ticket_the_rarer_it_is_looked_at(age, expected):
    ref = TicketRef(id="1", number="1")
    ticket = Ticket(ref=ref, subject="", status=Status.OPEN, status_name="", updated_at=NOW - age)

    assert expected * POLL == pause(ticket, (), now=NOW, poll=POLL)


def test_a_new_message_makes_the_next_look_come_soon():
    message = Message(
        id="1",
        body=Body(plain="x"),
        author=Person(name="x"),
        visibility=Visibility.PUBLIC,
        at=NOW - timedelta(minutes=2),
    )

    assert POLL == pause(None, (message,), now=NOW, poll=POLL)


async def test_a_desk_that_answers_a_look_that_is_repeated_is_not_left_alone_any_more(house):
    await opened(house)
    await house.store.breakers.failed("desk", None)
    shut, failures = breaker("desk")
    await house.store.connection.do("DEL", shut)  # the time to leave it alone is over
    await house.store.lanes.add([pull_op(THREAD, repeat=True)])

    async def well():
        return not await house.store.connection.do("EXISTS", failures)

    await house.until(well)
