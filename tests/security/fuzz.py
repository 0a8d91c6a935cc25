"""`python -m tests.security.fuzz --count N --seed K`: spoilt payloads at each door, counted by what came of them.

Each door gets *count* payloads, in processes of its own: most from a seeded generator, a twentieth with values that
hypothesis makes up, and another twentieth guided by atheris where that is installed (`pip install atheris`).
Progress goes to standard error, the table and (last) a JSON line to standard output. The exit code is 1 where a
stranger got a 5xx, something hung, grew or took longer than Slack waits, a desk was reached by what must not reach it,
or anything was raised, or logged as a failure, that is not one of our own errors.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from tests.security.engines import HAS_ATHERIS
from tests.security.trials import DOORS, ENGINES, Outcome, fuzz

ROOT: Final = Path(__file__).parents[2]
SHARE: Final = 20
"""One payload in so many is hypothesis', and one atheris'."""


def main(arguments: Iterable[str] | None = None) -> int:
    """Run; 1 where anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--count", type=int, default=20_000, help="payloads for each door")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--door", choices=[*DOORS, "all"], default="all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="doors at a time")
    parser.add_argument("--engine", choices=ENGINES, help="in this process, for one door, and only this")
    asked = parser.parse_args(None if arguments is None else list(arguments))
    if asked.engine:
        fuzz(asked.door, count=asked.count, seed=asked.seed, engine=asked.engine, done=_hand_over)
        return 0
    if not HAS_ATHERIS:
        _tell("atheris is not installed; its share goes to the seeded generator (pip install atheris)")
    doors = list(DOORS) if asked.door == "all" else [asked.door]
    found = asyncio.run(_all(doors, count=asked.count, seed=asked.seed, jobs=asked.jobs))
    failed = sum(outcome.counts["FAILED"] for outcome in found.values())
    counts = {door: dict(outcome.counts) for door, outcome in found.items()}
    memory = {door: outcome.megabytes for door, outcome in found.items()}
    _say(json.dumps({"ok": not failed, "seed": asked.seed, "failed": failed, "memory_mb": memory, "doors": counts}))
    return int(failed > 0)


async def _all(doors: list[str], *, count: int, seed: int, jobs: int) -> dict[str, Outcome]:
    """What came of the payloads at each door, *jobs* processes at a time."""
    place = asyncio.Semaphore(jobs)

    async def one(door: str) -> Outcome:
        outcome = Outcome()
        shares = await asyncio.gather(*(_run(door, engine, n, seed, place) for engine, n in _shares(count).items()))
        for share in shares:
            outcome.add(share)
        _report(door, outcome)
        return outcome

    return dict(zip(doors, await asyncio.gather(*map(one, doors)), strict=True))


def _shares(count: int) -> dict[str, int]:
    """How many payloads each engine makes."""
    share = count // SHARE
    others = {"steered": share} | ({"guided": share} if HAS_ATHERIS else {})
    return {"seeded": count - sum(others.values())} | {name: n for name, n in others.items() if n}


async def _run(door: str, engine: str, count: int, seed: int, place: asyncio.Semaphore) -> Outcome:
    """One engine at one door, in a process of its own; that it died or hung is a failure like any other."""
    async with place:
        _tell(f"{door}: {count:,} payloads, {engine}")
        words = ("--door", door, "--engine", engine, "--count", str(count), "--seed", str(seed))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.security.fuzz", *words),
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, errors = await process.communicate()
    try:
        told = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        _tell(errors.decode(errors="replace")[-5_000:])
        where = f"the process ended with {process.returncode}; standard error says where it was"
        return Outcome(counts=Counter(FAILED=1), failures=[f"?: hung or died, {where}"])
    return Outcome(**told | {"counts": Counter(told["counts"])})


def _hand_over(outcome: Outcome) -> None:
    _say(json.dumps(vars(outcome)))


def _report(door: str, outcome: Outcome) -> None:
    """A line for a door, and one for each thing that failed there."""
    counts = ", ".join(f"{name} {number:,}" for name, number in outcome.counts.most_common())
    total = sum(outcome.counts.values())
    seconds = f"{outcome.seconds:.0f} s, slowest {outcome.slowest:.2f} s, {outcome.megabytes} MB"
    _say(f"{door:17} {total:>9,}  {seconds}  {counts}")
    for failure, times in Counter(line.partition(": ")[2] for line in outcome.failures).most_common(20):
        first = next(line.partition(": ")[0] for line in outcome.failures if line.endswith(failure))
        _say(f"    FAILED {times:,} times, first with payload {first}: {failure}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _tell(line: str) -> None:
    sys.stderr.write(f"==> {line}\n")


if __name__ == "__main__":
    sys.exit(main())
