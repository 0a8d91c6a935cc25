"""The door for helpdesks' webhooks. A call is believed only as signed, and only means: look at these tickets now."""

import asyncio
import logging
import time
from collections import Counter
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from adapters.contract import Capability
from adapters.errors import NotAuthorised
from bot.conversion.ops import pull_op
from bot.conversion.ports import Desks, Lanes, Links, StoreAway

log = logging.getLogger(__name__)

PATH: Final = "/hooks/"
BODY: Final = 1_000_000
"""Bytes of a call that are read; desks' own have a few hundred."""
TICKETS: Final = 200
"""Tickets that one call may name; what it does not get to is found by the next poll."""
SECONDS: Final = 10.0
"""Seconds that a call may take to arrive, and its wishes to be stored."""
QUIET: Final = 60.0
"""Seconds for which the log says nothing more of what is called in vain at a desk: anybody may call, and often."""


class Hooks:
    """The ASGI application that answers ``POST /hooks/NAME``, NAME being a desk of the settings.

    A stranger gets a 4xx whatever they send; 503 asks the desk to call again because nothing could be stored.

    Attributes:
        answers: how many calls of each desk got which status; calls for no desk are not told apart.
    """

    def __init__(self, desks: Desks, links: Links, lanes: Lanes) -> None:
        self._desks = desks
        self._links = links
        self._lanes = lanes
        self.answers: Counter[tuple[str, str]] = Counter()
        self._quiet_until: dict[tuple[str, str], float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        name = str(scope["path"]).removeprefix(PATH)
        known = str(scope["path"]).startswith(PATH) and name in self._desks.names()
        try:
            if not known:
                answer = _nobody()
            elif not self._desks.get(name).has(Capability.WEBHOOK):
                self._complain("a webhook was refused: its desk has no secret in the settings to prove it by", name)
                answer = _nobody()  # as for no desk
            else:
                answer = await self._answer(request, name)
        except ClientDisconnect:
            return
        self.answers[name if known else "none", str(answer.status_code)] += 1
        await answer(scope, receive, send)

    async def _answer(self, request: Request, name: str) -> Response:
        if request.method != "POST":
            return Response(status_code=405, headers={"allow": "POST"})
        try:
            async with asyncio.timeout(SECONDS):
                body = await _read(request)
        except TimeoutError:
            return _said(408, "The call did not arrive in time.")
        if body is None:
            return _said(413, "Too large for a webhook's call.")
        found = self._tickets(name, _headers(request), body)
        if isinstance(found, Response):
            return found
        try:
            async with asyncio.timeout(SECONDS):
                await self._look_at(name, found)
        except (StoreAway, TimeoutError):
            return _said(503, "Not stored. Please call again.")
        return _said(200, "Thank you.")

    def _tickets(self, name: str, headers: dict[str, str], body: bytes) -> tuple[str, ...] | Response:
        """The tickets that a call names, or the refusal."""
        try:
            return self._desks.get(name).webhook(headers, body)
        except NotAuthorised:
            return _said(401, "The signature is not right.")
        except Exception as error:  # noqa: BLE001 - whatever an adapter cannot read is the caller's fault
            self._complain("a webhook cannot be read", name, error=type(error).__name__)
            return _said(400, "The call cannot be read.")

    def _complain(self, words: str, name: str, **more: str) -> None:
        """Say in the log what is wrong with the calls at a desk, once in a while."""
        if time.monotonic() >= self._quiet_until.get((words, name), 0.0):
            self._quiet_until[words, name] = time.monotonic() + QUIET
            log.warning(words, extra={"desk": name, **more})

    async def _look_at(self, name: str, tickets: tuple[str, ...]) -> None:
        """Have the threads of *tickets* looked at now. Raises StoreAway."""
        known = dict.fromkeys(tickets[:TICKETS])
        threads = {thread for ticket in known for thread in await self._links.threads(name, ticket)}
        ops = [pull_op(thread) for thread in sorted(threads, key=str)]
        if ops:
            await self._lanes.add(ops)
        for op in ops:
            await self._lanes.nudge(op.lane)


def beside(door: ASGIApp, hooks: ASGIApp) -> ASGIApp:
    """One application: *hooks* for its paths, and *door* for everything else."""

    async def both(scope: Scope, receive: Receive, send: Send) -> None:
        chosen = hooks if scope["type"] == "http" and scope["path"].startswith(PATH) else door
        await chosen(scope, receive, send)

    return both


async def _read(request: Request) -> bytes | None:
    """The body as it came; None where it is too large."""
    parts = bytearray()
    async for chunk in request.stream():
        parts += chunk
        if len(parts) > BODY:
            return None
    return bytes(parts)


def _headers(request: Request) -> dict[str, str]:
    """The headers by name; one that is there twice is left out, since nobody can say which of them counts."""
    names = Counter(name for name, _ in request.headers.items())
    return {name: value for name, value in request.headers.items() if names[name] == 1}


def _nobody() -> Response:
    return _said(404, "No helpdesk is expected to call here.")


def _said(status: int, words: str) -> Response:
    return PlainTextResponse(words + "\n", status)
