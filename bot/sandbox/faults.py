"""Faults on demand for the stand-ins: each way in which a real server or the way to it fails, one request at a time."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.sandbox.serving import TRANSPORT


class Fault(StrEnum):
    """What goes wrong with one request."""

    REFUSE = "refuse"  # the connection is cut before anything was done
    STALL = "stall"  # nothing is done and nothing is answered for `Faults.stall` seconds
    CUT_AFTER = "cut after commit"  # it is done, and the connection is cut instead of an answer
    LATE = "late commit"  # it is done `Faults.stall` seconds later, when nobody listens any more
    TRUNCATE = "truncate"  # it is done, and half of the answer arrives
    ERROR_BEFORE = "503 before"  # nothing is done, 503
    ERROR_AFTER = "502 after commit"  # it is done, 502
    HTML = "html"  # nothing is done, 200 with an HTML page
    EMPTY = "empty"  # nothing is done, 200 with nothing in it
    RATE_LIMIT = "429"  # nothing is done, 429 with Retry-After: 1
    REDIRECT = "redirect"  # nothing is done, 307 to another host


@dataclass
class Faults:
    """Wraps an application. ``plan`` is used up request by request; ``always`` applies while it is set.

    ``only`` limits faults to requests whose path ends with it (empty: all). ``met`` counts what happened.
    """

    app: ASGIApp
    plan: deque[Fault | None] = field(default_factory=deque)
    always: Fault | None = None
    only: str = ""
    stall: float = 1.0
    met: dict[Fault, int] = field(default_factory=dict)
    _late: set[asyncio.Task[None]] = field(default_factory=set)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, with the fault that is due."""
        fault = self._due(scope)
        if fault is None:
            await self.app(scope, receive, send)
            return
        self.met[fault] = self.met.get(fault, 0) + 1
        match fault:
            case Fault.REFUSE:
                _cut(scope)
            case Fault.STALL:
                await asyncio.sleep(self.stall)
                _cut(scope)
            case Fault.CUT_AFTER:
                await self.app(scope, receive, _swallow)
                _cut(scope)
            case Fault.LATE:
                body = await _read(receive)
                task = asyncio.create_task(self._commit_late(scope, body))
                self._late.add(task)
                task.add_done_callback(self._late.discard)
                await asyncio.sleep(self.stall)
                _cut(scope)
            case Fault.TRUNCATE:
                await self.app(scope, receive, _Half(scope, send))
            case Fault.ERROR_AFTER:
                await self.app(scope, receive, _swallow)
                await PlainTextResponse("Bad Gateway", 502)(scope, receive, send)
            case Fault.ERROR_BEFORE:
                await PlainTextResponse("Service Unavailable", 503)(scope, receive, send)
            case Fault.HTML:
                page = "<!doctype html><title>Maintenance</title><p>We will be back soon."
                await HTMLResponse(page)(scope, receive, send)
            case Fault.EMPTY:
                await PlainTextResponse("")(scope, receive, send)
            case Fault.RATE_LIMIT:
                await PlainTextResponse("Too Many Requests", 429, {"Retry-After": "1"})(scope, receive, send)
            case Fault.REDIRECT:
                headers = {"Location": "http://elsewhere.invalid/"}
                await PlainTextResponse("", 307, headers)(scope, receive, send)

    def _due(self, scope: Scope) -> Fault | None:
        if scope["type"] != "http" or not str(scope["path"]).endswith(self.only):
            return None
        return self.plan.popleft() if self.plan else self.always

    async def _commit_late(self, scope: Scope, body: bytes) -> None:
        await asyncio.sleep(self.stall * 0.8)
        sent = False

        async def receive() -> Message:
            nonlocal sent
            if sent:
                return {"type": "http.disconnect"}
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, receive, _swallow)


def _cut(scope: Scope) -> None:
    """Abort the connection, so that the client sees a reset and no answer."""
    scope["extensions"][TRANSPORT].abort()


async def _swallow(message: Message) -> None:
    """An answer that nobody gets."""


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


class _Half:
    """Sends half of a body and then cuts."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self.scope = scope
        self.send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            await self.send({**message, "body": body[: len(body) // 2], "more_body": True})
            await asyncio.sleep(0)
            _cut(self.scope)
        else:
            await self.send(message)
