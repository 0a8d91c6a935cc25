"""The whole bot with a true store and its worker, under spoilt payloads: a desk gets what was accepted and no more."""

import asyncio
import copy
import io
import json
import re
import tempfile
import time
from collections.abc import AsyncIterator, Set as AbstractSet
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import patch
from urllib.parse import urlencode

from bot.commands.demo import company
from bot.sandbox.demo import World, world
from bot.sandbox.slack.outlet import Answer as Heard
from bot.sandbox.slack.workspace import Workspace
from bot.settings import parse
from bot.slack import tickets, web
from bot.slack.front import Front
from bot.slack.limits import CALLS_PER_MINUTE
from bot.wiring import Threadline, assembled
from tests.security.doors import Broken, Door
from tests.security.fuzz_slack import ACTION, COMMANDS, EVENTS
from tests.security.wild import Wild
from tests.slack.doors import FORM, JSON, Reply, send, sign

SETTLES = 60.0
"""Seconds that the worker may take for what it has in hand."""
DRAINS = 5.0
"""Seconds for what follows the answers: views that are filled, and words that took longer."""
WHOLE = 0.1
"""How many payloads are not spoilt: those are to be read, whatever was sent before them."""
UNLIMITED = {
    f"{kind}_per_{who}": 0 for kind in ("tickets", "changes", "lookups") for who in ("person", "channel", "workspace")
}
KEYS = 4
"""Keys that a ticket with its thread has."""


@dataclass(frozen=True, slots=True)
class Running:
    """The bot between a pretend Slack and the local desk, with its worker."""

    around: World
    bot: Threadline

    @property
    def somebody(self) -> tuple[str, str]:
        """A person and a channel."""
        return next(iter(self.around.workspace.people)), next(iter(self.around.workspace.channels))

    async def settled(self) -> int:
        """Wait until nothing is on its way; the keys that stay."""
        begun = time.monotonic()
        await self.bot.app.drain(DRAINS)
        if time.monotonic() - begun >= DRAINS:
            raise Broken("what was to follow an answer does not come to an end")
        give_up = time.monotonic() + SETTLES
        while (await self.bot.store.lanes.backlog())["waiting"]:
            if time.monotonic() > give_up:
                raise Broken("the worker does not come to an end")
            await asyncio.sleep(0.02)
        space = (await self.bot.store.connection.do("INFO", "keyspace")).get("db0", {})
        return int(space.get("keys", 0)) - int(space.get("expires", 0))

    def forget_posts(self) -> None:
        """Let the pretended Slack, which is in this process and keeps all for ever, begin anew: what grows is ours."""
        state = self.around.workspace.state
        for channel, posts in state.messages.items():
            for ts in reversed(list(posts)):
                state.remove_message(channel, ts)
        state.deleted.clear()
        state.ephemerals.clear()

    async def subjects(self) -> list[str]:
        """Those of the tickets at the desk."""
        return [ticket.subject for ticket in await self.around.agents.tickets()]


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    """The bot, in a folder of its own; nothing reaches it but what is sent to it here."""
    async with AsyncExitStack() as stack:
        # a post a second into the only channel would make hours of the cards of a large run
        stack.enter_context(patch.object(web, "POSTS_PER_SECOND", 1000.0))
        stack.enter_context(patch.dict(CALLS_PER_MINUTE, clear=True))
        stack.enter_context(patch.object(tickets, "FLOOR", 0.01))  # as would the waits for what is not there
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-fuzz-")))
        around = await stack.enter_async_context(world("local", folder, workspace=company()))
        around.workspace.outlet = cast("Any", SimpleNamespace(event=lambda _body: None, ask=None))
        settings = around.settings | {"limits": UNLIMITED}
        bot = await stack.enter_async_context(assembled(parse(settings, around.environment)))
        stack.push_async_callback(bot.app.drain, 5)
        working = asyncio.create_task(bot.worker.run())
        try:
            yield Running(around, bot)
        finally:
            bot.worker.stop()
            await working


@asynccontextmanager
async def forms(wild: Wild) -> AsyncIterator[Door]:
    """Values of a submitted form, as far as Slack could send them: a ticket for each form that was accepted."""
    async with running() as run:
        seed = await _submission(run)
        front = Front(run.around.workspace.signing_secret, run.bot.door)  # the same bytes again are judged again
        # one string and a number, since a set of either would grow with the run and be taken for ours
        accepted, shown = io.StringIO(), 1
        accepted.writelines(_letters(one) + "\n" for one in await run.subjects())

        async def attempt() -> str:
            nonlocal shown
            body = copy.deepcopy(seed)
            view = body["view"]
            if wild.random.random() < 0.2:
                shown += 1
                view["id"] = f"V{shown:08}"
            values = view["state"]["values"]
            for block in wild.random.sample(sorted(values), wild.random.choice((0, 1, 1, 2, 3, len(values)))):
                for state in values[block].values():
                    _spoil(wild, state)
            sealed = view["private_metadata"]
            if wild.random.random() < 0.2:
                view["private_metadata"] = wild.text(sealed)
            got = await _sent(run, front, urlencode({"payload": json.dumps(body)}).encode(), FORM)
            said = _said(got.status, got.content)
            if said == "200 closed":
                if view["private_metadata"] != sealed:
                    raise Broken("a form was accepted whose memory is not ours")
                accepted.write(_letters(next(iter(values["subject"].values()))["value"]) + "\n")
            return said

        async def settled() -> int:
            keys = await run.settled()
            at_desk = await run.subjects()
            if len(at_desk) > shown:
                raise Broken(f"{len(at_desk)} tickets of {shown} forms")
            known = set(accepted.getvalue().splitlines())
            if strange := [one for one in at_desk if not _is_one_of(known, one)]:
                raise Broken(f"{len(strange)} tickets of which nobody was told that they are accepted")
            run.forget_posts()
            return keys - KEYS * len(at_desk)

        yield Door(attempt, settled)


