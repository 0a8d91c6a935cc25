"""A message through: from Slack's event to the desk's server, one by one and as fast as one worker can."""

import asyncio
import contextlib
import json
import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from adapters import registry
from adapters.model import Body, ChoiceList, MessageDraft, Person, TicketDraft, TicketRef
from adapters.shared import InProcess
from bench.door import link
from bench.load import NUMBER, WORDS, Messages, signed
from bench.measuring import Figure, Line, child, cpu_seconds, median, quantile
from bench.office import Office, Wire, office
from bot.conversion.ops import event_op
from bot.conversion.ports import NewOp
from bot.serving import serving
from bot.store.store import Store

RATES = (1, 10, 50)
TICKETS = 20
"""Threads with tickets, over which the messages are spread."""
LOOK = 1.0
"""Seconds between looks at the desk, as the demo has it."""
PATIENCE = 60.0
GOALS = {"whmcs": "≥ 0.5 of the loop", "superoffice_soap": "≥ 0.6 of the loop", "local": ""}
_ADDS = re.compile(rb"action=AddTicket(?:Reply|Note)|:addMessage\d?[ >]|<addMessage\d?[ >]")


class Quick:
    """In front of a stand-in: notes when a message is there, and answers each but the first with the first's answer.

    So the desk answers at once, and what is measured is not the stand-in.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._answer: list[Message] = []
        self.arrived: dict[int, float] = {}
        self.added = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        body = message.get("body", b"")
        while message.get("more_body"):
            message = await receive()
            body += message.get("body", b"")
        adds = _ADDS.search(body) is not None
        if adds:
            self.added += 1
            if found := NUMBER.search(body):
                self.arrived.setdefault(int(found[1]), time.perf_counter())
        if adds and self._answer:
            for part in self._answer:
                await send(part)
            return
        told: list[Message] = []

        async def again() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(part: Message) -> None:
            told.append(part)
            await send(part)

        await self._app(scope, again, keep)
        if adds:
            self._answer = told


@dataclass(frozen=True, kw_only=True)
class Bench:
    """An office in which threads have a ticket each, and `TICKETS` others belong to none, for the loop: what stands on
    a thread's ticket would be brought to the thread.
    """

    place: Office
    desk: dict[str, Any]
    tickets: list[TicketRef]
    others: list[TicketRef]
    messages: Messages
    arrived: dict[int, float] = field(default_factory=dict)


@asynccontextmanager
async def bench(kind: str, *, threads: int = TICKETS) -> AsyncIterator[Bench]:
    """A desk of *kind* that answers at once, with tickets, and links of so many threads, each to one of its own."""
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(office(kind))
        arrived: dict[int, float] = {}
        table = dict(place.settings["desks"]["demo"])
        if place.world.stand_in is not None:
            quick = Quick(place.world.stand_in.faults)
            arrived = quick.arrived
            table |= place.world.stand_in.settings(await stack.enter_async_context(serving(quick, ws="none")))
        place.settings["desks"]["demo"] = table
        team, channel = place.world.workspace.team_id, place.channel("it-help")
        every = await _tickets(table, threads + TICKETS)
        tickets, others = every[:threads], every[threads:]
        if place.world.stand_in is None:
            watching = asyncio.create_task(_watch(Path(table["path"]), arrived))
            stack.callback(watching.cancel)
        async with Store.open(place.store.url) as store:
            for number in range(threads):
                await store.links.put(link(number, team=team, channel=channel, ticket=tickets[number]))
        messages = Messages(team=team, channel=channel, user=place.person("tom"), threads=threads)
        yield Bench(place=place, desk=table, tickets=tickets, others=others, messages=messages, arrived=arrived)


async def _tickets(table: dict[str, Any], count: int) -> list[TicketRef]:
    settings = registry.settings_for("demo", table)
    author = Person(name="Tom Whitaker", email="tom@kestrel.example")
    made = []
    async with registry.make("demo", settings, InProcess()) as desk:
        departments = await desk.choices(ChoiceList.DEPARTMENTS)
        for number in range(count):
            first = MessageDraft(
                body=Body(plain="first", html="<p>first</p>"), author=author, marker=f"TL-{number:012d}"
            )
            draft = TicketDraft(subject=f"Ticket {number}", first=first, requester=author, department=departments[0].id)
            made.append((await desk.open_ticket(draft)).ticket)
    return made


async def _watch(path: Path, arrived: dict[int, float]) -> None:
    """The local desk has no server, so its file is looked at every two milliseconds."""
    last = 0
    with contextlib.closing(sqlite3.connect(path)) as db:
        while True:
            await asyncio.sleep(0.002)
            try:
                rows = db.execute("SELECT id, plain FROM message WHERE id > ? ORDER BY id", (last,)).fetchall()
            except sqlite3.OperationalError:  # the desk writes just now
                continue
            for row, plain in rows:
                last = row
                if found := NUMBER.search(plain.encode()):
                    arrived.setdefault(int(found[1]), time.perf_counter())


async def latency(*, seconds: float, kinds: tuple[str, ...] = ("local", "whmcs")) -> list[Line]:
    """Milliseconds from Slack sending an event to the desk having its message."""
    lines: list[Line] = []
    for kind in kinds:
        async with bench(kind) as made, made.place.bot() as bot:
            await _at_rate(made, 5, 2)  # connections, people and scripts are known from here on
            for rate in RATES:
                cpu, began = cpu_seconds(bot.pid), time.perf_counter()
                took = await _at_rate(made, rate, max(20, int(rate * seconds * 2)) if rate > 1 else 8)
                lines.append(
                    _latency_line(kind, rate, took, (cpu_seconds(bot.pid) - cpu) / (time.perf_counter() - began))
                )
    return lines


def _latency_line(kind: str, rate: int, took: list[float], busy: float) -> Figure:
    return Figure(
        row="through",
        what=f"event to {kind}, {rate} a second, p50",
        value=1e3 * quantile(took, 0.5),
        unit="ms",
        more={"p95_ms": 1e3 * quantile(took, 0.95), "messages": len(took), "core": busy},
    )


async def _at_rate(made: Bench, rate: int, count: int) -> list[float]:
    """Seconds on the way of each of *count* messages."""
    wires = [await Wire.to(made.place.address) for _ in range(4)]
    free: asyncio.Queue[Wire] = asyncio.Queue()
    for wire in wires:
        free.put_nowait(wire)
    sent: dict[int, float] = {}

    async def one() -> None:
        wire = await free.get()
        number, raw = made.messages.next()
        request = signed(raw, secret=made.place.secret)
        sent[number] = time.perf_counter()
        await wire.send(request)
        free.put_nowait(wire)

    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(one())
            if number + 1 < count:
                await asyncio.sleep(1 / rate)
    await all_there(made, set(sent))
    for wire in wires:
        wire.close()
    return [made.arrived[number] - began for number, began in sent.items()]


async def all_there(made: Bench, numbers: set[int]) -> None:
    """Wait until the desk has the messages of these numbers. Raises RuntimeError: it did not get them in time."""
    until = time.perf_counter() + PATIENCE
    while missing := len(numbers - made.arrived.keys()):
        if time.perf_counter() > until:
            raise RuntimeError(f"{missing} of {len(numbers)} messages did not reach {made.desk['kind']}")
        await asyncio.sleep(0.005)


@dataclass
class Drained:
    """What emptying a backlog took."""

    rates: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    commands: list[float] = field(default_factory=list)


async def throughput(
    *, messages: int = 1500, rounds: int = 3, kinds: tuple[str, ...] = ("local", "whmcs", "superoffice_soap")
) -> list[Line]:
    """Messages a second of one worker on one core, against a loop that makes the desk's calls and nothing else."""
    lines: list[Line] = []
    for kind in kinds:
        worker, loop = Drained(), Drained()
        async with bench(kind) as made:
            for _ in range(rounds):
                await _drain(made, messages, worker)
                await _loop(made, messages, loop)
            await _count(made, min(messages, 500), worker)
        lines += _throughput_lines(kind, worker, loop)
    return lines


