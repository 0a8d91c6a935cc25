"""Serves an ASGI application on 127.0.0.1 inside this process, with connections that faults can cut."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.serving import serving as plain_serving

TRANSPORT = "threadline.transport"
"""The scope extension that holds the connection's transport, for `bot.sandbox.faults`."""


class _CuttableProtocol(H11Protocol):
    """Uvicorn's HTTP protocol, which also shows the application its transport."""

    @override
    def handle_events(self) -> None:
        super().handle_events()
        scope: Any = getattr(self, "scope", None)
        if scope is not None:
            scope.setdefault("extensions", {})[TRANSPORT] = self.transport


@asynccontextmanager
async def serving(app: ASGIApp, *, port: int = 0) -> AsyncIterator[str]:
    """Serve *app* on 127.0.0.1 until the block ends; gives its address, such as ``http://127.0.0.1:40001``."""
    async with plain_serving(app, port=port, http=_CuttableProtocol, ws="websockets-sansio") as address:
        yield address
