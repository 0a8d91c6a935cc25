"""The table that people read."""

from collections.abc import Sequence

from rich.table import Table

from bench.measuring import Figure, Line


def table(lines: Sequence[Line]) -> Table:
    """*lines*, one row each."""
    made = Table(title="Threadline, measured")
    for head in ("row", "what", "figure", "ratio", "and", "goal"):
        made.add_column(head, justify="right" if head in {"figure", "ratio"} else "left")
    last = ""
    for line in lines:
        if last and last != line.row:
            made.add_section()
        last = line.row
        if isinstance(line, Figure):
            ratio = "" if line.ratio is None else f"{line.ratio:.2f} of {line.against}"
            more = ", ".join(f"{name} {number(value)}" for name, value in line.more.items() if value)
            made.add_row(line.row, line.what, f"{number(line.value)} {line.unit}", ratio, more, line.goal)
        else:
            made.add_row(line.row, line.what, "skipped", "", line.why, "")
    return made


def number(value: object) -> str:
    """A figure with as many digits as mean something."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}" if value < 10 else f"{value:.1f}"
