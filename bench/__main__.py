"""`python -m bench [rows...] [--seconds S]`: runs the rows, prints a table, and one line of JSON last."""

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime

import uvloop
from rich.console import Console

from bench import door, forms, growth, many, through
from bench.measuring import MEASURED, OTHER, Figure, Line, Skipped, stay_on
from bench.table import table
from bench.writing import write

Row = Callable[[float], Awaitable[list[Line]]]

ROWS: dict[str, Row] = {
    "door": lambda seconds: door.measure(seconds=seconds),
    "slash": lambda seconds: forms.slash(seconds=seconds),
    "through": lambda seconds: through.latency(seconds=seconds),
    "worker": lambda seconds: through.throughput(messages=int(500 * seconds)),
    "workers": lambda seconds: many.workers(messages=int(500 * seconds)),
    "options": lambda seconds: forms.options(seconds=seconds),
    "import": lambda _: growth.imports(),
    "links": lambda _: growth.links(),
    "backlog": lambda _: growth.backlog(),
    "idle": lambda seconds: many.idle(seconds=4 * seconds),
    "start": lambda _: growth.start(),
}


def main(arguments: list[str]) -> int:
    """Run what *arguments* ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="row", help=f"of {', '.join(ROWS)}; all where none is named")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each load lasts (2)")
    parser.add_argument("--write", action="store_true", help="put the figures into bench/README.md, and draw them")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.rows) - set(ROWS):
        parser.error(f"there is no row {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    stay_on(OTHER)
    lines = uvloop.run(_run(asked.rows or list(ROWS), asked.seconds))
    Console(width=150).print(table(lines))
    report = _report(lines)
    if asked.write:
        write(lines, at=str(report["at"]), machine=str(report["machine"]))
    print(json.dumps(report))
    return int(any(isinstance(line, Skipped) and line.what == "broke off" for line in lines))


async def _run(names: list[str], seconds: float) -> list[Line]:
    lines: list[Line] = []
    for name in names:
        began = time.monotonic()
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            lines += await ROWS[name](seconds)
        except (RuntimeError, OSError) as error:  # what the other rows showed is still worth having
            lines.append(Skipped(row=name, what="broke off", why=str(error) or type(error).__name__))
        print(f"{name} took {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return lines


def _report(lines: list[Line]) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": f"{platform.machine()}, {len({MEASURED, OTHER})} cores, load {os.getloadavg()[0]:.1f}",
        "figures": [asdict(line) for line in lines if isinstance(line, Figure)],
        "skipped": [asdict(line) for line in lines if not isinstance(line, Figure)],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
