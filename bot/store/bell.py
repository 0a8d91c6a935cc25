"""The bell: work that was added anywhere wakes the workers at once instead of at their next look.

A ring may be lost (the connection broke, a Cluster moved a node); nothing depends on it but speed.
"""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from redis.exceptions import RedisError

from bot.store import keys
from bot.store.connection import Connection

PAUSE = 1.0
"""Seconds before listening again after the connection broke."""


class Bell:
    """Listens from the first `wait` until `aclose`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rung = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    def ring(self) -> None:
        """Wake those who wait in this process."""
        self._rung.set()

    def quiet(self) -> None:
        """Forget what rang so far: whoever calls this looks for work himself, now."""
        self._rung.clear()

    async def wait(self, at_most: timedelta) -> None:
        """Until it rings, or rang since `quiet`; for *at_most* so long."""
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="bell")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), at_most.total_seconds())

    async def _listen(self) -> None:
        while True:
            ear: Any = self._connection.client.pubsub(ignore_subscribe_messages=True)
            try:
                await ear.subscribe(keys.WAKE)
                self.ring()  # something may have been added before we listened
                while True:
                    if await ear.get_message(timeout=None):
                        self.ring()
            except (RedisError, OSError):
                await asyncio.sleep(PAUSE)
            finally:
                with suppress(RedisError, OSError):
                    await ear.aclose()

    async def aclose(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            self._listener.cancel()
            with suppress(asyncio.CancelledError):
                await self._listener
            self._listener = None
