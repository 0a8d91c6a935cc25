"""Serves an ASGI application inside this process and leaves signals to whoever owns the process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD: Final = 64 * 1024
"""Bytes of a request's head, and of the headers behind its body, that are kept while they are not complete."""
LOOK: Final = 10.0
"""Seconds between two looks at a connection; one that brought no whole request from one to the next is closed."""


class _Bounded(HttpToolsProtocol):
    """Uvicorn's HTTP protocol, fit for strangers: by itself it waits for ever, and keeps headers without end.

    A look at each connection now and then costs a request nothing, as a timer for each would.
    """

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        # bytes of a head, around the pieces of a body, or behind it: since the last whole head, or the last piece
        self._kept = 0
        self._seen: object = None
        self._next = self.loop.call_later(LOOK, self._look)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._next.cancel()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._kept += len(data)
        super().data_received(data)
        if self._kept > HEAD:
            self.transport.close()

    @override
    def on_headers_complete(self) -> None:
        self._kept = 0
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._kept = 0
        super().on_body(body)

    def _look(self) -> None:
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn's own annotation leaves the None out
        waits = cycle is None or cycle.response_complete or cycle.more_body  # for the caller, not for us
        if waits and cycle is self._seen:
            self.transport.close()
            return
        self._seen = cycle
        self._next = self.loop.call_later(LOOK, self._look)


class _Server(uvicorn.Server):
    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: a server among other tasks must not take Ctrl-C for itself."""
        yield


@asynccontextmanager
async def serving(
    app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, drain: int = 1, **options: Any
) -> AsyncIterator[str]:
    """Serve *app* until the block ends; gives its address, such as ``http://127.0.0.1:40001``.

    Args:
        app: the application.
        host: the address to listen on.
        port: 0 for any that is free.
        drain: seconds that requests in hand are given at the end.
        options: more of `uvicorn.Config`'s; without its own protocol it is HTTP alone, for strangers.

    Raises:
        OSError: the address is not ours or in use.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named, for asyncio turns Nagle's algorithm off only then; else each answer waits 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    fixed = {"log_level": "critical", "lifespan": "off", "access_log": False}
    usual: dict[str, Any] = {"http": _Bounded, "ws": "none"}
    config = uvicorn.Config(app, timeout_graceful_shutdown=drain, **(usual | options | fixed))
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.005)
        shown = f"[{host}]" if ":" in host else host
        yield f"http://{shown}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()
