"""The bell: work that was added anywhere wakes the workers at once instead of at their next look.

A ring may be lost (the connection broke, a Cluster moved a node); nothing depends on it but speed.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from bot.conversion.tasks import ended
from bot.store import keys
from bot.store.connection import TROUBLE, Connection

PAUSE = 1.0
"""Seconds before listening again after the connection broke."""
PATIENCE = 3.0
"""Seconds that one wait for a message takes; shorter than what counts as a lost connection."""


class Bell:
    """Listens from the first `wait` until `aclose`; each ring names a shard."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._rung: set[int] = set()
        self._ringing = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None
        self._listening = False
        self._heard_all = False

    def ring(self, shards: Iterable[int]) -> None:
        """Wake those who wait in this process."""
        self._rung.update(shards)
        self._ringing.set()

    def take(self) -> set[int] | None:
        """The shards that rang, which are then forgotten: whoever takes them looks there now.

        None: look everywhere, for we have not listened all the time since the last look.
        """
        rung, self._rung = self._rung if self._heard_all else None, set()
        self._heard_all = self._listening
        self._ringing.clear()
        return rung

    async def wait(self, at_most: timedelta) -> None:
        """Until it rings, or rang since `take`; for *at_most* so long."""
        if self._listener is None or self._listener.done():  # it ends only by what nobody thought of
            self._listener = asyncio.create_task(self._listen(), name="bell")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ringing.wait(), at_most.total_seconds())
        self._ringing.clear()  # who cannot take work now must not be woken by the same ring again and again

    async def _listen(self) -> None:
        while True:
            ear: Any = self._connection.client.pubsub()
            try:
                await ear.subscribe(keys.WAKE)
                await self._hear(ear)
            except TROUBLE:
                await asyncio.sleep(PAUSE)
            finally:
                self._listening = self._heard_all = False
                with suppress(*TROUBLE):
                    await ear.aclose()

    async def _hear(self, ear: Any) -> None:
        while True:
            message = await ear.get_message(timeout=PATIENCE)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self._listening = True
                self._ringing.set()  # something may have been added before we listened
            elif message["type"] == "message" and str(message["data"]).isdecimal():  # anybody may publish there
                self.ring([int(message["data"])])

    async def aclose(self) -> None:
        """Stop listening."""
        if self._listener is not None:
            await ended(self._listener)
            self._listener = None
