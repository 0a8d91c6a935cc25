"""Links between threads and tickets, in both directions and without an end."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from typing_extensions import override

from bot.conversion.ports import Links
from bot.conversion.records import Delivered, Link, ThreadKey, delivered_from, link_from, stored_form
from bot.conversion.stored import UnknownVersion
from bot.store.cipher import OPEN, Cipher, is_closed
from bot.store.connection import Connection
from bot.store.keys import Shard, numbers_threads, shard_of, tickets_threads

PAGE = 500
"""Links that one look at a shard brings."""


async def write_ways_back(connection: Connection, link: Link) -> None:
    """Write that the link's ticket has this thread.

    That lies in another slot than the link, so it is written before it: whoever reads it checks each thread that he
    finds, so one too many does no harm and one too few would.
    """
    await connection.do_many([("SADD", key, str(link.thread)) for key in _ways_back(link)])


async def drop_ways_back(connection: Connection, link: Link) -> None:
    """Take the thread off its ticket's lists."""
    await connection.do_many([("SREM", key, str(link.thread)) for key in _ways_back(link)])


def _ways_back(link: Link) -> tuple[str, str]:
    return tickets_threads(link.desk, link.ticket_id), numbers_threads(link.number)


class RedisLinks(Links):
    """One hash of links for each shard, one set of threads for each ticket."""

    def __init__(self, connection: Connection, shards: int, cipher: Cipher = OPEN) -> None:
        self._connection = connection
        self._shards = shards
        self._cipher = cipher

    def _shard(self, thread: ThreadKey) -> Shard:
        return shard_of(str(thread), self._shards)

    @override
    async def get(self, thread: ThreadKey) -> Link | None:
        stored = await self._connection.do("HGET", self._shard(thread).key("links"), str(thread))
        return None if stored is None else self._from(str(thread), stored)

    def _from(self, thread: str, stored: str) -> Link:
        return link_from(self._cipher.open(stored, thread))

    def _closed(self, link: Link) -> str:
        return self._cipher.close(stored_form(link), str(link.thread))

    @override
    async def put(self, link: Link) -> None:
        await write_ways_back(self._connection, link)
        links = self._shard(link.thread).key("links")
        await self._connection.do("HSETNX", links, str(link.thread), self._closed(link))

    @override
    async def update(self, thread: ThreadKey, change: Callable[[Link], Link]) -> Link | None:
        links, new, ways = self._shard(thread).key("links"), None, set[str]()
        while (before := await self._connection.do("HGET", links, str(thread))) is not None:
            old = self._from(str(thread), before)
            new = change(old)
            if _ways_back(new) != _ways_back(old):
                ways.update(_ways_back(old), _ways_back(new))
                await write_ways_back(self._connection, new)
            if await self._connection.run("swap", [links], [str(thread), before, self._closed(new)]):
                break
        else:
            new = None
        await self._drop(thread, ways)
        return new

    @override
    async def remove(self, link: Link) -> None:
        shard, thread = self._shard(link.thread), str(link.thread)
        keys = [*shard.all, shard.delivered(thread), shard.partings]
        while (stored := await self._connection.do("HGET", shard.key("links"), thread)) is not None:
            there = self._from(thread, stored)
            if (there.desk, there.ticket_id) != (link.desk, link.ticket_id):
                break
            if await self._connection.run("unlink", keys, [thread, stored]):
                break
        await self._drop(link.thread, set(_ways_back(link)))

    @override
    async def partings(self, thread: ThreadKey) -> int:
        return int(await self._connection.do("HGET", self._shard(thread).partings, str(thread)) or 0)

    async def _drop(self, thread: ThreadKey, ways: set[str]) -> None:
        """Take the thread off those lists that its link does not need (any more).

        Another process may have it go with that ticket again before this arrives, so its link is read behind it, too.
        """
        over = ways - await self._needed(thread, ways)
        if not over:
            return
        await self._connection.do_many([("SREM", key, str(thread)) for key in over])
        if again := await self._needed(thread, over):
            await self._connection.do_many([("SADD", key, str(thread)) for key in again])

    async def _needed(self, thread: ThreadKey, ways: set[str]) -> set[str]:
        """Those of *ways* that lead to the thread's link; all of them where only a newer Threadline can tell."""
        stored = await self._connection.do("HGET", self._shard(thread).key("links"), str(thread)) if ways else None
        if stored is None:
            return set()
        link = self._readable(str(thread), stored)
        return ways if link is None else ways & set(_ways_back(link))

    @override
    async def threads(self, desk: str, ticket_id: str) -> tuple[ThreadKey, ...]:
        found = await self._found(tickets_threads(desk, ticket_id))
        return tuple(link.thread for link in found if (link.desk, link.ticket_id) == (desk, ticket_id))

    @override
    async def find(self, number: str) -> tuple[Link, ...]:
        return tuple(link for link in await self._found(numbers_threads(number)) if link.number == number)

    async def _found(self, key: str) -> list[Link]:
        """The links of the threads that a list names, in a steady order; some may be of another ticket by now."""
        threads = [ThreadKey.parse(name) for name in sorted(await self._connection.do("SMEMBERS", key))]
        stored = await self._connection.do_many(
            [("HGET", self._shard(thread).key("links"), str(thread)) for thread in threads]
        )
        found = zip(threads, stored, strict=True)
        return [link for thread, text in found if text is not None and (link := self._readable(str(thread), text))]

    @override
    async def all(self, *, naming: str = "") -> AsyncIterator[Link]:
        async for thread, stored in self._stored():
            if naming and naming not in self._cipher.open(stored, thread):
                continue  # most of them, which need not be read
            if link := self._readable(thread, stored):
                yield link

    async def closed(self) -> int:
        """How many links are closed with a key that we do not have. Raises StoreAway."""
        return sum([is_closed(self._cipher.open(stored, thread)) async for thread, stored in self._stored()])

    async def unread(self) -> int:
        """How many links cannot be read here, whether for their key or for their version. Raises StoreAway."""
        return sum([self._readable(thread, stored) is None async for thread, stored in self._stored()])

    async def _stored(self) -> AsyncIterator[tuple[str, str]]:
        """Threads with their links as they are stored."""
        for number in range(self._shards):
            async for thread, stored in scan(self._connection, Shard(number).key("links")):
                yield thread, stored

    def _readable(self, thread: str, stored: str) -> Link | None:
        """A link among others; None for one of a newer Threadline, which sees to it."""
        try:
            return self._from(thread, stored)
        except UnknownVersion:
            return None

    @override
    async def delivered(self, thread: ThreadKey, ts: str) -> Delivered | None:
        stored = await self._connection.do("HGET", self._shard(thread).delivered(str(thread)), ts)
        return None if stored is None else delivered_from(stored)

    @override
    async def deliveries(self, thread: ThreadKey) -> dict[str, Delivered]:
        fields = scan(self._connection, self._shard(thread).delivered(str(thread)))
        return {ts: delivered_from(stored) async for ts, stored in fields}

    @override
    async def learn(self, thread: ThreadKey, ts: str, record: Delivered) -> None:
        shard, name = self._shard(thread), str(thread)
        await self._connection.run(
            "learn", [shard.key("links"), shard.delivered(name)], [name, ts, stored_form(record)]
        )


async def scan(connection: Connection, hash_key: str) -> AsyncIterator[tuple[str, str]]:
    """All fields of a hash; what is there from beginning to end comes exactly once."""
    seen: set[str] = set()
    cursor: Any = 0
    while True:
        cursor, page = await connection.do("HSCAN", hash_key, cursor, "COUNT", PAGE)
        fields = page.items() if isinstance(page, dict) else zip(page[::2], page[1::2], strict=True)
        for field, value in fields:
            if field not in seen:
                seen.add(field)
                yield field, value
        if int(cursor) == 0:
            return
