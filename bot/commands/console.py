"""How commands print: tables for people, one JSON object for machines, and errors without tracebacks."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from adapters.model import Finding

out = Console(highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty())
"""Lines are broken for people alone, and ``:ticket:`` is what it says."""
err = Console(stderr=True, highlight=False, emoji=False)
WIDE = 10_000
"""Characters in a line of a table that is not for a screen."""
LEGIBLE = 30
"""Characters in a line of a text, at least, however narrow the screen is."""


def print_json(value: Any) -> None:
    """*value* as one JSON document on standard output."""
    escaped = not sys.stdout.encoding.lower().startswith("utf")  # where not every character can be shown
    sys.stdout.write(json.dumps(plain(value), ensure_ascii=escaped, indent=2) + "\n")


def plain(value: Any) -> Any:
    """*value* as what JSON has: nouns and records become objects, times ISO 8601."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        value = {entry.name: getattr(value, entry.name) for entry in dataclasses.fields(value)}
    elif isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Enum | Path) else value


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on standard output; a number or a thread stays in one piece, else it could not be copied."""
    drawn, cells = Table(box=None, header_style="bold", pad_edge=False), [[str(cell) for cell in row] for row in rows]
    for at, heading in enumerate(headings):
        column = [row[at] for row in cells]
        longest = max(map(len, column), default=0)
        is_text = any(" " in cell for cell in column)
        drawn.add_column(heading, overflow="fold", no_wrap=not is_text, min_width=min(longest, LEGIBLE))
    for row in cells:
        drawn.add_row(*map(escape, row))
    least = Measurement.get(out, out.options.update(width=WIDE), drawn).minimum
    width = max(out.width, least) if sys.stdout.isatty() else WIDE
    Console(highlight=False, emoji=False, width=width).print(drawn, crop=False, soft_wrap=False)


def findings(lines: Iterable[Finding]) -> bool:
    """Print a check; True if every line is well. Words, not colours, say which are not."""
    well = True
    for line in lines:
        well = well and line.ok
        out.print(f"{'ok  ' if line.ok else 'FAIL'} {line.subject}: {line.detail}", markup=False)
        if line.remedy and not line.ok:
            out.print(f"     What to do: {line.remedy}", markup=False)
    return well


def fail(words: str, *, as_json: bool = False, **more: Any) -> NoReturn:
    """End with an error for people (or an object for machines) and exit code 1."""
    if as_json:
        print_json({"error": words, **more})
    else:
        err.print(words, markup=False, soft_wrap=True)
    raise typer.Exit(1)
