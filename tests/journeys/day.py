"""A day of a busy workspace, quickened: `make day DESK=whmcs` prints what came of it.

People write, edit, delete and share files, agents answer, and the bot is stopped and started in between; where a desk
cannot be searched and people are asked whether something arrived, they look there and answer truly. A second is a
minute of that day for whatever waits for Slack's rates: the bot's pace, and the pretend Slack, which refuses what is
above a tier. Nothing else is quickened, so a tier is met as often as in sixty days.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from adapters import registry
from adapters.contract import Capability
from bot.commands.demo import company
from bot.conversion import intake
from bot.sandbox.demo import World, world
from bot.sandbox.desks.base import SeenTicket
from bot.sandbox.slack.workspace import Message
from bot.settings import parse
from bot.slack import web
from bot.slack.pace import Pace
from bot.wiring import run
from tests.journeys.equal import Case, Held, Said, at_the_desk, in_slack, in_the_thread, sha

TIMES = 60
"""A second here is a minute of the day, for all that waits for Slack's rates."""
MINUTE = 60 / TIMES
"""Seconds here that Slack wants between two connections."""
QUIET = 2.0
"""Seconds without a call to Slack after which all is done."""
STUCK = 40.0
"""Seconds without any progress after which no more is expected."""
PATIENCE = 5.0
"""Seconds that a desk may take; for as long and some more, nobody looks for what may have been lost in a restart."""
BREATH = 0.02
"""Seconds between two things that happen."""
DEPARTMENTS = {"local": "Support", "whmcs": "1", "keliweb": "1", "superoffice_rest": "2"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much happens in a day."""

    kind: str = "local"
    threads: int = 12
    messages: int = 200
    changes: int = 20
    files: int = 10
    answers: int = 20
    restarts: int = 2
    seed: int = 1


BUSY = Plan(threads=200, messages=4000, changes=300, files=150, answers=400, restarts=4)


@dataclass(kw_only=True)
class Outcome:
    """What came of it: ``wrong`` is empty where thread and ticket are equal.

    ``busiest`` has for each method of Slack's the calls of its busiest minute and its tier, ``refused`` what was above.
    """

    plan: Plan
    wrong: list[str]
    compared: dict[str, int] = field(default_factory=dict)
    per_conversion: dict[str, float] = field(default_factory=dict)
    per_message: dict[str, float] = field(default_factory=dict)
    busiest: dict[str, tuple[int, int]] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    did: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def above(self) -> list[str]:
        """Methods that were called above their tier."""
        return [method for method, (most, tier) in self.busiest.items() if most > tier]


class Quick(Pace):
    """The product's pace by the day's clock."""

    def __init__(self, clock: Any) -> None:
        super().__init__(lambda: clock() * TIMES)

    def turn(self, key: str, *, per_minute: float, burst: float, patience: float) -> float:
        return super().turn(key, per_minute=per_minute, burst=burst, patience=patience * TIMES) / TIMES

    def stop(self, key: str, seconds: float, *, per_minute: float, burst: float) -> None:
        super().stop(key, seconds * TIMES, per_minute=per_minute, burst=burst)


@contextmanager
def quickened() -> Iterator[None]:
    """Let what waits for Slack's rates wait by the day's clock; nothing else is changed.

    A call's patience with its pace is a third of a second of the day, too: were it one of ours, a dozen calls would
    wait where in a true day one may, and all would go at once after a moment in which the process was held up.
    """
    with (
        patch.object(web, "Pace", Quick),
        patch.object(web, "_PATIENCE", web._PATIENCE / TIMES),
        patch.object(intake, "BETWEEN_SWEEPS", intake.BETWEEN_SWEEPS / TIMES),
    ):
        yield


class Day:
    """The people, the agents and the bot of one day."""

    def __init__(self, plan: Plan, around: World) -> None:
        self.plan, self.world, self.slack, self.agents = plan, around, around.workspace, around.agents
        self.chance = random.Random(plan.seed)
        self.cases: list[Case] = []
        names = ("eva", "ben", "mira", "tom")
        self.people = {p.id: p.real_name for p in self.slack.people.values() if p.name in names}
        self.channels = [one.id for one in self.slack.channels.values() if one.name in {"it-help", "general"}]
        self.did: Counter[str] = Counter()
        self._answered: set[str] = set()
        self._settings = parse(around.settings, around.environment, source="day")
        self._number = 0
        self._bot: asyncio.Task[None] | None = None
        self._stop = asyncio.Event()
        self.has = registry.load(plan.kind).capabilities

    # --- the bot ---

    async def start(self) -> None:
        """Start the bot, and wait until it listens."""
        self._stop, ready = asyncio.Event(), asyncio.Event()
        self._bot = asyncio.create_task(run(self._settings, stop=self._stop, ready=lambda _: ready.set()))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({self._bot, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._bot.done():
            await self._bot

    async def stop(self) -> None:
        """Stop the bot."""
        if self._bot is not None:
            self._stop.set()
            await self._bot
            self._bot = None

    # --- what happens ---

    async def live(self) -> Outcome:
        """The whole day."""
        plan, began = self.plan, time.monotonic()
        await self.start()
        before = Counter(self.world.slack.calls)
        for number in range(plan.threads):
            await self._open(self.channels[number % len(self.channels)])
            await asyncio.sleep(BREATH)
        if (held := await self._settled()).wrong:
            return Outcome(plan=plan, wrong=held.wrong, calls=dict(self.world.slack.calls))
        converted = Counter(self.world.slack.calls)
        acts = self._acts()
        pauses = {len(acts) * n // (plan.restarts + 1) for n in range(1, plan.restarts + 1)}
        for number, act in enumerate(acts):
            if number % 500 == 0:
                sys.stderr.write(f"  {number} of {len(acts)} things have happened ...\n")
            if number in pauses:
                await self._restart()
            await act()
            await asyncio.sleep(BREATH)
        held = await self._settled()
        await self.stop()
        mirrored = sum(len(case.said) for case in self.cases) - 2 * plan.threads
        rates = self.world.slack.rates
        return Outcome(
            plan=plan,
            wrong=held.wrong,
            compared=dict(held.compared),
            per_conversion=_shares(converted - before, plan.threads),
            per_message=_shares(Counter(self.world.slack.calls) - converted, mirrored),
            busiest={method: (most, rates.tiers[method]) for method, most in rates.busiest.items()},
            refused=dict(rates.refused),
            calls=dict(self.world.slack.calls),
            did=dict(self.did),
            seconds=round(time.monotonic() - began, 1),
        )

    def _acts(self) -> list[Any]:
        plan = self.plan
        messages = plan.messages - 2 * plan.threads
        acts = [self.say] * (messages - plan.files) + [self.say_with_file] * plan.files
        acts += [self.edit] * (plan.changes * 2 // 3) + [self.delete] * (plan.changes - plan.changes * 2 // 3)
        acts += [self.answer] * plan.answers
        self.chance.shuffle(acts)
        return acts

    async def _open(self, channel: str) -> None:
        """Two people say what is wrong, and one of them makes a ticket of it."""
        case = Case(channel=channel)
        self.cases.append(case)
        for _ in range(2):
            await self.say(case)
        await self.slack.react(self.chance.choice([*self.people]), channel, case.ts, "ticket")

    async def _restart(self) -> None:
        """The bot is away for a while; Slack and the desk are not.

        Its start is not quickened as Slack's retries are: on a slow machine Slack would give up an edit or a deletion
        that was on its way, which is a limit of the promise, and refuse a connection so soon after the last one.
        """
        await self.world.slack.deliveries.idle()
        await self.stop()
        await asyncio.sleep(MINUTE)
        self.did["restarts"] += 1
        for case in self.chance.sample(self.cases, k=max(1, len(self.cases) // 4)):
            await self.say(case)
            await self.answer(case)
        await self.start()
        await self.world.slack.deliveries.idle()

    async def say(self, case: Case | None = None, *, file: bool = False) -> None:
        """Somebody writes in a thread."""
        case, user = case or self.chance.choice(self.cases), self.chance.choice([*self.people])
        said = self._said(self.people[user])
        content = f"{said.token} ".encode() * self.chance.randint(1, 3000)
        files = [(f"{said.token}.txt", content, "text/plain")] if file else []
        said.files = (sha(content),) if file else ()
        words = self.chance.choice(
            ("yes, *here* too", "> quoted\nand more", "see https://wiki.kestrel.example/a_b", "`x`")
        )
        sent = await self.slack.post(user, case.channel, f"{said.text} {words}", thread_ts=case.ts, files=files)
        said.ts, case.ts = sent["ts"], case.ts or sent["ts"]
        self.did["messages"] += 1
        self.did["files of people"] += len(files)
        case.said.append(said)

    async def say_with_file(self) -> None:
        """Somebody writes, with a file."""
        await self.say(file=True)

    async def edit(self) -> None:
        """One of the last messages of a thread gets another text."""
        case, said = await self._one_of_the_last()
        said.version += 1
        user = next(user for user, name in self.people.items() if name == said.author)
        await self.slack.edit(user, case.channel, said.ts, f"{said.text} as I meant it")
        self.did["edits"] += 1

    async def delete(self) -> None:
        """One of the last messages of a thread goes."""
        case, said = await self._one_of_the_last()
        said.deleted = True
        user = next(user for user, name in self.people.items() if name == said.author)
        await self.slack.delete(user, case.channel, said.ts)
        self.did["deletions"] += 1

    async def answer(self, case: Case | None = None) -> None:
        """An agent answers at the desk, sometimes with a file, sometimes for agents only."""
        case, said = case or self.chance.choice(self.cases), self._said("")
        said.internal = self.chance.random() < 0.2
        content = f"guide {said.token}".encode() * 40
        attached = self.chance.random() < 0.2
        said.files = (sha(content),) if attached else ()
        files = ((f"{said.token}.txt", content),) if attached else ()
        case.answers.append(said)
        self.did["notes of agents" if said.internal else "answers of agents"] += 1
        self.did["files of agents"] += len(files)
        await self.agents.reply(case.ticket, f"{said.text} try this", internal=said.internal, files=files)

    def _said(self, author: str) -> Said:
        self._number += 1
        return Said(token=f"said{self._number:05}", author=author)

    async def _one_of_the_last(self) -> tuple[Case, Said]:
        """One of the last messages of some thread; where there is none yet, somebody writes one."""
        cases = self.chance.sample(self.cases, k=len(self.cases))
        for case in cases:
            if found := [said for said in case.said[2:][-4:] if not said.deleted and not said.files]:
                return case, self.chance.choice(found)
        await self.say(cases[0])
        return cases[0], cases[0].said[-1]

    async def look_and_tell(self) -> None:
        """Whoever is asked whether something is at the desk looks there, and presses the button that is true."""
        for user, case in itertools.product(self.people, self.cases):
            for asked in self.slack.ephemerals(user, case.channel):
                named = _question(asked)
                said = next((said for said in case.said if said.ts and said.ts in named.rpartition("|")[2]), None)
                if said is None or asked["ts"] in self._answered:
                    continue
                self._answered.add(asked["ts"])
                self.did["questions answered"] += 1
                texts = [message.text for message in (await self.agents.ticket(case.ticket)).messages]
                there = sum((said.token if "|msg:" in named else said.text) in text for text in texts) > said.deleted
                what = "there" if there else "again"
                where = {"channel": case.channel, "ts": asked["ts"]}
                await self.slack.press(user, **where, block_id="question", action_id=what)

    # --- whether it is right ---

    async def _settled(self) -> Held:
        """Wait until thread and ticket are equal and nothing happens any more; what is wrong at last."""
        held, calls, since, cost = Held(wrong=["never looked"]), -1, time.monotonic(), 0.0
        while time.monotonic() - since < (STUCK if held.wrong else QUIET):
            await asyncio.sleep(max(0.3, 5 * cost))  # the bot lives in this process, too
            began = time.monotonic()
            found, now = await self.compare(), sum(self.world.slack.calls.values())
            cost = time.monotonic() - began
            await self.look_and_tell()
            if (len(found.wrong), now) != (len(held.wrong), calls):
                since = time.monotonic()
            held, calls = found, now
        return held

    async def compare(self) -> Held:
        """Hold all threads against their tickets."""
        held = Held()
        seen = [await self.agents.ticket(ticket.id) for ticket in await self.agents.tickets()]
        for case in self.cases:
            tickets = [ticket for ticket in seen if self._is_of(ticket, case)]
            root = case.said[0].token
            held.check("tickets", len(tickets) == 1, f"{len(tickets)} tickets hold the thread {root}")
            if len(tickets) != 1:
                continue
            case.ticket = tickets[0].id
            thread = self.slack.replies(case.channel, case.ts)
            posts = [message for message in thread if message.get("bot_id") == self.slack.bot_id]
            cards = [post for post in posts if tickets[0].number in str(post.get("text"))]
            held.check("cards", len(cards) == 1, f"{len(cards)} cards in the thread {root}")
            in_slack(held, case, thread, self.people)
            at_the_desk(held, case, tickets[0], [*self.people.values()])
            files = Capability.READ_FILES in self.has
            in_the_thread(held, case, tickets[0], posts, self.slack.file_bytes, files=files)
        return held

    def _is_of(self, ticket: SeenTicket, case: Case) -> bool:
        return any(case.said[0].token in message.text for message in ticket.messages)


def _question(asked: Message) -> str:
    """What a message asks about, as its buttons name it; empty where it asks nothing."""
    found = [block["elements"][0]["value"] for block in asked.get("blocks", ()) if block["block_id"] == "question"]
    return str(found[0]) if found else ""


def _shares(calls: Counter[str], number: int) -> dict[str, float]:
    return {name: round(times / max(number, 1), 2) for name, times in sorted(calls.items())}


@asynccontextmanager
async def a_day(plan: Plan, folder: Path) -> AsyncIterator[Day]:
    """A workspace and a desk for *plan*, in which nothing has happened yet."""
    async with world(plan.kind, folder, workspace=company()) as around:
        around.slack.deliveries.scale = 1 / TIMES
        around.slack.rates.scale, around.slack.rates.enforced = TIMES, True
        desk = around.settings["desks"]["demo"]
        desk |= {"polls_per_minute": 3000.0, "visibility": "public", "timeout": PATIENCE}
        if plan.kind in DEPARTMENTS:
            desk["department"] = DEPARTMENTS[plan.kind]
        with quickened():
            day = Day(plan, around)
            try:
                yield day
            finally:
                await day.stop()


async def lived(plan: Plan, folder: Path) -> Outcome:
    """What came of a day."""
    async with a_day(plan, folder) as day:
        return await day.live()


def table(outcome: Outcome) -> str:
    """The figures for people."""
    plan = outcome.plan
    lines = [
        f"A day of {plan.threads} threads at the desk {plan.kind} (seed {plan.seed}, {outcome.seconds} s)",
        f"  done:     {_list(outcome.did)}",
        f"  compared: {_list(outcome.compared)}",
        f"  not equal: {len(outcome.wrong)}",
        *(f"    {words}" for words in outcome.wrong[:20]),
        f"  calls to Slack for each conversion: {sum(outcome.per_conversion.values()):.2f}",
        *(f"    {method:32} {share:.2f}" for method, share in outcome.per_conversion.items()),
        f"  calls to Slack for each message mirrored after it: {sum(outcome.per_message.values()):.2f}",
        *(f"    {method:32} {share:.2f}" for method, share in outcome.per_message.items()),
        "  calls in the busiest minute, and Slack's tier:",
        *(f"    {method:32} {most:4} of {tier}" for method, (most, tier) in sorted(outcome.busiest.items())),
        f"  refused by Slack's rates: {_list(outcome.refused) or 'none'}",
    ]
    return "\n".join(lines)


def _list(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()) if number)


def main() -> None:
    """Live a day and print it; the exit code is 1 where something is not equal or above its tier."""
    parser = argparse.ArgumentParser(description="A day of a busy workspace, quickened.")
    for name, default in asdict(BUSY).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    plan = Plan(**vars(parser.parse_args()))
    with tempfile.TemporaryDirectory(prefix="threadline-day-") as folder:
        outcome = asyncio.run(lived(plan, Path(folder)))
    sys.stdout.write(table(outcome) + "\n" + json.dumps(asdict(outcome)) + "\n")
    sys.exit(1 if outcome.wrong or outcome.above else 0)


if __name__ == "__main__":
    main()
