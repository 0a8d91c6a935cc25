"""The durable door: signed events over HTTP, each new and stored before its 200, against doors that store nothing."""

import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.model import TicketRef, Visibility
from bench.child import SERVER
from bench.load import CHANNEL, TEAM, THREADS, Burst, Messages, burst, root, signed
from bench.measuring import Child, Figure, Keeper, Line, Skipped, child, cpu_seconds, keeper, median, quantile
from bot.conversion.records import Link, ThreadKey
from bot.store.store import Store

IN_FLIGHT = (16, 64)
MOST = {"echo": 60_000, "bare": 40_000, "bolt": 15_000, "bolt_js": 20_000, "door": 28_000}
"""Requests that are made ready for each second; a door that is faster ends early, which changes nothing."""
WARM = 5_000
"""Requests before the first round, in which Node.js compiles what is used often."""


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


BARE = Door("(a) bare ASGI, verifies and parses", "bare")
BOLT = Door("(b) Bolt, no-op listener, process_before_response", "bolt", plan={"before": True})
BOLT_JS = tuple(Door(f"(c) bolt-js, stores by ioredis, fsync {how}", "bolt_js", how) for how in ("always", "everysec"))
OURS = tuple(Door(f"the door, fsync {how}", "door", how) for how in ("always", "everysec"))
STOCK = Door("(b) Bolt, no-op listener, default", "bolt", plan={"before": False})
DOORS = (Door("load alone, no HTTP server", "echo"), BARE, STOCK, BOLT, *BOLT_JS, *OURS)
_PEERS = dict(zip(OURS, BOLT_JS, strict=True))
_MESSAGES = Messages()
GOAL = "≥ 0.6 of (a), 1.4 of (b), 1.3 of (c), p99 < 20 ms at 16"


def doors() -> tuple[tuple[Door, ...], list[Line]]:
    """The doors that can be measured here, and in words those that cannot."""
    if not shutil.which("node"):
        why = "there is no Node.js"
    elif not all((SERVER.parent / "node_modules" / name).is_dir() for name in ("@slack/bolt", "ioredis")):
        why = "@slack/bolt and ioredis are not installed: `make bench` does it where there is npm"
    else:
        return DOORS, []
    there = tuple(door for door in DOORS if door not in BOLT_JS)
    return there, [Skipped(row="door", what="(c) bolt-js, stores by ioredis", why=why)]


async def measure(*, seconds: float, rounds: int = 3) -> list[Line]:
    """All doors in turn, several times, at each load."""
    there, skipped = doors()
    runs = {(door, many): Runs() for door in there for many in IN_FLIGHT}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-bench-")))
        store = await stack.enter_async_context(keeper(folder))
        await _prepare(store)
        children = [await stack.enter_async_context(child(door.role, redis=store.url, **door.plan)) for door in there]
        for process in children:
            await burst(process.said, _requests(WARM), in_flight=IN_FLIGHT[0], seconds=seconds)
        for _ in range(rounds):
            for many in IN_FLIGHT:
                for door, process in zip(there, children, strict=True):
                    await _round(store, door, process, runs[door, many], many=many, seconds=seconds)
    return [*_lines(runs), *skipped]


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
    requests = _requests(int(MOST[door.role] * seconds))
    before, store_before = cpu_seconds(process.pid), cpu_seconds(store.pid)
    seen = await burst(process.said, requests, in_flight=many, seconds=seconds)
    runs.bursts.append(seen)
    runs.cpu.append((cpu_seconds(process.pid) - before) / len(seen.latencies))
    runs.store_cpu.append((cpu_seconds(store.pid) - store_before) / len(seen.latencies))


def _requests(count: int) -> list[bytes]:
    return [signed(_MESSAGES.next()[1]) for _ in range(count)]


def _lines(runs: dict[tuple[Door, int], Runs]) -> list[Line]:
    lines: list[Line] = []
    for (door, many), mine in sorted(runs.items(), key=lambda one: IN_FLIGHT.index(one[0][1])):
        js = runs.get((_PEERS[door], many)) if door in OURS else None
        lines.append(
            Figure(
                row="door",
                what=f"{door.name}, {many} in flight",
                value=mine.rate,
                unit="events/s",
                ratio=mine.rate / runs[BARE, many].rate,
                against="(a)",
                goal=GOAL if door in OURS else "",
                more={
                    "of_bolt": mine.rate / runs[BOLT, many].rate,
                    "of_bolt_js": mine.rate / js.rate if js else 0.0,
                    "p50_ms": 1e3 * median([quantile(one.latencies, 0.5) for one in mine.bursts]),
                    "p99_ms": 1e3 * median([quantile(one.latencies, 0.99) for one in mine.bursts]),
                    "cpu_us": 1e6 * median(mine.cpu),
                    "redis_cpu_us": 1e6 * median(mine.store_cpu) if door.fsync else 0.0,
                },
            )
        )
    return lines
