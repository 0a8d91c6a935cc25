"""Doors that Slack and helpdesks call, under spoilt payloads: each attempt gives a word for what came of it."""

import base64
import copy
import hmac
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.commands.demo import company
from bot.conversion.ports import Added, SlackRefused, SlackTrouble
from bot.doors.hooks import Hooks
from bot.sandbox.demo import world
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from bot.sandbox.slack.outlet import Answer as Heard
from bot.sandbox.slack.workspace import Workspace
from bot.settings import parse
from bot.slack.batch import StoreFirst
from bot.slack.front import OK, Front
from bot.slack.socket import SocketMode
from bot.wiring import DeskBook, assembled
from tests.security.wild import Wild
from tests.slack.doors import FORM, JSON, NOW, SECRET, Taken, send, sign

Attempt = Callable[[], Awaitable[str]]
"""Tries something once and says what came of it. Raises Broken, or anything, where it must not have happened."""


class Broken(Exception):
    """What must not happen; the message holds no payload."""


def _event(kind: str, **more: Any) -> dict[str, Any]:
    inner = {"type": kind, "channel": "C1", "user": "U1", "ts": "1700000000.000100", "event_ts": "1700000000.000100"}
    return {"type": "event_callback", "team_id": "T1", "event_id": "Ev1", "event": {**inner, **more}}


VERBS = ("close", "move billing", "assign <@U1>", "link #7", "unlink", "mirror marked", "mirror apps on", "note: x")
EVENTS = (
    _event("message", text="hello", thread_ts="1699999999.000100"),
    _event("message", subtype="message_changed", message={"ts": "1.1", "text": "x", "edited": {"ts": "2.0"}}),
    _event("message", subtype="message_deleted", deleted_ts="1.1", previous_message={"ts": "1.1"}),
    _event("app_mention", text="<@U0> close"),
    *(_event("app_mention", text=f"<@U0> {words}", thread_ts="1699999999.000100") for words in VERBS),
    _event("link_shared", message_ts="1.1", links=[{"domain": "x.test", "url": "https://x.test/t?id=7"}]),
    _event(
        "function_executed",
        function={"callback_id": "create_ticket"},
        function_execution_id="Fx1",
        inputs={"subject": "printer", "requester": "U1", "desk": "local"},
    ),
    _event("reaction_added", reaction="ticket", item={"type": "message", "channel": "C1", "ts": "1.1"}),
    _event("app_home_opened", tab="home"),
    {"type": "app_rate_limited", "team_id": "T1", "minute_rate_limited": 1},
    {"type": "url_verification", "challenge": "x"},
)
COMMAND = {"command": "/ticket", "text": "printer", "team_id": "T1", "user_id": "U1", "trigger_id": "1.1.a"}
COMMANDS = [
    {**COMMAND, "text": text} for text in ("printer", "view #7", "search x", "mine", "assign #7 <@U1>", "doctor")
]
ACTION = {"type": "block_actions", "user": {"id": "U1", "team_id": "T1"}, "actions": [{"action_id": "x", "value": "y"}]}
BODIES = [
    *((json.dumps(event).encode(), JSON) for event in EVENTS),
    *((urlencode(command).encode(), FORM) for command in COMMANDS),
    (urlencode({"payload": json.dumps(ACTION)}).encode(), FORM),
]


@asynccontextmanager
async def strangers(wild: Wild) -> AsyncIterator[Attempt]:
    """HTTP before the signature was proved."""
    taken = Taken()
    front = Front(SECRET, taken, clock=lambda: NOW)

    async def attempt() -> str:
        raw, kind = wild.random.choice(BODIES)
        headers = {**sign(raw), **kind}
        body = wild.spoilt(raw)
        pairs = wild.headers(headers) if body == raw or wild.random.random() < 0.5 else list(headers.items())
        if body == raw and dict(pairs) == headers:  # nothing was spoilt
            pairs = list(kind.items())
        reply = await send(front, body, pairs)
        if not 400 <= reply.status < 500 and not (body == raw and reply.status == 200):
            raise Broken(f"a stranger got {reply.status}")
        if body != raw and (taken.events or taken.interactions):
            raise Broken("something unsigned was delivered")
        taken.events.clear()
        taken.interactions.clear()
        return str(reply.status)

    yield attempt


@asynccontextmanager
async def signed(wild: Wild) -> AsyncIterator[Attempt]:
    """HTTP after it: nothing that Slack's secret signs makes the door fail, and events become operations or nothing."""

    async def add(ops: Any) -> list[Added]:
        for op in ops:
            op.payload.encode(), op.lane.encode(), op.id.encode()
        return [Added.ADDED] * len(ops)

    async def interaction(body: dict[str, Any]) -> Any:
        json.dumps(body, ensure_ascii=False).encode()
        return OK

    front = Front(SECRET, StoreFirst(add, interaction), clock=lambda: NOW)

    async def attempt() -> str:
        raw, kind = wild.random.choice(BODIES)
        body = wild.body(raw)
        reply = await send(front, body, {**sign(body), **kind})
        if reply.status not in {200, 400}:
            raise Broken(f"something signed got {reply.status}")
        return str(reply.status)

    yield attempt


