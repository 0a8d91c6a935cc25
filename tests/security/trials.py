"""Many payloads at one door, one after the other, and what came of them."""

import asyncio
import faulthandler
import logging
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Final

from typing_extensions import override

from bot.conversion.verdicts import TABLE
from tests.security import engines
from tests.security.doors import Broken, Door
from tests.security.growth import Held
from tests.security.wild import Wild

DOORS: Final = {
    "wire": "tests.security.fuzz_wire",
    **dict.fromkeys(("strangers", "signed", "frames", "webhooks"), "tests.security.fuzz_slack"),
    **dict.fromkeys(("forms", "events"), "tests.security.fuzz_app"),
    **dict.fromkeys(("whmcs", "superoffice_soap", "superoffice_rest", "keliweb"), "tests.security.fuzz_desks"),
}
"""Door -> the module with a mapping DOORS that opens it."""
ENGINES: Final = ("seeded", "steered", "guided")
HANG: Final = 20.0
"""Seconds after which one payload counts as a hang."""
SLOW: Final = 3.0
"""Seconds that Slack waits for an answer; one that takes longer is a failure, whether it yields meanwhile or not."""
STUCK: Final = 300.0
"""Seconds without a sign of life after which a process that never yields shows its stack and ends."""
REFUSALS: Final = (
    "an interaction that cannot be read was refused",
    "an event that cannot be read was left out",
    "an envelope was nested too deeply",
)
"""What is logged as an error of those who call. Every other error is ours, though who waits is answered with words."""
LATE: Final = "an interaction took longer than Slack waits"
"""What is logged as a warning of an answer that came in time, in words that say that it did not."""


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
        self._logged = _Logged()
        logging.getLogger().addHandler(self._logged)
        logging.getLogger("threadline").setLevel(logging.INFO)
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
            said = self._loop.run_until_complete(self._attempt())
            self._logged.judge()
        except Exception as error:  # noqa: BLE001 - this is what is looked for
            self._failed(f"{number}: {type(error).__name__}{_where(error)}")
            raise engines.Failed from None
        finally:
            self._outcome.slowest = max(self._outcome.slowest, time.perf_counter() - before)
        self._outcome.counts[said] += 1

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
        logging.getLogger("threadline").setLevel(logging.NOTSET)
        logging.getLogger().removeHandler(self._logged)
        faulthandler.cancel_dump_traceback_later()
        return self._outcome

    async def _hold(self, opens: AbstractAsyncContextManager[Door]) -> None:
        """Open and close the door in one and the same task."""
        async with opens as door:
            self._opened.set_result(door)
            await self._closing.wait()

    async def _attempt(self) -> str:
        begun = time.monotonic()
        async with asyncio.timeout(HANG):
            said = await self._door.attempt()
        if time.monotonic() - begun > SLOW:  # where it does not yield, no timeout comes to an end either
            raise Broken(f"it took longer than {SLOW:g} seconds")
        return said

    def _look(self) -> Held:
        """What is held now; what reached a desk that must not is a failure."""
        try:
            keys = self._loop.run_until_complete(self._door.settled()) if self._door.settled else 0
            self._logged.judge()
            return Held.now(keys)
        except Broken as error:
            self._failed(f"{sum(self._outcome.counts.values())}: Broken, {error}")
            return Held.now()

    def _failed(self, words: str) -> None:
        self._outcome.counts["FAILED"] += 1
        self._outcome.failures.append(words)


class _Logged(logging.Handler):
    """What our code logged as its own failure, and where that was raised."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        words, error = record.getMessage().partition("\n")[0], sys.exc_info()[1]
        ours = record.levelno >= logging.ERROR and not words.startswith(REFUSALS)
        unforeseen = hasattr(record, "next") and not isinstance(error, tuple(TABLE))  # in what a worker has in hand
        if ours or unforeseen or words.startswith(LATE):
            self.lines.append(words + _where(error))

    def judge(self) -> None:
        """Raises Broken where something was logged since the last time."""
        lines, self.lines = self.lines, []
        if lines:
            raise Broken(f"it was logged that {lines[0]}")


def _where(error: BaseException | None) -> str:
    """The words of one of our checks; else the places in our code where it was raised."""
    if isinstance(error, Broken):
        return f", {error}"
    frames = [
        frame
        for raised in (error and error.__cause__, error)  # where a hang was, the cancellation tells
        for frame in traceback.extract_tb(raised.__traceback__ if raised else None)
    ]
    ours = [frame for frame in frames if "/adapters/" in frame.filename or "/bot/" in frame.filename]
    return " at " + " < ".join(
        f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}" for frame in ours[:-4:-1]
    )
