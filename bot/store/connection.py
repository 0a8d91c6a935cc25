"""The way to Redis or Valkey: one server, a Cluster or one that Sentinel watches, and the Lua scripts run there."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from hashlib import sha1
from importlib.resources import files
from socket import gaierror
from ssl import SSLError
from typing import Any, TypeVar

from redis.asyncio import BlockingConnectionPool, Redis, RedisCluster
from redis.asyncio.cluster import PipelineCommand
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import (
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    ConnectionError as RedisConnectionError,
    MasterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisClusterException,
    RedisError,
    ResponseError,
    TimeoutError as RedisTimeoutError,
)

from bot.conversion.ports import StoreAway
from bot.store.at_hand import AtHand
from bot.store.sentinel import behind_sentinel
from bot.store.together import Command, Together

SCRIPTS = ("add", "claim", "head", "save", "extend", "done", "retry", "park", "hold", "unpark", "nudge", "unlink")
"""The scripts of the lanes, which get `keys.SHARD_KEYS` first; each has scripts/common.lua in front."""
LONE_SCRIPTS = ("failed", "learn", "release", "spend", "swap", "turn")
"""Scripts with keys of their own."""
ADDING = ("add", "done")
"""Scripts that put operations into lanes; they have scripts/adding.lua in front, too."""

TROUBLE = (RedisError, RedisClusterException, OSError)
"""What the client raises where Redis did not do it; time-outs are among them."""

COPY_WITHIN = 1000
"""Milliseconds within which replicas must have a copy where they are waited for."""
CONFIRMATIONS = 3

Client = Redis | RedisCluster
T = TypeVar("T")
Call = tuple[str, Sequence[str], Sequence[str | int]]
Send = Callable[[Sequence[Command]], Awaitable[list[Any]]]


class BadAddress(Exception):
    """The address of Redis in the settings is not one; the words say what is expected and never repeat it."""


def source(script: str) -> str:
    """A script as it is sent."""
    folder = files("bot.store") / "scripts"
    before = () if script in LONE_SCRIPTS else ("common", "adding") if script in ADDING else ("common",)
    return "\n".join((folder / f"{name}.lua").read_text() for name in (*before, script))


def connect(url: str, *, timeout: float = 5.0, retries: int = 3, connections: int = 64) -> Client:
    """A client for *url*; nothing is connected before it is used.

    Understood are ``redis://`` and ``rediss://`` (TLS), ``unix:///path/to/socket``, ``redis+cluster://host:port`` and
    ``rediss+cluster://``, and ``redis+sentinel://[user:password@]host:port,host:port/master/database`` with
    ``rediss+sentinel://``.

    Args:
        url: the address, with user and password where the server wants them.
        timeout: seconds to wait for a connection and for an answer.
        retries: how often a command is sent again after a lost connection; every command we send may run twice.
        connections: at most so many connections per server; who needs one more waits for it.

    Raises:
        BadAddress: *url* is not of these forms.
    """
    common: dict[str, Any] = {
        "decode_responses": True,
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "retry": Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), retries),
        "health_check_interval": 30,
    }
    scheme = url.partition("://")[0]
    try:
        if scheme in ("redis+cluster", "rediss+cluster"):
            plain = url.replace("+cluster", "", 1)
            return RedisCluster.from_url(plain, max_connections=connections * 8, **common)
        if scheme in ("redis+sentinel", "rediss+sentinel"):
            return behind_sentinel(url, common)
        if scheme in ("redis", "rediss", "unix"):
            pool = BlockingConnectionPool.from_url(url, max_connections=connections, timeout=timeout, **common)
            pool.connection_class(**pool.connection_kwargs)  # which takes no option that there is not
            return Redis.from_pool(pool)
    except (TypeError, ValueError, RedisError, RedisClusterException):
        pass  # its words may repeat the address, and with it the password
    raise BadAddress(
        "REDIS_URL is not an address of Redis. It looks like redis://host:6379/0, rediss://... for TLS, unix:///path, "
        "redis+cluster://host:port or redis+sentinel://host:port,host:port/master/0."
    ) from None


class Connection:
    """Runs commands and scripts, and says `StoreAway` wherever Redis did not do it.

    The words of `StoreAway` name the kind of trouble and what to do: a server's own words may repeat what was sent.

    Attributes:
        client: the library's client.
        is_cluster: whether the keys are spread over several servers.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.is_cluster = isinstance(client, RedisCluster)
        self._together = Together(self._send_now)
        self._at_hand = AtHand(client) if isinstance(client, Redis) else None
        self._sources = {name: source(name) for name in (*SCRIPTS, *LONE_SCRIPTS)}
        self._shas = {
            name: sha1(text.encode(), usedforsecurity=False).hexdigest() for name, text in self._sources.items()
        }

    async def do(self, *command: str | int) -> Any:
        """The answer to one command."""
        return (await self.do_many([command]))[0]

    async def do_many(self, commands: Sequence[Sequence[str | int]]) -> list[Any]:
        """The answers to several commands that are sent together; each is done for itself."""
        return _answers(await translated(lambda: self._send(commands)))

    async def run(self, script: str, keys: Sequence[str], args: Sequence[str | int]) -> Any:
        """The answer of one script."""
        return (await self.run_many([(script, keys, args)]))[0]

    async def run_many(self, calls: Sequence[Call], *, gathered: bool = False) -> list[Any]:
        """The answers of several scripts that are sent together; each is done for itself.

        *gathered*: what goes together was waited for already, and they are sent without looking for more.
        """
        commands = [("EVALSHA", self._shas[name], len(keys), *keys, *args) for name, keys, args in calls]
        send = self._send_now if gathered else self._send
        return _answers(await translated(lambda: self._evaluate(send, calls, commands)))

    async def run_copied(self, calls: Sequence[Call], replicas: int, *, gathered: bool = False) -> list[Any]:
        """The answers of scripts that write and may run twice, once so many replicas have what they wrote.

        They run a second time on one connection with WAIT behind them: a server that took over in between and has
        replicas of its own must not confirm what it never had.

        Raises:
            StoreAway: also where fewer replicas have it in time; it is stored then, and may be forgotten at a failover.
        """
        answers = await self.run_many(calls, gathered=gathered)
        if not replicas:
            return answers
        for _ in range(CONFIRMATIONS):
            if await translated(lambda: self._confirmed(calls, replicas)):
                return answers
            await self.run_many(calls)  # which learns who took over
        raise StoreAway("Redis has this on fewer replicas than [redis] replicas asks for. Look at them.")

    async def _confirmed(self, calls: Sequence[Call], replicas: int) -> bool:
        wait = ("WAIT", replicas, COPY_WITHIN)
        by_node: dict[Any, list[Sequence[str | int]]] = {}
        for name, keys, args in calls:
            node = self.client.get_node_from_key(keys[0]) if isinstance(self.client, RedisCluster) else None
            by_node.setdefault(node, []).append(("EVALSHA", self._shas[name], len(keys), *keys, *args))
        told = [await self._on_one_connection(node, [*commands, wait]) for node, commands in by_node.items()]
        return all(
            isinstance(copies, int)
            and copies >= replicas
            and not any(isinstance(answer, Exception) for answer in answers)
            for *answers, copies in told
        )

    async def _on_one_connection(self, node: Any, commands: Sequence[Sequence[str | int]]) -> list[Any]:
        """Answers and errors of commands to a server; a Cluster's pipeline would send some elsewhere by itself."""
        if not isinstance(self.client, RedisCluster):
            return await self._send_now(commands)
        if node is None:
            return [None]
        queue = [PipelineCommand(i, *command) for i, command in enumerate(commands)]
        await node.execute_pipeline(queue)
        return [command.result for command in queue]

    async def _evaluate(self, send: Send, calls: Sequence[Call], commands: Sequence[Command]) -> list[Any]:
        answers = await send(commands)
        unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
        if unknown:  # a server that started lately, or one that took over: sending the source makes it known there
            sent = [("EVAL", self._sources[calls[i][0]], *commands[i][2:]) for i in unknown]
            for i, answer in zip(unknown, await send(sent), strict=True):
                answers[i] = answer
        return answers

    async def _send(self, commands: Sequence[Command]) -> list[Any]:
        """Answers and errors, of a Cluster by itself: there the trouble of one server must not be that of others."""
        return await (self._send_now(commands) if self.is_cluster else self._together.ask(commands))

    async def _send_now(self, commands: Sequence[Command]) -> list[Any]:
        if self._at_hand is not None and self._at_hand.is_free and self._at_hand.answers(commands):
            with suppress(RedisConnectionError, RedisTimeoutError):  # the client tries again, and more than once
                return await self._at_hand.ask(commands)
        if len(commands) == 1:
            try:
                return [await self.client.execute_command(*commands[0])]
            except ResponseError as error:
                return [error]
        pipeline = self.client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        return list(await pipeline.execute(raise_on_error=False))

    async def aclose(self) -> None:
        """Close all connections."""
        await self._together.aclose()
        if self._at_hand is not None:
            await self._at_hand.aclose()
        await self.client.aclose()


