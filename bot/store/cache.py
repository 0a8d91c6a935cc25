"""What forms and buttons must remember for a while: texts with an end, and things seen once."""

from collections.abc import Sequence
from datetime import timedelta

from bot.store import keys as names
from bot.store.connection import Connection


class Scratch:
    """Short-lived texts. Nothing that somebody was promised is kept here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, key: str, value: str, ttl: timedelta) -> None:
        """Keep *value* under *key* for *ttl*. Raises StoreAway."""
        await self._connection.do("SET", names.scratch(key), value, "PX", _milliseconds(ttl))

    async def get(self, key: str) -> str | None:
        """The value, or None where there is none or its time is over. Raises StoreAway."""
        stored = await self._connection.do("GET", names.scratch(key))
        return None if stored is None else str(stored)

    async def take(self, key: str) -> str | None:
        """The value, which is then gone; after a lost answer it may be gone unread. Raises StoreAway."""
        stored = await self._connection.do("GETDEL", names.scratch(key))
        return None if stored is None else str(stored)

    async def once(self, key: str, ttl: timedelta) -> bool:
        """True for the first who asks within *ttl*, False for all others. Raises StoreAway."""
        return await self._connection.do("SET", names.once(key), "1", "NX", "PX", _milliseconds(ttl)) is not None

    async def spend(self, keys: Sequence[tuple[str, int]], once: str, *, window: timedelta) -> list[timedelta]:
        """Take a place under each key, of so many within *window*; the same *once* keeps the place that it has.

        Returns for each how long until a place is free; zero: it was taken. Raises StoreAway.
        """
        span = _milliseconds(window)
        waits = await self._connection.run_many(
            [("spend", [names.places(key)], [once, span, most]) for key, most in keys]
        )
        return [timedelta(milliseconds=wait) for wait in waits]


def _milliseconds(span: timedelta) -> int:
    return max(1, round(span.total_seconds() * 1000))
