"""The ways between the parts: each crossing takes a while, may be cut before or after, stalled, or arrive late."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError, RedisError

from tests.simulation.loop import HOST, WORLD, SimLoop
from tests.simulation.redis_model import Server


@dataclass(kw_only=True)
class Rates:
    """How often a crossing goes wrong in which way (shares of 1)."""

    refused: float = 0.0  # nothing was done, and the caller knows
    cut: float = 0.0  # it is done, and the answer is lost
    late: float = 0.0  # the caller gives up, and it is done afterwards
    stalled: float = 0.0  # nothing is done, and the caller gives up
    answers: float = 0.0  # it answers, with a word for "not now": 429, 503

    @property
    def all(self) -> float:
        """How often anything goes wrong."""
        return self.refused + self.cut + self.late + self.stalled + self.answers


class Cut(Exception):
    """The crossing went wrong; ``kind`` is the name of a rate. Whoever called translates it."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(kw_only=True)
class Network:
    """All crossings of one simulation."""

    loop: SimLoop
    chance: random.Random
    calm: bool = False
    over: bool = False
    met: Counter[str] = field(default_factory=Counter)
    seen: list[tuple[float, str, str, str]] = field(default_factory=list)

    def note(self, what: str, how: str = "") -> None:
        """A line of the trace."""
        if len(self.seen) < 20_000:
            self.seen.append((self.loop.now, HOST.get().name, what, how))

    @property
    def trace(self) -> tuple[str, ...]:
        """What happened, a line each: when, in which process, what, and what went wrong."""
        return tuple(f"{at:9.3f} {host:8} {what} {how}".rstrip() for at, host, what, how in self.seen)

    async def cross(
        self, place: str, serve: Callable[[], Any], rates: Rates, *, quick: float, patience: float, settle: float = 0.0
    ) -> Any:
        """Have *serve* done on the other side; what it gives or raises.

        Args:
            place: which call this is.
            serve: what the other side does, at one moment.
            rates: what may go wrong.
            quick: seconds that a crossing takes at most when all is well.
            patience: seconds after which the caller gives up.
            settle: seconds after that within which a late one may still be done.

        Raises:
            Cut: it went wrong.
        """
        if self.over:
            raise asyncio.CancelledError
        chance, loop = self.chance, self.loop
        fate = "" if self.calm or not rates.all else self._fate(rates)
        future = loop.create_future()
        there = chance.random() * quick
        if fate in {"refused", "stalled", "answers"}:
            loop.call_later(patience if fate == "stalled" else there, _fail, future, fate, context=_OUTSIDE)
        elif fate == "late":
            loop.call_later(patience, _fail, future, fate, context=_OUTSIDE)
            loop.call_later(patience + chance.random() * settle, self._late, place, serve, context=_OUTSIDE)
        else:
            back = chance.random() * quick
            loop.call_later(there, self._serve, future, serve, back, fate, context=_OUTSIDE)
        if fate:
            self.met[f"{place.partition('.')[0]} {fate}"] += 1
        self.note(place, fate)
        return await future

    def _fate(self, rates: Rates) -> str:
        draw = self.chance.random()
        for name in ("refused", "cut", "late", "stalled", "answers"):
            draw -= getattr(rates, name)
            if draw < 0:
                return name
        return ""

    def _serve(self, future: "asyncio.Future[Any]", serve: Callable[[], Any], back: float, fate: str) -> None:
        try:
            result = serve()
        except Exception as error:  # noqa: BLE001 - it belongs to whoever called
            self.loop.call_later(back, _raise, future, error, context=_OUTSIDE)
            return
        if fate:
            self.loop.call_later(back, _fail, future, fate, context=_OUTSIDE)
        else:
            self.loop.call_later(back, _give, future, result, context=_OUTSIDE)

    def _late(self, place: str, serve: Callable[[], Any]) -> None:
        self.note(place, "done late")
        try:
            serve()
        except Exception:  # noqa: BLE001 - nobody listens any more
            self.note(place, "refused late")


