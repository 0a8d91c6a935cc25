"""Serves an ASGI application inside this process and leaves signals to whoever owns the process."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override


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
        options: more of `uvicorn.Config`'s.

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
    config = uvicorn.Config(app, timeout_graceful_shutdown=drain, **(options | fixed))
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
