"""A place to die in: a pretend Slack, a desk and the store's server, and one bot process that is begun anew."""

import asyncio
import contextlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bot.commands.demo import company
from bot.conversion.decisions import Decision, asks, decided
from bot.conversion.ports import Parked
from bot.conversion.records import Link, ThreadKey, decode
from bot.sandbox.demo import World, world
from bot.sandbox.desks.base import SeenTicket
from bot.sandbox.desks.local import LocalAgents
from bot.slack.manifest import manifest_text, read
from bot.store.keys import Shard
from bot.store.store import Store
from tests.crash.answering import is_there
from tests.crash.comparing import Found, Seen, compare
from tests.crash.fleet import ROOT
from tests.crash.heard import Heard
from tests.crash.ledger import TOKEN, Ledger
from tests.crash.points.tracing import Order, Passage
from tests.crash.server import StoreServer

PATIENCE = 90.0
"""Seconds until what is not there is lost."""
RESTING = frozenset({"poll_desk", "remind"})
"""Work that stays in its lane."""
OTHER = "other"
"""The name of the second desk, a local one, to which threads move."""


class Nursery:
    """Forks bot processes: `tests.crash.nursery`, for any number of places."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.nursery", cwd=ROOT, stdin=pipe, stdout=pipe
        )
        await self._answer()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        await self._process.wait()

    async def start(self, plan: Mapping[str, Any]) -> int:
        """Begin one; gives its process id."""
        async with self._asking:
            self._process.stdin.write(json.dumps(plan).encode() + b"\n")  # type: ignore[union-attr]  # it is a pipe
            return int(await self._answer())

    async def _answer(self) -> bytes:
        line = await self._process.stdout.readline()  # type: ignore[union-attr]  # it is a pipe
        if not line:
            raise RuntimeError("the nursery of the bot's processes died")
        return line


class Wrong(Exception):
    """Something did not come about, or is not as it must be."""


@dataclass(kw_only=True)
class Place:
    """Where one kind of operation is done again and again."""

    folder: Path
    world: World
    server: StoreServer
    store: Store
    nursery: Nursery
    plan: dict[str, Any]
    desk: str
    others: LocalAgents
    agents_channel: str
    ledger: Ledger = field(default_factory=Ledger)
    pid: int = 0
    deaths: int = 0
    asked: int = 0
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.slack, self.agents = self.world.workspace, self.world.agents
        self.team = self.slack.team_id
        self.chance = random.Random(1)
        self.without_card = False
        """Whether somebody said that a ticket is there: they link it by its number, and it has no card until then."""
        self.heard = Heard(self.world.slack.deliveries)

    # --- the bot ---

    async def begin(self) -> None:
        """Have the bot live, connected to Slack."""
        self.pid = await self.nursery.start(self.plan)
        deliveries = self.world.slack.deliveries
        if self.world.settings["slack"]["mode"] == "socket":
            async with asyncio.timeout(PATIENCE):
                await deliveries.connected()  # type: ignore[attr-defined]
        else:
            await self._listens()

    async def _listens(self) -> None:
        host, _, port = self.world.settings["slack"]["listen"].rpartition(":")
        async with asyncio.timeout(PATIENCE):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(host, int(port))
                    writer.close()
                    return
                await asyncio.sleep(0.01)

    def end(self) -> None:
        """As kill -9 does."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    @property
    def dead(self) -> bool:
        """Whether the process ended."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False

    async def revive(self) -> None:
        """Begin another in place of the dead one, as a supervisor does; its leases end, as they would in time."""
        self.deaths += 1
        while not self.dead:  # noqa: ASYNC110 - the kernel has no event for it
            await asyncio.sleep(0.002)
        for number in range(self.store.lanes._shards):
            shard = Shard(number)
            held = await self.store.connection.do("HKEYS", shard.key("holder"))
            for lane in held:
                await self.store.connection.do("ZADD", shard.key("ready"), "XX", 1, lane)
        await self.begin()

    # --- orders ---

    def order(self, order: Order) -> None:
        """Have the process die there."""
        draft = self.folder / "draft"
        draft.write_text(order.text())
        draft.rename(self.folder / "order")

    @property
    def died(self) -> bool:
        """Whether the order was carried out."""
        return (self.folder / "died").exists()

    def countermand(self) -> None:
        """Forget the order, carried out or not."""
        for name in ("order", "died"):
            (self.folder / name).unlink(missing_ok=True)

    def mark(self) -> int:
        """How far the notes of passages go now."""
        return (self.folder / "passed").stat().st_size

    def passed(self, since: int) -> list[Passage]:
        """What was noted behind a `mark`."""
        with (self.folder / "passed").open("rb") as file:
            file.seek(since)
            return [Passage(*line.split("\t")) for line in file.read().decode().splitlines()]

    # --- how things stand ---

    async def rest(self) -> None:
        """Wait until nothing is under way: all events are acknowledged, and lanes hold only what stays there."""
        began = time.monotonic()
        while waits := await self.waits():
            if time.monotonic() > began + PATIENCE:
                raise Wrong(f"it does not come to rest: {waits}")
            await self.answer_questions()
            await asyncio.sleep(0.03)

    async def waits(self) -> list[str]:
        """What is under way, in words."""
        waits = [f"event {one}" for one in self.heard.unheard]
        async for lane, op, payload in self.store.lanes.everything():
            work = decode(payload).work
            if not (work.kind in RESTING or (work.kind == "pull_ticket" and work.repeat)):
                waits.append(f"{lane} {op}")
        held = await self.store.connection.do("HKEYS", Shard(0).key("holder"))
        return waits + [f"{lane} is worked on" for lane in held]

    async def answer_questions(self) -> None:
        """Answer whatever the product asks, truthfully, as a person would who looks at the ticket."""
        async for parked in self.store.lanes.parked():
            if asks(parked.payload):
                answer = Decision.THERE if await self._there(parked) else Decision.AGAIN
                if await self.store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, answer)):
                    self.asked += 1
                    opens = decode(parked.payload).work.kind in {"open_ticket", "move_ticket"}
                    self.without_card = self.without_card or (opens and answer is Decision.THERE)

    async def _there(self, parked: Parked) -> bool:
        tickets = [await self.agents.ticket(ticket.id) for ticket in await self.agents.tickets()]
        return is_there(parked, self.ledger, tickets)

    async def compare(self, *, where: LocalAgents | None = None) -> Found:
        """The ledger against the desk and Slack."""
        tickets = await self.tickets(where)
        posts = {
            thread.name: [str(m.get("text", "")) for m in self.ours(thread.channel, thread.ts)]
            for thread in self.ledger.threads
            if thread.ts
        }
        given_up = [t for body in self.world.slack.deliveries.given_up for t in TOKEN.findall(json.dumps(body))]
        seen = Seen(tickets=tickets, posts=posts, sent=self.heard.sent, stored=self.heard.stored)
        return compare(self.ledger, seen, never_handed=given_up)

    async def tickets(self, where: LocalAgents | None = None) -> list[SeenTicket]:
        """The tickets of the ledger's threads."""
        agents = where or self.agents
        names = {thread.name for thread in self.ledger.threads}
        listed = [one for one in await agents.tickets() if names & set(TOKEN.findall(one.subject))]
        return [await agents.ticket(one.id) for one in listed]

    def ours(self, channel: str, ts: str) -> list[dict[str, Any]]:
        """What the bot posted in a thread, below its first message."""
        return [m for m in self.slack.replies(channel, ts) if m.get("bot_id") == self.slack.bot_id and m["ts"] != ts]

    async def link(self, channel: str, ts: str) -> Link | None:
        """The link of a thread."""
        return await self.store.links.get(ThreadKey(team=self.team, channel=channel, ts=ts))

    @contextlib.contextmanager
    def deaf(self) -> Iterator[None]:
        """Slack delivers no event meanwhile."""
        deliveries = self.world.slack.deliveries
        event = deliveries.event
        deliveries.event = lambda body: None  # type: ignore[method-assign]
        try:
            yield
        finally:
            deliveries.event = event  # type: ignore[method-assign]

    async def forget(self) -> None:
        """Part all threads from their tickets, so that they cost no more time."""
        links = [link async for link in self.store.links.all()]
        for link in links:
            await self.store.links.remove(link)
        self.ledger = Ledger(_last=self.ledger._last)


