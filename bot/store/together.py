"""Sends together what is asked at the same moment, since each way to the server and back has its price."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.exceptions import ConnectionError as RedisConnectionError, DataError

from bot.conversion.tasks import ended

Command = Sequence[str | int]
UNSENT = (DataError, UnicodeError)
"""What is raised for a command that cannot be written as bytes, before any of them is sent."""


class Together:
    """What is asked within one turn of the event loop goes as one to *send*, which gives an answer for each command."""

    def __init__(self, send: Callable[[Sequence[Command]], Awaitable[list[Any]]]) -> None:
        self._send = send
        self._asked: list[tuple[Sequence[Command], asyncio.Future[list[Any]]]] = []
        self._under_way: set[asyncio.Task[None]] = set()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """The answers to *commands*. Raises: what `send` raises, to all who asked together."""
        loop = asyncio.get_running_loop()
        if not self._asked:
            loop.call_soon(self._go)
        mine: asyncio.Future[list[Any]] = loop.create_future()
        self._asked.append((commands, mine))
        return await mine

    def _go(self) -> None:
        asked, self._asked = self._asked, []
        task = asyncio.create_task(self._carry(asked))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _carry(self, asked: Sequence[tuple[Sequence[Command], "asyncio.Future[list[Any]]"]]) -> None:
        try:
            await self._answer(asked)
        except asyncio.CancelledError:
            for _, waiting in asked:
                _fail(waiting, RedisConnectionError("closed"))
            raise

    async def _answer(self, asked: Sequence[tuple[Sequence[Command], "asyncio.Future[list[Any]]"]]) -> None:
        try:
            answers = await self._send([command for commands, _ in asked for command in commands])
        except UNSENT as error:
            if len(asked) == 1:
                _fail(asked[0][1], error)
            else:
                for one in asked:  # in the order in which they were asked
                    await self._answer([one])
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, each who waits must hear of it
            for _, waiting in asked:
                _fail(waiting, error)
            return
        at = 0
        for commands, waiting in asked:
            if not waiting.done():
                waiting.set_result(answers[at : at + len(commands)])
            at += len(commands)

    async def aclose(self) -> None:
        """Drop what is under way."""
        for task in list(self._under_way):
            await ended(task)


def _fail(waiting: "asyncio.Future[list[Any]]", error: Exception) -> None:
    if not waiting.done():
        waiting.set_exception(error)
