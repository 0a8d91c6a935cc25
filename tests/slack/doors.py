"""Requests as Slack signs them, something that takes what a door delivers, and small real servers."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from bot.slack.front import Answer

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = 1_700_000_000


@dataclass
class Taken:
    """Takes what a door delivers; ``fails`` is raised instead, while it is set."""

    events: list[dict[str, Any]] = field(default_factory=list)
    retries: list[int] = field(default_factory=list)
    interactions: list[dict[str, Any]] = field(default_factory=list)
    fails: Exception | None = None
    stalls: asyncio.Event | None = None
    answer: Answer = field(default_factory=lambda: Answer(200, {}, b""))

    async def event(self, body, retry):
        if self.stalls is not None:
            await self.stalls.wait()
        if self.fails is not None:
            raise self.fails
        self.events.append(body)
        self.retries.append(retry)

    async def interaction(self, body):
        if self.stalls is not None:
            await self.stalls.wait()
        if self.fails is not None:
            raise self.fails
        self.interactions.append(body)
        return self.answer


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self):
        return json.loads(self.content)


def sign(raw: bytes, *, secret: str = SECRET, at: int | str = NOW) -> dict[bytes, bytes]:
    digest = hmac.new(secret.encode(), f"v0:{at}:".encode() + raw, hashlib.sha256).hexdigest()
    return {b"x-slack-request-timestamp": str(at).encode(), b"x-slack-signature": f"v0={digest}".encode()}


async def send(app: Any, raw: bytes, headers: Any, *, method: str = "POST", path: str = "/slack/events") -> Reply:
    """One request through the ASGI interface, in the pieces that a server gives."""
    pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
    pieces = [raw[i : i + 400_000] for i in range(0, len(raw), 400_000)] or [b""]
    messages = [
        {"type": "http.request", "body": piece, "more_body": i + 1 < len(pieces)} for i, piece in enumerate(pieces)
    ]
    sent: list[dict[str, Any]] = []

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def keep(message):
        sent.append(message)

    await app({"type": "http", "method": method, "path": path, "headers": pairs}, receive, keep)
    start, body = sent
    return Reply(start["status"], {k.decode(): v.decode() for k, v in start["headers"]}, body["body"])


JSON = {b"content-type": b"application/json"}
FORM = {b"content-type": b"application/x-www-form-urlencoded"}


async def post_json(app: Any, value: Any, **extra: bytes) -> Reply:
    """A signed body of JSON."""
    raw = json.dumps(value).encode()
    return await send(app, raw, {**sign(raw), **JSON, **{k.replace("_", "-").encode(): v for k, v in extra.items()}})


async def post_form(app: Any, **fields: str) -> Reply:
    """A signed form."""
    raw = urlencode(fields).encode()
    return await send(app, raw, {**sign(raw), **FORM})


async def post_payload(app: Any, value: Any) -> Reply:
    """A signed interaction."""
    return await post_form(app, payload=json.dumps(value))


@asynccontextmanager
async def serve(routes: dict[str, Callable[[web.Request], Any]]) -> AsyncIterator[str]:
    """A small real server on loopback; gives its address. Paths may hold aiohttp's patterns."""
    app = web.Application()
    for path, handler in routes.items():
        app.router.add_route("*", path, _handling(handler))
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        assert runner.addresses
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def _handling(handler: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
    """A coroutine function, which aiohttp insists on, around any callable that gives an awaitable."""

    async def handle(request: web.Request) -> web.StreamResponse:
        answer: web.StreamResponse = await handler(request)
        return answer

    return handle
