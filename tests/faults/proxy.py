"""A way between two parts that fails on demand: a TCP or unix-socket proxy that changes, holds up or cuts a stream."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

Dial = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
CHUNK = 65_536


@dataclass(kw_only=True)
class Trouble:
    """What happens to what flows, until it is changed. Requests flow forth, answers flow back."""

    latency: float = 0.0
    """Seconds by which each chunk is late, in both directions."""
    drip: float = 0.0
    """Seconds between two bytes of an answer."""
    stall: bool = False
    """Answers are held back for as long as this is set."""
    reset: bool = False
    """A new connection is reset at once, and nothing of it gets through."""
    lose_answers: int = 0
    """So many coming answers are lost after the request was passed on: the connection is reset instead."""
    drop_after: int | None = None
    """Bytes of answers that get through on each connection before it is reset."""
    half_close: bool = False
    """The way back is ended in good order after the first chunk of an answer, although more was to come."""
    double_answers: int = 0
    """So many coming chunks of answers arrive twice."""


@dataclass
class Proxy:
    """A running proxy. ``address`` is where to connect to; ``forth`` and ``back`` count bytes that got through."""

    address: str = ""
    trouble: Trouble = field(default_factory=Trouble)
    forth: int = 0
    back: int = 0

    async def serve_one(self, client: asyncio.StreamWriter, incoming: asyncio.StreamReader, dial: Dial) -> None:
        """One connection, until either side ends it or trouble does."""
        if self.trouble.reset:
            client.transport.abort()
            return
        try:
            outgoing, server = await dial()
        except OSError:
            client.transport.abort()
            return
        ways = [asyncio.create_task(self._forth(incoming, server)), asyncio.create_task(self._back(outgoing, client))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            server.transport.abort()

    async def _forth(self, source: asyncio.StreamReader, server: asyncio.StreamWriter) -> None:
        while chunk := await source.read(CHUNK):
            await asyncio.sleep(self.trouble.latency)
            server.write(chunk)
            await server.drain()
            self.forth += len(chunk)

    async def _back(self, source: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        passed = 0
        while chunk := await source.read(CHUNK):
            trouble = self.trouble
            await asyncio.sleep(trouble.latency)
            while trouble.stall:  # noqa: ASYNC110 - a test sets it, and nobody needs to be woken
                await asyncio.sleep(0.01)
            if trouble.lose_answers > 0:
                trouble.lose_answers -= 1
                client.transport.abort()
                return
            room = len(chunk) if trouble.drop_after is None else max(0, trouble.drop_after - passed)
            times = 2 if trouble.double_answers > 0 else 1
            trouble.double_answers -= times - 1
            await self._write(client, chunk[:room] * times)
            passed += room
            if room < len(chunk):
                client.transport.abort()
                return
            if trouble.half_close:
                return

    async def _write(self, client: asyncio.StreamWriter, chunk: bytes) -> None:
        pieces = [chunk[i : i + 1] for i in range(len(chunk))] if self.trouble.drip else [chunk]
        for piece in pieces:
            client.write(piece)
            await client.drain()
            self.back += len(piece)
            await asyncio.sleep(self.trouble.drip)


@asynccontextmanager
async def proxy_to(dial: Dial) -> AsyncIterator[Proxy]:
    """A proxy on 127.0.0.1 to whatever *dial* connects to, until the block ends; ``address`` is host and port."""
    proxy = Proxy()
    under_way: set[asyncio.Task[None]] = set()

    async def serve(incoming: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await proxy.serve_one(client, incoming, dial)

    def accepted(incoming: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(serve(incoming, client))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        task.add_done_callback(lambda _: client.transport.abort())  # also where it was cancelled before it began

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    proxy.address = f"{host}:{port}"
    try:
        yield proxy
    finally:
        server.close()
        left = list(under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
