"""The door as strangers meet it: over a socket, with its server, and requests of which every byte may be spoilt."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from unittest.mock import patch

from typing_extensions import override

from bot import serving as served
from bot.slack.front import Answer, Front
from tests.security.doors import Broken, Door
from tests.security.fuzz_slack import BODIES
from tests.security.wild import Wild
from tests.slack.doors import NOW, SECRET, Taken, sign

LOOK = 0.02
"""Seconds in the place of ten, after which the server closes a connection that brings no whole request."""
STARTS = (
    *(b"GET /slack/events HTTP/1.1", b"OPTIONS * HTTP/1.1", b"CONNECT x:443 HTTP/1.1", b"PRI * HTTP/2.0", b""),
    *(b"post /slack/events HTTP/1.1", b"POST /slack/events", b"POST /slack/events HTTP/9.9", b"\x16\x03\x01\x02\x00"),
    *(b"POST /slack/events HTTP/1.0", b"POST /slack/events?x=%zz HTTP/1.1", b"POST /slack/%65vents HTTP/1.1"),
    *(b"POST //slack/events HTTP/1.1", b"POST /slack/events/ HTTP/1.1", b"POST http://y/slack/events HTTP/1.1"),
    *(b"POST /%00%ff%c3%28 HTTP/1.1", b"POST /\xff\xfe HTTP/1.1", b"POST /" + b"a" * 100_000 + b" HTTP/1.1"),
)
MORE = (
    *(b"Expect: 100-continue", b"Upgrade: websocket\r\nConnection: upgrade", b"Upgrade: h2c\r\nConnection: upgrade"),
    *(b"Connection: keep-alive", b"Connection: close\r\nConnection: keep-alive", b"TE: trailers", b"Trailer: X-A"),
    *(b"X-A: a\r\n b", b"X-A", b": a", b"X\x00A: a", b"X-A: \xff\x00", b"X-A: " + b"a" * 100_000, b"X-A: a\r\n" * 200),
)
LENGTHS = (b"0", b"1", b"-1", b"+5", b"0x10", b"5, 5", b"", b"99999999999", b"9" * 50, b"1e3", b" 7 ", b"\xb2")
TRAILERS = (b"", b"X-A: a\r\n", b"Content-Length: 7\r\n", b"X-Slack-Signature: v0=0\r\n", b"X-A: a\r\n" * 9_000)


class Proved(Front):
    """The door, with the bytes that it took for Slack's."""

    taken: list[bytes]

    @override
    async def _take(self, raw: bytes, *rest: object) -> Answer:
        self.taken.append(raw)
        return await super()._take(raw, *rest)  # type: ignore[arg-type]  # as they came


@asynccontextmanager
async def wire(wild: Wild) -> AsyncIterator[Door]:
    """Connections of strangers to the served door, which ends each of them."""
    taken = Taken()
    front = Proved(SECRET, taken, clock=lambda: NOW)
    front.taken = []
    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(served, "LOOK", LOOK))
        port = int((await stack.enter_async_context(served.serving(front))).rpartition(":")[2])

        async def attempt() -> str:
            for kept in (front.taken, taken.events, taken.retries, taken.interactions):
                kept.clear()
            raw, kind = wild.random.choice(BODIES)
            sent = _request(wild, raw, {**sign(raw), **kind})
            said = await _answered(port, sent if wild.random.random() < 0.5 else wild.spoilt(sent))
            statuses = [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said) if status != b"100"]
            if any(one != raw for one in front.taken):
                raise Broken("something unsigned was taken for Slack's")
            if strange := [one for one in statuses if not 400 <= one < 500 and not (one == 200 and front.taken)]:
                raise Broken(f"a stranger got {strange[0]}")
            return str(statuses[0]) if statuses else "closed"

        yield Door(attempt)


def _request(wild: Wild, raw: bytes, headers: dict[bytes, bytes]) -> bytes:
    """A request of Slack's, of which its first line, its headers, its length or its pieces may be something else."""

    def rarely(right: bytes, odd: Callable[[], bytes]) -> bytes:
        return right if wild.random.random() < 0.8 else odd()

    pick = wild.random.choice
    start = rarely(b"POST /slack/events HTTP/1.1", lambda: pick(STARTS))
    pairs = list(headers.items()) if wild.random.random() < 0.8 else wild.headers(headers)
    body = rarely(raw, lambda: wild.body(raw))
    length = b"Content-Length: " + rarely(str(len(body)).encode(), lambda: pick(LENGTHS))
    if wild.random.random() < 0.3:
        length = rarely(b"", lambda: length + b"\r\n") + b"Transfer-Encoding: " + rarely(b"chunked", _odd_coding(wild))
        body = _pieces(wild, body)
    lines = [start, b"Host: x", *(name + b": " + value for name, value in pairs), length]
    lines.insert(wild.random.randint(1, len(lines)), rarely(b"Connection: close", lambda: pick(MORE)))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _odd_coding(wild: Wild) -> Callable[[], bytes]:
    """Something else than a body in pieces."""
    return lambda: wild.random.choice((b"gzip, chunked", b"chunked, gzip", b"identity", b"\x0bchunked", b"x"))


def _pieces(wild: Wild, body: bytes) -> bytes:
    """*body* as HTTP sends it in pieces, with what may stand around them."""
    at = wild.random.randrange(len(body) + 1)
    told = wild.random.choice((b"", b"", b"", b";x=y", b";" + b"x" * 70_000, b"g", b" "))
    pieces = [b"%x%s\r\n%s\r\n" % (len(piece), told, piece) for piece in (body[:at], body[at:]) if piece]
    trailers = wild.random.choice(TRAILERS) if wild.random.random() < 0.3 else b""
    return b"".join(pieces) + b"0\r\n" + trailers + b"\r\n"


async def _answered(port: int, sent: bytes) -> bytes:
    """All that comes back until the server closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    try:
        with contextlib.suppress(ConnectionError):  # it may close while there is more to send
            half = len(sent) // 2
            for part in (sent[:half], sent[half:]):
                writer.write(part)
                await writer.drain()
        with contextlib.suppress(ConnectionError):
            while piece := await reader.read(65_536):
                said += piece
    finally:
        writer.close()
    return said


DOORS = {"wire": wire}
