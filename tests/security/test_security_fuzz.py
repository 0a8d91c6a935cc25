"""S2, S9, S15: a short run of `make fuzz`: no stranger gets a 5xx, nothing hangs, and only our own errors come out."""

import json
import subprocess
import sys

import pytest

from bot.slack.front import Front
from tests.security.fuzz import ALL, ROOT, fuzz
from tests.security.fuzz_desks import DESKS
from tests.security.wild import Wild
from tests.slack.doors import NOW, SECRET, Taken, send


@pytest.mark.parametrize("door", ALL)
async def test_no_payload_breaks_a_door(door):
    outcome = await fuzz(door, count=60 if door in DESKS or door == "forms" else 400, seed=3)

    assert [] == outcome.failures
    assert len(outcome.counts) > 0


def test_the_command_prints_what_came_of_each_payload_and_json_last():
    words = [sys.executable, "-m", "tests.security.fuzz", "--count", "50", "--door", "webhooks"]
    found = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)

    last = json.loads(found.stdout.splitlines()[-1])
    assert (True, 50) == (last["ok"], sum(last["doors"]["webhooks"].values()))


async def test_a_door_that_breaks_is_found(monkeypatch):
    async def broken(self, scope, receive):
        raise KeyError("not shown")

    monkeypatch.setattr(Front, "_answer", broken)
    outcome = await fuzz("strangers", count=5, seed=1)

    assert 5 == outcome.counts["FAILED"]
    assert outcome.failures[0].startswith("0: KeyError at ")
    assert "not shown" not in str(outcome.failures)


def test_the_same_seed_spoils_alike():
    raw = b'{"a": [1, {"b": "c"}]}'

    assert [Wild(5).body(raw) for _ in range(3)] == [Wild(5).body(raw) for _ in range(3)]
    assert Wild(5).body(raw) != raw


async def test_a_proved_body_is_delivered_so_that_the_fuzz_is_not_of_a_closed_door():
    from tests.security.fuzz_slack import BODIES
    from tests.slack.doors import sign

    taken = Taken()
    for raw, kind in BODIES:
        assert 200 == (await send(Front(SECRET, taken, clock=lambda: NOW), raw, {**sign(raw), **kind})).status
    assert len(taken.events) + len(taken.interactions) >= len(BODIES) - 1
