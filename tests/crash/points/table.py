"""The table of all points: which kinds of operation die at each, or why none does."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path


@cache
def table() -> Mapping[str, tuple[str, ...]]:
    """The name of each point -> the kinds of `operations.KINDS` that die there; none where there is a reason."""
    return {name: kinds for name, kinds, _ in _lines()}


@cache
def reasons() -> Mapping[str, str]:
    """The name of each point at which nobody dies -> why."""
    return {name: why for name, kinds, why in _lines() if not kinds}


def _lines() -> list[tuple[str, tuple[str, ...], str]]:
    found = []
    why = ""
    for line in Path(__file__).with_name("table.txt").read_text().splitlines():
        if line.startswith("#"):
            why = line.lstrip("# ")
            continue
        name, _, kinds = line.partition(": ")
        if name:
            found.append((name, tuple(kinds.split(", ")) if kinds else (), why))
    return found
