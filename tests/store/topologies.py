"""Six servers as a Cluster, or three with three Sentinels: real processes, whose primaries are killed and replaced."""

import asyncio
import contextlib
import os
import random
import signal
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from bot.store.server import program

DOWN_AFTER = 1000
"""Milliseconds after which a silent primary is taken for dead."""
PATIENCE = 60.0
"""Seconds that a failover may take on a busy machine."""
SLOTS = 16384
Options = Mapping[str, str | int]
DURABLE: Options = {"appendonly": "yes", "appendfsync": "always", "save": "", "repl-diskless-sync-delay": 0}


class NoFailover(Exception):
    """Nobody took over from a dead primary in time."""


class Node:
    """One server, in a folder of its own."""

    def __init__(self, folder: Path, port: int, options: Options, *arguments: str) -> None:
        self.port = port
        self.folder = folder
        self._arguments = arguments
        own: dict[str, str | int] = {
            "port": port,
            "bind": "127.0.0.1",
            "dir": str(folder),
            "logfile": str(folder / "log"),
        }
        self._options: Options = {**own, **options}
        self._process: asyncio.subprocess.Process

    async def start(self, *more: str) -> None:
        """Start it on what it has on disk, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        options = [str(word) for name, value in self._options.items() for word in (f"--{name}", value)]
        self._process = await asyncio.create_subprocess_exec(program(), *self._arguments, *options, *more)
        await until(self.answers)

    async def answers(self) -> bool:
        """Whether it is there."""
        return bool(await self.ask("PING"))

    async def ask(self, *words: str | int) -> Any:
        """Its answer to a command, as it comes; None where it gives none."""
        once = Retry(NoBackoff(), 0)
        with contextlib.suppress(RedisError, OSError):
            async with Redis(
                port=self.port, decode_responses=True, socket_timeout=2, retry=once, single_connection_client=True
            ) as client:
                client.response_callbacks.clear()
                return await client.execute_command(*words)
        return None

    def signal(self, what: signal.Signals) -> None:
        """Send it a signal, unless it is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, what)

    async def end(self) -> None:
        """As kill -9 does."""
        self.signal(signal.SIGKILL)
        await self._process.wait()


class Servers:
    """Servers of which one or more are primaries; the address is the one of the settings."""

    failure = "primary killed"

    def __init__(self, nodes: list[Node], chance: random.Random) -> None:
        self.nodes = nodes
        self.url = ""
        self.harmed: Counter[str] = Counter()
        self._chance = chance
        self._one_at_a_time = asyncio.Lock()

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(node.end() for node in self.nodes))

    async def primaries(self) -> list[Node]:
        """Who takes writes now."""
        raise NotImplementedError

    async def replaced(self, dead: Node) -> bool:
        """Whether another serves in place of *dead*."""
        raise NotImplementedError

    async def back(self, dead: Node) -> None:
        """Start *dead* again, as a replica of who took over from it."""
        raise NotImplementedError

    async def whole(self) -> bool:
        """Whether each primary has a replica that is up to date, so that it can be spared."""
        said = [await primary.ask("INFO", "replication") for primary in await self.primaries()]
        return bool(said) and all("state=online" in str(info) for info in said)

    async def kill(self) -> None:
        """Kill a primary with -9, wait until a replica has taken over, and start the dead one again."""
        async with self._one_at_a_time:
            await until(self.whole)
            dead = self._chance.choice(await self.primaries())
            await dead.end()
            await until(lambda: self.replaced(dead))
            self.harmed[self.failure] += 1
            await asyncio.sleep(self._chance.uniform(0, 1))
            await self.back(dead)


