"""What stands around the bots: a pretend Slack, a desk, and the store's server, each with ways to fail."""

import random
import socket
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from bot.commands.demo import company
from bot.sandbox.demo import World, world
from bot.sandbox.faults import Fault
from tests.crash.fleet import Fleet
from tests.crash.heard import Heard
from tests.crash.server import StoreServer
from tests.store.topologies import Cluster, Sentinels, Servers


@dataclass(frozen=True)
class Waits:
    """The bots' waits in seconds, at *pace* times those of a quiet machine."""

    pace: float = 1.0

    @property
    def timeout(self) -> float:
        """How long an adapter waits for its desk."""
        return self.pace

    @property
    def settle(self) -> float:
        """How long after that a change may still show."""
        return self.pace

    @property
    def lease(self) -> float:
        """How long a silent worker keeps a lane."""
        return self.pace

    @property
    def quiet(self) -> float:
        """How long all must be there before a run ends, so that what comes twice has the time to come."""
        return 2 * (self.settle + self.timeout)


Topology = Literal["single", "cluster", "sentinel"]
_SERVERS: dict[Topology, Callable[[Path, int], Any]] = {
    "single": lambda folder, _: StoreServer(folder),
    "cluster": Cluster,
    "sentinel": Sentinels,
}


class Dice(deque[Fault | None]):
    """A plan of faults that never ends: `bot.sandbox.faults.Faults` asks it before each request."""

    def __init__(self, chance: random.Random, often: float, faults: tuple[Fault, ...]) -> None:
        super().__init__([None])
        self._chance, self.often, self._faults = chance, often, faults

    def popleft(self) -> Fault | None:
        return self._chance.choice(self._faults) if self._chance.random() < self.often else None


DESK_FAULTS = (
    Fault.REFUSE,
    Fault.STALL,
    Fault.CUT_AFTER,
    Fault.CUT_AFTER,
    Fault.LATE,
    Fault.TRUNCATE,
    Fault.ERROR_BEFORE,
    Fault.ERROR_AFTER,
    Fault.RATE_LIMIT,
)


class Town:
    """Everything around the bots, and the bots."""

    def __init__(
        self,
        around: World,
        server: StoreServer | Servers,
        fleet: Fleet,
        *,
        dice: Dice | None,
        healed: Path,
        waits: Waits,
    ) -> None:
        self.world, self.server, self.fleet, self.dice, self.healed = around, server, fleet, dice, healed
        self.waits = waits
        self.slack, self.agents = around.workspace, around.agents
        self.heard = Heard(around.slack.deliveries)
        self.faults: Counter[str] = Counter()

    @property
    def waits_for_us(self) -> bool:
        """Whether Slack goes on sending something that we have not acknowledged."""
        return bool(self.heard.unheard)

    @property
    def often(self) -> float:
        """How often a request to the desk's server goes wrong."""
        return self.dice.often if self.dice is not None else 0.0

    @often.setter
    def often(self, often: float) -> None:
        if self.dice is not None:
            self.dice.often = often

    def all_faults(self) -> dict[str, int]:
        """How often what went wrong, by name."""
        stand_in = self.world.stand_in
        at_desk = {f"desk: {fault}": times for fault, times in stand_in.faults.met.items()} if stand_in else {}
        counts = self.world.slack.deliveries.counts
        return {**at_desk, **self.faults, "slack: sent again": counts["retried"], "slack: given up": counts["given_up"]}


@asynccontextmanager
async def town(
    desk: str,
    folder: Path,
    *,
    seed: int,
    fronts: int,
    workers: int,
    often: float,
    delivery: Literal["socket", "http"] = "socket",
    mutant: str = "",
    mixed: bool = False,
    topology: Topology = "single",
    faults: tuple[Fault, ...] = DESK_FAULTS,
    waits: Waits,
    table: Mapping[str, Any] = MappingProxyType({}),
) -> AsyncIterator[Town]:
    """A town in which things fail with probability *often*, until the block ends.

    *table* is more of the desk's; *mixed*: every second bot is of the next release (`newer`).
    """
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        listen = f"127.0.0.1:{_free_port()}" if delivery == "http" else ""
        around = await stack.enter_async_context(
            world(desk, folder, workspace=company(), delivery=delivery, listen=listen)
        )
        around.slack.deliveries.scale = 0.05
        around.settings["desks"]["demo"] |= {"timeout": 30.0 if desk == "local" else waits.timeout, "poll": 1.0}
        around.settings["desks"]["demo"] |= {"polls_per_minute": 3000.0, **table}
        dice = None
        if around.stand_in is not None:
            around.stand_in.faults.plan = dice = Dice(chance, often, faults)
            around.stand_in.faults.stall = (
                waits.timeout * 2
            )  # a late commit comes at 80 % of it, within the settle time
        server = await stack.enter_async_context(_SERVERS[topology](folder / "redis", seed))
        copied = {} if topology == "single" else {"redis": {"replicas": 1}}  # else a failover forgets what was promised
        plan = {
            "settings": around.settings | {"work": {"lease": waits.lease}} | copied,
            "environment": around.environment | {"REDIS_URL": server.url},
            "log": str(folder / "bots.log"),
            "mutant": mutant,
        }
        tuned = {"settle": waits.settle, "trouble": often, "healed": str(folder / "healed")}
        fleet = Fleet(
            {
                f"{role}-{number}": plan
                | {"role": role, "newer": mixed and number % 2 == 1, "tuning": tuned | {"seed": seed * 100 + number}}
                for role, count in (("front", fronts), ("worker", workers))
                for number in range(count)
            }
        )
        await stack.enter_async_context(fleet)
        yield Town(around, server, fleet, dice=dice, healed=folder / "healed", waits=waits)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
