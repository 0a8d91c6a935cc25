"""`python -m tests.crash.points`: dies once before and once after each request of each kind of operation at each desk.

Progress and a table go to standard error; the last line of standard output is JSON. The exit code is 1 unless all went
well: nothing lost, doubled, out of order or leaked, each named point died at as `table` says, and no request unnamed.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

from bot.sandbox.demo import KINDS as DESKS
from tests.crash.points import awaits
from tests.crash.points.operations import KINDS
from tests.crash.points.place import Nursery
from tests.crash.points.table import table
from tests.crash.points.touring import Tour, tour


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--desk", choices=[*DESKS, "all"], default="all")
    parser.add_argument("--kind", choices=KINDS, nargs="*", default=[*KINDS], help="of operation")
    parser.add_argument("--point", default="", help="only points whose name holds this")
    parser.add_argument("--at-once", type=int, default=6, help="places side by side")
    parser.add_argument("--keep", type=Path, help="a folder for logs and data, which is kept")
    parser.add_argument("--table", type=Path, help="a file for what was passed, in the form of table.txt")
    asked = parser.parse_args()
    desks = DESKS if asked.desk == "all" else (asked.desk,)
    kinds = tuple(asked.kind)
    began = time.monotonic()
    tours = asyncio.run(_all(desks, kinds, asked.at_once, point=asked.point, keep=asked.keep))
    if asked.table:
        lines = [f"{point}: {', '.join(kinds)}" for point, kinds in passed(tours).items()]
        asked.table.write_text("\n".join(lines) + "\n")
    whole = (asked.desk, kinds, asked.point) == ("all", tuple(KINDS), "")
    spared = never_died_at(tours) if whole else []
    result = summary(tours) | {"spared": spared, "seconds": round(time.monotonic() - began)}
    print(json.dumps(result))  # noqa: T201 - the result
    sys.exit(0 if all(well(one) for one in tours) and not spared else 1)


def well(one: Tour) -> bool:
    """Whether all that died came to a good end."""
    return not (one.failures or one.unnamed)


def summary(tours: list[Tour]) -> dict[str, object]:
    """What is printed as JSON."""
    by: dict[str, dict[str, int]] = {}
    for one in tours:
        by.setdefault(one.desk, {})[one.kind] = one.kills
    return {
        "points": len(set().union(*(one.points for one in tours))),
        "kills": sum(one.kills for one in tours),
        "missed": sum(one.missed for one in tours),
        "asked": sum(one.asked for one in tours),
        "failures": sum(len(one.failures) for one in tours),
        "unnamed": sum(len(one.unnamed) for one in tours),
        "by_desk": by,
        "wrong": [f"{one.desk}, {one.kind}: {words}" for one in tours for words in (*one.failures, *one.unnamed)][:60],
    }


async def _all(
    desks: tuple[str, ...], kinds: tuple[str, ...], at_once: int, *, point: str, keep: Path | None
) -> list[Tour]:
    room = asyncio.Semaphore(at_once)

    async def one(desk: str, kind: str, nursery: Nursery) -> Tour:
        async with room:
            folder = keep / f"{desk} {kind}" if keep else None
            made = await tour(desk, kind, nursery, only=point, keep=folder)
        _say(
            f"{desk:17} {kind:17} {made.kills:4} kills {made.missed:3} missed {len(made.failures):3} failures "
            f"{made.asked:3} asked {made.seconds:6.1f} s"
        )
        for words in (*made.failures, *(f"unnamed: {one}" for one in made.unnamed)):
            _say(f"    {words}")
        return made

    wanted = [(desk, kind) for kind in kinds for desk in desks if desk not in KINDS[kind].without]
    async with Nursery() as nursery:
        return list(await asyncio.gather(*(one(desk, kind, nursery) for desk, kind in wanted)))


def never_died_at(tours: list[Tour]) -> list[str]:
    """The points at which nobody died, although the table says so."""
    died = set().union(*(one.killed for one in tours))
    return [point for point, kinds in table().items() if kinds and point not in died]


def passed(tours: list[Tour]) -> dict[str, list[str]]:
    """Which kinds of operation passed each point, both in the order of the tables."""
    return {
        point: [kind for kind in KINDS if any(one.kind == kind and point in one.points for one in tours)]
        for point in awaits.touches()
        if any(point in one.points for one in tours)
    }


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)  # noqa: T201 - progress for whoever waits


if __name__ == "__main__":
    main()
