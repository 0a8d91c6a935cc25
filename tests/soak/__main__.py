"""`python -m tests.soak --seconds 3600 --rate 20`: the true bot at work, watched; what grows, is lost or doubled.

Progress goes to standard error, a picture to a file, and one line of JSON to standard output last. The exit code is 1
where something grows beyond its bound (`growth.BOUNDS`), is lost, doubled, out of order or shown to the wrong people.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import time
from pathlib import Path

import uvloop

from bench.measuring import OTHER, stay_on
from bench.office import free_port, office
from tests.crash.comparing import Found
from tests.soak.growth import BOUNDS, PER_OPERATION, Looking, Sample, bytes_per_operation, draw, slopes, written
from tests.soak.living import EVERY, LIVE, QUIET, Living

WARM_UP = LIVE * EVERY + 2 * QUIET
"""Seconds until as many threads end as begin, and the oldest of them is as old as any will be."""
DEPARTMENTS = {"local": "Support", "whmcs": "1"}
PATIENCE = 120.0
"""Seconds that what is on its way is given at the end."""


def main() -> None:
    """Run once."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[2])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20.0, help="operations a second")
    parser.add_argument("--desk", choices=DEPARTMENTS, default="local")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--picture", type=Path, default=Path("out/soak.svg"))
    asked = parser.parse_args()
    stay_on(OTHER)
    samples, found, living = uvloop.run(soak(asked.desk, asked.seconds, asked.rate, asked.seed))
    draw(samples, asked.picture)
    line, well = report(samples, found)
    line |= {
        "desk": asked.desk,
        "seed": asked.seed,
        "threads": len(living.ledger.threads),
        "ended": living.unlinked,
    } | living.deliveries()
    print(json.dumps(line))  # noqa: T201 - the result
    sys.exit(0 if well else 1)


async def soak(kind: str, seconds: float, rate: float, seed: int) -> tuple[list[Sample], Found, Living]:
    """Everything that was seen, what is wrong at the end, and who lived."""
    samples: list[Sample] = []
    async with office(kind, desk={"department": DEPARTMENTS[kind]}) as place:
        listen = f"127.0.0.1:{free_port()}"
        place.settings["operator"]["listen"] = listen
        place.settings["limits"] = {"tickets_per_person": 0, "tickets_per_channel": 0}
        await place.store.client.config_set("auto-aof-rewrite-percentage", 100)  # as the embedded server has it
        async with place.bot() as bot:
            looking, living = Looking(bot.pid, f"http://{listen}/metrics", place.store), Living(place, seed)
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(_watch(looking, living, samples, over, pause=max(2.0, seconds / 400)))
                try:
                    await living.live(seconds, rate)
                finally:
                    over.set()
            return samples, await _drained(looking, living), living


async def _watch(looking: Looking, living: Living, samples: list[Sample], over: asyncio.Event, *, pause: float) -> None:
    began, said = time.monotonic(), 0.0
    while not over.is_set():
        await living.learn()
        now = time.monotonic() - began
        samples.append(await looking.look(now, living.ledger.ops))
        if now > said + 30:
            said = now
            print(f"  {samples[-1]}", file=sys.stderr, flush=True)  # noqa: T201 - progress for whoever waits
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(over.wait(), pause)


async def _drained(looking: Looking, living: Living) -> Found:
    """Wait until nothing is on its way and all is there; what is wrong then, or when nothing more may be expected."""
    until = time.monotonic() + PATIENCE
    while True:
        await asyncio.sleep(3)
        quiet = not (await looking.figures())["threadline_lanes_waiting"]
        over = time.monotonic() > until
        if (quiet and (found := await living.compare()).well) or over:
            return found if quiet else await living.compare()


def report(samples: list[Sample], found: Found) -> tuple[dict[str, object], bool]:
    """What is printed, and whether all is well. Without a sample behind the warm-up nothing is said about growth."""
    warm = [one for one in samples if one.seconds >= min(WARM_UP, samples[-1].seconds / 2)]
    lines, each = slopes(warm), bytes_per_operation(warm)
    judged = samples[-1].seconds >= 1.5 * WARM_UP
    grown = [bound.of for bound in BOUNDS if lines[bound.of].grows] if judged else []
    grown += ["redis_bytes_per_operation"] * (judged and each > PER_OPERATION)
    wrong = {kind: len(getattr(found, kind)) for kind in ("lost", "duplicated", "out_of_order", "leaked")}
    line: dict[str, object] = {
        "seconds": samples[-1].seconds,
        "operations": samples[-1].operations,
        "a_second": round(samples[-1].operations / samples[-1].seconds, 1),
        **wrong,
        "judged_from_second": warm[0].seconds if judged else None,
        "grown": grown,
        "redis_bytes_per_operation": round(each),
        **written(lines),
        "wrong": [*found.lost, *found.duplicated, *found.out_of_order, *found.leaked][:20],
    }
    return line, not (grown or any(wrong.values()))


if __name__ == "__main__":
    main()
