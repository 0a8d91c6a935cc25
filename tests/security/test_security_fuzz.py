"""S2, S9, S15: a short run of `make fuzz`: no stranger gets a 5xx, nothing hangs, and only our own errors come out."""

import asyncio
import hmac
import json
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest

from bot.slack import commands
from bot.slack.app import SlackApp
from bot.slack.front import Front
from bot.slack.routing import Router
from tests.security import engines, fuzz_app, growth, trials
from tests.security.fuzz import ROOT, _run
from tests.security.trials import DOORS, fuzz
from tests.security.wild import Wild
from tests.slack.doors import NOW, SECRET, Taken, send

COUNTS = {"forms": 60, "events": 100, "whmcs": 60, "superoffice_soap": 60, "superoffice_rest": 60, "keliweb": 60}
QUICK = 400


@pytest.mark.parametrize("door", DOORS)
def test_no_payload_breaks_a_door(door):
    outcome = fuzz(door, count=COUNTS.get(door, QUICK), seed=3)

    assert [] == outcome.failures
    assert COUNTS.get(door, QUICK) == sum(outcome.counts.values())


@pytest.mark.parametrize("door", ["signed", "webhooks", "whmcs"])
def test_no_payload_of_hypothesis_breaks_a_door(door):
    outcome = fuzz(door, count=40, seed=3, engine="steered")

    assert [] == outcome.failures
    assert len(outcome.counts) > 0


