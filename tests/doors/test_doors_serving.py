"""The server under all doors: strangers can neither fill its memory nor hold its connections."""

import asyncio

import pytest

from bot import serving as served
from bot.serving import HEAD, serving

HALF = b"POST / HTTP/1.1\r\nHost: x\r\n"
CHUNKED = HALF + b"Transfer-Encoding: chunked\r\n\r\n"
WHOLE = HALF + b"Content-Length: 2\r\n\r\nok"


async def echo(scope, receive, send):
    """Answers with the body, but for what is sent to /early: that without reading it."""
    body, more = b"", scope["path"] != "/early"
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body")
    await asyncio.sleep(0.3 if body == b"slow" else 0)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
async def connected(monkeypatch):
    """A connection to a server that looks at it every quarter of a second."""
    monkeypatch.setattr(served, "LOOK", 0.25)
    async with serving(echo) as address:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
        yield reader, writer
        writer.close()


async def sent(writer, *parts, pause=0):
    for part in parts:
        writer.write(part)
        await writer.drain()
        await asyncio.sleep(pause)


async def rest(reader):
    """All that comes until the server closes the connection."""
    async with asyncio.timeout(5):
        return await reader.read()


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (HALF + b"X: ", b"a" * 1000),
        (b"POST /", b"a" * 1000),
        (HALF, b"X-A: a\r\n" * 100),
        (WHOLE + HALF, b"X-A: a\r\n" * 100),
        (CHUNKED + b"0\r\n", b"X-A: a\r\n" * 100),
        (CHUNKED + b"0\r\nX: ", b"a" * 1000),
        (CHUNKED + b"2;x=", b"a" * 1000),
    ],
    ids=[
        "a header",
        "a path",
        "headers",
        "headers of a later request",
        "headers behind a body",
        "a header behind a body",
        "what is said of a piece",
    ],
)
async def test_a_head_without_end_is_left(connected, monkeypatch, begin, more):
    monkeypatch.setattr(served, "LOOK", 1000)
    _, writer = connected

    with pytest.raises(ConnectionError):
        await sent(writer, begin, *[more] * 2_000, b"", pause=0.0001)


@pytest.mark.parametrize("size", [1, HEAD // 2])
async def test_a_long_body_in_pieces_is_read(connected, size):
    reader, writer = connected
    last = b"0\r\nX: a\r\n\r\n"
    await sent(
        writer,
        CHUNKED,
        *[b"%x\r\n%s\r\n" % (size, b"a" * size)] * 20,
        last,
        WHOLE.replace(b"Host", b"Connection: close\r\nHost"),
    )

    assert b"a" * 20 * size in await rest(reader)


async def test_a_long_head_that_ends_is_read(connected):
    reader, writer = connected
    await sent(writer, HALF, b"X: " + b"a" * (HEAD // 2), b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    assert (await rest(reader)).endswith(b"ok")


PARTS = [
    b"",
    b"\r\n",
    b"POST /",
    HALF,
    HALF + b"Content-Length: 9\r\n\r\n",
    HALF + b"Content-Length: 9\r\n\r\nok",
]


@pytest.mark.parametrize("before", [b"", WHOLE], ids=["at first", "later"])
@pytest.mark.parametrize("part", PARTS)
async def test_a_connection_that_brings_no_whole_request_in_time_is_closed(connected, before, part):
    reader, writer = connected
    await sent(writer, before + part)

    assert before[-2:] == (await rest(reader))[-2:]


async def test_a_body_that_was_refused_unread_and_trickles_on_does_not_hold_its_connection(connected):
    """Else each byte would put off the end of a connection that is kept alive."""
    _, writer = connected
    await sent(writer, b"POST /early HTTP/1.1\r\nContent-Length: 999\r\n\r\n")

    with pytest.raises(ConnectionError):
        await sent(writer, *[b"a"] * 500, pause=0.01)


async def test_a_request_that_takes_long_to_answer_is_waited_for(connected):
    reader, writer = connected
    await sent(writer, HALF + b"Content-Length: 4\r\nConnection: close\r\n\r\nslow")

    assert (await rest(reader)).endswith(b"slow")
