"""SuperOffice's dialect of OData, as far as its examples show it working: filters, order, pages and rows."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.sandbox.desks.superoffice_rest_rules import CLOB, DATE, INT, LIST, TEXT

Row = Mapping[str, Any]
Condition = Callable[[Any], bool]


class NoSuchQuery(Exception):
    """The query is none that the documents allow."""


PAGE = 60
"""Rows of a page at most, whatever was asked for: nothing says that a server keeps to a larger number."""

_TOKEN = re.compile(r"\s*(?:(?P<text>'[^']*'(?!'))|(?P<punct>[(),])|(?P<word>[^\s(),']+))")
_NUMBERS: Mapping[str, Callable[[int, int], bool]] = {
    **dict.fromkeys(("eq", "=", "equals", "set"), lambda found, asked: found == asked),
    **dict.fromkeys(("ne", "unequals"), lambda found, asked: found != asked),
    **dict.fromkeys(("lt", "less"), lambda found, asked: found < asked),
    **dict.fromkeys(("gt", "greater"), lambda found, asked: found > asked),
}
"""SuperOffice's own examples say that le and ge fail, whatever its reference lists."""
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    **dict.fromkeys(("is", "eq", "="), lambda found, asked: found == asked),
    **dict.fromkeys(("isNot", "ne"), lambda found, asked: found != asked),
    "contains": lambda found, asked: asked in found,
    "notContains": lambda found, asked: asked not in found,
    "begins": lambda found, asked: found.startswith(asked),
    "notBegins": lambda found, asked: not found.startswith(asked),
}
_DATES: Mapping[str, Callable[[str, str], bool]] = {
    "before": lambda found, asked: found[:10] < asked,
    "after": lambda found, asked: found[:10] > asked,
    "date": lambda found, asked: found[:10] == asked,
    "beforeTime": lambda found, asked: found < asked,
    "afterTime": lambda found, asked: found > asked,
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its kind, and its value in a row of the stand-in's own."""

    kind: str
    value: Callable[[Any], Any]


def select(columns: Mapping[str, Column], things: Sequence[Any], query: Mapping[str, str]) -> tuple[list[Row], bool]:
    """One page of rows, and whether there are more.

    Raises:
        NoSuchQuery: it asks for something that the documents do not allow.
    """
    chosen = query.get("$select", "").split(",")
    for name in chosen:
        _column(columns, name)
    conditions = _conditions(columns, query.get("$filter", ""))
    kept = [thing for thing in things if all(holds(thing) for holds in conditions)]
    for part in reversed(query.get("$orderBy", "").split(",") if "$orderBy" in query else []):
        name, _, direction = part.strip().partition(" ")
        column = _column(columns, name)
        if column.kind == CLOB or direction not in {"", "asc", "desc"}:
            raise NoSuchQuery(f"rows cannot be ordered by {part}")
        kept.sort(key=column.value, reverse=direction == "desc")
    start, top = _count(query, "$skip", 0), min(_count(query, "$top", PAGE), PAGE)
    rows: list[Row] = [{name: columns[name].value(thing) for name in chosen} for thing in kept[start : start + top]]
    return rows, start + top < len(kept)


def _count(query: Mapping[str, str], name: str, otherwise: int) -> int:
    value = query.get(name, str(otherwise))
    if not value.isdecimal():
        raise NoSuchQuery(f"{name} is no number")
    return int(value)


def _column(columns: Mapping[str, Column], name: str) -> Column:
    if name not in columns:
        raise NoSuchQuery(f"there is no column {name!r}")
    return columns[name]


def _conditions(columns: Mapping[str, Column], words: str) -> list[Condition]:
    """The conditions of a filter; only ``and`` joins them here, as nothing of ours needs more."""
    tokens = _tokens(words)
    found = []
    while tokens:
        if len(tokens) < 3:
            raise NoSuchQuery(f"the filter {words!r} breaks off")
        name, operator, value = tokens[:3]
        tokens = tokens[3:]
        if value == "(":
            end = tokens.index(")") if ")" in tokens else -1
            if end < 0:
                raise NoSuchQuery("a list in the filter has no end")
            value, tokens = "".join(tokens[:end]), tokens[end + 1 :]
        found.append(_condition(_column(columns, name), operator, value))
        if tokens and tokens[0] != "and":
            raise NoSuchQuery(f"{tokens[0]!r} cannot follow a condition")
        if tokens and len(tokens) == 1:
            raise NoSuchQuery("the filter ends with and")
        tokens = tokens[1:]
    return found


def _tokens(words: str) -> list[str]:
    tokens, at = [], 0
    words = words.rstrip()
    while at < len(words):
        found = _TOKEN.match(words, at)
        if found is None:
            raise NoSuchQuery(f"the filter {words!r} cannot be read at {at}")
        tokens.append(found.group().strip())
        at = found.end()
    return tokens


def _condition(column: Column, operator: str, value: str) -> Condition:
    quoted = value[1:-1] if value.startswith("'") else None
    if column.kind == INT and quoted is None:
        numbers = [int(one) for one in value.split(",") if one.lstrip("-").isdecimal()]
        if operator in {"in", "oneOf"} and numbers:
            return lambda thing: int(column.value(thing)) in numbers
        if operator in _NUMBERS and len(numbers) == 1:
            return lambda thing: _NUMBERS[operator](int(column.value(thing)), numbers[0])
    elif column.kind in {TEXT, CLOB, LIST} and quoted is not None and operator in _TEXTS:
        if "[" in quoted and operator not in {"is", "eq", "=", "isNot", "ne"}:
            raise NoSuchQuery("a bracket may mean a set of characters to the database")
        return lambda thing: _TEXTS[operator](str(column.value(thing)).casefold(), quoted.casefold())
    elif column.kind == DATE and quoted is not None and operator in _DATES:
        datetime.fromisoformat(quoted)
        return lambda thing: _DATES[operator](str(column.value(thing)), quoted)
    raise NoSuchQuery(f"{operator} {value} cannot restrict a column of kind {column.kind}")