def test_the_command_prints_what_came_of_each_payload_and_json_last():
    words = [sys.executable, "-m", "tests.security.fuzz", "--count", "19", "--door", "webhooks"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    last = json.loads(found.stdout.splitlines()[-1])
    assert (True, 19) == (last["ok"], sum(last["doors"]["webhooks"].values()))


async def test_a_process_that_dies_is_a_failure_with_its_door():
    outcome = await _run("no such door", "seeded", 1, 1, asyncio.Semaphore(1))

    assert 1 == outcome.counts["FAILED"]
    assert "hung or died" in outcome.failures[0]


async def _broken(self, scope, receive):
    raise KeyError("not shown")


def test_a_door_that_breaks_is_found(monkeypatch):
    monkeypatch.setattr(Front, "_answer", _broken)
    outcome = fuzz("strangers", count=5, seed=1)

    assert 5 == outcome.counts["FAILED"]
    assert outcome.failures[0].startswith("0: KeyError at ")
    assert "not shown" not in str(outcome.failures)


def test_hypothesis_stops_at_what_breaks_a_door(monkeypatch):
    monkeypatch.setattr(Front, "_answer", _broken)

    assert fuzz("strangers", count=5, seed=1, engine="steered").counts["FAILED"] > 0


def test_a_door_that_hangs_is_found(monkeypatch):
    async def never(self, scope, receive):
        await asyncio.Event().wait()

    monkeypatch.setattr(Front, "_answer", never)
    monkeypatch.setattr(trials, "HANG", 0.5)

    failures = fuzz("strangers", count=2, seed=1).failures

    assert 2 == len(failures)
    assert failures[0].startswith("0: TimeoutError at slack/front.py:")


def test_a_door_that_blocks_is_found(monkeypatch):
    answer = Front._answer

    async def blocks(self, scope, receive):
        time.sleep(0.2)  # noqa: ASYNC251 - this is what is looked for
        return await answer(self, scope, receive)

    monkeypatch.setattr(Front, "_answer", blocks)
    monkeypatch.setattr(trials, "SLOW", 0.1)

    assert ["0: Broken, it took longer than 0.1 seconds"] == fuzz("strangers", count=1, seed=1).failures


def test_over_the_socket_what_slack_signed_is_taken_and_the_rest_is_refused():
    counts = fuzz("wire", count=100, seed=3).counts

    assert {"200", "400", "401", "closed"} <= set(counts)


def test_a_door_that_takes_what_slack_did_not_sign_is_found(monkeypatch):
    monkeypatch.setattr(hmac, "compare_digest", lambda *_: True)

    assert "Broken, something unsigned was taken for Slack's" in " ".join(fuzz("wire", count=100, seed=3).failures)


def _boom(*_, **__):
    raise KeyError("not shown")


@pytest.mark.parametrize(
    ("room", "breaks", "logged"),
    [
        (commands, "understood", "a command failed: KeyError at slack/commands.py:"),
        (SlackApp, "interaction", "an interaction failed: KeyError at "),
        (Router, "event", "slack_event failed at slack/app.py:"),
    ],
)
def test_what_fails_behind_an_answer_in_words_is_found(monkeypatch, room, breaks, logged):
    monkeypatch.setattr(room, breaks, _boom)

    failures = " ".join(fuzz("events", count=40, seed=1).failures)

    assert f"Broken, it was logged that {logged}" in failures
    assert "not shown" not in failures


def test_a_payload_that_was_not_spoilt_and_is_not_read_is_found(monkeypatch):
    monkeypatch.setattr(SlackApp, "_dispatch", _boom)

    assert "Broken, what was not spoilt got 400" in " ".join(fuzz("events", count=40, seed=1).failures)


@pytest.mark.parametrize(
    ("at_once", "said"),
    [(5, "it was logged that an interaction took longer than Slack waits"), (0.1, "what was to follow an answer")],
)
def test_an_answer_that_comes_in_time_though_what_was_asked_for_hangs_is_found(monkeypatch, at_once, said):
    forever = asyncio.Event()

    async def never(*_):
        await forever.wait()

    monkeypatch.setattr(fuzz_app, "DRAINS", 0.5)
    monkeypatch.setitem(Front.__init__.__kwdefaults__, "budget", 0.3)
    monkeypatch.setattr(commands, "AT_ONCE", at_once)
    monkeypatch.setattr(commands.Commands, "_told", never)

    assert f"Broken, {said}" in " ".join(fuzz("events", count=30, seed=1).failures)


def test_what_grows_is_found(monkeypatch):
    kept, answer = [], Front._answer

    async def hoards(self, scope, receive):
        kept.append([object() for _ in range(200)])
        return await answer(self, scope, receive)

    monkeypatch.setattr(Front, "_answer", hoards)
    monkeypatch.setattr(growth, "BLOCKS", 1000)
    outcome = fuzz("strangers", count=20, seed=1)

    assert 1 == outcome.counts["FAILED"]
    assert "objects more than in the middle" in outcome.failures[0]


@pytest.mark.parametrize("door", ["forms", "events"])
def test_a_ticket_that_nobody_asked_for_is_found(door, monkeypatch):
    async def subjects(self):
        return ["strange", "tickets"]

    opens = fuzz_app.DOORS[door]

    @asynccontextmanager
    async def reached(wild):
        async with opens(wild) as opened:
            monkeypatch.setattr(fuzz_app.Running, "subjects", subjects)
            yield opened

    monkeypatch.setitem(fuzz_app.DOORS, door, reached)

    assert "tickets" in fuzz(door, count=1, seed=1).failures[-1]


def test_the_same_seed_spoils_alike():
    raw = b'{"a": [1, {"b": "c"}]}'

    assert [Wild(5).body(raw) for _ in range(3)] == [Wild(5).body(raw) for _ in range(3)]
    assert Wild(5).body(raw) != raw


def test_chances_read_from_bytes_are_the_same_for_the_same_bytes():
    def chances(data):
        chance = engines._Bytes(data)
        return [chance.randrange(1000) for _ in range(4)], chance.random(), chance.choice("abc")

    assert chances(b"some bytes, more than enough") == chances(b"some bytes, more than enough")
    assert chances(b"some bytes, more than enough") != chances(b"other bytes, more than enough")
    assert chances(b"") == chances(b"")


async def test_a_proved_body_is_delivered_so_that_the_fuzz_is_not_of_a_closed_door():
    from tests.security.fuzz_slack import BODIES
    from tests.slack.doors import sign

    taken = Taken()
    for raw, kind in BODIES:
        assert 200 == (await send(Front(SECRET, taken, clock=lambda: NOW), raw, {**sign(raw), **kind})).status
    assert len(taken.events) + len(taken.interactions) >= len(BODIES) - 1
