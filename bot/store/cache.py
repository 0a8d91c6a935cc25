"""What forms and buttons must remember for a while: texts with an end, and things seen once."""

from datetime import timedelta

from bot.store import keys
from bot.store.connection import Connection


class Scratch:
    """Short-lived texts. Nothing that somebody was promised is kept here."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def put(self, key: str, value: str, ttl: timedelta) -> None:
        """Keep *value* under *key* for *ttl*. Raises StoreAway."""
        await self._connection.do("SET", keys.scratch(key), value, "PX", _milliseconds(ttl))

    async def get(self, key: str) -> str | None:
        """The value, or None where there is none or its time is over. Raises StoreAway."""
        stored = await self._connection.do("GET", keys.scratch(key))
        return None if stored is None else str(stored)

    async def take(self, key: str) -> str | None:
        """The value, which is then gone; after a lost answer it may be gone unread. Raises StoreAway."""
        stored = await self._connection.do("GETDEL", keys.scratch(key))
        return None if stored is None else str(stored)

    async def once(self, key: str, ttl: timedelta) -> bool:
        """True for the first who asks within *ttl*, False for all others. Raises StoreAway."""
        return await self._connection.do("SET", keys.once(key), "1", "NX", "PX", _milliseconds(ttl)) is not None


def _milliseconds(span: timedelta) -> int:
    return max(1, round(span.total_seconds() * 1000))
