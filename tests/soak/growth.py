"""What a process and its store hold from moment to moment, how fast that grows, and what growth is too much."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from bench.drawing import Curve, curves
from bench.measuring import Keeper, descriptors, memory
from bot.store.keys import SHARD_KEYS, Shard

HOUR = 3600.0
STRETCH = 10
"""Samples of which the lowest counts."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One look. ``entries`` is what Redis keeps until somebody takes it away.

    ``descriptors`` are those that are no connection to Redis: of these, ``connections``, a pool keeps as many as were
    ever needed at once, up to its bound of 64.
    """

    seconds: float
    operations: int
    memory_mb: float
    descriptors: int
    connections: int
    tasks: int
    redis_bytes: int
    entries: int
    keys: int
    waiting: int


@dataclass(frozen=True, kw_only=True)
class Bound:
    """How much of something may be more after an hour; a rise within the run of at most *noise* is no growth."""

    of: str
    says: str
    per_hour: float
    noise: float


BOUNDS = (
    Bound(of="memory_mb", says="memory of the bot, MB", per_hour=12.0, noise=4.0),
    Bound(of="descriptors", says="open descriptors but for Redis", per_hour=6.0, noise=4.0),
    Bound(of="tasks", says="asyncio tasks", per_hour=6.0, noise=8.0),
    Bound(of="entries", says="entries in Redis that do not expire", per_hour=300.0, noise=150.0),
)
PER_OPERATION = 1500.0
"""Bytes of Redis that an operation may keep for the seven days in which it is known as done."""


@dataclass(frozen=True, kw_only=True)
class Slope:
    """How one thing went after the warm-up."""

    first: float
    last: float
    per_hour: float
    grows: bool


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The rise for each step along, by least squares; 0 where there is no step."""
    xs, ys = zip(*points, strict=True)
    return statistics.linear_regression(xs, ys).slope if len(set(xs)) > 1 else 0.0


def slopes(samples: Sequence[Sample]) -> dict[str, Slope]:
    """How each thing of `BOUNDS` went: a straight line through the least of each few samples.

    What is in hand goes up and down with the work and with what else the machine does; what leaks raises the least.
    """
    found = {}
    for bound in BOUNDS:
        points = floor([(one.seconds, float(getattr(one, bound.of))) for one in samples])
        each = slope(points)
        rise = each * (points[-1][0] - points[0][0])
        found[bound.of] = Slope(
            first=points[0][1],
            last=points[-1][1],
            per_hour=round(each * HOUR, 2),
            grows=each * HOUR > bound.per_hour and rise > bound.noise,
        )
    return found


def floor(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The lowest point of each stretch."""
    return [min(points[at : at + STRETCH], key=lambda point: point[1]) for at in range(0, len(points), STRETCH)]


def bytes_per_operation(samples: Sequence[Sample]) -> float:
    """What Redis keeps of each operation."""
    return slope([(float(one.operations), float(one.redis_bytes)) for one in samples])


class Looking:
    """Looks at a bot, by its process and its metrics, and at its store."""

    def __init__(self, pid: int, metrics: str, store: Keeper) -> None:
        self._pid, self._metrics, self._store = pid, metrics, store

    async def look(self, seconds: float, operations: int) -> Sample:
        """Everything as it is now."""
        figures = await self.figures()
        info = await self._store.client.info("keyspace")
        space = info.get("db0", {"keys": 0, "expires": 0})
        connections = int((await self._store.client.info("clients"))["connected_clients"])
        return Sample(
            seconds=round(seconds, 1),
            operations=operations,
            memory_mb=round(memory(self._pid), 2),
            descriptors=descriptors(self._pid) - connections,
            connections=connections,
            tasks=int(figures["threadline_tasks"]),
            redis_bytes=await self._store.used(),
            entries=space["keys"] - space["expires"] + await self._in_shard(),
            keys=space["keys"],
            waiting=int(figures["threadline_lanes_waiting"]),
        )

    async def figures(self) -> dict[str, float]:
        """The bot's own figures that have no labels."""
        async with httpx.AsyncClient(trust_env=False) as client:
            page = (await client.get(self._metrics, timeout=10)).text
        lines = (line.split() for line in page.splitlines() if not line.startswith("#") and "{" not in line)
        return {name: float(value) for name, value in lines}

    async def _in_shard(self) -> int:
        """How much the keys hold that the only shard of a single server has once."""
        client, total = self._store.client, 0
        for key in map(Shard(0).key, SHARD_KEYS):
            kind = str(await client.type(key))
            if kind != "none":
                total += await (client.hlen(key) if kind == "hash" else client.zcard(key))
        return total


def draw(samples: Sequence[Sample], to: Path) -> None:
    """All samples, the warm-up included, as a picture."""
    panels = [
        ("connections to Redis", [(one.seconds / 60, float(one.connections)) for one in samples]),
        ("bytes of Redis", [(one.seconds / 60, float(one.redis_bytes)) for one in samples]),
        ("threads with work on its way", [(one.seconds / 60, float(one.waiting)) for one in samples]),
    ]
    grown = [(bound.says, [(one.seconds / 60, float(getattr(one, bound.of))) for one in samples]) for bound in BOUNDS]
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(curves([Curve(title=title, points=points, along="minutes") for title, points in (*grown, *panels)]))


def written(found: Mapping[str, Slope]) -> dict[str, dict[str, float]]:
    """Slopes as JSON has them."""
    return {name: asdict(one) for name, one in found.items()}
