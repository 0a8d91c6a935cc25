"""Doors that Slack and helpdesks call, under spoilt payloads: each attempt gives a word for what came of it."""

import base64
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlencode

from slack_sdk.socket_mode.request import SocketModeRequest

from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.conversion.ports import Added
from bot.doors.hooks import Hooks
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from bot.slack.batch import StoreFirst
from bot.slack.front import OK, Front
from bot.slack.socket import SocketMode
from bot.wiring import DeskBook
from tests.security.doors import Broken, Door
from tests.security.wild import Wild
from tests.slack.doors import FORM, JSON, NOW, SECRET, Taken, send, sign


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
async def strangers(wild: Wild) -> AsyncIterator[Door]:
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

    yield Door(attempt)


@asynccontextmanager
async def signed(wild: Wild) -> AsyncIterator[Door]:
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

    yield Door(attempt)


@asynccontextmanager
async def frames(wild: Wild) -> AsyncIterator[Door]:
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
        taken.events.clear()
        taken.interactions.clear()
        await socket._receive(client, request)
        delivered = taken.events + taken.interactions
        if len(delivered) > 1 or bool(sent) != bool(delivered):
            raise Broken("what was acknowledged is not what was delivered")
        json.dumps(delivered, ensure_ascii=False).encode()
        return "acknowledged" if sent else "not acknowledged"

    yield Door(attempt)


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
async def webhooks(wild: Wild) -> AsyncIterator[Door]:
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

    yield Door(attempt)


DOORS = {"strangers": strangers, "signed": signed, "frames": frames, "webhooks": webhooks}
