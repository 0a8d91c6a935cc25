"""One process of a simulated town: the product's door, worker and store, over ways that fail."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from adapters.contract import Capability
from bot.conversion.intake import Intake
from bot.conversion.ops import poll_op
from bot.conversion.ports import NewOp, StoreAway
from bot.conversion.records import Link
from bot.conversion.rooms import Rooms
from bot.conversion.worker import Worker
from bot.slack.batch import StoreFirst
from bot.slack.events import Events
from bot.slack.routing import Event
from bot.slack.web import Identity
from bot.store.breakers import RedisBreakers
from bot.store.connection import Connection
from bot.store.lanes import RedisLanes
from bot.store.links import RedisLinks
from bot.store.shared import RedisShared
from tests.simulation.desk import DeskState, SimDesk
from tests.simulation.loop import Host
from tests.simulation.network import Client, Network
from tests.simulation.plan import Plan
from tests.simulation.redis_model import Server
from tests.simulation.slack import TEAM, US, SimThreads, SimVoice, SlackState

SHARDS = 1
LEASE = 6.0
IDENTITY = Identity(team_id=TEAM, user_id=US, bot_id="B1")


class OneDesk:
    """The desks of the settings: one."""

    def __init__(self, desk: SimDesk) -> None:
        self._desk = desk

    def get(self, name: str) -> SimDesk:
        return self._desk

    def names(self) -> tuple[str, ...]:
        return (self._desk.name,)

    def for_channel(self, channel: str) -> str:
        return self._desk.name


class SimEvents:
    """Takes stored events to the product's own listener."""

    def __init__(self, intake: Intake) -> None:
        self._events = Events(identity=IDENTITY, intake=intake)

    async def dispatch(self, body: dict[str, Any], link: Link | None) -> NewOp | None:
        return await self._events.message(Event(body, link))


class Bot:
    """One process: door and worker, over connections of its own."""

    def __init__(
        self, *, plan: Plan, network: Network, redis: Server, slack: SlackState, desk: DeskState, host: Host
    ) -> None:
        self.host = host
        link = Connection(Client(network, redis, plan.redis))  # type: ignore[arg-type]  # all that it uses
        self.lanes = RedisLanes(link, SHARDS, lease=timedelta(seconds=LEASE))
        self.links = RedisLinks(link, SHARDS)
        self.intake = Intake(self.lanes, self.links)
        self.desk = SimDesk(plan.flavour, desk, network, rates=plan.desk, shared=RedisShared(link))
        rooms = Rooms(
            lanes=self.lanes,
            links=self.links,
            breakers=RedisBreakers(link),
            desks=OneDesk(self.desk),
            threads=SimThreads(slack, network, plan.slack),
            voice=SimVoice(slack, network, plan.slack),
            events=SimEvents(self.intake),
        )
        self.worker = Worker(rooms, heartbeat=LEASE / 3)
        self.door = StoreFirst(self.lanes.add_gathered, _no_interaction)

    async def live(self) -> None:
        """As `bot.wiring.run` does: note the run, watch the desk, sweep, and work until told to stop."""
        await patiently(self.lanes.note_run)
        if self.desk.has(Capability.CHANGED_SINCE):
            await patiently(lambda: self.lanes.add([poll_op(TEAM, self.desk.name)]))
        await patiently(self.intake.sweep)
        await self.worker.run()


async def _no_interaction(body: dict[str, Any]) -> Any:
    raise AssertionError("nobody clicks here")


async def patiently(work: Callable[[], Any]) -> Any:
    while True:
        try:
            return await work()
        except StoreAway:
            await asyncio.sleep(0.5)
