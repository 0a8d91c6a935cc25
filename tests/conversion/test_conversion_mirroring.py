"""What of a thread goes to its ticket: by its switches, whoever finds it, and never without end."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.conversion import messages
from bot.conversion.marks import Mark, goes, mark_of
from bot.conversion.ops import sweep_op
from bot.conversion.ports import Author, SlackTrouble
from bot.conversion.records import AddMessage, Switch
from bot.conversion.text.plain import from_plain, to_plain
from tests.conversion.slack_fakes import said
from tests.conversion.test_conversion_worker import THREAD, failing, opened, reply

ECHO = Author(id="B9", name="Echo", bot=True)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("note: x", Mark.NOTE),
        (":lock: x", Mark.NOTE),
        ("Reply : it works", Mark.REPLY),
        ("  reply:x", Mark.REPLY),
        ("no reply: x", None),
        ("replying: x", None),
        ("", None),
    ],
)
def test_a_mark_stands_at_the_beginning(text, mark):
    assert mark == mark_of(from_plain(text))


async def _switched(house, *switches):
    await house.store.links.update(THREAD, lambda now: now.model_copy(update={"switches": switches}))
    return await house.store.links.get(THREAD)


async def test_a_switch_is_for_what_is_said_after_it(house):
    await opened(house)
    link = await _switched(
        house,
        Switch(since="1800000010.000000", mirror="nothing"),
        Switch(since="1800000020.000000", mirror="marked", apps=True),
    )

    expected = {"05": (True, True, False), "15": (False, False, False), "25": (False, True, True)}
    assert expected == {
        second: (
            goes(link, said(f"18000000{second}.000000", "plain")),
            goes(link, said(f"18000000{second}.000000", "reply: marked")),
            goes(link, said(f"18000000{second}.000000", "reply: by an app", ECHO)),
        )
        for second in expected
    }


async def test_the_sweep_sends_what_goes_and_nothing_from_before_the_switch(house):
    ticket = await opened(house)
    await _switched(house, Switch(mirror="nothing"), Switch(since="1900000020.000000", mirror="everything"))
    house.threads.messages += [said("1900000010.000100", "before"), said("1900000030.000100", "after")]

    await house.store.lanes.add([sweep_op(THREAD)])
    await house.until(lambda: house.voice.receipts)

    assert ["after"] == await _texts(house, ticket)


async def test_what_was_said_before_goes_where_somebody_asks_for_it(house):
    ticket = await opened(house)
    await _switched(house, Switch(mirror="nothing"))
    house.threads.messages += [said("1900000010.000100", "before")]
    await house.intake.switch(THREAD, since="1900000020.000000", mirror="everything", apps=None, actor="U1")
    await house.store.lanes.add([sweep_op(THREAD, delay=timedelta(hours=4))])  # its turn among many threads

    await house.intake.send_earlier(THREAD)
    await house.until(lambda: house.voice.receipts)

    assert ["before"] == await _texts(house, ticket)
    (words,) = [to_plain(post.document) for post in house.voice.posted.values()]
    assert f"From here on every reply in this thread goes to ticket {ticket.number}." == words


async def test_what_was_said_under_a_switch_that_is_forgotten_stays_in_the_thread(house):
    ticket = await opened(house)
    await _switched(house, Switch(since="1900000010.000000", mirror="nothing"))
    for second in range(20, 41):
        mode = "everything" if second % 2 else "marked"
        await house.intake.switch(THREAD, since=f"19000000{second}.000000", mirror=mode, apps=None, actor="U1")
    house.threads.messages += [said("1900000011.000100", "among ourselves"), said("1900000039.000100", "after")]

    await house.store.lanes.add([sweep_op(THREAD)])
    await house.until(lambda: house.voice.receipts)

    assert ["after"] == await _texts(house, ticket)
    assert 20 == len((await house.store.links.get(THREAD)).switches)


async def _texts(house, ticket):
    return [message.text.splitlines()[0] for message in (await house.agents.ticket(ticket.id)).messages[1:]]


def _echoing(house, monkeypatch):
    """Have an app have written what begins with echo."""
    real = house.threads.understand

    async def by_an_app(message, channel):
        found = await real(message, channel)
        return replace(found, author=ECHO) if message["text"].startswith("echo") else found

    monkeypatch.setattr(house.threads, "understand", by_an_app)


async def test_an_echoing_bot_blows_the_fuse_and_people_go_on(house, monkeypatch):
    monkeypatch.setattr(messages, "APPS_A_MINUTE", 1 / 1440)
    monkeypatch.setattr(messages, "APPS_AHEAD", timedelta(days=2.5))
    ticket = await opened(house)
    await _switched(house, Switch(apps=True))
    _echoing(house, monkeypatch)
    for number in range(6):
        await house.intake.mirror(THREAD, reply(number, f"echo {number}").model_copy(update={"mirrored": True}))
    await house.intake.mirror(THREAD, reply(50, "stop it").model_copy(update={"mirrored": True}))
    await house.until(lambda: ("1800000050.000100", "delivered") in house.voice.receipts, seconds=60)
    await house.until(lambda: house.voice.posted)

    texts = await _texts(house, ticket)
    assert [*(f"echo {number}" for number in range(3)), "stop it"] == texts
    (words,) = [to_plain(post.document) for post in house.voice.posted.values()]
    assert "mirror apps on" in words
    assert not (await house.store.links.get(THREAD)).now.apps


async def test_what_an_app_wrote_slowly_reaches_the_ticket_also_where_all_of_it_waited_for_the_desk(house, monkeypatch):
    ticket = await opened(house)
    await _switched(house, Switch(apps=True))
    _echoing(house, monkeypatch)
    for number in range(30):
        ts = f"{1800000000 + 60 * number}.000100"
        work = AddMessage(actor="B9", ts=ts, message={"ts": ts, "text": f"echo {number}"}, mirrored=True)
        await house.intake.mirror(THREAD, work)
    await house.until(lambda: (ts, "delivered") in house.voice.receipts or house.voice.posted, seconds=60)

    assert [f"echo {number}" for number in range(30)] == await _texts(house, ticket)
    assert {} == house.voice.posted


async def test_a_post_of_an_app_that_is_tried_again_and_again_is_one(house, monkeypatch):
    ticket = await opened(house)
    await _switched(house, Switch(apps=True))
    _echoing(house, monkeypatch)
    busy = [SlackTrouble("ratelimited", retry_after=timedelta())] * 30
    failing(house, monkeypatch, "add_message", *busy)
    await house.intake.mirror(THREAD, reply(1, "echo").model_copy(update={"mirrored": True}))
    await house.until(lambda: ("1800000001.000100", "delivered") in house.voice.receipts or house.voice.posted)

    assert ["echo"] == await _texts(house, ticket)
    assert {} == house.voice.posted
