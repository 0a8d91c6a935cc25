"""The bot's processes: kept at their number however often they are killed, stopped or terminated."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[2]


class Fleet:
    """Processes by name, such as ``front-1`` and ``worker-2``; each has its plan."""

    def __init__(self, plans: dict[str, dict[str, Any]]) -> None:
        self.plans = plans
        self.pids: dict[str, int] = {}
        self.frozen: set[str] = set()
        self.harmed: Counter[str] = Counter()
        self.starts = 0
        self._nursery: asyncio.subprocess.Process
        self._keeper: asyncio.Task[None]
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.nursery", cwd=ROOT, stdin=pipe, stdout=pipe
        )
        await self._answer()
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._keeper
        for pid in self.pids.values():
            _signal(pid, signal.SIGKILL)
        self._nursery.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        await self._nursery.wait()

    def kill(self, name: str) -> None:
        """As kill -9 does."""
        self._harm(name, signal.SIGKILL, "killed")

    def terminate(self, name: str) -> None:
        """As an orderly restart does."""
        self._harm(name, signal.SIGTERM, "terminated")

    async def freeze(self, name: str, seconds: float) -> None:
        """Stop a process, as a laptop that sleeps or a machine that is moved does, and let it go on."""
        if name in self.frozen or name not in self.pids:
            return
        self.frozen.add(name)
        pid = self.pids[name]
        self._harm(name, signal.SIGSTOP, "stopped")
        try:
            await asyncio.sleep(seconds)
        finally:
            _signal(pid, signal.SIGCONT)
            self.frozen.discard(name)

    def names(self, role: str) -> list[str]:
        """The names of the processes with this role that run."""
        return [name for name in self.pids if name.startswith(role)]

    def _harm(self, name: str, what: signal.Signals, word: str) -> None:
        if (pid := self.pids.get(name)) and _signal(pid, what):
            self.harmed[f"{name.partition('-')[0]} {word}"] += 1

    async def _keep(self) -> None:
        """Start whoever is not there."""
        while True:
            for name, plan in self.plans.items():
                if not _lives(self.pids.get(name)):
                    self.pids[name] = await self._start(plan)
            await asyncio.sleep(0.1)

    async def _start(self, plan: dict[str, Any]) -> int:
        self.starts += 1
        self._nursery.stdin.write(json.dumps(plan).encode() + b"\n")  # type: ignore[union-attr]  # it is a pipe
        return int(await self._answer())

    async def _answer(self) -> bytes:
        line = await self._nursery.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        if not line:
            raise RuntimeError("the nursery of the bot's processes died")
        return line


def _signal(pid: int, what: int) -> bool:
    try:
        os.kill(pid, what)
    except ProcessLookupError:
        return False
    return True


def _lives(pid: int | None) -> bool:
    return pid is not None and _signal(pid, 0)
