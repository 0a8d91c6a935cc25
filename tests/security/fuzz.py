"""`python -m tests.security.fuzz --count N --seed K`: spoilt payloads at each door, counted by what came of them.

Progress goes to standard error, the table and (last) a JSON line to standard output. The exit code is 1 where a
stranger got a 5xx, something hung, or anything was raised that is not one of our own errors.
"""

import argparse
import asyncio
import faulthandler
import json
import logging
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.security.fuzz_desks import DESKS
from tests.security.fuzz_slack import DOORS, Broken
from tests.security.wild import Wild

ROOT = Path(__file__).parents[2]
ALL: dict[str, Any] = {**DOORS, **DESKS}
SHARE = {"forms": 10, "superoffice_soap": 10, "superoffice_rest": 10, "whmcs": 10, "keliweb": 10}
"""Doors behind which a whole server stands get one payload for so many of the others."""
HANG = 20.0
"""Seconds after which one payload counts as a hang."""


@dataclass
class Outcome:
    """What came of all payloads at one door; ``failures`` tells seed, number, and where it was raised."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest: float = 0.0


async def fuzz(door: str, *, count: int, seed: int) -> Outcome:
    """Send *count* payloads to *door*."""
    outcome = Outcome()
    try:
        async with ALL[door](Wild(seed)) as attempt:
            for number in range(count):
                faulthandler.dump_traceback_later(HANG * 3, exit=True)  # a loop that never yields
                begun = time.perf_counter()
                try:
                    async with asyncio.timeout(HANG):
                        outcome.counts[await attempt()] += 1
                except Exception as error:  # noqa: BLE001 - this is what is looked for
                    outcome.counts["FAILED"] += 1
                    outcome.failures.append(f"{number}: {type(error).__name__}{_where(error)}")
                outcome.slowest = max(outcome.slowest, time.perf_counter() - begun)
    finally:
        faulthandler.cancel_dump_traceback_later()
    return outcome


def main(arguments: Iterable[str] | None = None) -> int:
    """Run; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--door", choices=[*ALL, "all"], default="all")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    logging.disable(logging.CRITICAL)
    found: dict[str, Outcome] = {}
    for door in ALL if asked.door == "all" else [asked.door]:
        sys.stderr.write(f"==> {door}\n")
        count = max(1, asked.count // SHARE.get(door, 1))
        found[door] = asyncio.run(fuzz(door, count=count, seed=asked.seed))
        counts = ", ".join(f"{name} {number:,}" for name, number in found[door].counts.most_common())
        _say(f"{door:17} {sum(found[door].counts.values()):>8,}  slowest {found[door].slowest:.2f} s  {counts}")
        for failure, times in Counter(line.partition(": ")[2] for line in found[door].failures).most_common(20):
            _say(f"    FAILED {times:,} times, first with payload {_first(found[door], failure)}: {failure}")
    failed = sum(outcome.counts["FAILED"] for outcome in found.values())
    doors = {door: dict(outcome.counts) for door, outcome in found.items()}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    _say(json.dumps({"ok": not failed, "seed": asked.seed, "failed": failed, "memory_mb": memory, "doors": doors}))
    return int(failed > 0)


def _where(error: Exception) -> str:
    """The words of one of our checks; else the places in our code where it was raised."""
    if isinstance(error, Broken):
        return f", {error}"
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/adapters/" in frame.filename or "/bot/" in frame.filename
    ]
    return " at " + " < ".join(
        f"{Path(frame.filename).parent.name}/{Path(frame.filename).name}:{frame.lineno}" for frame in ours[:-4:-1]
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _first(outcome: Outcome, failure: str) -> str:
    return next(line.partition(": ")[0] for line in outcome.failures if line.endswith(failure))


if __name__ == "__main__":
    sys.exit(main())
