"""`python -m tests.crash.outage`: a desk is away for four hours while people write on; all is sent in order afterwards.

The clock is scaled: `tuning` lets the longest wait for a desk, a minute, be two seconds, so that four hours last
eight minutes. Progress goes to standard error; the last line of standard output is JSON. The exit code is 1 where
something is lost, doubled or out of order, or where a thread shows more than one line about its waiting.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

from redis.asyncio import Redis

from bot.sandbox.faults import Fault
from tests.crash.comparing import Found, Seen, compare
from tests.crash.ledger import Ledger, Said, Thread
from tests.crash.town import Town, Waits, town

SCALE = 30
"""How much faster than life a desk is asked again."""
AWAY = (Fault.REFUSE, Fault.ERROR_BEFORE, Fault.STALL)
"""How a desk is away, one after the other: connections are cut, it says 503, it does not answer at all."""
WAITS = "will be sent in order"
"""What a thread says of its waiting."""
DEPARTMENT = "1"
GIVE_UP = 300.0
"""Seconds without anything new after which what is missing is lost."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long the desk is away, in seconds of the scaled clock, and what is written meanwhile."""

    messages: int = 10_000
    threads: int = 250
    seconds: float = 4 * 3600 / SCALE
    workers: int = 2
    pace: float = 2.0
    seed: int = 1