async def _drain(made: Bench, count: int, result: Drained) -> None:
    """*count* events are stored while a worker runs; what it takes from there until the desk has the last."""
    async with made.place.bot("worker") as process:
        reached, cpu = await emptied(made, [process.pid], count)
    result.rates.append(reached)
    result.cpu.append(cpu)


async def emptied(made: Bench, workers: list[int], count: int) -> tuple[float, float]:
    """Messages a second, and seconds of CPU for each, of workers by their process ids for which so many are stored."""
    await all_there(made, await stored(made, TICKETS))  # connections, people and scripts are known from here on
    numbers, ops = events(made, count)
    async with Store.open(made.place.store.url) as store:
        cpu, began = sum(map(cpu_seconds, workers)), time.perf_counter()
        await store.lanes.add(ops)
        await all_there(made, numbers)
    used = sum(map(cpu_seconds, workers)) - cpu
    return count / (max(made.arrived[number] for number in numbers) - began), used / count


async def _loop(made: Bench, count: int, result: Drained) -> None:
    first = 1_000_000 + 100_000 * len(result.rates)  # a desk may know a marker that it has seen
    tickets = [{"id": ticket.id, "number": ticket.number} for ticket in made.others]
    plan = {"desk": made.desk, "tickets": tickets, "messages": count, "words": WORDS, "first": first}
    async with child("straight", **plan) as process:
        cpu = cpu_seconds(process.pid)
        numbers = set(range(first, first + count))
        await all_there(made, numbers)
        result.cpu.append((cpu_seconds(process.pid) - cpu) / count)
    times = sorted(made.arrived[number] for number in numbers)
    result.rates.append((count - 1) / (times[-1] - times[0]))


