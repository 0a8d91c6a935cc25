"""Writes docs/settings.md from the settings themselves: `python -m tests.docs_settings --write`."""

import sys
from pathlib import Path

from pydantic import BaseModel

from adapters.settings import DeskSettings
from bot.settings import (
    Environment,
    HooksTable,
    LimitsTable,
    LogTable,
    OperatorTable,
    RedisTable,
    RightTable,
    SlackTable,
    WorkTable,
)

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

One TOML file (`--config`, else `THREADLINE_CONFIG`, else `threadline.toml`). Secrets come from the environment: a
value `"env:NAME"` is taken from the variable `NAME`. This page is made from the code by
`python -m tests.docs_settings --write`.
"""
_REQUESTERS = """Whom the tickets of a channel are for, unless the form says otherwise: a line for each channel, such as
`C0123456789 = "Grace Hopper <grace@example.com>"`.
Who may not open tickets for others opens them for that requester."""
_DESK_NAME = """Links and waiting work go by NAME, so a desk keeps it: `title` changes what people see. What is written
in the threads of a desk that is not here any more waits until it is back; `threadline doctor` names it."""


def page() -> str:
    """The whole page."""
    tables = {"slack": SlackTable, "redis": RedisTable, "work": WorkTable, "log": LogTable}
    tables |= {"operator": OperatorTable, "hooks": HooksTable, "limits": LimitsTable}
    parts = [HEAD]
    for name, model in tables.items():
        parts += [f"## [{name}]\n", f"{model.__doc__}\n", *_rows(model), ""]
    parts += ["## [[rights]]\n", f"{RightTable.__doc__}\n", *_rows(RightTable), ""]
    parts += ["## [requesters]\n", f"{_REQUESTERS}\n"]
    parts += [
        "## [desks.NAME]\n",
        "Every desk has these keys; docs/adapters/KIND.md lists those of its kind.",
        f"{_DESK_NAME}\n",
    ]
    parts += [*_rows(DeskSettings), ""]
    names = ", ".join(f"`{name.upper()}`" for name in Environment.model_fields)
    parts.append(f"## Environment\n\n{names}, and whatever `env:` values name.\n")
    return "\n".join(parts)


def _rows(model) -> list[str]:
    return ["| key | default | meaning |", "|---|---|---|", *_keys(model)]


def _keys(model, inside="") -> list[str]:
    rows = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            rows += _keys(field.annotation, f"{name}.")
            continue
        default = "required" if field.is_required() else f"`{_toml(field.default)}`"
        rows.append(f"| `{inside}{name}` | {default} | {field.description} |")
    return rows


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value == {}:
        return "{}"
    if isinstance(value, tuple):
        return str(list(value))
    return str(value) if isinstance(value, int | float) else f'"{value}"'


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page())
    else:
        sys.stdout.write(page())