@dataclass(kw_only=True)
class Result:
    """What is printed as JSON."""

    messages: int
    threads: int
    outage_seconds: float
    as_hours: float
    asked_meanwhile: int  # requests that the desk refused or left unanswered
    brought_meanwhile: int
    lost: int
    duplicated: int
    out_of_order: int
    leaked: int
    lines_at_most: int  # in one thread at a time, about its waiting
    threads_with_a_line: int
    posts_at_most: int  # of ours in one thread, its card among them
    lines_left: int
    redis_bytes_per_message: int
    drain_seconds: float
    wrong: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether the promise held, quietly."""
        wrong = self.lost or self.duplicated or self.out_of_order or self.leaked or self.brought_meanwhile
        return not (wrong or self.lines_at_most > 1 or self.posts_at_most > 1 or self.lines_left)

    def line(self) -> str:
        """One line of JSON."""
        return json.dumps(asdict(self))


async def run(plan: Plan, folder: Path) -> Result:
    """Carry *plan* out in *folder*."""
    table = {"department": DEPARTMENT, "poll": 30.0}
    async with town(
        "whmcs",
        folder,
        seed=plan.seed,
        fronts=1,
        workers=plan.workers,
        often=0.0,
        waits=Waits(plan.pace),
        table=table,
    ) as place:
        return await _Outage(plan, place).all()


class _Outage:
    def __init__(self, plan: Plan, place: Town) -> None:
        self.plan, self.town, self.slack = plan, place, place.slack
        self.chance, self.ledger = random.Random(plan.seed), Ledger()
        ids = {person.name: person.id for person in self.slack.people.values()}
        self.users = [ids[name] for name in ("eva", "ben", "mira", "tom")]
        self.channel = next(channel.id for channel in self.slack.channels.values() if channel.name == "it-help")

    async def all(self) -> Result:
        await self._open()
        empty, before = await self._memory(), await self._there()
        away = asyncio.create_task(self._away())
        met = self._met()
        await self._write()
        lines, full, meanwhile = self._lines(), await self._memory(), await self._there() - before
        away.cancel()
        asked = self._met() - met
        self._back()
        began = time.monotonic()
        found = await self._drained(before)
        drained = time.monotonic() - began
        await self._quiet()
        found = await self._compare()
        posts = [len(self._posts(thread)) for thread in self.ledger.threads]
        return Result(
            messages=self.plan.messages,
            threads=self.plan.threads,
            outage_seconds=round(self.plan.seconds, 1),
            as_hours=round(self.plan.seconds * SCALE / 3600, 2),
            asked_meanwhile=asked,
            brought_meanwhile=meanwhile,
            lost=len(found.lost),
            duplicated=len(found.duplicated),
            out_of_order=len(found.out_of_order),
            leaked=len(found.leaked),
            lines_at_most=max(lines),
            threads_with_a_line=sum(line > 0 for line in lines),
            posts_at_most=max(posts),
            lines_left=sum(self._lines()),
            redis_bytes_per_message=round((full - empty) / self.plan.messages),
            drain_seconds=round(drained, 1),
            wrong=[*found.lost, *found.duplicated, *found.out_of_order][:40],
        )

    async def _open(self) -> None:
        """The threads and their tickets, in peace."""
        for _ in range(self.plan.threads):
            token, user = self.ledger.token(), self._someone()
            said = await self.slack.post(user, self.channel, f"{token} the printer burns")
            await self.slack.react(user, self.channel, said["ts"], "ticket")
            self.ledger.threads.append(Thread(name=token, channel=self.channel, ts=said["ts"]))
            await asyncio.sleep(0.05)
        await self._until(lambda: all(self._posts(thread) for thread in self.ledger.threads), "cards are there")

    async def _write(self) -> None:
        """Evenly while the desk is away."""
        began = time.monotonic()
        for number in range(self.plan.messages):
            due = began + self.plan.seconds * number / self.plan.messages
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            thread, token = self.chance.choice(self.ledger.threads), self.ledger.token()
            text = f"{token} it still burns"
            said = await self.slack.post(self._someone(), self.channel, text, thread_ts=thread.ts)
            self.ledger.said.append(Said(thread=thread, ts=said["ts"], versions=[token]))
            self.ledger.ops += 1
            if self.ledger.ops % 1000 == 0:
                _say(f"{self.ledger.ops} messages written, the desk is away")
        await asyncio.sleep(max(0.0, began + self.plan.seconds - time.monotonic()))
        await self._until(lambda: not self.town.waits_for_us, "all is acknowledged")

    async def _away(self) -> None:
        """The desk answers nobody, in each of the ways in turn."""
        stand_in = self.town.world.stand_in
        assert stand_in is not None
        stand_in.faults.plan = deque()
        for fault in cycle(AWAY):
            stand_in.faults.always = fault
            await asyncio.sleep(self.plan.seconds / 12)

    def _back(self) -> None:
        stand_in = self.town.world.stand_in
        assert stand_in is not None
        stand_in.faults.always = None

    def _met(self) -> int:
        stand_in = self.town.world.stand_in
        return sum(stand_in.faults.met.values()) if stand_in else 0

    async def _drained(self, before: int) -> Found:
        """Wait until all is there, or nothing has come for long."""
        there, moved = await self._there(), time.monotonic()
        while there - before < self.plan.messages and time.monotonic() < moved + GIVE_UP:
            began = time.monotonic()
            if (now := await self._there()) != there:
                there, moved = now, time.monotonic()
            await asyncio.sleep(max(0.5, 4 * (time.monotonic() - began)))
        _say(f"{there - before} messages are at the desk")
        return await self._compare()

    async def _quiet(self) -> None:
        """Give what comes twice the time to come, and each card the time to be brought up to date."""
        await asyncio.sleep(self.town.waits.quiet)
        await self._until(lambda: not any(self._lines()), "no card speaks of waiting")

    async def _until(self, condition: Callable[[], bool], words: str) -> None:
        until = time.monotonic() + GIVE_UP
        while not condition() and time.monotonic() < until:  # noqa: ASYNC110 - neither Slack nor a desk has an event
            await asyncio.sleep(0.5)
        _say(words if condition() else f"NOT: {words}")

    # --- looking -----------------------------------------------------------------------------------------------------

    def _posts(self, thread: Thread) -> list[str]:
        """What we show in a thread."""
        there = self.slack.replies(thread.channel, thread.ts)
        return [json.dumps(message) for message in there if message.get("bot_id") == self.slack.bot_id]

    def _lines(self) -> list[int]:
        """For each thread, how often it says that something waits."""
        return [sum(WAITS in post for post in self._posts(thread)) for thread in self.ledger.threads]

    async def _there(self) -> int:
        """How many messages the desk holds."""
        tickets = [await self.town.agents.ticket(ticket.id) for ticket in await self.town.agents.tickets()]
        return sum(len(ticket.messages) for ticket in tickets)

    async def _memory(self) -> int:
        """Bytes that Redis has in use."""
        async with Redis.from_url(self.town.server.url) as client:
            return int((await client.info("memory"))["used_memory"])

    async def _compare(self) -> Found:
        tickets = [await self.town.agents.ticket(ticket.id) for ticket in await self.town.agents.tickets()]
        seen = Seen(tickets=tickets, posts={}, sent=self.town.heard.sent, stored=self.town.heard.stored)
        return compare(self.ledger, seen)

    def _someone(self) -> str:
        return self.chance.choice(self.users)


def _say(words: str) -> None:
    print(f"  {words}", file=sys.stderr, flush=True)  # noqa: T201 - progress for whoever waits


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    usual = Plan()
    for name, kind in (("messages", int), ("threads", int), ("workers", int), ("seed", int)):
        parser.add_argument(f"--{name}", type=kind, default=getattr(usual, name))
    parser.add_argument("--hours", type=float, default=4.0, help=f"that the desk is away; {SCALE} pass in one")
    parser.add_argument("--pace", type=float, default=usual.pace, help="of the bots' waits; more on a busy machine")
    asked = vars(parser.parse_args())
    plan = Plan(seconds=asked.pop("hours") * 3600 / SCALE, **asked)
    with tempfile.TemporaryDirectory(prefix="threadline-outage-") as folder:
        result = asyncio.run(run(plan, Path(folder)))
    print(result.line())  # noqa: T201 - the result
    sys.exit(0 if result.well else 1)


if __name__ == "__main__":
    main()