def lifetime(span: timedelta) -> int:
    """Milliseconds that a key lives; Redis takes no fewer than one."""
    return max(1, round(span.total_seconds() * 1000))


def _answers(answers: list[Any]) -> list[Any]:
    for answer in answers:
        if isinstance(answer, Exception):
            raise _away(answer) from answer
    return answers


async def translated(work: Callable[[], Awaitable[T]]) -> T:
    """What *work* gives; `StoreAway` where Redis cannot be reached or refuses."""
    try:
        return await work()
    except TROUBLE as error:
        raise _away(error) from error


@asynccontextmanager
async def translating() -> AsyncIterator[None]:
    """`translated` for a stretch of code."""
    try:
        yield
    except TROUBLE as error:
        raise _away(error) from error


_WORDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str, str], ...] = (
    (AuthenticationError, "Redis refuses our user or password", "Correct REDIS_URL."),
    (NoPermissionError, "Redis does not let our user do this", "docs/redis.md has the rights that it needs."),
    (OutOfMemoryError, "Redis has no memory left", "Give it more."),
    (ReadOnlyError, "Redis is a replica that takes no writes", "Have REDIS_URL lead to the primary."),
    ((BusyLoadingError, ClusterDownError, MasterDownError), "Redis is not ready yet", "Wait, or look at its log."),
    (gaierror, "The host of Redis has no address here", "Correct REDIS_URL, or look at the name server."),
    (SSLError, "There is no TLS with Redis that can be trusted", "Correct ssl_ca_certs in REDIS_URL, or Redis's TLS."),
    (
        FileNotFoundError,
        "A file on the way to Redis is not there",
        "Start Redis, or correct the path in REDIS_URL; Threadline's own is started again by itself.",
    ),
    (
        (RedisConnectionError, RedisTimeoutError, RedisClusterException, OSError),
        "Redis does not answer",
        "Start it, or correct REDIS_URL; Threadline's own is started again by itself.",
    ),
    (Exception, "Redis refused this", "Its log may say why."),
)
"""What happened, and what to do about it."""


def _away(error: Exception) -> StoreAway:
    if isinstance(error, RedisClusterException) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # what the last of its servers said
    deepest = error.__cause__ or error.__context__  # a refused login comes as a lost connection
    kinds = [error, deepest] if "ACL failure" not in str(error) else [NoPermissionError()]  # a script's has no type
    what, remedy = next((what, do) for kind, what, do in _WORDS if any(isinstance(it, kind) for it in kinds))
    return StoreAway(f"{what} ({type(error).__name__}). {remedy}")


async def ready(connection: Connection, *, within: float) -> None:
    """Wait until the server answers.

    Raises:
        StoreAway: it did not within so many seconds.
    """
    try:
        async with asyncio.timeout(within):
            await connection.do("PING")
    except TimeoutError as error:
        raise _away(error) from error
