"""Whether our user in Redis may do all that we do there; what opening the store does itself needs no second look."""

from redis.exceptions import NoPermissionError, ResponseError

from adapters.model import Finding
from bot.conversion.ports import StoreAway
from bot.store.connection import Connection
from bot.store.keys import SHARDS_OF_A_CLUSTER, WAKE, Shard

Command = tuple[str | int, ...]


def _tried(key: str) -> tuple[Command, ...]:
    """One call of each command, on a key of its own that is gone after it."""
    return (
        ("EVAL", "return 1", 1, key),
        ("PUBLISH", WAKE, "0"),
        ("SET", key, "1", "PX", 60_000),
        ("GET", key),
        ("EXISTS", key),
        ("PTTL", key),
        ("PEXPIRE", key, 60_000),
        ("INCR", key),
        ("GETDEL", key),
        ("HINCRBY", key, "a", 1),
        ("HEXISTS", key, "a"),
        ("HDEL", key, "a"),
        ("SADD", key, "a"),
        ("SMEMBERS", key),
        ("SREM", key, "a"),
        ("ZADD", key, 1, "a"),
        ("ZSCORE", key, "a"),
        ("ZCARD", key),
        ("ZCOUNT", key, 0, 1),
        ("ZRANGE", key, 0, 0),
        ("ZRANGEBYSCORE", key, 0, 1),
        ("ZREM", key, "a"),
        ("ZREMRANGEBYSCORE", key, 0, 1),
        ("DEL", key),
    )


async def rights(connection: Connection, *, replicas: int = 0) -> Finding:
    """Which commands our user may not use, on any of the servers; *replicas* are to confirm. Raises StoreAway."""
    shards = SHARDS_OF_A_CLUSTER if connection.is_cluster else 1
    tried = [command for number in range(shards) for command in _tried(Shard(number).key("tried"))]
    if replicas:
        tried.append(("WAIT", 0, 1))
    lacking = dict.fromkeys([str(command[0]) for command in tried if not await _may(connection, command)])
    return Finding(
        subject="Redis rights",
        ok=not lacking,
        detail=f"our user may not use {', '.join(lacking)}" if lacking else "our user may use all that is needed",
        remedy="Give it the rights that docs/redis.md has: without them what comes in is not stored, or not delivered.",
    )


async def _may(connection: Connection, command: Command) -> bool:
    """Whether the server let us; what it thinks of the command itself is no matter, since others may try just now."""
    try:
        await connection.do(*command)
    except StoreAway as away:
        if not isinstance(away.__cause__, ResponseError):
            raise
        return not isinstance(away.__cause__, NoPermissionError)
    return True
