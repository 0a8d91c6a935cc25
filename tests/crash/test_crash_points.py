"""Processes killed with -9 at the worst moment: one ticket, one message, one card."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bot.commands.demo import company
from bot.sandbox.demo import KINDS as DESKS, world
from bot.store.server import attach_or_start, stop
from tests.crash.points.operations import KINDS
from tests.crash.points.place import Nursery
from tests.crash.points.touring import tour

ROOT = Path(__file__).parents[2]
PATIENCE = 90


@pytest.fixture(autouse=True)
async def no_server_is_left(tmp_path):
    """The embedded server outlives a process that was killed, as it should; it ends with the test."""
    yield
    for place in tmp_path.rglob("s.sock"):
        await stop(await attach_or_start(place.parent))


async def _lives(plan: Path, until):
    """Start the bot again whenever it has died, until the condition holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            bot = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.crash.bot_process", str(plan), cwd=ROOT
            )
            while bot.returncode is None:
                if await until() and bot.returncode is None:
                    bot.terminate()
                    await bot.wait()
                    return
                await asyncio.sleep(0.05)


def _plan(folder, around, step, times):
    path = folder / "plan.json"
    settings = around.settings | {"work": {"lease": 1.0}}
    plan = {"settings": settings, "environment": around.environment, "role": "all"}
    path.write_text(json.dumps(plan | {"kill": step, "times": times, "lives": str(folder / "lives")}))
    return path


async def _filled(workspace, user):
    """The form, once its lists are there."""
    while True:
        views = workspace.views_of(user)
        listed = views and any(block.get("block_id", "").startswith("department") for block in views[-1]["blocks"])
        if listed and "Asking" not in str(views[-1]):
            return views[-1]
        await asyncio.sleep(0.05)


async def _submit(workspace, user, view):
    """Fill in what must be chosen, and submit."""
    chosen = {}
    for block in view["blocks"]:
        element = block.get("element", {})
        empty = block["type"] == "input" and not block.get("optional") and not element.get("initial_option")
        if empty and (options := element.get("options")):
            chosen[block["block_id"]] = {element["action_id"]: {"selected_option": options[0]}}
    subject = next(block for block in view["blocks"] if block.get("block_id") == "subject")
    chosen["subject"] = {subject["element"]["action_id"]: {"value": "It burns"}}
    return await workspace.submit(user, view["id"], chosen)


@pytest.mark.parametrize(("step", "times"), [("open", 10), ("post", 2)])
async def test_a_process_killed_between_the_answer_and_our_note_repeats_nothing(tmp_path, step, times):
    workspace = company()
    people = {person.name: person.id for person in workspace.people.values()}
    channel = next(channel.id for channel in workspace.channels.values() if channel.name == "it-help")
    root = next(message for message in workspace.history(channel) if message.get("reply_count"))
    asked = False

    async with world("local", tmp_path, workspace=workspace) as around:

        async def done():
            nonlocal asked
            if not asked and not around.slack.sockets.connections:
                return False
            if not asked:
                asked = True
                await workspace.message_shortcut(people["eva"], channel, root["ts"], "create_ticket")
                view = await _filled(workspace, people["eva"])
                answer = await _submit(workspace, people["eva"], view)
                assert ("", None) == (answer.error, (answer.body or {}).get("errors"))
            died = (tmp_path / "lives").exists() and len((tmp_path / "lives").read_text()) == times
            return died and _cards(workspace, channel, root) and await around.agents.tickets()

        await _lives(_plan(tmp_path, around, step, times), done)

        assert times == len((tmp_path / "lives").read_text())
        assert 1 == len(await around.agents.tickets())
        assert 1 == len(_cards(workspace, channel, root))


def _cards(workspace, channel, root):
    return [m for m in workspace.replies(channel, root["ts"]) if m.get("bot_id") == workspace.bot_id]


@pytest.mark.parametrize(("kind", "point"), [("reply", "write.act"), ("create", "open_at.act")])
async def test_dying_before_and_after_the_desk_is_called_loses_and_doubles_nothing(tmp_path, kind, point):
    async with Nursery() as nursery:
        died = await tour("local", kind, nursery, only=point, keep=tmp_path)

    assert ([], []) == (died.failures, died.unnamed)
    assert died.kills >= 2


@pytest.mark.crash
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("kind", "desk"), [(kind, desk) for kind in KINDS for desk in DESKS if desk not in KINDS[kind].without]
)
async def test_dying_before_and_after_each_request_loses_and_doubles_nothing(tmp_path, desk, kind):
    async with Nursery() as nursery:
        died = await tour(desk, kind, nursery, keep=tmp_path)

    assert ([], []) == (died.failures, died.unnamed)
    assert died.kills > died.missed
