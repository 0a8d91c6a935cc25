"""Writes the generated parts of the desks' pages: ``python -m tests.adapters.docs_pages --write``; without it, checks.

A page holds, each between its markers, the settings of the desk and what it can do, as the code says them.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from adapters.contract import Capability, TicketAdapter
from adapters.registry import load, matrix
from adapters.settings import DeskSettings

PAGES = Path(__file__).parents[2] / "docs" / "adapters"
BEGIN, END = "<!-- from the code: {} -->", "<!-- end -->"


def settings_part(adapter: type[TicketAdapter[Any]]) -> str:
    """The settings as tables: the desk's own, then those that every desk has."""
    common = DeskSettings.model_fields
    own = {name: field for name, field in adapter.Settings.model_fields.items() if name not in common}
    shared = {name: adapter.Settings.model_fields[name] for name in common}  # a desk may have other defaults
    tables = [_table(own), "Besides, as for every desk:", _table(shared)]
    for name, field in own.items():
        for entry in get_args(field.annotation):
            if isinstance(entry, type) and issubclass(entry, BaseModel):
                tables += [f"Each entry of `{name}`:", _table(entry.model_fields)]
    return "\n\n".join(tables)


def abilities_part(adapter: type[TicketAdapter[Any]]) -> str:
    """What is claimed and what is not, what a lost answer means, and the options of opening."""
    claimed = [str(one) for one in Capability if one in adapter.capabilities]
    lacking = [str(one) for one in Capability if one not in adapter.capabilities]
    lines = ["It can: " + ", ".join(claimed) + ".", "It cannot: " + ", ".join(lacking) + "."]
    lines.append(f"After a lost answer: `reconcile` is **{adapter.reconcile}**.")
    if adapter.options:
        rows = [f"| `{one.key}` | {one.label} | {one.kind} | {one.hint} |" for one in adapter.options]
        lines.append("Options of opening a ticket:")
        lines.append("\n".join(["| option | label | kind | hint |", "| --- | --- | --- | --- |", *rows]))
    return "\n\n".join(lines)


def matrix_part() -> str:
    """The capabilities of all desks as one table, the same that `threadline adapters` prints."""
    (_, *kinds), *rows = matrix()
    head = "| | " + " | ".join(f"[`{kind}`]({kind}.md)" for kind in kinds) + " |"
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([head, "| --- |" + " :-: |" * len(kinds), *lines])


def current(page: str, parts: dict[str, str]) -> str:
    """*page* with *parts* between their markers."""
    for name, part in parts.items():
        begin = BEGIN.format(name)
        before, found, rest = page.partition(begin)
        _old, closed, after = rest.partition(END)
        if not (found and closed):
            raise ValueError(f"the page has no {begin} ... {END}")
        page = f"{before}{begin}\n\n{part}\n\n{END}{after}"
    return page


def generated(kind: str) -> dict[str, str]:
    """The generated parts of a desk's page, or of the README of all pages."""
    if kind == "README":
        return {"matrix": matrix_part()}
    adapter = load(kind)
    parts = {"settings": settings_part(adapter), "what it can do": abilities_part(adapter)}
    return {**parts, **EXTRA.get(kind, dict)()}


def _whmcs() -> dict[str, str]:
    from adapters.whmcs.checking import ACTIONS

    return {"actions": ", ".join(sorted(ACTIONS)) + "."}


EXTRA: dict[str, Callable[[], dict[str, str]]] = {"whmcs": _whmcs}
"""Further generated parts of single pages."""


def _table(fields: dict[str, FieldInfo]) -> str:
    flat: dict[str, FieldInfo] = {}
    for name, field in fields.items():
        inner = type(field.default).model_fields if isinstance(field.default, BaseModel) else {}
        flat |= {f"{name}.{key}": one for key, one in inner.items()} or {name: field}
    rows = [f"| `{name}` | {_type(field)} | {_default(field)} | {field.description} |" for name, field in flat.items()]
    return "\n".join(["| key | value | default | meaning |", "| --- | --- | --- | --- |", *rows])


def _type(field: FieldInfo) -> str:
    names = {str: "text", int: "number", float: "number", bool: "true or false", SecretStr: "secret", Path: "path"}
    annotation: Any = field.annotation
    if annotation in names:
        return names[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in {tuple, frozenset, list}:
        return "list"
    if arguments and all(isinstance(one, str) for one in arguments):
        return " or ".join(f"`{one}`" for one in arguments)
    if isinstance(annotation, type) and hasattr(annotation, "__members__"):
        return " or ".join(f"`{one}`" for one in annotation)  # type: ignore[attr-defined] # an enum, as was asked
    if type(None) in arguments:
        inner = next(one for one in arguments if one is not type(None))
        return names.get(getattr(inner, "__origin__", inner), "text")  # of Annotated, what it is about
    return "table"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, SecretStr) or value in ("", (), None, frozenset(), {}):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, (tuple, frozenset)):
        listed = value if isinstance(value, tuple) else sorted(value)
        return ", ".join(f"`{one}`" for one in listed)
    if isinstance(value, dict):
        return ", ".join(f"`{name} = {inner}`" for name, inner in value.items())
    return f"`{value}`"


def main() -> int:
    """Write or check every page; 1 where one is not current and was not written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the pages")
    write = parser.parse_args().write
    stale = []
    for path in sorted(PAGES.glob("*.md")):
        old = path.read_text()
        new = current(old, generated(path.stem))
        if old != new:
            stale.append(path.name)
            if write:
                path.write_text(new)
    print(("written: " if write else "not current: ") + (", ".join(stale) or "none"))  # noqa: T201 - a command
    return int(bool(stale) and not write)


if __name__ == "__main__":
    sys.exit(main())
