"""One run of the crash test: people work while harm is done, then all is healed, drained and compared."""

import asyncio
import contextlib
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from bot.conversion.decisions import Decision, asks, decided
from bot.conversion.ports import Parked, StoreAway
from bot.sandbox.faults import Fault
from bot.store.store import Store
from tests.crash.answering import is_there
from tests.crash.comparing import Found, Seen, compare
from tests.crash.harm import Harm
from tests.crash.ledger import TOKEN, Ledger
from tests.crash.people import People
from tests.crash.town import DESK_FAULTS, Topology, Town, Waits, town

NO_NOTES = frozenset({"keliweb"})
"""Desks that have no internal notes: who wishes for one there is told so."""
BEGINNING = 6
"""Tickets that are there before the harm begins."""
KINDS = ("reply", "file", "note", "edit", "delete", "turn", "answer")
"""What is done in threads that have a ticket."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run does. The same plan deals the same blows and writes the same texts; when they meet is chance."""

    ops: int
    seconds: float
    seed: int
    desk: str = "local"
    delivery: Literal["socket", "http"] = "socket"
    fronts: int = 2
    workers: int = 3
    often: float = 0.1
    kills: int = 0  # of workers and fronts; 0: by the length of the run
    redis: int = 0
    rollbacks: int = 0
    topology: Topology = "single"  # with another, "kill redis" kills a primary, and no copy can be put back
    mutant: str = ""
    mixed: bool = False  # every second process is of the next release
    harm: Mapping[str, int] | None = None  # names of `harm.BLOWS` and how often; None: by the length of the run
    faults: tuple[Fault, ...] = DESK_FAULTS  # of the desk's server
    weights: tuple[int, ...] = (62, 4, 6, 8, 3, 4, 13)  # of the kinds of `KINDS`
    pace: float = 2.0  # of the bots' waits; more on a machine that is slow or busy
    give_up: float = 120.0  # seconds without anything new after which what is missing is lost

    def blows(self) -> dict[str, int]:
        """How often each kind of harm is done."""
        if self.harm is not None:
            return dict(self.harm)
        kills = self.kills or max(6, round(self.ops * 0.064))
        redis = self.redis or max(1, kills // 8)
        back = (self.rollbacks or max(1, kills // 24)) * (self.topology == "single")
        rest = max(1, kills // 10)
        return {
            "kill worker": kills * 2 // 3,
            "kill front": kills - kills * 2 // 3,
            "kill redis": redis,
            "roll back": back,
            **dict.fromkeys(("terminate", "freeze", "lose answer", "limit rate", "break slack", "cut sockets"), rest),
            **dict.fromkeys(("confuse", "outage"), rest),
        }


@dataclass(kw_only=True)
class Result:
    """What is printed as JSON."""

    ops: int
    seed: int
    desk: str
    topology: str
    kills: dict[str, int]
    faults: dict[str, int]
    lost: int
    duplicated: int
    out_of_order: int
    leaked: int
    asked: int
    parked: int
    handed_late: int
    vanished: int
    seconds: float
    drain_seconds: float
    wrong: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether the promise held."""
        return not (self.lost or self.duplicated or self.out_of_order or self.leaked)

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


async def run(plan: Plan, folder: Path) -> Result:
    """Carry *plan* out in *folder*."""
    began = time.monotonic()
    async with town(
        plan.desk,
        folder,
        seed=plan.seed,
        fronts=plan.fronts,
        workers=plan.workers,
        often=plan.often,
        delivery=plan.delivery,
        faults=plan.faults,
        waits=Waits(plan.pace),
        mutant=plan.mutant,
        mixed=plan.mixed,
        topology=plan.topology,
    ) as place:
        return await _Run(plan, place, began).all()


class _Run:
    def __init__(self, plan: Plan, place: Town, began: float) -> None:
        self.plan, self.town, self.began = plan, place, began
        self.chance = random.Random(plan.seed)
        self.ledger = Ledger()
        self.asked = 0
        self.people = People(place, self.ledger, self.chance)
        blows = plan.blows()
        self.harm = Harm(
            place,
            random.Random(plan.seed + 1),
            pause=plan.seconds / (sum(blows.values()) + 1),
            opening=self.people.opening,
        )

    async def all(self) -> Result:
        calmly = self.plan.desk == "keliweb"  # it cannot be searched: who says "it is there" links the ticket by hand
        await self._begin()
        done = asyncio.Event()
        harm = asyncio.create_task(self.harm.run(self.plan.blows(), done))
        looking = asyncio.create_task(self._look())
        creating = asyncio.create_task(asyncio.sleep(0) if calmly else self._create())
        await self._work()
        _say(f"{self.ledger.ops} operations; waiting for the blows that are left")
        await harm
        await creating
        await self.harm.heal()
        healed = time.monotonic()
        found = await self._drain()
        looking.cancel()
        return await self._result(found, time.monotonic() - healed)

    async def _begin(self) -> None:
        """Some tickets, before anything goes wrong."""
        often, self.town.often = self.town.often, 0.0
        for _ in range(BEGINNING):
            await self.people.open_from_thread()
        while not all(thread.ticket for thread in self.ledger.threads):
            await self.people.look()
            await asyncio.sleep(0.1)
        self.town.often = often

    async def _work(self) -> None:
        """One thing after another, as fast as the plan says."""
        people = self.people
        ways = (people.reply, people.file, people.note, people.edit, people.delete, people.turn, people.answer)
        one = dict(zip(KINDS, ways, strict=True))
        start, wanted = time.monotonic(), self.plan.ops
        while self.ledger.ops < wanted:
            due = start + self.plan.seconds * self.ledger.ops / wanted
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            (what,) = self.chance.choices(list(one), self.plan.weights)
            if what == "note" and self.plan.desk in NO_NOTES:
                what = "reply"
            if what in {"note", "turn", "edit", "delete"}:
                await self.harm.calm.wait()
            await one[what]()
            if self.ledger.ops % 100 == 0:
                _say(f"{self.ledger.ops} operations, {dict(self.town.fleet.harmed + self.town.server.harmed)}")

    async def _create(self) -> None:
        """New tickets, now and then while people work, from threads and from forms."""
        for number in range(max(2, self.plan.ops // 50)):
            if self.ledger.ops >= self.plan.ops:
                break
            await (self.people.open_from_thread() if number % 3 else self.people.open_from_form())
            await asyncio.sleep(self.plan.seconds / max(2, self.plan.ops // 50) * 0.5)

    async def _look(self) -> None:
        while True:
            began = time.monotonic()
            await self.people.look()
            await self._decide()
            await self._rest(began)

    async def _rest(self, began: float) -> None:
        """Leave the pretended Slack and the desk, which live in this process, most of the time for the bots."""
        await asyncio.sleep(max(0.5, 5 * (time.monotonic() - began)))

    async def _decide(self) -> None:
        """Answer the questions that the product asks, truthfully and at once, as whoever looks at the ticket would.

        A question that a copy of the store held is answered when nothing of before can be on its way any more.
        """
        if time.time() < self.harm.set_back_at + 2 * self.town.waits.timeout:
            return
        with contextlib.suppress(StoreAway):
            async with Store.open(self.town.server.url, patience=1) as store:
                async for parked in store.lanes.parked():
                    if asks(parked.payload):
                        self.asked += 1
                        answer = Decision.THERE if await self._there(parked) else Decision.AGAIN
                        await store.lanes.unpark(parked.lane, parked.id, decided(parked.payload, answer))

    async def _there(self, parked: Parked) -> bool:
        """Whether what a question is about is at the desk."""
        tickets = [await self.town.agents.ticket(ticket.id) for ticket in await self.town.agents.tickets()]
        return is_there(parked, self.ledger, tickets)

    async def _drain(self) -> Found:
        """Wait until all is there and nothing more comes, or until nothing has come for long."""
        best, moved, well_since = 10**9, time.monotonic(), 0.0
        while True:
            began = time.monotonic()
            found = await self._compare()
            now, missing = time.monotonic(), len(found.lost)
            if missing < best:
                best, moved = missing, now
                _say(f"{missing} are not there yet")
            well_since = 0.0 if missing else well_since or now
            if (well_since and now > well_since + self.town.waits.quiet) or now > moved + self.plan.give_up:
                return found
            await self._rest(began)

    async def _compare(self) -> Found:
        tickets = [await self.town.agents.ticket(ticket.id) for ticket in await self.town.agents.tickets()]
        posts = {
            thread.name: [
                str(m.get("text", ""))
                for m in self.town.slack.replies(thread.channel, thread.ts)
                if m.get("bot_id") == self.town.slack.bot_id and m["ts"] != thread.ts
            ]
            for thread in self.ledger.threads
            if thread.ts
        }
        seen = Seen(tickets=tickets, posts=posts, sent=self.town.heard.sent, stored=self.town.heard.stored)
        given_up = [t for body in self.town.world.slack.deliveries.given_up for t in TOKEN.findall(json.dumps(body))]
        return compare(self.ledger, seen, never_handed=given_up)

    async def _result(self, found: Found, drained: float) -> Result:
        waiting: Counter[str] = Counter()
        words = []
        try:
            async with Store.open(self.town.server.url) as store:
                async for parked in store.lanes.parked():
                    waiting["parked"] += 1
                    words.append(f"parked: {parked.lane} {parked.id}")
        except StoreAway:
            words.append("the store could not be read")
        kinds = ("lost", "duplicated", "out_of_order", "leaked")
        wrong = [f"{kind}: {what}" for kind in kinds for what in getattr(found, kind)]
        return Result(
            ops=self.ledger.ops,
            seed=self.plan.seed,
            desk=self.plan.desk,
            topology=self.plan.topology,
            kills=dict(self.town.fleet.harmed + self.town.server.harmed),
            faults=self.town.all_faults(),
            lost=len(found.lost),
            duplicated=len(found.duplicated),
            out_of_order=len(found.out_of_order),
            leaked=len(found.leaked),
            asked=self.asked,
            parked=waiting["parked"],
            handed_late=found.handed_late,
            vanished=len(found.vanished),
            seconds=round(time.monotonic() - self.began, 1),
            drain_seconds=round(drained, 1),
            wrong=(wrong + words)[:60],
        )


def _say(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)  # noqa: T201 - progress for whoever waits
