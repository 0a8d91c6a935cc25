"""The durable door: signed events over HTTP, each new and stored before its 200, against doors that store nothing."""

import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.model import TicketRef, Visibility
from bench.load import CHANNEL, TEAM, THREADS, Burst, Messages, burst, root, signed
from bench.measuring import Child, Figure, Keeper, Line, Skipped, child, cpu_seconds, keeper, median, quantile
from bot.conversion.records import Link, ThreadKey
from bot.store.store import Store

IN_FLIGHT = (16, 64)
MOST = {"echo": 30_000, "bare": 22_000, "bolt": 10_000, "door": 14_000}
"""Requests that are made ready for each second; a door that is faster ends early, which changes nothing."""


@dataclass
class Runs:
    """One door at one load, over all rounds."""

    bursts: list[Burst] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    store_cpu: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Events a second."""
        return median([one.rate for one in self.bursts])


@dataclass(frozen=True)
class Door:
    """One of the doors; ``fsync`` is empty for those that store nothing."""

    name: str
    role: str
    fsync: str = ""
    plan: dict[str, Any] = field(default_factory=dict, hash=False)


DOORS = (
    Door("load alone, no HTTP server", "echo"),
    Door("(a) bare ASGI, verifies and parses", "bare"),
    Door("(b) Bolt, no-op listener, default", "bolt", plan={"before": False}),
    Door("(b) Bolt, no-op listener, process_before_response", "bolt", plan={"before": True}),
    Door("the door, fsync always", "door", "always"),
    Door("the door, fsync everysec", "door", "everysec"),
)
_MESSAGES = Messages()
BARE, BOLT = DOORS[1], DOORS[3]
GOAL = "≥ 0.6 of (a), 1.4 of (b), p99 < 20 ms at 16"


async def measure(*, seconds: float, rounds: int = 3) -> list[Line]:
    """All doors in turn, several times, at each load."""
    runs = {(door, many): Runs() for door in DOORS for many in IN_FLIGHT}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-bench-")))
        store = await stack.enter_async_context(keeper(folder))
        await _prepare(store)
        children = [await stack.enter_async_context(child(door.role, redis=store.url, **door.plan)) for door in DOORS]
        for _ in range(rounds):
            for many in IN_FLIGHT:
                for door, process in zip(DOORS, children, strict=True):
                    await _round(store, door, process, runs[door, many], many=many, seconds=seconds)
    return [*_lines(runs), _bolt_js()]


async def _prepare(store: Keeper) -> None:
    """An empty store with a ticket for each thread, so that each event is one to keep."""
    await store.empty()
    async with Store.open(store.url) as opened:
        for number in range(THREADS):
            await opened.links.put(link(number))


def link(number: int, *, team: str = TEAM, channel: str = CHANNEL, ticket: TicketRef | None = None) -> Link:
    """The link of a thread of `load.root`."""
    ref = ticket or TicketRef(id=str(number), number=f"T-{number}")
    return Link(
        thread=ThreadKey(team=team, channel=channel, ts=root(number)),
        desk="demo",
        ticket_id=ref.id,
        number=ref.number,
        visibility=Visibility.PUBLIC,
        created_at=datetime.now(UTC),
    )


async def _round(store: Keeper, door: Door, process: Child, runs: Runs, *, many: int, seconds: float) -> None:
    if door.fsync:
        await _prepare(store)
        await store.fsync(door.fsync)
    requests = [signed(_MESSAGES.next()[1]) for _ in range(int(MOST[door.role] * seconds))]
    before, store_before = cpu_seconds(process.pid), cpu_seconds(store.pid)
    seen = await burst(process.said, requests, in_flight=many, seconds=seconds)
    runs.bursts.append(seen)
    runs.cpu.append((cpu_seconds(process.pid) - before) / len(seen.latencies))
    runs.store_cpu.append((cpu_seconds(store.pid) - store_before) / len(seen.latencies))


def _lines(runs: dict[tuple[Door, int], Runs]) -> list[Line]:
    lines: list[Line] = []
    for many in IN_FLIGHT:
        for door in DOORS:
            mine = runs[door, many]
            bare, stock = runs[BARE, many].rate, runs[BOLT, many].rate
            lines.append(
                Figure(
                    row="door",
                    what=f"{door.name}, {many} in flight",
                    value=mine.rate,
                    unit="events/s",
                    ratio=mine.rate / bare,
                    against="(a)",
                    goal=GOAL if door.fsync else "",
                    more={
                        "of_bolt": mine.rate / stock,
                        "p50_ms": 1e3 * median([quantile(one.latencies, 0.5) for one in mine.bursts]),
                        "p99_ms": 1e3 * median([quantile(one.latencies, 0.99) for one in mine.bursts]),
                        "cpu_us": 1e6 * median(mine.cpu),
                        "redis_cpu_us": 1e6 * median(mine.store_cpu) if door.fsync else 0.0,
                    },
                )
            )
    return lines


def _bolt_js() -> Skipped:
    """The reference in another language; nothing is fetched for it here."""
    node = shutil.which("node")
    why = "@slack/bolt and ioredis are not installed" if node else "there is no Node.js"
    return Skipped(row="door", what="(c) bolt-js with the same write by ioredis", why=f"{why}, and nothing is fetched")
