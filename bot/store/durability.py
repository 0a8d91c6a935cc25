"""What an operator should know about the Redis that keeps the promises: how durable it is, and who may reach it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from redis.asyncio import RedisCluster
from redis.exceptions import RedisError

from adapters.model import Finding
from bot.store.connection import Connection, translated

OLDEST = (6, 2)
"""The first version with all commands that we use (GETDEL came last)."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", ""})


async def durability(connection: Connection, url: str) -> tuple[Finding, ...]:
    """A finding for each thing that decides whether what was stored is still there after a bad day.

    Args:
        connection: to the server.
        url: its address, of which only scheme, host and whether there is a password are looked at.

    Raises:
        StoreAway: the server does not answer.
    """
    nodes = await _nodes(connection)
    findings = [finding for info in nodes.values() for finding in _of_node(info)]
    return (*_worst(findings), await _fsync(connection), _replicas(nodes), *_access(url))


async def _nodes(connection: Connection) -> Mapping[str, Mapping[str, Any]]:
    client = connection.client
    if isinstance(client, RedisCluster):
        found: Any = await translated(lambda: client.info(target_nodes=RedisCluster.PRIMARIES))
        return {str(name): info for name, info in found.items()} if "redis_version" not in found else {"": found}
    return {"": await translated(client.info)}


def _of_node(info: Mapping[str, Any]) -> list[Finding]:
    policy, version = str(info.get("maxmemory_policy", "unknown")), str(info.get("redis_version", "0"))
    name = f"Valkey {info['valkey_version']}" if "valkey_version" in info else f"Redis {version}"
    appends, saves = bool(info.get("aof_enabled")), str(info.get("rdb_last_bgsave_status", ""))
    return [
        Finding(
            subject="Redis version",
            ok=tuple(int(part) for part in version.split(".")[:2] if part.isdigit()) >= OLDEST,
            detail=name,
            remedy="Use Redis 6.2 or newer, or Valkey.",
        ),
        Finding(
            subject="Redis memory",
            ok=policy == "noeviction",
            detail=f"maxmemory-policy is {policy}",
            remedy="Set maxmemory-policy to noeviction: any other lets Redis throw waiting messages and links away.",
        ),
        Finding(
            subject="Redis persistence",
            ok=appends and info.get("aof_last_write_status", "ok") == "ok",
            detail="appendonly is yes" if appends else f"appendonly is no (last snapshot: {saves or 'never'})",
            remedy="Set appendonly to yes and appendfsync to always or everysec; without, a restart loses what waits.",
        ),
    ]


def _worst(findings: list[Finding]) -> list[Finding]:
    """One line for each subject: the first that is not well, or the first."""
    by_subject: dict[str, Finding] = {}
    for finding in findings:
        if finding.subject not in by_subject or (by_subject[finding.subject].ok and not finding.ok):
            by_subject[finding.subject] = finding
    return list(by_subject.values())


def _replicas(nodes: Mapping[str, Mapping[str, Any]]) -> Finding:
    """Replicas are advice, not a condition: one server with its log on a good disk keeps the promise as well."""
    fewest = min(int(info.get("connected_slaves", 0)) for info in nodes.values())
    detail = f"{fewest} for each of {len(nodes)} primaries" if len(nodes) > 1 else str(fewest)
    return Finding(subject="Redis replicas", ok=True, detail=f"replicas: {detail}")


def _access(url: str) -> list[Finding]:
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return []
    hosts = {host.rpartition(":")[0].strip("[]") or host for host in parts.netloc.rpartition("@")[2].split(",")}
    if hosts <= LOOPBACK:
        return []
    return [
        Finding(
            subject="Redis password",
            ok=bool(parts.password and unquote(parts.password)) or "password=" in parts.query,
            detail="a password is set" if parts.password else "no password, and Redis is on another machine",
            remedy="Give Threadline a user of its own (docs/redis.md has its rights) and put it into REDIS_URL.",
        ),
        Finding(
            subject="Redis encryption",
            ok=True,
            detail="TLS" if parts.scheme.startswith("rediss") else "no TLS (rediss:// has it)",
        ),
    ]


async def _fsync(connection: Connection) -> Finding:
    """How often the log reaches the disk; a server that does not let us ask is taken to have Redis's default."""
    try:
        answer: Any = await connection.client.config_get("appendfsync")
    except RedisError:
        answer = {}
    often = str(answer.get("appendfsync", "")) if isinstance(answer, dict) else ""
    said = {"always": "always: what was stored survives a power cut", "": "not told by the server"}
    return Finding(
        subject="Redis fsync",
        ok=often != "no",
        detail=f"appendfsync is {said.get(often, often)}",
        remedy="Set appendfsync to everysec (a power cut may cost the last second) or always (it costs nothing).",
    )