async def _count(made: Bench, count: int, result: Drained) -> None:
    """Commands to Redis for each message, and for the look at its ticket after it where the desk tells what changed.

    Counted on its own, since counting costs time.
    """
    async with made.place.bot("worker"):
        await all_there(made, await stored(made, TICKETS))
        await asyncio.sleep(2 * LOOK)  # at what the rounds before this wrote
        async with made.place.store.counting() as seen:
            await all_there(made, await stored(made, count))
            await asyncio.sleep(2 * LOOK)
        result.commands.append(sum(seen.values()) / count)


def events(made: Bench, count: int) -> tuple[set[int], list[NewOp]]:
    """So many new events: the numbers of their messages, and what the door stores of them."""
    pairs = [made.messages.next() for _ in range(count)]
    return {number for number, _ in pairs}, [op for _, raw in pairs if (op := event_op(json.loads(raw))) is not None]


async def stored(made: Bench, count: int) -> set[int]:
    """Have so many new events stored as the door stores them; their numbers."""
    numbers, ops = events(made, count)
    async with Store.open(made.place.store.url) as store:
        await store.lanes.add(ops)
    return numbers


def _throughput_lines(kind: str, worker: Drained, loop: Drained) -> list[Line]:
    return [
        Figure(
            row="worker",
            what=f"one worker empties a backlog into {kind}",
            value=median(worker.rates),
            unit="messages/s",
            ratio=median(worker.rates) / median(loop.rates),
            against="the loop",
            goal=GOALS[kind],
            more={"cpu_ms": 1e3 * median(worker.cpu), "redis_commands": median(worker.commands)},
        ),
        Figure(
            row="worker",
            what=f"the loop: {kind}'s calls and nothing else",
            value=median(loop.rates),
            unit="messages/s",
            more={"cpu_ms": 1e3 * median(loop.cpu)},
        ),
    ]
