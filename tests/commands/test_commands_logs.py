"""Logs: one line for each event, and no secret in any of them."""

import json
import logging

import pytest

from bot.commands.demo import running
from bot.commands.journey import Journey
from bot.commands.logs import GONE, start_logging, without_secrets


@pytest.fixture
def quiet_after():
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    levels = {name: logging.getLogger(name).level for name in ("threadline", "bot", "adapters")}
    yield
    root.handlers[:] = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("quiet_after")
async def test_a_running_bot_logs_a_line_for_each_visible_change_and_no_text(capsys):
    from rich.console import Console

    start_logging("info", "json")

    async with running("local", port=None) as demo:
        await Journey(demo.world, Console(quiet=True)).walk()

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    events = {line["event"] for line in lines}
    assert {"open_ticket linked", "open_ticket done", "add_message done", "show_card done"} <= events
    assert {"pull_ticket posted", "pull_ticket shared"} <= events
    assert all("Printer is on fire" not in json.dumps(line) for line in lines)
    linked, said = (
        next(line for line in lines if line["event"] == event) for event in ("open_ticket linked", "add_message done")
    )
    assert said["lane"] == linked["lane"]
    assert all(line["lane"] and line["op"] for line in lines if line["logger"] == "threadline.worker")


@pytest.mark.usefixtures("quiet_after")
@pytest.mark.parametrize("form", ["text", "json"])
def test_what_a_desk_says_cannot_begin_a_line_of_its_own_or_steer_a_terminal(capsys, form):
    start_logging("info", form)
    said = "no\r\n2026-11-27 error forged\x1b[2J\x9b2J\u2028line"

    logging.getLogger("bot.x").info("desk: %s", said, extra={"code": said})

    written = capsys.readouterr().err
    assert 1 == len(written.splitlines())
    assert written[:-1].isprintable()


@pytest.mark.usefixtures("quiet_after")
def test_a_secret_in_a_field_is_taken_out_of_an_object_which_stays_one(capsys):
    start_logging("info", "json")

    said = '{"access_token": "hunter2", "x": 1}'
    logging.getLogger("bot.x").info("desk", extra={"code": said, "token": "hunter2", "tries": 2})

    line = json.loads(capsys.readouterr().err)
    assert {"code": '{"access_[secret]", "x": 1}', "token": GONE, "tries": 2} == {
        key: line[key] for key in ("code", "token", "tries")
    }


@pytest.mark.usefixtures("quiet_after")
@pytest.mark.parametrize("form", ["text", "json"])
def test_s16_a_secret_is_taken_out_of_the_words_and_the_fields_of_every_line(capsys, form):
    start_logging("info", form)

    logging.getLogger("bot.x").info("desk: %s", "password=hunter2", extra={"code": "password=hunter2"})

    written = capsys.readouterr().err
    assert (2, 0) == (written.count(GONE), written.count("hunter2"))


@pytest.mark.parametrize(
    "text",
    [
        "xoxb-123-abc",
        "xapp-1-A-b",
        "Bearer abcdefgh1234",
        "redis://user:hunter2@host/0",
        "password=hunter2",
        '"secret": "hunter2"',
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text):
    cleaned = without_secrets(f"before {text} after")

    assert GONE in cleaned
    assert "hunter2" not in cleaned
    assert ("before", "after") == (cleaned.split()[0], cleaned.split()[-1])