@asynccontextmanager
async def frames(wild: Wild) -> AsyncIterator[Attempt]:
    """Socket Mode's envelopes."""
    taken, sent = Taken(), list[Any]()

    async def keep(response: Any) -> None:
        sent.append(json.dumps(response))

    socket = SocketMode("xapp-x", cast("Any", None), taken)
    client = cast("Any", SimpleNamespace(send_socket_mode_response=keep))

    async def attempt() -> str:
        envelope = {
            "type": "events_api",
            "envelope_id": "e",
            "payload": wild.random.choice((*EVENTS, *COMMANDS, ACTION)),
        }
        try:
            frame = json.loads(wild.body(json.dumps(envelope).encode()))
            request = SocketModeRequest.from_dict(frame) if isinstance(frame, dict) else None
        except (ValueError, TypeError, RecursionError):  # the SDK's client drops it there
            return "no frame"
        if request is None or not isinstance(request.payload, dict):
            return "no envelope"
        sent.clear()
        await socket._receive(client, request)
        return "acknowledged" if sent else "not acknowledged"

    yield attempt


HOOKS = {
    "whmcs": (b'{"tickets": ["7", "8"]}', b'{"tickets": []}'),
    "superoffice_rest": (
        b'{"Event": "ticket.changed", "PrimaryKey": 7, "ContextIdentifier": "Cust1", "Changes": ["title"]}',
    ),
}


def _proof(kind: str, raw: bytes) -> dict[bytes, bytes]:
    digest = hmac.digest(b"hook", raw, "sha256")
    if kind == "whmcs":
        return {b"x-threadline-signature": b"sha256=" + digest.hex().encode()}
    return {b"x-superoffice-signature": base64.b64encode(digest)}


@asynccontextmanager
async def webhooks(wild: Wild) -> AsyncIterator[Attempt]:
    """Helpdesks' webhooks, with the right signature and without."""
    tables = {
        "whmcs": {"kind": "whmcs", "url": "https://x.test", "identifier": "i", "secret": "s"},
        "superoffice_rest": SuperOfficeRestStandIn().settings("http://127.0.0.1:9"),
    }
    made = {name: settings_for(name, {**table, "webhook_secret": "hook"}) for name, table in tables.items()}
    desks = DeskBook({name: make(name, settings, InProcess()) for name, settings in made.items()})
    looked: list[str] = []

    async def threads(_desk: str, ticket: str) -> tuple[()]:
        looked.append(ticket.encode().decode())
        return ()

    hooks = Hooks(desks, cast("Any", SimpleNamespace(threads=threads)), cast("Any", None))

    async def attempt() -> str:
        looked.clear()
        kind = wild.random.choice(list(HOOKS))
        body = wild.body(wild.random.choice(HOOKS[kind]))
        right = _proof(kind, body)
        proof = list(right.items())
        sent = proof if wild.random.random() < 0.7 else wild.headers(right)
        reply = await send(hooks, body, sent, path=f"/hooks/{kind}")
        if reply.status >= 500 or (looked and (sent != proof or reply.status != 200)):
            raise Broken(f"a webhook got {reply.status}")
        return str(reply.status)

    yield attempt


@asynccontextmanager
async def forms(wild: Wild) -> AsyncIterator[Attempt]:
    """Values of a submitted form, as far as Slack could send them, into the whole app with a real store."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-fuzz-")))
        around = await stack.enter_async_context(world("local", folder, workspace=company()))
        bot = await stack.enter_async_context(assembled(parse(around.settings, around.environment)))
        stack.push_async_callback(bot.app.drain, 5)
        heard: list[dict[str, Any]] = []

        async def ask(_kind: str, payload: dict[str, Any]) -> Heard:
            heard.append(copy.deepcopy(payload))
            got = await bot.app.interaction(payload)
            body = json.loads(got.content) if got.content.startswith(b"{") else None
            return Heard(status=got.status, body=body, error="")

        workspace = around.workspace
        workspace.outlet = cast("Any", SimpleNamespace(event=lambda _body: None, ask=ask))
        user, channel = next(iter(workspace.people)), next(iter(workspace.channels))
        await workspace.command(user, channel, "/ticket", "printer is on fire")
        await bot.app.drain(10)
        await workspace.submit(user, workspace.views_of(user)[-1]["id"], await _chosen(workspace, user))
        seed = next(body for body in heard if body.get("type") == "view_submission")

        async def attempt() -> str:
            body = copy.deepcopy(seed)
            values = body["view"]["state"]["values"]
            for block in wild.random.sample(sorted(values), wild.random.randint(1, len(values))):
                for state in values[block].values():
                    _spoil(wild, state)
            if wild.random.random() < 0.2:
                body["view"]["private_metadata"] = wild.text(body["view"]["private_metadata"])
            try:
                got = await bot.app.interaction(body)
            except (SlackTrouble, SlackRefused) as refused:
                return type(refused).__name__
            return _said(got.status, got.content)

        yield attempt


async def _chosen(workspace: Workspace, user: str) -> dict[str, Any]:
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


def _said(status: int, content: bytes) -> str:
    body = json.loads(content) if content.startswith(b"{") else {}
    return f"{status} {body.get('response_action', 'closed')}"


DOORS = {"strangers": strangers, "signed": signed, "frames": frames, "webhooks": webhooks, "forms": forms}
