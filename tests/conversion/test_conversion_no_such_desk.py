"""A desk that left the settings: whoever writes in one of its threads is told once, and all goes on when it is back."""

import logging
from contextlib import contextmanager
from datetime import timedelta

import pytest

from bot.conversion import verdicts
from bot.conversion.ops import card_op, pull_op
from bot.conversion.ports import NoSuchDesk
from bot.conversion.text.plain import to_plain
from tests.conversion.test_conversion_worker import OPEN, THREAD, opened, reply


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(verdicts, "SLOW", (timedelta(milliseconds=20), timedelta(milliseconds=20)))


@contextmanager
def gone(house, monkeypatch):
    """The settings are without the desk for the time of this block."""

    def get(name):
        raise NoSuchDesk(name)

    with monkeypatch.context() as patched:
        patched.setattr(house.rooms.desks, "get", get)
        yield


def said(house):
    return [to_plain(post.document) for post in house.voice.posted.values()]


async def failed(caplog, times):
    return times <= sum("failed" in message for message in caplog.messages)


async def test_who_writes_is_told_once_in_the_thread_and_sees_on_the_message_that_it_waits(house, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    await opened(house)
    with gone(house, monkeypatch):
        await house.store.lanes.add([card_op(THREAD)])
        await house.intake.mirror(THREAD, reply(1))
        await house.intake.mirror(THREAD, reply(2))
        await house.until(lambda: house.voice.receipts)
        await house.until(lambda: failed(caplog, 6))

        (words,) = said(house)
        assert words.startswith("Threadline's settings have no helpdesk desk any more. Please tell whoever runs")
        assert "what is written here waits; all of it will be sent in order" in words
        assert [("1800000001.000100", "waiting")] == house.voice.receipts

    await house.until(lambda: ("1800000002.000100", "delivered") in house.voice.receipts)

    (ticket,) = await house.tickets()
    assert (3, 1) == (len(ticket.messages), len(said(house)))


async def test_a_look_at_a_ticket_for_which_nobody_waits_says_nothing_in_the_thread(house, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    await opened(house)
    with gone(house, monkeypatch):
        await house.store.lanes.add([pull_op(THREAD)])
        await house.until(lambda: failed(caplog, 4))

    assert ([], []) == (said(house), house.voice.told)


async def test_who_opens_a_ticket_there_is_told_that_it_waits(house, monkeypatch):
    with gone(house, monkeypatch):
        await house.intake.open_ticket("T1", OPEN, once="view")
        await house.until(lambda: house.voice.told)

    ((user, words, _parked),) = house.voice.told
    assert ("U1", True) == (user, "waits: Threadline's settings have no helpdesk desk any more." in words)


async def test_the_log_names_the_desk(house, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    await opened(house)
    with gone(house, monkeypatch):
        await house.intake.mirror(THREAD, reply(1))
        await house.until(lambda: failed(caplog, 1))

    (first, *_more) = [record for record in caplog.records if record.message == "add_message failed"]
    assert ("NoSuchDesk", "desk") == (first.error, first.desk)
