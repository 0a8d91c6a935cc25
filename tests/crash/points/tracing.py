"""In the bot's process: sees each request to Redis, Slack and a desk where it leaves, notes it, and dies at one.

Nothing of the product is changed: the libraries' own methods are wrapped, so that no request can get by unseen; of the
store its two ways to the server, since what several ask at the same moment goes out as one. What is noted goes to the
file ``passed`` of a folder, a line each; the file ``order`` there, once it appears, names one passage before or after
which the process ends with SIGKILL. It is renamed to ``died`` first, so that nobody dies twice.
"""

import asyncio
import contextvars
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import httpx
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from uvicorn.protocols.http import h11_impl, httptools_impl

from adapters.local import LocalDesk
from bot.store.connection import Connection
from tests.crash.points.awaits import where
from tests.crash.tuning import put

Async = Callable[..., Coroutine[Any, Any, Any]]
_NUMBER = re.compile(r"\d+")


_begun_at: ContextVar[tuple[str, str]] = ContextVar("the work and the point by which a task was begun")


@dataclass(frozen=True, slots=True)
class Passage:
    """One request: the kind of work that it was for, the point that sent it, and what was sent where."""

    work: str
    point: str
    wire: str

    def line(self) -> str:
        """As it is noted."""
        return f"{self.work}\t{self.point}\t{self.wire}"


@dataclass(frozen=True, slots=True)
class Order:
    """Before or after which request to die; ``time`` counts those that are alike since the order was given."""

    passage: Passage
    time: int
    side: str

    def words(self) -> str:
        """For people."""
        one = self.passage
        return f"{self.side} {one.point} [{one.wire}, {one.work}, {self.time}]"

    def text(self) -> str:
        """For the file."""
        return json.dumps(asdict(self))


def _here(frame: FrameType | None) -> tuple[str, str]:
    """The work and the point that are being passed; in a task that the path does not know, those that began it."""
    work, point = where(frame)
    return (work, point) if point else _begun_at.get((work, point))


def follow(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any) -> asyncio.Task[Any]:
    """A task factory of *loop*, by which tasks remember the point that began them."""
    context = contextvars.copy_context()
    context.run(_begun_at.set, _here(sys._getframe(1)))
    return asyncio.Task(coroutine, loop=loop, **{"context": context, **options})


class _Tracer:
    def __init__(self, folder: Path) -> None:
        self._order, self._died = folder / "order", folder / "died"
        self._passed = os.open(folder / "passed", os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        self._given: Order | None = None
        self._seen: Counter[Passage] = Counter()

    def wrap(self, owner: Any, name: str, wire: Callable[..., str]) -> None:
        """See each call of a coroutine method; *wire* says from its arguments what is sent."""
        method: Async = getattr(owner, name)

        async def seen(*args: Any, **kwargs: Any) -> Any:
            passage = Passage(*_here(sys._getframe(1)), wire(*args, **kwargs))
            os.write(self._passed, passage.line().encode() + b"\n")
            time = self._count(passage)
            self._die("before", passage, time)
            try:
                return await method(*args, **kwargs)
            finally:
                self._die("after", passage, time)

        put(owner, name, seen)

    def _count(self, passage: Passage) -> int:
        with suppress(FileNotFoundError):
            given = json.loads(self._order.read_text())
            order = Order(Passage(**given["passage"]), given["time"], given["side"])
            if order != self._given:
                self._given, self._seen = order, Counter()
        self._seen[passage] += 1
        return self._seen[passage]

    def _die(self, side: str, passage: Passage, time: int) -> None:
        if self._given == Order(passage, time, side):
            with suppress(FileNotFoundError):
                self._order.rename(self._died)
                os.kill(os.getpid(), signal.SIGKILL)


def trace(folder: Path) -> None:
    """See and note whatever leaves this process from now on."""
    tracer = _Tracer(folder)
    tracer.wrap(Connection, "do_many", lambda _, commands: _redis(command[0] for command in commands))
    tracer.wrap(Connection, "run_many", lambda _, calls, **__: _redis(call[0] for call in calls))
    tracer.wrap(aiohttp.ClientSession, "_request", lambda _, method, url, **__: f"slack: {method} {_path(str(url))}")
    tracer.wrap(SocketModeClient, "send_socket_mode_response", lambda *_, **__: "slack: acknowledge")
    for cycle in (h11_impl.RequestResponseCycle, httptools_impl.RequestResponseCycle):
        tracer.wrap(cycle, "send", lambda _, message: f"slack: {message['type']}")
    tracer.wrap(httpx.AsyncClient, "send", lambda _, request, **__: f"desk: {_request(request)}")
    for method in ("_read", "_write"):
        tracer.wrap(LocalDesk, method, lambda *_, way=method, **__: f"desk: file {way.strip('_')}")


def _redis(names: Iterable[object]) -> str:
    """The commands and scripts that are sent together."""
    return f"redis: {' '.join(sorted(set(map(str, names))))}"


def _path(url: str) -> str:
    return _NUMBER.sub("N", httpx.URL(url).path.rpartition("/api/")[2])[:60] or "/"


def _request(request: httpx.Request) -> str:
    """Method and path without ids, and the action that the body names where all go to one address."""
    body = request.content if request.headers.get("content-length", "0") != "0" and _is_short(request) else b""
    action = re.search(rb"(?:^|&)action=(\w+)", body) or re.search(rb"Body>\s*<(?:\w+:)?(\w+)", body)
    named = action.group(1).decode() if action else ""
    return f"{request.method} {_NUMBER.sub('N', request.url.path)} {named}".strip()


def _is_short(request: httpx.Request) -> bool:
    return hasattr(request, "_content")
