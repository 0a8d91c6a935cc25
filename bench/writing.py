"""Writes what was measured where people look for it: the table in bench/README.md, and a picture for each row."""

from collections.abc import Sequence
from pathlib import Path

from bench.drawing import picture
from bench.measuring import Figure, Line
from bench.table import number

HERE = Path(__file__).parent
BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"


def write(lines: Sequence[Line], *, at: str, machine: str, folder: Path = HERE) -> None:
    """Put *lines* into the README of *folder* and draw their pictures beside it; rows not measured now stay there."""
    readme = folder / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    old, _, after = rest.partition(END)
    rows = {line.row for line in lines}
    kept = [text for text in old.splitlines() if text.startswith("| ") and text.split("|")[1].strip("` ") not in rows]
    table = [
        "| row | what | figure | ratio | and | goal | command | when, where |",
        "|---|---|---|---|---|---|---|---|",
        *[text for text in kept if not text.startswith("| row |")],
        *[_row(line, f"{at[:16]}Z, {machine}") for line in lines],
    ]
    for row in rows:
        mine = [line for line in lines if isinstance(line, Figure) and line.row == row]
        if mine:
            (folder / f"{row}.svg").write_text(picture(mine), encoding="utf-8")
    named = dict.fromkeys(text.split("|")[1].strip() for text in table[2:])
    drawn = [f"![{row}]({row}.svg)" for row in named if (folder / f"{row}.svg").exists()]
    text = "\n".join([BEGIN, *table, "", *drawn, END])
    readme.write_text(before + text + after, encoding="utf-8")


def _row(line: Line, where: str) -> str:
    if isinstance(line, Figure):
        ratio = "" if line.ratio is None else f"{line.ratio:.2f} of {line.against}"
        more = ", ".join(f"{name} {number(value)}" for name, value in line.more.items() if value)
        cells = [line.what, f"{number(line.value)} {line.unit}", ratio, more, line.goal]
    else:
        cells = [line.what, "skipped", "", line.why, ""]
    return f"| {line.row} | " + " | ".join(cells) + f" | `python -m bench {line.row}` | {where} |"
