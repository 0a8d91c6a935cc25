"""Writes what was measured where people look for it: the table in bench/README.md, and a picture for each row."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from bench.measuring import Figure, Line
from bench.table import number

HERE = Path(__file__).parent
BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"
_LEFT, _WIDE, _ROW = 430, 300, 24


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
    readme.write_text(before + BEGIN + "\n" + "\n".join(table) + "\n" + END + after, encoding="utf-8")
    for row in rows:
        mine = [line for line in lines if isinstance(line, Figure) and line.row == row]
        (folder / f"{row}.svg").write_text(picture(mine), encoding="utf-8")


def _row(line: Line, where: str) -> str:
    if isinstance(line, Figure):
        ratio = "" if line.ratio is None else f"{line.ratio:.2f} of {line.against}"
        more = ", ".join(f"{name} {number(value)}" for name, value in line.more.items() if value)
        cells = [line.what, f"{number(line.value)} {line.unit}", ratio, more, line.goal]
    else:
        cells = [line.what, "skipped", "", line.why, ""]
    return f"| {line.row} | " + " | ".join(cells) + f" | `python -m bench {line.row}` | {where} |"


def picture(figures: Sequence[Figure]) -> str:
    """One bar for each figure, as SVG; figures of another unit than the first have a scale of their own."""
    most = {unit: max(one.value for one in figures if one.unit == unit) for unit in {one.unit for one in figures}}
    height = _ROW * len(figures) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDE + 160}" height="{height}">',
        "<style>text { font: 12px sans-serif }</style>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for place, one in enumerate(figures):
        top, long = 8 + place * _ROW, max(1.0, _WIDE * one.value / (most[one.unit] or 1))
        parts += [
            f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(one.what)}</text>',
            f'<rect x="{_LEFT}" y="{top + 3}" width="{long:.0f}" height="{_ROW - 8}" fill="#3465a4"/>',
            f'<text x="{_LEFT + long + 6:.0f}" y="{top + 15}">{number(one.value)} {escape(one.unit)}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
