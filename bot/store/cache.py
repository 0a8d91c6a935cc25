"""What forms and buttons must remember for a while: texts with an end, and things seen once."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from bot.store import keys as names
from bot.store.cipher import OPEN, Cipher, is_closed
from bot.store.connection import Connection, lifetime, translating


class Scratch:
    """Short-lived texts. Nothing that somebody was promised is kept here."""

    def __init__(self, connection: Connection, cipher: Cipher = OPEN) -> None:
        self._connection = connection
        self._cipher = cipher

    async def put(self, key: str, value: str, ttl: timedelta) -> None:
        """Keep *value* under *key* for *ttl*. Raises StoreAway."""
        await self._connection.do("SET", names.scratch(key), self._cipher.close(value, key), "PX", lifetime(ttl))

    async def get(self, key: str) -> str | None:
        """The value, or None where there is none or its time is over. Raises StoreAway."""
        return self._opened(key, await self._connection.do("GET", names.scratch(key)))

    async def take(self, key: str) -> str | None:
        """The value, which is then gone; after a lost answer it may be gone unread. Raises StoreAway."""
        return self._opened(key, await self._connection.do("GETDEL", names.scratch(key)))

    def _opened(self, key: str, stored: str | None) -> str | None:
        value = None if stored is None else self._cipher.open(stored, key)
        return None if value is None or is_closed(value) else value

    async def everything(self) -> AsyncIterator[tuple[str, str]]:
        """All keys and values, as they are stored where another key closed them; our user needs the right to SCAN.

        Raises StoreAway.
        """
        async with translating():
            async for name in self._connection.client.scan_iter(match=names.scratch("*"), count=500):
                if (stored := await self._connection.do("GET", str(name))) is not None:
                    key = str(name).removeprefix(names.scratch(""))
                    yield key, self._cipher.open(stored, key)

    async def forget_places(self, user: str) -> int:
        """Forget what somebody had of a limit; how many windows. Our user needs the right to SCAN. Raises StoreAway."""
        async with translating():
            found = [str(name) async for name in self._connection.client.scan_iter(match=names.places("*"), count=500)]
        mine = [name for name in found if name.endswith(f":{user}")]
        await self._connection.do_many([("DEL", name) for name in mine])
        return len(mine)

    async def once(self, key: str, ttl: timedelta) -> bool:
        """True for the first who asks within *ttl*, False for all others. Raises StoreAway."""
        return await self._connection.do("SET", names.once(key), "1", "NX", "PX", lifetime(ttl)) is not None

    async def spend(self, keys: Sequence[tuple[str, int]], once: str, *, window: timedelta) -> list[timedelta]:
        """Take a place under each key, of so many within *window*; the same *once* keeps the place that it has.

        Returns for each how long until a place is free; zero: it was taken. Raises StoreAway.
        """
        span = lifetime(window)
        waits = await self._connection.run_many(
            [("spend", [names.places(key)], [once, span, most]) for key, most in keys]
        )
        return [timedelta(milliseconds=wait) for wait in waits]
