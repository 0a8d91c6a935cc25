"""Everything that Threadline keeps, behind one door: `Store.open`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Self

from bot.conversion.tasks import ended
from bot.store import keys
from bot.store.breakers import RedisBreakers
from bot.store.cache import Scratch
from bot.store.cipher import OPEN, Cipher
from bot.store.connection import Connection, connect, ready
from bot.store.lanes import LEASE, RedisLanes
from bot.store.links import RedisLinks
from bot.store.people import RedisMappings
from bot.store.shared import RedisShared


class WrongSchema(Exception):
    """What is in Redis was written by a Threadline whose layout this one does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The parts of the store, sharing one set of connections."""

    url: str = field(repr=False)  # it may hold a password
    server_started: bool = False
    directory: Path | None = None  # of the embedded server
    connection: Connection
    lanes: RedisLanes
    links: RedisLinks
    breakers: RedisBreakers
    shared: RedisShared
    scratch: Scratch
    mappings: RedisMappings

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        url: str | None = None,
        data_dir: Path | None = None,
        *,
        lease: timedelta = LEASE,
        fsync: str = "always",
        replicas: int = 0,
        patience: float = 10.0,
        cipher: Cipher = OPEN,
    ) -> AsyncIterator[Self]:
        """The store at *url*, or on the embedded server of *data_dir*.

        That is started again should it die, and stopped by whoever leaves it last.

        Args:
            url: the address of Redis (see `connection.connect`); None or empty for the embedded server.
            data_dir: where the embedded server keeps its files; None: `server.default_directory`.
            lease: how long a worker may be silent before others take over its lanes.
            fsync: the embedded server's ``always`` or ``everysec``.
            replicas: how many replicas must have what is added before it counts as stored.
            patience: seconds to wait for the first answer.
            cipher: closes the texts that are stored.

        Raises:
            BadAddress: *url* is not an address of Redis.
            NoServer: there is no *url*, and no embedded server can be had.
            StoreAway: the server at *url* does not answer.
            WrongSchema: it holds the data of another Threadline.
        """
        if url:
            async with cls._connected(url, cipher, lease=lease, patience=patience, replicas=replicas) as store:
                yield store
            return
        from bot.store import server  # noqa: PLC0415 -- there is none for Windows

        embedded = await server.attach_or_start(data_dir, fsync=fsync)
        watch = asyncio.create_task(server.keep_alive(embedded), name="embedded server")
        try:
            async with cls._connected(embedded.url, cipher, lease=lease, patience=patience) as store:
                yield replace(store, server_started=embedded.started, directory=embedded.directory)
        finally:
            await ended(watch)
            await server.stop(embedded)  # whoever started it may have died

    @classmethod
    @asynccontextmanager
    async def _connected(
        cls, url: str, cipher: Cipher, *, lease: timedelta, patience: float, replicas: int = 0
    ) -> AsyncIterator[Self]:
        connection = Connection(connect(url))
        try:
            await ready(connection, within=patience)
            shards = await _shards(connection)
            lanes = RedisLanes(connection, shards, lease=lease, replicas=replicas, cipher=cipher)
            await lanes.note_run()
            try:
                yield cls(
                    url=url,
                    connection=connection,
                    lanes=lanes,
                    links=RedisLinks(connection, shards, cipher),
                    breakers=RedisBreakers(connection),
                    shared=RedisShared(connection, cipher),
                    scratch=Scratch(connection, cipher),
                    mappings=RedisMappings(connection, cipher),
                )
            finally:
                await lanes.aclose()
        finally:
            await connection.aclose()


async def _shards(connection: Connection) -> int:
    """How many shards this installation has; a new one gets one, or `keys.SHARDS_OF_A_CLUSTER`."""
    new = keys.SHARDS_OF_A_CLUSTER if connection.is_cluster else 1
    await connection.do("HSETNX", keys.META, "schema", keys.SCHEMA)
    await connection.do("HSETNX", keys.META, "shards", new)
    schema, shards = await connection.do("HMGET", keys.META, "schema", "shards")
    if str(schema) != str(keys.SCHEMA):
        raise WrongSchema(
            f"The data in Redis has layout {schema}; this Threadline knows layout {keys.SCHEMA}. "
            "Start the version that wrote it, or one that is newer."
        )
    return int(shards)
