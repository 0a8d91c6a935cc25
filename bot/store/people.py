"""Who Slack people are at the desks, as an operator wrote it down: one hash for each desk."""

from collections.abc import AsyncIterator

from typing_extensions import override

from bot.conversion.mapped import Mapped, Mappings
from bot.conversion.stored import known
from bot.store.cipher import OPEN, Cipher, is_closed
from bot.store.connection import Connection, translating
from bot.store.keys import people
from bot.store.links import scan


class RedisMappings(Mappings):
    """Written by `threadline people`, read by the workers."""

    def __init__(self, connection: Connection, cipher: Cipher = OPEN) -> None:
        self._connection = connection
        self._cipher = cipher

    @override
    async def get(self, desk: str, user: str) -> Mapped | None:
        stored = await self._connection.do("HGET", people(desk), user)
        return None if stored is None else self._from(desk, user, stored)

    def _from(self, desk: str, user: str, stored: str) -> Mapped:
        opened = self._cipher.open(stored, f"{desk}|{user}")
        return known(lambda: Mapped.model_validate_json(opened))

    async def put(self, mapped: Mapped) -> None:
        """Write down who somebody is; what was written of them at that desk is replaced. Raises StoreAway."""
        stored = self._cipher.close(mapped.model_dump_json(exclude_defaults=True), f"{mapped.desk}|{mapped.user}")
        await self._connection.do("HSET", people(mapped.desk), mapped.user, stored)

    async def remove(self, desk: str, user: str) -> bool:
        """Forget it; False where nothing was written. Raises StoreAway."""
        return bool(await self._connection.do("HDEL", people(desk), user))

    async def desks(self) -> list[str]:
        """The desks at which anybody is written down, those that the settings have no more, too. Raises StoreAway."""
        async with translating():
            found = [str(name) async for name in self._connection.client.scan_iter(match=people("*"), count=500)]
        return sorted(name.removeprefix(people("")) for name in found)

    async def all(self, desk: str) -> AsyncIterator[Mapped]:
        """Everybody at a desk of whom something is written. Raises StoreAway."""
        async for user, stored in scan(self._connection, people(desk)):
            yield self._from(desk, user, stored)

    async def closed(self, desk: str) -> int:
        """How many of a desk are closed with a key that we do not have. Raises StoreAway."""
        everybody = scan(self._connection, people(desk))
        return sum([is_closed(self._cipher.open(stored, f"{desk}|{user}")) async for user, stored in everybody])