@asynccontextmanager
async def place(
    desk: str,
    folder: Path,
    nursery: Nursery,
    *,
    desk_settings: Mapping[str, Any],
    slack_settings: Mapping[str, Any],
    agents_channel: bool = False,
) -> AsyncIterator[Place]:
    """A place with a desk of that kind, until the block ends."""
    async with AsyncExitStack() as stack:
        around = await stack.enter_async_context(world(desk, folder, workspace=company()))
        around.workspace.steps.functions = read(manifest_text(step=True))["functions"]
        around.slack.deliveries.scale, around.slack.deliveries.ack_seconds = 0.003, 0.7
        timing = {"timeout": 30.0 if desk == "local" else 1.5, "poll": 600.0, "polls_per_minute": 6000.0}
        channel = next(one.id for one in around.workspace.channels.values() if one.name == "it-help")
        # one person wishes for all of it, and more quickly than people do
        around.settings["limits"] = {"changes_per_person": 0, "lookups_per_person": 0, "tickets_per_person": 0}
        table = around.settings["desks"]["demo"]
        table |= {"department": "1"} if desk in {"whmcs", "keliweb"} else {}
        table |= timing | {"channels": [channel]} | dict(desk_settings)
        colleagues = [one.id for one in around.workspace.people.values() if one.name in {"eva", "ben", "mira", "tom"}]
        listed = around.workspace.add_channel("agents", colleagues).id
        if agents_channel:
            table["agents_channel"] = {"id": listed, "notes": True}
        around.settings["desks"][OTHER] = {
            "kind": "local",
            "title": "Other desk",
            "path": str(folder / "other.sqlite"),
            "poll": 600.0,
        }
        around.settings["slack"] |= dict(slack_settings)
        server = await stack.enter_async_context(StoreServer(folder / "redis"))
        store = await stack.enter_async_context(Store.open(server.url))
        plan = {
            "settings": around.settings | {"work": {"lease": 1.0}},
            "environment": around.environment | {"REDIS_URL": server.url},
            "role": "all",
            "log": str(folder / "bot.log"),
            "tuning": {"settle": 0.1, "trouble": 0.0, "seed": 1, "healed": str(folder / "healed")},
            "points": str(folder),
        }
        made = Place(
            folder=folder,
            world=around,
            server=server,
            store=store,
            nursery=nursery,
            plan=plan,
            desk=desk,
            others=LocalAgents(folder / "other.sqlite"),
            agents_channel=listed,
        )
        stack.callback(made.end)
        await made.begin()
        yield made
