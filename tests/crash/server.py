"""The store's server under test: killed, started again, and set back to an older copy of its data."""

import asyncio
import os
import shutil
import signal
from collections import Counter
from pathlib import Path
from typing import Self

from bot.store.server import _lock, attach_or_start, stop


class StoreServer:
    """A real server on *directory*. The bots get its address, so that only we start it again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.harmed: Counter[str] = Counter()
        self._copy = directory.with_name("copy")

    async def __aenter__(self) -> Self:
        self.url = (await attach_or_start(self.directory)).url
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._end()
        await stop(await attach_or_start(self.directory))

    async def kill(self) -> None:
        """Kill it with -9 and start it again on what it has on disk."""
        self.harmed["redis killed"] += 1
        await self._end()
        await attach_or_start(self.directory)

    async def copy(self) -> None:
        """Keep its data as they are now, as a backup does."""
        shutil.rmtree(self._copy, ignore_errors=True)
        await asyncio.to_thread(shutil.copytree, self.directory / "appendonlydir", self._copy)

    async def roll_back(self) -> None:
        """Kill it and start it again on the copy: what was written since is forgotten."""
        self.harmed["redis rolled back"] += 1
        await self._end()
        shutil.rmtree(self.directory / "appendonlydir")
        shutil.move(self._copy, self.directory / "appendonlydir")
        await attach_or_start(self.directory)

    async def _end(self) -> None:
        try:
            os.kill(int((self.directory / "server.pid").read_text()), signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            return
        while not self._dead():  # noqa: ASYNC110 - the kernel has no event for it
            await asyncio.sleep(0.005)

    def _dead(self) -> bool:
        with _lock(self.directory) as lock:
            return lock is not None
