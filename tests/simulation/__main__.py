"""`python -m tests.simulation --schedules 20000 --seed 1`: lives through schedules and shrinks the first that fails.

Each schedule follows from its seed alone. The last line of standard output is JSON; the exit code is 1 where
one failed.
"""

import argparse
import json
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.simulation.plan import drawn
from tests.simulation.shrinking import report, shrunk
from tests.simulation.town import live

CHUNK = 50
SPREAD = 1_000_000
"""Seeds of schedules that belong to one seed of a run."""


@dataclass
class Found:
    """What came of some schedules."""

    schedules: int = 0
    failed: list[int] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    asked: int = 0

    def add(self, other: "Found") -> None:
        """Count *other* too."""
        self.schedules += other.schedules
        self.failed += other.failed
        self.faults += other.faults
        self.steps += other.steps
        self.asked += other.asked


def lived(seeds: Sequence[int]) -> Found:
    """Live through the schedules of some seeds."""
    found = Found(schedules=len(seeds))
    for seed in seeds:
        plan = drawn(seed)
        result = live(plan)
        found.faults.update(result.faults)
        found.steps.update(step.what for step in plan.steps)
        found.asked += result.asked
        if result.failures:
            found.failed.append(seed)
    return found


def main() -> None:
    """Run."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--schedules", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", type=int, help="one schedule, by the number that a run printed; its trace is printed")
    asked = parser.parse_args()
    if asked.only is not None:
        print(report(drawn(asked.only), live(drawn(asked.only))))  # noqa: T201 - the result
        return
    begun = time.monotonic()
    first = asked.seed * SPREAD
    seeds = range(first, first + asked.schedules)
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    total = Found()
    with multiprocessing.Pool(asked.processes) as pool:
        for found in pool.imap_unordered(lived, chunks):
            total.add(found)
            failed = f"{len(total.failed)} failed {sorted(total.failed)[:9] or ''}".rstrip()
            print(f"{total.schedules} schedules, {failed}", file=sys.stderr)  # noqa: T201 - progress
    seconds = time.monotonic() - begun
    for seed in sorted(total.failed)[:1]:
        plan = drawn(seed)
        print(f"seed {seed}, as small as it gets:\n{report(*shrunk(plan, live(plan)))}")  # noqa: T201 - the result
    print(json.dumps(_summary(total, seconds, asked.seed)))  # noqa: T201 - the result
    sys.exit(1 if total.failed else 0)


def _summary(total: Found, seconds: float, seed: int) -> dict[str, object]:
    return {
        "schedules": total.schedules,
        "seed": seed,
        "failed": sorted(total.failed),
        "seconds": round(seconds, 1),
        "per_minute": round(total.schedules / seconds * 60),
        "asked": total.asked,
        "steps": dict(sorted(total.steps.items())),
        "faults": dict(sorted(total.faults.items())),
    }


if __name__ == "__main__":
    main()
