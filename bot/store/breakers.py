"""Circuit breakers: which desks do not answer, shared by all processes, and how long to leave each alone."""

import random
import time
from datetime import timedelta

from typing_extensions import override

from bot.conversion.ports import Breakers
from bot.store import keys
from bot.store.connection import Connection

FRESH = 1.0
"""Seconds for which a desk that is well is believed to be; it saves two questions for each operation."""


class RedisBreakers(Breakers):
    """Waits of 1, 2, 4 ... 60 seconds, each cut by up to a half at random; the desk's own wish counts if longer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._well_until: dict[str, float] = {}

    @override
    async def wait(self, desk: str) -> timedelta:
        if time.monotonic() < self._well_until.get(desk, 0):
            return timedelta()
        shut, failures = keys.breaker(desk)
        left, failed = await self._connection.do_many([("PTTL", shut), ("EXISTS", failures)])
        if not failed:
            self._well_until[desk] = time.monotonic() + FRESH
        return timedelta(milliseconds=max(0, left))

    @override
    async def failed(self, desk: str, retry_after: timedelta | None) -> timedelta:
        self._well_until.pop(desk, None)
        wish = 0 if retry_after is None else round(retry_after.total_seconds() * 1000)
        jitter = f"{random.uniform(0.5, 1):.3f}"  # noqa: S311 -- it spreads, it hides nothing
        return timedelta(milliseconds=await self._connection.run("failed", keys.breaker(desk), [jitter, wish]))

    @override
    async def succeeded(self, desk: str) -> bool:
        if time.monotonic() < self._well_until.get(desk, 0):
            return False
        shut, failures = keys.breaker(desk)
        removed = await self._connection.do_many([("DEL", failures), ("DEL", shut)])
        self._well_until[desk] = time.monotonic() + FRESH
        return bool(removed[0])

    async def fails(self, desk: str) -> bool:
        """Whether the desk has not answered since it failed, also between two tries. Raises StoreAway."""
        return bool(await self._connection.do("EXISTS", keys.breaker(desk)[1]))