@asynccontextmanager
async def events(wild: Wild) -> AsyncIterator[Door]:
    """What Slack signs about threads without a ticket, through the HTTP door: no desk hears of it."""
    async with running() as run:
        front = Front(run.around.workspace.signing_secret, run.bot.door, once=run.bot.store.scratch.once)
        bodies, number = list(_of(run)), count(1)

        async def attempt() -> str:
            raw, kind = wild.random.choice(bodies)
            raw = re.sub(
                rb"(?<=Ev)1\b|\b1(?=[76]\d{8}\.)", b"%d" % next(number), raw
            )  # else all but the first is known
            body = raw if wild.random.random() < WHOLE else wild.body(raw)
            reply = await _sent(run, front, body, kind)
            if reply.status not in {200, 400, 404}:
                raise Broken(f"something signed got {reply.status}")
            if body == raw and reply.status != 200:
                raise Broken(f"what was not spoilt got {reply.status}")
            return str(reply.status)

        async def settled() -> int:
            keys = await run.settled()
            if found := await run.subjects():
                raise Broken(f"{len(found)} tickets came from what asks for none")
            return keys

        yield Door(attempt, settled)


async def _sent(run: Running, front: Front, body: bytes, kind: dict[bytes, bytes]) -> Reply:
    """What comes back for a body that Slack signed."""
    secret = run.around.workspace.signing_secret
    return await send(front, body, {**sign(body, secret=secret, at=int(time.time())), **kind})


def _of(run: Running) -> list[tuple[bytes, dict[bytes, bytes]]]:
    """Bodies of which none may become a ticket, with people and channels that are there."""
    (user, channel), workspace = run.somebody, run.around.workspace
    names = {"U0": workspace.bot_user_id, "U1": user, "C1": channel, "T1": workspace.team_id}

    def here(value: Any) -> Any:
        return json.loads(re.sub(r"\b[UCT][01]\b", lambda found: names[found[0]], json.dumps(value)))

    told = [here(event) for event in EVENTS if event.get("event", {}).get("type") != "function_executed"]
    asked = [here(command) for command in COMMANDS]
    return [
        *((json.dumps(event).encode(), JSON) for event in told),
        *((urlencode(command).encode(), FORM) for command in asked),
        (urlencode({"payload": json.dumps(here(ACTION))}).encode(), FORM),
    ]


async def _submission(run: Running) -> dict[str, Any]:
    """The payload of a form that a person filled in and sent, which became a ticket."""
    heard: list[dict[str, Any]] = []

    async def ask(_kind: str, payload: dict[str, Any]) -> Heard:
        heard.append(copy.deepcopy(payload))
        got = await run.bot.app.interaction(payload)
        body = json.loads(got.content) if got.content.startswith(b"{") else None
        return Heard(status=got.status, body=body, error="")

    workspace = run.around.workspace
    workspace.outlet = cast("Any", SimpleNamespace(event=lambda _body: None, ask=ask))
    user, channel = run.somebody
    await workspace.command(user, channel, "/ticket", "printer is on fire")
    await run.bot.app.drain(10)
    await workspace.submit(user, workspace.views_of(user)[-1]["id"], await chosen(workspace, user))
    await run.settled()
    return next(body for body in heard if body.get("type") == "view_submission")


async def chosen(workspace: Workspace, user: str) -> dict[str, Any]:
    """Something in each input of the form on top that must not be empty."""
    view, chosen = workspace.views_of(user)[-1], dict[str, Any]()
    for block in view["blocks"]:
        element = block.get("element", {})
        if block["type"] != "input" or block.get("optional") or element.get("initial_option"):
            continue
        place = (view["id"], block["block_id"], element["action_id"])
        options = element.get("options", [])
        if element["type"] == "external_select":
            options = await workspace.suggest(user, *place, "")
        value = {"selected_option": options[0]} if options else {"value": element.get("initial_value") or "it burns"}
        chosen[block["block_id"]] = {element["action_id"]: value}
    return chosen


def _spoil(wild: Wild, state: dict[str, Any]) -> None:
    """Give an input another value of its own kind."""
    if "value" in state:
        state["value"] = wild.random.choice((None, wild.text(state["value"] or "")))
    elif state.get("selected_option"):
        state["selected_option"] = wild.random.choice((None, {**state["selected_option"], "value": wild.text()}))
    elif "selected_options" in state:
        made = {"text": {"type": "plain_text", "text": "x"}, "value": wild.text()}
        state["selected_options"] = wild.random.choice(([], [made, made]))
    for key in ("selected_user", "selected_date", "selected_conversation"):
        if key in state:
            state[key] = wild.random.choice((None, wild.text()))


def _letters(subject: str) -> str:
    """What a desk's cleaning leaves of a subject as it is."""
    return re.sub(r"[^a-zA-Z0-9]", "", subject)


def _is_one_of(accepted: AbstractSet[str], subject: str) -> bool:
    """Whether a form with it was accepted; a subject that was cut ends with an ellipsis, and begins like its own."""
    letters = _letters(subject)
    if letters in accepted:
        return True
    return subject.endswith("…") and any(one.startswith(letters) for one in accepted)


def _said(status: int, content: bytes) -> str:
    body = json.loads(content) if content.startswith(b"{") else {}
    return f"{status} {body.get('response_action', 'closed')}"


DOORS = {"forms": forms, "events": events}