def _outside() -> Any:
    from contextvars import Context

    context = Context()
    context.run(HOST.set, WORLD)
    return context


_OUTSIDE = _outside()


def _give(future: "asyncio.Future[Any]", result: Any) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", fate: str) -> None:
    if not future.done():
        future.set_exception(Cut(fate))


def _raise(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


class Client:
    """What redis-py's client is to `bot.store.connection`: commands, pipelines, and an ear."""

    RETRIES = 3

    def __init__(self, network: Network, server: Server, rates: Rates) -> None:
        self._network, self._server, self._rates = network, server, rates

    async def execute_command(self, *command: str | int) -> Any:
        """One command, sent again after a lost connection as `connection.connect` has it."""
        (answer,) = await self._send([command])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def _send(self, commands: list[tuple[str | int, ...]]) -> list[Any]:
        name = "many" if len(commands) > 1 else str(commands[0][0])
        for attempt in range(self.RETRIES + 1):
            try:
                answers: list[Any] = await self._network.cross(
                    f"redis.{name}", lambda: self._serve(commands), self._rates, quick=0.004, patience=5.0, settle=0.5
                )
            except (Cut, RedisConnectionError):
                if attempt == self.RETRIES:
                    raise RedisConnectionError("lost") from None
                await asyncio.sleep(0.02 * 2**attempt)
            else:
                return answers
        raise AssertionError

    def _serve(self, commands: list[tuple[str | int, ...]]) -> list[Any]:
        if not self._server.up:
            raise RedisConnectionError("down")
        return [self._one(command) for command in commands]

    def _one(self, command: tuple[str | int, ...]) -> Any:
        try:
            return self._server.execute(*command)
        except RedisError as error:
            return error

    def pipeline(self, *, transaction: bool) -> "Pipeline":
        """Commands that are sent together."""
        if transaction:
            raise AssertionError("no transaction spans what one script can do")
        return Pipeline(self._send)

    def pubsub(self) -> "Ear":
        """Someone who listens."""
        return Ear(self._network, self._server)

    async def aclose(self) -> None:
        """Nothing is open."""


class Pipeline:
    """Commands that are sent together, each done for itself."""

    def __init__(self, send: Callable[[list[tuple[str | int, ...]]], Awaitable[list[Any]]]) -> None:
        self._commands: list[tuple[str | int, ...]] = []
        self._send = send

    def execute_command(self, *command: str | int) -> None:
        """Add one."""
        self._commands.append(command)

    async def execute(self, *, raise_on_error: bool) -> list[Any]:
        """Their answers, refusals among them."""
        if raise_on_error:
            raise AssertionError("refusals are wanted one by one")
        return await self._send(self._commands) if self._commands else []  # as redis-py: nothing is sent then


class Ear:
    """A subscription; it ends when the server does."""

    def __init__(self, network: Network, server: Server) -> None:
        self._network, self._server = network, server
        self._heard: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

    async def subscribe(self, channel: str) -> None:
        """Begin to listen."""
        if self._network.over:
            raise asyncio.CancelledError
        if not self._server.up:
            raise RedisConnectionError("down")
        self._server.ears.add(self)
        self._heard.put_nowait({"type": "subscribe", "channel": channel, "data": 1})

    def hear(self, channel: str, data: str) -> None:
        """What was published."""
        self._heard.put_nowait({"type": "message", "channel": channel, "data": data})

    def cut(self) -> None:
        """The connection is lost."""
        self._heard.put_nowait(None)

    async def get_message(self, *, timeout: float) -> dict[str, Any] | None:  # noqa: ASYNC109 - redis-py's name
        """The next one; None after *timeout*. Raises ConnectionError where the connection was lost."""
        try:
            async with asyncio.timeout(timeout):
                message = await self._heard.get()
        except TimeoutError:
            return None
        if message is None:
            raise RedisConnectionError("lost")
        return message

    async def aclose(self) -> None:
        """Listen no more."""
        self._server.ears.discard(self)
