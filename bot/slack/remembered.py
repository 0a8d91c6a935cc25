"""Keeps answers for a while, so that the same thing is asked once however many want to know."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

_MOST: Final = 10_000

T = TypeVar("T")


class Remembered(Generic[T]):
    """What was asked for lately, by key; several who ask for the same at once share one answer."""

    def __init__(self, ask: Callable[[str], Awaitable[T]], *, ttl: float, clock: Callable[[], float]) -> None:
        self._ask = ask
        self._ttl = ttl
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._asking: dict[str, asyncio.Future[T]] = {}

    async def get(self, key: str) -> T:
        """What belongs to *key*; raises what asking raised, which is not remembered."""
        until, value = self._known.get(key, (0.0, None))
        if value is not None and self._clock() < until:
            self._known.move_to_end(key)
            return value
        return await asyncio.shield(self._begin(key))

    async def latest(self, key: str) -> T:
        """The same, but what is known stays good, however old, while it is asked for again."""
        known = self._known.get(key)
        if known is None:
            return await self.get(key)
        if self._clock() >= known[0]:
            self._begin(key)
        return known[1]

    def _begin(self, key: str) -> "asyncio.Future[T]":
        asking = self._asking.get(key)
        if asking is None:
            asking = self._asking[key] = asyncio.ensure_future(self._ask(key))
            asking.add_done_callback(lambda done: self._keep(key, done))
        return asking

    def _keep(self, key: str, done: "asyncio.Future[T]") -> None:
        self._asking.pop(key, None)
        if done.cancelled() or done.exception() is not None:
            return
        self._known[key] = (self._clock() + self._ttl, done.result())
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
