"""The way to a primary that Sentinel watches, and to nothing else."""

from typing import Any, cast
from urllib.parse import parse_qsl, unquote, urlsplit

from redis.asyncio import Redis, Sentinel
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection
from redis.exceptions import ConnectionError as RedisConnectionError


class _OfPrimary:
    """Looks whether it is a primary that answers: step 3 of Redis's "Guidelines for clients with support for Sentinel".

    A Sentinel that has not heard of a failover yet names the server that was the primary. As a replica it answers what
    is read, and only what is written would find that out: a worker would go on asking it for ever.
    """

    async def connect_to(self: Any, address: tuple[str, int]) -> None:
        await super().connect_to(address)  # type: ignore[misc]  # of the class that it is mixed into
        await self.send_command("INFO", "replication")
        if "role:master" not in str(await self.read_response()):
            await self.disconnect()
            raise RedisConnectionError("Sentinel named a server that is not the primary")


class _Plain(_OfPrimary, SentinelManagedConnection):
    pass


class _Secure(_OfPrimary, SentinelManagedSSLConnection):
    pass


def behind_sentinel(url: str, common: dict[str, Any]) -> Redis:
    """A client for ``redis+sentinel://[user:password@]host:port,host:port/master/database``; *common* is for servers.

    Raises ValueError: *url* is not of that form.
    """
    parts = urlsplit(url)
    hosts = [host.partition(":") for host in parts.netloc.rpartition("@")[2].split(",")]
    sentinels = [(host, int(port or 26379)) for host, _, port in hosts]
    master, _, database = parts.path.strip("/").partition("/")
    if not master:
        raise ValueError
    login = {name: unquote(text) for name, text in (("username", parts.username), ("password", parts.password)) if text}
    authority = {name: path for name, path in parse_qsl(parts.query) if name == "ssl_ca_certs"}
    is_secure = parts.scheme == "rediss+sentinel"
    secure: dict[str, Any] = {"ssl": True, **authority} if is_secure else {}
    waits = {name: common[name] for name in ("socket_timeout", "socket_connect_timeout")}
    make: Any = Sentinel  # it has no types
    watch = make(sentinels, sentinel_kwargs={**waits, **secure}, **common, **login, **authority, db=int(database or 0))
    return cast("Redis", watch.master_for(master, connection_class=_Secure if is_secure else _Plain))
