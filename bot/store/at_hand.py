"""Connections that are kept at hand, for the scripts and lookups that everything waits for.

Taking a connection out of the client's pool and giving it back takes longer than most scripts do, and so does packing
what is sent argument by argument.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from hiredis import pack_command
from redis.asyncio import Redis
from redis.exceptions import ResponseError, TimeoutError as RedisTimeoutError

FEW = 4
"""So many are kept; who finds none of them free goes by the client's pool."""


class AtHand:
    """Asks over connections out of the pool of *client*. Answers come as the server gives them."""

    def __init__(self, client: Redis) -> None:
        self._pool: Any = client.connection_pool
        self._made_of = frozenset(client.response_callbacks)
        self._free: list[Any] = []
        self._kept = 0
        self._longest: float | None = None  # seconds for a question, connecting included

    @property
    def is_free(self) -> bool:
        """Whether one can be had at once."""
        return bool(self._free) or self._kept < FEW

    def answers(self, commands: Sequence[Sequence[str | int]]) -> bool:
        """Whether the client would leave the answers to all of *commands* as the server gives them, too."""
        return all(command[0] not in self._made_of for command in commands)

    async def ask(self, commands: Sequence[Sequence[str | int]]) -> list[Any]:
        """Answers and errors of commands that are sent together, once.

        Raises what redis-py raises where a connection fails; it is opened again when it is used next.
        """
        # its types speak of a tuple of one
        packed = [pack_command(tuple(command)) for command in commands]  # type: ignore[arg-type]
        connection = self._free.pop() if self._free else await self._another()
        try:
            async with asyncio.timeout(self._longest):
                await connection.send_packed_command(packed)
                return [await _answer(connection) for _ in commands]
        except TimeoutError:  # whatever was cut short has closed the connection
            raise RedisTimeoutError("no answer in time") from None
        finally:
            self._free.append(connection)

    async def _another(self) -> Any:
        self._kept += 1
        try:
            connection = await self._pool.get_connection()
        except BaseException:
            self._kept -= 1
            raise
        # One timer for the whole: the client's own, one for each half, take as long as a script does.
        self._longest, connection.socket_timeout = connection.socket_timeout, None
        return connection

    async def aclose(self) -> None:
        """Give back what is kept."""
        while self._free:
            connection = self._free.pop()
            connection.socket_timeout = self._longest
            await self._pool.release(connection)


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error
