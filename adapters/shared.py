"""`InProcess`: what `adapters.contract.Shared` promises, for one process alone (the command line, tests)."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta


class InProcess:
    """Values, locks and pace kept in memory; they are gone with the process."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, float]] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._next_turn: dict[str, float] = {}

    async def get(self, key: str) -> str | None:
        """The value, or None where there is none or its time is over."""
        value, ends = self._values.get(key, ("", 0.0))
        return value if time.monotonic() < ends else None

    async def put(self, key: str, value: str, *, ttl: timedelta) -> None:
        """Keep *value* under *key* for *ttl*."""
        self._values[key] = (value, time.monotonic() + ttl.total_seconds())

    @asynccontextmanager
    async def lock(self, key: str, *, ttl: timedelta) -> AsyncIterator[None]:
        """Hold *key* alone; *ttl* is for holders that die, which here die with the lock."""
        async with self._locks[key]:
            yield

    async def turn(self, key: str, *, per_second: float) -> timedelta:
        """How long to wait before using the turn that is taken here."""
        now = time.monotonic()
        at = max(now, self._next_turn.get(key, now))
        self._next_turn[key] = at + 1 / per_second
        return timedelta(seconds=at - now)
