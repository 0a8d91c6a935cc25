"""Many payloads at one door, one after the other, and what came of them."""

import asyncio
import faulthandler
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final

from tests.security import engines
from tests.security.doors import Broken, Door
from tests.security.growth import Held
from tests.security.wild import Wild

DOORS: Final = {
    **dict.fromkeys(("strangers", "signed", "frames", "webhooks"), "tests.security.fuzz_slack"),
    **dict.fromkeys(("forms", "events"), "tests.security.fuzz_app"),
    **dict.fromkeys(("whmcs", "superoffice_soap", "superoffice_rest", "keliweb"), "tests.security.fuzz_desks"),
}
"""Door -> the module with a mapping DOORS that opens it."""
ENGINES: Final = ("seeded", "steered", "guided")
HANG: Final = 20.0
"""Seconds after which one payload counts as a hang."""
STUCK: Final = 300.0
"""Seconds without a sign of life after which a process that never yields shows its stack and ends."""


@dataclass
class Outcome:
    """What came of payloads at one door; ``failures`` tells the payload's number and where it was raised."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0
    seconds: float = 0.0
    megabytes: int = 0

    def add(self, other: "Outcome") -> None:
        """Take in what came of others at the same door."""
        self.counts += other.counts
        self.failures += other.failures
        self.slowest, self.megabytes = max(self.slowest, other.slowest), max(self.megabytes, other.megabytes)
        self.seconds += other.seconds


def fuzz(
    door: str, *, count: int, seed: int, engine: str = "seeded", done: Callable[[Outcome], None] = lambda _: None
) -> Outcome:
    """Send *count* payloads to *door*; *done* is told what came of them, and the ``guided`` engine ends the process."""
    with engines.watched() if engine == "guided" else nullcontext():
        opens: Callable[[Wild], AbstractAsyncContextManager[Door]] = import_module(DOORS[door]).DOORS[door]
    trials = _Trials(opens, Wild(seed), count)
    if engine == "guided":
        engines.guided(trials.one, trials.wild, count, seed, lambda: done(trials.end()))
    (engines.steered if engine == "steered" else engines.seeded)(trials.one, trials.wild, count, seed)
    outcome = trials.end()
    done(outcome)
    return outcome


class _Trials:
    """A door held open in a loop of its own, as the engines are not asynchronous."""

    def __init__(self, opens: Callable[[Wild], AbstractAsyncContextManager[Door]], wild: Wild, count: int) -> None:
        self.wild, self._count, self._outcome = wild, count, Outcome()
        self._begun, self._middle = time.monotonic(), Held(0, 0)
        self._loop = asyncio.new_event_loop()
        self._opened, self._closing = self._loop.create_future(), asyncio.Event()
        self._held = self._loop.create_task(self._hold(opens(wild)))
        self._loop.run_until_complete(asyncio.wait({self._held, self._opened}, return_when=asyncio.FIRST_COMPLETED))
        if self._held.done():
            self._held.result()
        self._door: Door = self._opened.result()

    def one(self) -> None:
        """Send one payload. Raises engines.Failed."""
        number = sum(self._outcome.counts.values())
        if number % 10 == 0:
            faulthandler.dump_traceback_later(STUCK, exit=True)
        if number == self._count // 2:
            self._middle = self._look()
        before = time.perf_counter()
        try:
            self._outcome.counts[self._loop.run_until_complete(self._attempt())] += 1
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            self._failed(f"{number}: {type(error).__name__}{_where(error)}")
            raise engines.Failed from None
        finally:
            self._outcome.slowest = max(self._outcome.slowest, time.perf_counter() - before)

    def end(self) -> Outcome:
        """Close the door; what came of all."""
        faulthandler.dump_traceback_later(STUCK, exit=True)
        after = self._look()
        if self._middle.blocks and (grown := after.grown(self._middle, keys=self._count // 100 + 50)):
            self._failed(f"{self._count}: Grown, {grown}")
        self._outcome.megabytes, self._outcome.seconds = after.megabytes, time.monotonic() - self._begun
        self._closing.set()
        self._loop.run_until_complete(self._held)
        self._loop.close()
        faulthandler.cancel_dump_traceback_later()
        return self._outcome

    async def _hold(self, opens: AbstractAsyncContextManager[Door]) -> None:
        """Open and close the door in one and the same task."""
        async with opens as door:
            self._opened.set_result(door)
            await self._closing.wait()

    async def _attempt(self) -> str:
        async with asyncio.timeout(HANG):
            return await self._door.attempt()

    def _look(self) -> Held:
        """What is held now; what reached a desk that must not is a failure."""
        try:
            return Held.now(self._loop.run_until_complete(self._door.settled()) if self._door.settled else 0)
        except Broken as error:
            self._failed(f"{sum(self._outcome.counts.values())}: Broken, {error}")
            return Held.now()

    def _failed(self, words: str) -> None:
        self._outcome.counts["FAILED"] += 1
        self._outcome.failures.append(words)


def _where(error: Exception) -> str:
    """The words of one of our checks; else the places in our code where it was raised."""
    if isinstance(error, Broken):
        return f", {error}"
    frames = [
        frame
        for raised in (error.__cause__, error)  # where a hang was, the cancellation tells
        for frame in traceback.extract_tb(raised.__traceback__ if raised else None)
    ]
    ours = [frame for frame in frames if "/adapters/" in frame.filename or "/bot/" in frame.filename]
    return " at " + " < ".join(
        f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}" for frame in ours[:-4:-1]
    )
