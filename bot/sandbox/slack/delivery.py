"""Delivers to the app by Slack's schedule: events again until acknowledged, over signed HTTP; and what may go wrong."""

import abc
import asyncio
import hashlib
import hmac
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx
from typing_extensions import override

from bot.sandbox.slack.outlet import Answer, Kind
from bot.sandbox.slack.workspace import Workspace

RETRY_AFTER = (0.0, 60.0, 300.0)
"""Seconds before each of the three retries (docs.slack.dev/apis/events-api, "Retries")."""


@dataclass(kw_only=True)
class Trouble:
    """What goes wrong on the way to the app, on demand."""

    duplicate: int = 1
    """Each event is sent so many times, although the app acknowledges it."""
    drop_acks: int = 0
    """So many of the coming acknowledgements of events are lost: Slack sends those events again."""
    reorder: bool = False
    """Of two events, the later one is sent first."""
    delay: float = 0.0
    """Seconds that each event spends on the way."""


class Delivery(abc.ABC):
    """The outlet with Slack's retry schedule.

    ``scale`` multiplies the waits between retries (0.01 makes a minute 0.6 s). ``ack_seconds`` is how long Slack waits
    for an answer. ``sent``, ``acked``, ``retried`` and ``given_up`` count events.
    """

    def __init__(self, workspace: Workspace, *, scale: float = 1.0, ack_seconds: float = 3.0) -> None:
        self.workspace, self.scale, self.ack_seconds = workspace, scale, ack_seconds
        self.trouble = Trouble()
        self.counts: Counter[str] = Counter()
        self.given_up: list[dict[str, Any]] = []
        self._held: dict[str, Any] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def event(self, body: dict[str, Any]) -> None:
        """Send an event, now and again until it is acknowledged."""
        if not self.trouble.reorder:
            self._send(body)
        elif self._held is None:
            self._held = body
            self._keep(asyncio.create_task(self._release_soon(body)))
        else:
            held, self._held = self._held, None
            self._send(body)
            self._send(held)

    @abc.abstractmethod
    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:
        """Send a command or an interaction once."""

    @abc.abstractmethod
    async def attempt(self, body: dict[str, Any], number: int, reason: str) -> tuple[str, bool]:
        """Send an event for the *number*-th time.

        Gives why it failed (empty: it was acknowledged), and whether the app asked not to be sent it again.
        """

    async def idle(self) -> None:
        """Wait until nothing is under way any more: every event is acknowledged or given up."""
        while self._tasks:
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        """Send nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, body: dict[str, Any]) -> None:
        for _ in range(self.trouble.duplicate):
            self._keep(asyncio.create_task(self._until_acknowledged(body)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _release_soon(self, body: dict[str, Any]) -> None:
        """An event that was held back for the next one goes alone when there is no next one."""
        await asyncio.sleep(0.2)
        if self._held is body:
            self._held = None
            self._send(body)

    async def _until_acknowledged(self, body: dict[str, Any]) -> None:
        await asyncio.sleep(self.trouble.delay)
        reason = ""
        for number in range(len(RETRY_AFTER) + 1):
            if number:
                await asyncio.sleep(RETRY_AFTER[number - 1] * self.scale)
                self.counts["retried"] += 1
            self.counts["sent"] += 1
            reason, enough = await self.attempt(body, number, reason)
            if not reason and self.trouble.drop_acks:
                self.trouble.drop_acks -= 1
                reason = "http_timeout"
            if not reason:
                self.counts["acked"] += 1
                return
            if enough:
                break
        self.counts["given_up"] += 1
        self.given_up.append(body)


@dataclass(frozen=True, kw_only=True)
class _Reply:
    status: int
    body: bytes = b""
    headers: httpx.Headers = field(default_factory=httpx.Headers)
    reason: str = ""


class HttpDelivery(Delivery):
    """Signed requests to the app's request URL."""

    def __init__(self, workspace: Workspace, request_url: str, **options: Any) -> None:
        super().__init__(workspace, **options)
        self.request_url = request_url
        self._client = httpx.AsyncClient(timeout=self.ack_seconds, follow_redirects=False, trust_env=False)

    async def verify_url(self) -> bool:
        """Ask the app to echo a challenge, as Slack does when a request URL is saved."""
        body = {
            "type": "url_verification",
            "token": "sandbox-verification-token",
            "challenge": "3eZbrw1aBm2rZgRNFdxV2595",
        }
        reply = await self._post(json.dumps(body).encode(), "application/json")
        return reply.status == 200 and body["challenge"].encode() in reply.body

    @override
    async def attempt(self, body: dict[str, Any], number: int, reason: str) -> tuple[str, bool]:
        headers = {"x-slack-retry-num": str(number), "x-slack-retry-reason": reason} if number else {}
        reply = await self._post(json.dumps(body).encode(), "application/json", headers)
        enough = reply.headers.get("x-slack-no-retry") == "1"
        if reply.reason:
            return reply.reason, enough
        return ("" if 200 <= reply.status < 300 else "http_error"), enough

    @override
    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:
        fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
        reply = await self._post(urlencode(fields).encode(), "application/x-www-form-urlencoded")
        if reply.reason == "http_timeout":
            return Answer(status=0, error="operation_timeout")
        if reply.reason or reply.status != 200:
            return Answer(status=reply.status, error="dispatch_failed")
        text = reply.body.decode(errors="replace")
        try:
            return Answer(body=json.loads(text) if text.strip() else None)
        except ValueError:
            return Answer(body=text)

    @override
    async def stop(self) -> None:
        await super().stop()
        await self._client.aclose()

    async def _post(self, raw: bytes, kind: str, more: dict[str, str] | None = None) -> _Reply:
        stamp = str(int(self.workspace.state.clock()))
        headers = {
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "Content-Type": kind,
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": signature(self.workspace.signing_secret, stamp, raw),
            **(more or {}),
        }
        try:
            reply = await self._client.post(self.request_url, content=raw, headers=headers)
        except httpx.TimeoutException:
            return _Reply(status=0, reason="http_timeout")
        except httpx.HTTPError:
            return _Reply(status=0, reason="connection_failed")
        reason = "too_many_redirects" if reply.is_redirect else ""
        return _Reply(status=reply.status_code, body=reply.content, headers=reply.headers, reason=reason)


def signature(secret: str, stamp: str, raw: bytes) -> str:
    """Slack's ``X-Slack-Signature`` (docs.slack.dev/authentication/verifying-requests-from-slack)."""
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + raw, hashlib.sha256)
    return "v0=" + signed.hexdigest()
