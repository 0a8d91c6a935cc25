"""A light load: requests that were signed beforehand, over connections that stay open, one in flight on each."""

import asyncio
import gc
import hmac
import itertools
import json
import re
import time
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from typing_extensions import override

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
TEAM, CHANNEL, USER = "T0BENCH01", "C0BENCH01", "U0BENCH01"
THREADS = 1000
"""Threads that have a ticket, over which the messages are spread."""
WORDS = (
    "The label printer in dispatch prints every label twice since this morning, and the one on the mezzanine "
    "does not print at all. I have switched both off and on again. Can somebody have a look before the van comes?"
)


class Messages:
    """Events that nobody has seen before: replies of about a kilobyte, over *threads* threads in turn.

    The text of each holds its number, as ``No0000000012x``, by which it is known again at the desk.
    """

    def __init__(self, *, team: str = TEAM, channel: str = CHANNEL, user: str = USER, threads: int = THREADS) -> None:
        self.team, self.channel, self.threads = team, channel, threads
        self._numbers = itertools.count(1)
        self._template = _template(team, channel, user)

    def next(self) -> tuple[int, bytes]:
        """A number, and the body of the event."""
        number = next(self._numbers)
        ts = b"1790%06d.%06d" % divmod(number, 1_000_000)
        filled = self._template.replace(b"@TS@", ts).replace(b"@ROOT@", root(number % self.threads).encode())
        return number, filled.replace(b"@NO@", b"%010d" % number)


NUMBER = re.compile(rb"No(\d{10})x")
"""How a message is found in what a desk was sent."""


def root(number: int) -> str:
    """The timestamp of a thread's first message."""
    return f"17{number:08d}.000100"


def _template(team: str, channel: str, user: str) -> bytes:
    text = f"No@NO@x {WORDS}"
    block = {"type": "rich_text_section", "elements": [{"type": "text", "text": text}]}
    event = {
        "type": "message",
        "user": user,
        "ts": "@TS@",
        "client_msg_id": "7cd9c5c4-31a7-4e5a-9c9a-5a5a5a5a5a5a",
        "text": text,
        "team": team,
        "thread_ts": "@ROOT@",
        "parent_user_id": user,
        "blocks": [{"type": "rich_text", "block_id": "Ab1Cd", "elements": [block]}],
        "channel": channel,
        "event_ts": "@TS@",
        "channel_type": "channel",
    }
    us = {"enterprise_id": None, "team_id": team, "user_id": "U0BOT", "is_bot": True, "is_enterprise_install": False}
    body = {
        "token": "XXYYZZ",
        "team_id": team,
        "api_app_id": "A0BENCH01",
        "event": event,
        "type": "event_callback",
        "event_id": "Ev@NO@",
        "event_time": 1799999999,
        "authorizations": [us],
        "is_ext_shared_channel": False,
        "event_context": "4-eyJldCI6Im1lc3NhZ2UiLCJ0aWQiOiJUMEJFTkNIMDEifQ",
    }
    return json.dumps(body, separators=(",", ":")).encode()


def signed(raw: bytes, *, kind: bytes = b"application/json", secret: str = SECRET) -> bytes:
    """A whole HTTP request, as Slack signs it."""
    stamp = b"%d" % time.time()
    proof = hmac.digest(secret.encode(), b"v0:" + stamp + b":" + raw, "sha256").hex().encode()
    return b"\r\n".join(
        (
            b"POST /slack/events HTTP/1.1",
            b"Host: 127.0.0.1",
            b"User-Agent: Slackbot 1.0 (+https://api.slack.com/robots)",
            b"Accept: */*",
            b"Content-Type: " + kind,
            b"X-Slack-Request-Timestamp: " + stamp,
            b"X-Slack-Signature: v0=" + proof,
            b"Content-Length: %d" % len(raw),
            b"",
            raw,
        )
    )


def form(fields: dict[str, str], *, secret: str) -> bytes:
    """A signed form, as commands and interactions come."""
    return signed(urlencode(fields).encode(), kind=b"application/x-www-form-urlencoded", secret=secret)


@dataclass
class Burst:
    """What a load saw. ``latencies`` are seconds."""

    elapsed: float = 0.0
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.elapsed


class _Caller(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the one before is there."""

    def __init__(self, requests: deque[bytes], burst: Burst, until: float) -> None:
        self._requests, self._burst, self._until = requests, burst, until
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._data = b""
        self._began = 0.0
        self._transport: asyncio.Transport

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # asyncio's own protocols are typed like this
        self._next()

    def _next(self) -> None:
        self._began = time.perf_counter()
        if self._began >= self._until or not self._requests:
            self._transport.close()
            return
        self._transport.write(self._requests.popleft())

    @override
    def data_received(self, data: bytes) -> None:
        self._data = self._data + data if self._data else data
        head = self._data.find(b"\r\n\r\n")
        if head < 0 or len(self._data) < head + 4 + _length(self._data[:head]):
            return
        self._burst.latencies.append(time.perf_counter() - self._began)
        self._burst.statuses[int(self._data[9:12])] += 1
        self._data = b""
        self._next()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.done.set_result(None)


def _length(head: bytes) -> int:
    at = head.lower().find(b"content-length:")
    return 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])


async def burst(address: str, requests: Iterable[bytes], *, in_flight: int, seconds: float) -> Burst:
    """Send *requests* to *address* for at most so many seconds, always so many at a time.

    Raises:
        RuntimeError: something else than 200 came back, so that a figure would mean nothing.
    """
    host, _, port = address.removeprefix("http://").rpartition(":")
    loop, result, waiting = asyncio.get_running_loop(), Burst(), deque(requests)
    gc.collect()
    gc.disable()
    began = time.perf_counter()
    try:
        made = [
            await loop.create_connection(lambda: _Caller(waiting, result, began + seconds), host, int(port))
            for _ in range(in_flight)
        ]
        await asyncio.gather(*(caller.done for _, caller in made))
    finally:
        gc.enable()
    result.elapsed = time.perf_counter() - began
    if set(result.statuses) != {200}:
        raise RuntimeError(f"{address} answered {dict(result.statuses)}")
    return result