class Cluster(Servers):
    """Three primaries with a replica each."""

    def __init__(self, folder: Path, seed: int = 0, options: Options | None = None) -> None:
        cluster: Options = {
            "cluster-enabled": "yes",
            "cluster-node-timeout": DOWN_AFTER,
            "cluster-replica-validity-factor": 0,
        }
        ours: Options = {**DURABLE, **cluster, **(options or {})}
        super().__init__([Node(folder / str(port), port, ours) for port in free_ports(6)], random.Random(seed))

    async def __aenter__(self) -> Self:
        await asyncio.gather(*(node.start() for node in self.nodes))
        first = self.nodes[0]
        for i, node in enumerate(self.nodes):
            await node.ask("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            if i < 3:
                await node.ask("CLUSTER", "ADDSLOTSRANGE", SLOTS * i // 3, SLOTS * (i + 1) // 3 - 1)
            await node.ask("CLUSTER", "MEET", "127.0.0.1", first.port)
        await until(lambda: _all_say("cluster_known_nodes:6", self.nodes))
        names = [await node.ask("CLUSTER", "MYID") for node in self.nodes[:3]]
        for node, name in zip(self.nodes[3:], names, strict=True):
            await until(lambda node=node, name=name: _yes(node.ask("CLUSTER", "REPLICATE", name)))  # type: ignore[misc]
        await until(lambda: _all_say("cluster_state:ok", self.nodes))
        await until(self.whole)
        self.url = f"redis+cluster://127.0.0.1:{first.port}"
        return self

    async def primaries(self) -> list[Node]:
        return await self._primaries([node for node in self.nodes if await node.answers()])

    async def _primaries(self, living: list[Node]) -> list[Node]:
        said = [str(await node.ask("INFO", "replication")) for node in living]
        return [node for node, info in zip(living, said, strict=True) if "role:master" in info]

    async def replaced(self, dead: Node) -> bool:
        living = [node for node in self.nodes if node is not dead]
        return await _all_say("cluster_state:ok", living) and len(await self._primaries(living)) == 3

    async def back(self, dead: Node) -> None:
        await dead.start()


class Sentinels(Servers):
    """A primary with two replicas, watched by three Sentinels."""

    def __init__(self, folder: Path, seed: int = 0, options: Options | None = None) -> None:
        *ports, a, b, c = free_ports(6)
        ours: Options = {**DURABLE, "min-replicas-to-write": 1, "min-replicas-max-lag": 10, **(options or {})}
        super().__init__([Node(folder / str(port), port, ours) for port in ports], random.Random(seed))
        watching = [(folder / f"sentinel-{port}", port) for port in (a, b, c)]
        self.watchers = [Node(place, port, {}, str(place / "conf"), "--sentinel") for place, port in watching]

    async def __aenter__(self) -> Self:
        first, *others = self.nodes
        await first.start()
        await asyncio.gather(*(node.start("--replicaof", f"127.0.0.1 {first.port}") for node in others))
        for watcher in self.watchers:
            watcher.folder.mkdir()
            lines = (
                f"monitor main 127.0.0.1 {first.port} 2",
                f"down-after-milliseconds main {DOWN_AFTER}",
                "failover-timeout main 5000",
            )
            (watcher.folder / "conf").write_text("".join(f"sentinel {line}\n" for line in lines))
        await asyncio.gather(*(watcher.start() for watcher in self.watchers))
        await until(self._watched)
        self.url = f"redis+sentinel://{','.join(f'127.0.0.1:{it.port}' for it in self.watchers)}/main/0"
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(node.end() for node in self.watchers))
        await super().__aexit__()

    async def _watched(self) -> bool:
        """Whether each Sentinel knows the others and both replicas."""
        for watcher in self.watchers:
            told = str(await watcher.ask("INFO", "sentinel"))
            if "slaves=2,sentinels=3" not in told:
                return False
        return await self.whole()

    async def primaries(self) -> list[Node]:
        for watcher in self.watchers:
            address = await watcher.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")
            found = [node for node in self.nodes if address and int(address[1]) == node.port]
            if found and "role:master" in str(await found[0].ask("INFO", "replication")):
                return found
        return []

    async def replaced(self, dead: Node) -> bool:
        return dead not in (now := await self.primaries()) and bool(now)

    async def back(self, dead: Node) -> None:
        (primary,) = await self.primaries()
        await dead.start("--replicaof", f"127.0.0.1 {primary.port}")


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something. Raises NoFailover."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await true():  # noqa: ASYNC110 - other processes have no event for it
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise NoFailover from None


async def _all_say(words: str, nodes: list[Node]) -> bool:
    return all([words in str(await node.ask("CLUSTER", "INFO")) for node in nodes])


async def _yes(answer: Awaitable[Any]) -> bool:
    return await answer is not None


def free_ports(count: int) -> list[int]:
    """Ports whose bus ports (10000 above) are valid too."""
    with contextlib.ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            listener = stack.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            found.append(port if port < 55_000 else port - 30_000)
        return found
