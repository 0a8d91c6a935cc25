"""Pictures of figures as SVG: bars beside each other, and curves over what something grew with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from bench.measuring import Figure
from bench.table import number

_LEFT, _WIDE, _ROW = 430, 300, 24
_HEAD = "<style>text { font: 12px sans-serif }</style>"
_PAPER = '<rect width="100%" height="100%" fill="#ffffff"/>'
_BLUE = "#3465a4"
_PANEL, _PANEL_HIGH, _MARGIN, _IN_A_ROW = 340, 190, 44, 2


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One panel: *points* in the order of what they grew with; *steps*: both axes by powers of ten."""

    title: str
    points: Sequence[tuple[float, float]]
    along: str
    steps: bool = False


def picture(figures: Sequence[Figure]) -> str:
    """Curves where the figures say what they grew with, else one bar for each."""
    return curves(_grown(figures)) if any(one.at is not None for one in figures) else bars(figures)


def bars(figures: Sequence[Figure]) -> str:
    """One bar for each figure; figures of another unit than the first have a scale of their own."""
    most = {unit: max(one.value for one in figures if one.unit == unit) for unit in {one.unit for one in figures}}
    parts = []
    for place, one in enumerate(figures):
        top, long = 8 + place * _ROW, max(1.0, _WIDE * one.value / (most[one.unit] or 1))
        parts += [
            f'<text x="{_LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(one.what)}</text>',
            f'<rect x="{_LEFT}" y="{top + 3}" width="{long:.0f}" height="{_ROW - 8}" fill="{_BLUE}"/>',
            f'<text x="{_LEFT + long + 6:.0f}" y="{top + 15}">{number(one.value)} {escape(one.unit)}</text>',
        ]
    return _svg(_LEFT + _WIDE + 160, _ROW * len(figures) + 16, parts)


def _grown(figures: Sequence[Figure]) -> list[Curve]:
    """A panel for the figures' value, and one for each further figure that all of them have."""
    grown = [one for one in figures if one.at is not None]
    values = {grown[0].unit: [(one.at or 0.0, one.value) for one in grown]}
    for name in grown[0].more:
        values[name] = [(one.at or 0.0, float(one.more[name])) for one in grown if one.more.get(name)]
    return [
        Curve(title=name, points=points, along=grown[0].along, steps=True) for name, points in values.items() if points
    ]


def curves(panels: Sequence[Curve]) -> str:
    """The panels, two in a row."""
    parts: list[str] = []
    for place, panel in enumerate(panels):
        down, across = divmod(place, _IN_A_ROW)
        parts += [f'<g transform="translate({across * _PANEL},{down * _PANEL_HIGH})">', *_panel(panel), "</g>"]
    rows = math.ceil(len(panels) / _IN_A_ROW)
    return _svg(_PANEL * min(len(panels), _IN_A_ROW), _PANEL_HIGH * rows, parts)


def _panel(panel: Curve) -> list[str]:
    left, right, top, bottom = _MARGIN + 12, _PANEL - 14, 26, _PANEL_HIGH - 34
    xs, ys = [x for x, _ in panel.points], [y for _, y in panel.points]
    across, up = (
        _Scale(xs, left, right, panel.steps),
        _Scale([*ys, *[0.0] * (not panel.steps)], bottom, top, panel.steps),
    )
    line = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in panel.points)
    return [
        f'<text x="{left}" y="16">{escape(panel.title)}</text>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="#888888"/>',
        f'<polyline points="{line}" fill="none" stroke="{_BLUE}" stroke-width="1.5"/>',
        *[f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="3" fill="{_BLUE}"/>' for x, y in panel.points][:12],
        *[
            f'<text x="{left - 4}" y="{up.at(y) + 4:.1f}" text-anchor="end">{number(float(y))}</text>'
            for y in dict.fromkeys((up.low, up.high))
        ],
        *[
            f'<text x="{across.at(x):.1f}" y="{bottom + 15}" text-anchor="{side}">{number(float(x))}</text>'
            for x, side in ((across.low, "start"), (across.high, "end"))
        ],
        f'<text x="{(left + right) / 2:.0f}" y="{bottom + 29}" text-anchor="middle">{escape(panel.along)}</text>',
    ]


class _Scale:
    """Where a value lies between two places of the picture."""

    def __init__(self, values: Sequence[float], first: float, last: float, steps: bool) -> None:  # noqa: FBT001 - inner
        self.low, self.high, self._steps = min(values), max(values), steps
        self._first, self._long = first, last - first

    def at(self, value: float) -> float:
        """The place of *value*; where all are equal, the middle."""
        if self.low == self.high:
            return self._first + self._long / 2
        low, high, here = (math.log10(v) if self._steps else v for v in (self.low, self.high, value))
        return self._first + self._long * (here - low) / (high - low)


def _svg(wide: int, high: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}">'
    return "\n".join([head, _HEAD, _PAPER, *parts, "</svg>", ""])
