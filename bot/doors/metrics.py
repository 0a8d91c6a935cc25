"""Metrics in Prometheus' text format. Labels are names from the settings and from our own code, never ids or texts."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, Self

from typing_extensions import override


class Metric(NamedTuple):
    """A metric: what it is called, whether it only grows, its labels, and what it means."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


EVENTS: Final = Metric("threadline_events_total", "counter", ("outcome",), "Events from Slack, by what became of them.")
SLACK: Final = Metric(
    "threadline_slack_calls_total", "counter", ("method", "outcome"), "Calls to Slack's Web API by method and outcome."
)
WORK: Final = Metric(
    "threadline_desk_work_total", "counter", ("desk", "work", "outcome"), "Work at desks by desk, kind and outcome."
)
HOOKS: Final = Metric("threadline_hooks_total", "counter", ("desk", "status"), "Webhook calls by desk and answer.")
AWAY: Final = Metric("threadline_desk_away", "gauge", ("desk",), "1 from a desk's failure until it answers again.")
LOGGED: Final = Metric(
    "threadline_log_lines_total", "counter", ("level",), "Lines of the log that warn, or tell of a failure of our own."
)
TASKS: Final = Metric("threadline_tasks", "gauge", (), "Asyncio tasks of this process.")
CONNECTED: Final = Metric(
    "threadline_slack_connected", "gauge", (), "1 while Slack is connected, or may connect (HTTP mode); fronts only."
)
STORE: Final = Metric("threadline_store_up", "gauge", (), "1 if the store answered and took something just now.")
BACKLOG: Final = {
    "waiting": Metric("threadline_lanes_waiting", "gauge", (), "Threads that have messages or tickets on their way."),
    "operations": Metric("threadline_operations", "gauge", (), "All stored operations, resting looks included."),
    "parked": Metric("threadline_parked", "gauge", (), "Operations that wait for a person's decision."),
    "held": Metric("threadline_lanes_held", "gauge", (), "Threads that stand still until a person has answered."),
    "links": Metric("threadline_links", "gauge", (), "Threads that are linked to a ticket."),
    "oldest": Metric("threadline_oldest_waiting_seconds", "gauge", (), "Age of the oldest message on its way."),
}
METRICS: Final = (EVENTS, SLACK, WORK, HOOKS, LOGGED, TASKS, CONNECTED, AWAY, STORE, *BACKLOG.values())
PATIENCE: Final = 5.0
"""Seconds within which the store must have answered; Prometheus waits for ten."""
TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Where the figures come from: counters of this process, and questions to the store.

    ``slack`` tells whether Slack can reach this process, None where it need not.
    ``backlog`` gives a number for each key of `BACKLOG`, ``away`` the desks that do not answer, and ``store`` has the
    store take something. All may raise what ``trouble`` lists or take too long; then the page goes without them.
    """

    counters: Mapping[Metric, Mapping[Any, int]]
    backlog: Callable[[], Awaitable[Mapping[str, float]]]
    away: Callable[[], Awaitable[Mapping[str, float]]]
    store: Callable[[], Awaitable[Any]]
    slack: Callable[[], Awaitable[bool]] | None = None
    trouble: tuple[type[Exception], ...] = field(default=(OSError, TimeoutError))

    async def page(self) -> str:
        """All figures as they are now."""
        samples: dict[Metric, Mapping[Any, float]] = {**self.counters, TASKS: {(): len(asyncio.all_tasks())}}
        if self.slack is not None:
            samples[CONNECTED] = {(): float(await self.slack())}
        samples[STORE] = {(): 0}
        with contextlib.suppress(*self.trouble):
            async with asyncio.timeout(PATIENCE):
                waiting, away = await self.backlog(), await self.away()
                samples |= {BACKLOG[key]: {(): value} for key, value in waiting.items()} | {AWAY: away}
                await self.store()
                samples[STORE] = {(): 1}
        return rendered(samples)


class LoggedLines(logging.Handler):
    """Counts what is logged as a warning or worse, by level, while it is entered."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.counts = Counter({"warning": 0, "error": 0})

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.counts["warning" if record.levelno < logging.ERROR else "error"] += 1

    def __enter__(self) -> Self:
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_about: object) -> None:
        logging.getLogger().removeHandler(self)


def rendered(samples: Mapping[Metric, Mapping[Any, float]]) -> str:
    """*samples* as text; the key of a value is its label, or a tuple of labels."""
    lines: list[str] = []
    for metric, values in samples.items():
        lines += [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}"]
        for key, value in sorted(values.items(), key=str):
            labels = key if isinstance(key, tuple) else (key,)
            pairs = ",".join(f'{name}="{_escaped(label)}"' for name, label in zip(metric.labels, labels, strict=True))
            lines.append(f"{metric.name}{{{pairs}}} {value:.15g}" if pairs else f"{metric.name} {value:.15g}")
    return "\n".join(lines) + "\n"


def _escaped(label: object) -> str:
    return str(label).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
