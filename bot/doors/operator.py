"""The operator's door: whether the process lives, whether it can do its work, and its metrics."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.doors.metrics import TYPE, Figures

PATIENCE: Final = 2.0
"""Seconds within which the store and Slack's connection must answer to count as well."""


class Readiness:
    """What a process needs to do its work: the store, and (where it is a front) a way in for Slack.

    ``slack`` is set by whoever opens that way; until then, and while it says False, the process is not ready.
    """

    def __init__(self, store: Callable[[], Awaitable[Any]], *, trouble: type[Exception], front: bool) -> None:
        """*store* has the store take something. Where it does not, *trouble* is raised, with words for the operator."""
        self._store = store
        self._trouble = trouble
        self._front = front
        self.slack: Callable[[], Awaitable[bool]] | None = None

    async def troubles(self) -> list[str]:
        """What is not well, in sentences."""
        found = []
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store()
        except TimeoutError:
            found.append(f"Redis does not answer within {PATIENCE:.0f} seconds. Look at its load and its disk.")
        except self._trouble as trouble:
            found.append(str(trouble))
        if self._front and not await self.connected():
            found.append("There is no connection to Slack yet, or it was lost; it is opened again by itself.")
        return found

    async def connected(self) -> bool:
        """Whether Slack's way in is open."""
        return self.slack is not None and await self.slack()


def operator_app(troubles: Callable[[], Awaitable[list[str]]], figures: Figures) -> Starlette:
    """The ASGI application of the door.

    Args:
        troubles: what keeps Threadline from its work just now, in sentences; empty when all is well.
        figures: what ``/metrics`` shows.
    """

    async def healthz(_request: Request) -> Response:
        return PlainTextResponse("Threadline lives.\n")

    async def readyz(_request: Request) -> Response:
        found = await troubles()
        return PlainTextResponse("\n".join(found or ["Threadline is ready."]) + "\n", 503 if found else 200)

    async def metrics(_request: Request) -> Response:
        return Response(await figures.page(), headers={"content-type": TYPE})

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)])
