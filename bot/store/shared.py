"""What desks share between processes (`adapters.contract.Shared`), kept in Redis."""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from typing_extensions import override

from adapters.contract import Shared
from bot.store import keys
from bot.store.cipher import OPEN, Cipher, is_closed
from bot.store.connection import Connection, lifetime


class RedisShared(Shared):
    """Small values with an end, locks and a common pace."""

    def __init__(self, connection: Connection, cipher: Cipher = OPEN) -> None:
        self._connection = connection
        self._cipher = cipher

    @override
    async def get(self, key: str) -> str | None:
        stored = await self._connection.do("GET", keys.shared_value(key))
        value = None if stored is None else self._cipher.open(str(stored), key)
        return None if value is None or is_closed(value) else value

    @override
    async def put(self, key: str, value: str, *, ttl: timedelta) -> None:
        await self._connection.do("SET", keys.shared_value(key), self._cipher.close(value, key), "PX", lifetime(ttl))

    @override
    @asynccontextmanager
    async def lock(self, key: str, *, ttl: timedelta) -> AsyncIterator[None]:
        name, token = keys.shared_lock(key), secrets.token_hex(8)
        while not await self._take(name, token, ttl):  # noqa: ASYNC110 -- who gives it back may be another process
            await asyncio.sleep(random.uniform(0.02, 0.08))  # noqa: S311 -- it spreads, it hides nothing
        try:
            yield
        finally:
            await self._connection.run("release", [name], [token])

    async def _take(self, name: str, token: str, ttl: timedelta) -> bool:
        """Whether the lock is ours; a repeated SET whose first answer was lost finds our own token there."""
        take = ("SET", name, token, "NX", "PX", lifetime(ttl))
        return bool((await self._connection.do_many([take, ("GET", name)]))[1] == token)

    @override
    async def turn(self, key: str, *, per_second: float) -> timedelta:
        wait = await self._connection.run("turn", [keys.shared_turn(key)], [f"{1000 / per_second:.3f}"])
        return timedelta(milliseconds=wait)
