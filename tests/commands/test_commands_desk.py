"""An operator tries each desk by hand: open, reply, note, show, check and fields, in JSON, against its stand-in."""

import asyncio
import json

import pytest
from typer.testing import CliRunner

from adapters.contract import Capability
from adapters.registry import load
from bot.cli import app
from bot.sandbox.demo import STAND_INS, stand_in


def _toml(table):
    lines = ["[desks.d]"]
    for key, value in table.items():
        lines.append(f"{key} = {_value(value)}")
    return "\n".join(lines) + "\n"


def _value(value):
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(inner) for inner in value) + "]"
    return json.dumps(value)


class Operator:
    """Runs commands beside the event loop that serves the stand-in."""

    def __init__(self, config):
        self.config = str(config)

    async def does(self, *words, code=0):
        result = await asyncio.to_thread(
            CliRunner().invoke, app, ["desk", *words, "--json", "--config", self.config], catch_exceptions=False
        )
        assert code == result.exit_code, result.output
        return json.loads(result.stdout)


@pytest.fixture(params=["local", *STAND_INS])
async def desk(request, tmp_path):
    config = tmp_path / "threadline.toml"
    if request.param == "local":
        config.write_text(_toml({"kind": "local", "path": str(tmp_path / "desk.sqlite")}))
        yield request.param, Operator(config)
        return
    server = stand_in(request.param)
    async with server.serve() as table:
        config.write_text(_toml(table))
        yield request.param, Operator(config)


async def test_open_reply_note_show_check_and_fields(desk, tmp_path):
    kind, operator = desk
    can = load(kind).capabilities
    (tmp_path / "log.txt").write_text("it burns")

    assert (await operator.does("check", "d"))["ok"]
    listed = (await operator.does("fields", "d")).get("departments") or [{"id": "1"}]
    words = ("--subject", "Printer", "--body", "It burns", "--department", listed[0]["id"])
    file = ("--file", str(tmp_path / "log.txt")) if Capability.FILES in can else ()
    opened = await operator.does("open", "d", *words, "--requester-email", "eva@kestrel.example", *file)
    number = opened["ticket"]["number"]
    replied = await operator.does("reply", "d", number, "--body", "Out now", "--requester-name", "Eva")
    assert number == replied["ticket"]["number"]
    if Capability.NOTE in can:
        await operator.does("note", "d", number, "--body", "Between us", "--requester-name", "Eva")
    else:
        assert "error" in await operator.does("note", "d", number, "--body", "Between us", code=1)

    shown = await operator.does("show", "d", number)

    texts = [message["body"]["plain"] for message in shown["messages"]]
    expected = ["It burns", "Out now", *(["Between us"] if Capability.NOTE in can else [])]
    assert expected == [next((word for word in expected if word in text), "?") for text in texts]
    assert "Printer" in shown["ticket"]["subject"]


async def test_a_ticket_that_is_not_there_is_an_error_in_words(desk):
    _, operator = desk

    answer = await operator.does("show", "d", "999999", code=1)

    assert {"error", "kind", "code"} == set(answer)


async def test_an_unknown_desk_is_named_with_those_that_exist(desk):
    _, operator = desk

    answer = await operator.does("check", "nope", code=1)

    assert "no desk called nope. They have: d." in answer["error"]
