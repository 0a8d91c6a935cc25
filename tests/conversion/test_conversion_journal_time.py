"""How long the journal waits before it believes that a call made nothing."""

import asyncio
import time
from datetime import timedelta

import pytest

from adapters.errors import OutcomeUnknown
from bot.conversion.journal import Journal, LookLater
from bot.conversion.ports import Head, Lease
from bot.conversion.records import Operation, Progress, Tell, decode

TIMEOUT, SETTLE = timedelta(seconds=30), timedelta(seconds=5)


class Lanes:
    """Stands for the lanes: remembers what was saved last."""

    async def save(self, lease, op, payload):
        self.progress = decode(payload).progress


async def made():
    return "42"


async def lost():
    raise OutcomeUnknown("desk", "no answer.")


def journal(lanes, progress=None, **head):
    operation = Operation(work=Tell(user="U1", text="x"), progress=progress or Progress())
    return Journal(lanes, Lease("lane", "token"), Head(id="op", payload="", waiting=1, link=None, **head), operation)


async def wait_of(journal):
    with pytest.raises(LookLater) as later:
        await journal.once("open", made, made, longest=TIMEOUT, settle=SETTLE)
    return later.value.delay


async def test_who_died_in_a_call_may_have_died_at_its_very_end():
    lanes = Lanes()

    async def dies():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await journal(lanes).once("open", dies, made, longest=TIMEOUT, settle=SETTLE)

    assert SETTLE + TIMEOUT - timedelta(seconds=5) < await wait_of(journal(lanes, lanes.progress)) <= SETTLE + TIMEOUT


async def test_a_call_that_ended_without_an_answer_has_only_to_settle():
    first = journal(Lanes())

    with pytest.raises(OutcomeUnknown):
        await first.once("open", lost, made, longest=TIMEOUT, settle=SETTLE)

    assert await wait_of(journal(Lanes(), first.progress)) <= SETTLE


async def test_what_a_restarted_server_forgot_happened_before_it_restarted():
    restarted = time.time() - 20

    wait = await wait_of(journal(Lanes(), verify=True, restarted=restarted))

    assert timedelta(seconds=5) < wait <= timedelta(seconds=15)


@pytest.mark.parametrize("written", ["since", "verify"])
async def test_a_call_under_a_clock_that_was_ahead_is_waited_for_as_long_as_one_that_begins_now(written, monkeypatch):
    first = journal(Lanes(), Progress(calling="open", **{written: time.time() + 3600}))

    wait = await wait_of(first)

    assert TIMEOUT + SETTLE - timedelta(seconds=5) < wait <= TIMEOUT + SETTLE
    later = time.time() + wait.total_seconds()
    monkeypatch.setattr(time, "time", lambda: later)
    assert "42" == await journal(Lanes(), first.progress).once("open", made, made, longest=TIMEOUT, settle=SETTLE)


async def test_a_call_that_a_process_breaks_off_as_it_stops_is_looked_for_at_once():
    """Its end is known, so nobody waits for as long as it might have taken."""
    broken_off = journal(Lanes())

    async def act():
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await broken_off.once("post", act, made, longest=TIMEOUT)

    assert time.time() >= broken_off.progress.since
