"""What all rows share: figures, processes that stay on one core, what they cost, and a Redis of their own."""

import asyncio
import contextlib
import json
import math
import os
import signal
import statistics
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from bot.store.server import attach_or_start, stop

TICK = os.sysconf("SC_CLK_TCK")
READY = 60.0
"""Seconds that a process is given until it says that it is ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. ``ratio`` is against the reference that ``against`` names, measured in the same run.

    ``at`` is how much there was of what ``along`` names, for rows in which something grows.
    """

    row: str
    what: str
    value: float
    unit: str
    ratio: float | None = None
    against: str = ""
    goal: str = ""
    at: float | None = None
    along: str = ""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A line that could not be measured here, and why."""

    row: str
    what: str
    why: str


Line = Figure | Skipped


def _two_cores() -> tuple[int, int]:
    if not hasattr(os, "sched_getaffinity"):
        return 0, 0
    usable = sorted(os.sched_getaffinity(0))
    return usable[0], usable[-1]


MEASURED, OTHER = _two_cores()
"""The core of what is measured, and that of the load, of Redis and of everything else."""


def stay_on(core: int) -> None:
    """Keep this process, and what it starts, on one core; systems that cannot do that are left alone."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core})


def median(values: Sequence[float]) -> float:
    """The middle of several runs."""
    return statistics.median(values)


def quantile(values: Sequence[float], share: float) -> float:
    """The value that *share* of *values* do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def cpu_seconds(pid: int) -> float:
    """Seconds of a core that a process has used, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def memory(pid: int) -> float:
    """Megabytes that a process holds in RAM."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def descriptors(pid: int) -> int:
    """How many files, sockets and pipes a process has open."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


@dataclass(frozen=True, slots=True)
class Child:
    """A process on the measured core; ``said`` is what it said when it was ready."""

    pid: int
    said: str
    process: asyncio.subprocess.Process

    async def ends(self) -> str:
        """Wait for its end; the last line that it wrote."""
        assert self.process.stdout is not None
        lines = (await self.process.stdout.read()).decode().splitlines()
        await self.process.wait()
        return lines[-1] if lines else ""


@asynccontextmanager
async def child(role: str, **arguments: Any) -> AsyncIterator[Child]:
    """`python -m bench.child ROLE` on the measured core, once it is ready and until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.child",
        role,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    process.stdin.write(json.dumps({"core": MEASURED, **arguments}).encode())
    process.stdin.close()
    try:
        async with asyncio.timeout(READY):
            said = (await process.stdout.readline()).decode().strip()
        if not said:
            raise RuntimeError(f"{role} did not start; what it wrote to standard error says why")
        yield Child(process.pid, said, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class Keeper:
    """A Redis or Valkey for one row, with our own connection to it."""

    url: str
    pid: int
    client: Redis

    async def fsync(self, how: str) -> None:
        """``always`` or ``everysec``."""
        await self.client.config_set("appendfsync", how)

    async def empty(self) -> None:
        """Forget everything, in memory and on disk."""
        await self.client.flushall()
        await self.client.bgrewriteaof()
        while (await self.client.info("persistence"))["aof_rewrite_in_progress"]:  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)

    @asynccontextmanager
    async def counting(self) -> AsyncIterator[Counter[str]]:
        """Counts the commands that clients send, by name; what scripts do inside the server is not among them."""
        seen: Counter[str] = Counter()
        async with self.client.monitor() as monitor:

            async def watch() -> None:
                async for line in monitor.listen():
                    if line["client_type"] != "lua":
                        seen[line["command"].split(" ", 1)[0].upper()] += 1

            watching = asyncio.create_task(watch())
            try:
                yield seen
            finally:
                watching.cancel()
                await asyncio.wait({watching})

    async def used(self) -> int:
        """Bytes of memory in use."""
        return int((await self.client.info("memory"))["used_memory"])


@asynccontextmanager
async def keeper(folder: Path, *, fsync: str = "always") -> AsyncIterator[Keeper]:
    """The embedded server in *folder*, on the core of whoever starts it, until the block ends."""
    server = await attach_or_start(folder, fsync=fsync)
    try:
        async with Redis.from_url(server.url, decode_responses=True) as client:
            await client.config_set("auto-aof-rewrite-percentage", 0)  # a rewrite in the middle would be measured too
            yield Keeper(server.url, int((await client.info("server"))["process_id"]), client)
    finally:
        await stop(server)
