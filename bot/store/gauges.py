"""How much waits and how old the oldest of it is, for the metrics: numbers only, never a name or a text."""

import time

from bot.store.connection import Connection
from bot.store.keys import Shard, thread_of

LOOKED_AT = 2_000
"""Waiting threads of a shard whose age is looked up, those that are due first."""
_SIZES = {"operations": "ops", "parked": "parked", "held": "held", "links": "links"}


async def backlog(connection: Connection, shards: int) -> dict[str, float]:
    """The numbers of what waits, and ``oldest`` in seconds. Raises StoreAway."""
    total = dict.fromkeys((*_SIZES, "waiting"), 0.0)
    oldest = 0.0
    for shard in map(Shard, range(shards)):
        sizes = await connection.do_many([("HLEN", shard.key(key)) for key in _SIZES.values()])
        total |= {name: total[name] + size for name, size in zip(_SIZES, sizes, strict=True)}
        lanes = [lane for lane in await connection.do("ZRANGE", shard.key("ready"), 0, -1) if _is_on_its_way(lane)]
        total["waiting"] += len({thread_of(lane) for lane in lanes})
        oldest = max(oldest, await _oldest(connection, shard, lanes[:LOOKED_AT]))
    return {**total, "oldest": oldest}


def _is_on_its_way(lane: str) -> bool:
    """Whether a lane holds what people wrote: on its way to a desk, or an event that no worker has looked at yet."""
    return "/" not in lane or lane.startswith("in/")


async def _oldest(connection: Connection, shard: Shard, lanes: list[str]) -> float:
    """Seconds since the oldest message of these lanes was written; the opening of a ticket bears no time."""
    asked = [("ZRANGE", shard.queue(lane), 1, "+inf", "BYSCORE", "LIMIT", 0, 1) for lane in lanes]
    first = [found[0] if found else "" for found in await connection.do_many(asked)]
    scored = [("ZSCORE", shard.queue(lane), op) for lane, op in zip(lanes, first, strict=True) if op]
    orders = [float(order) for order in await connection.do_many(scored) if order is not None]
    return max(0.0, time.time() - min(orders) / 1_000_000) if orders else 0.0
