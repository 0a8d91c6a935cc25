"""`python -m tests.crash --ops 2000 --seconds 120 --seed 1`: kills, stops and forgets, then compares.

Progress goes to standard error; the last line of standard output is JSON. The exit code is 1 unless nothing was lost,
duplicated, out of order or shown to the wrong people.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from bot.sandbox.demo import KINDS
from tests.crash.running import Plan, Result, run


def main() -> None:
    """Run once for each desk that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--ops", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--desk", choices=[*KINDS, "all"], default="local")
    parser.add_argument("--delivery", choices=["socket", "http"], default="socket")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--fronts", type=int, default=2)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--redis", type=int, default=0)
    parser.add_argument("--rollbacks", type=int, default=0)
    parser.add_argument("--topology", choices=["single", "cluster", "sentinel"], default="single")
    parser.add_argument("--pace", type=float, default=2.0, help="of the bots' waits; more on a busy machine")
    parser.add_argument("--give-up", type=float, default=120.0, help="seconds without anything new until a run ends")
    parser.add_argument("--mutant", default="")
    parser.add_argument("--mixed", action="store_true", help="every second process is of the next release")
    parser.add_argument("--keep", type=Path, help="a folder for logs and data, which is kept")
    asked = vars(parser.parse_args())
    desk, keep = asked.pop("desk"), asked.pop("keep")
    results = [_one(Plan(**asked, desk=kind), keep) for kind in (KINDS if desk == "all" else (desk,))]
    for result in results:
        print(result.line())  # noqa: T201 - the result
    sys.exit(0 if all(result.well for result in results) else 1)


def _one(plan: Plan, keep: Path | None) -> Result:
    with tempfile.TemporaryDirectory(prefix="threadline-crash-") as folder:
        place = keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        return asyncio.run(run(plan, place))


if __name__ == "__main__":
    main()
