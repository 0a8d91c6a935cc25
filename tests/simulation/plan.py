"""What a seed stands for: who does what and when, what dies, and how often the ways fail. A plan can be cut down."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tests.simulation.network import Rates

FIRST_HARM = 8.0
"""Seconds until something fails, where tickets must be opened in peace."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that happens at a moment. ``thread`` and ``of`` say to what; ``span`` how long it lasts, in seconds."""

    at: float
    what: str
    thread: int = 0
    of: int = 0
    span: float = 0.0

    def __str__(self) -> str:
        """A line for people."""
        more = f" for {self.span:.2f} s" if self.span else ""
        return f"{self.at:7.2f}  {self.what} (thread {self.thread}, number {self.of}){more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One schedule. ``noise`` decides every latency, fault and turn within it."""

    noise: str
    flavour: str
    bots: int
    threads: int
    steps: tuple[Step, ...]
    redis: Rates = field(default_factory=Rates)
    slack: Rates = field(default_factory=Rates)
    desk: Rates = field(default_factory=Rates)
    doubled: float = 0.0  # share of Slack's deliveries that come twice

    def __str__(self) -> str:
        """The plan, for people."""
        ways = {"redis": self.redis, "slack": self.slack, "desk": self.desk}
        failing = [f"{name} {rates}" for name, rates in ways.items() if rates.all]
        head = f"desk {self.flavour!r}, {self.bots} bots, {self.threads} threads, noise {self.noise!r}"
        return "\n".join([head, *failing, f"delivered twice: {self.doubled}", *map(str, self.steps)])


def drawn(seed: int) -> Plan:
    """The plan of a seed."""
    chance = random.Random(f"plan {seed}")
    flavour = chance.choice(("exact", "exact", "listing", "listing", "none"))
    threads = chance.choice((1, 1, 2, 3))
    return Plan(
        noise=f"{seed}",
        flavour=flavour,
        bots=chance.choice((1, 2, 2, 3)),
        threads=threads,
        steps=tuple(sorted(_steps(chance, flavour, threads), key=lambda step: step.at)),
        redis=_rates(chance, 0.02),
        slack=_rates(chance, 0.1),
        desk=_rates(chance, 0.15),
        doubled=chance.choice((0.0, 0.1, 0.5)),
    )


def _rates(chance: random.Random, most: float) -> Rates:
    if chance.random() < 0.4:
        return Rates()
    shares = [chance.random() * most * chance.choice((0, 0, 1)) for _ in range(5)]
    return Rates(refused=shares[0], cut=shares[1], late=shares[2], stalled=shares[3], answers=shares[4])


def _steps(chance: random.Random, flavour: str, threads: int) -> Iterator[Step]:
    span = chance.choice((1.0, 4.0, 10.0))
    copied = chance.random() * span if chance.random() < 0.15 else None
    if flavour == "none":
        yield from (Step(at=0.0, what="open", thread=thread) for thread in range(threads))
        begin = FIRST_HARM  # a creation that was asked about is linked by hand, which is no part of this
    else:
        first = 0.0 if copied is None else min(copied, 1.0)
        yield from (Step(at=chance.random() * first, what="open", thread=thread) for thread in range(threads))
        begin = FIRST_HARM if copied is not None else chance.choice((0.0, 3.0))
    kinds = ["say"] * 4 + ["reply"] * 2
    if copied is None:  # what else was stored after a copy is forgotten with it, see docs/reliability.md
        kinds += ["edit", "edit", "delete", "note", "close", "agent closes", "poison", "open again"]
    for number in range(chance.randint(2, 6)):
        at = begin + chance.random() * span
        yield Step(at=at, what=chance.choice(kinds), thread=chance.randrange(threads), of=number)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        yield _harm(chance, flavour, begin=begin, span=span)
    if copied is not None:
        at = begin + chance.random() * span
        yield Step(at=at, what="copy")
        yield Step(at=at + chance.random() * 4, what="roll back", span=chance.random() * 2)


def _harm(chance: random.Random, flavour: str, *, begin: float, span: float) -> Step:
    what = chance.choice(("kill", "kill", "kill", "pause", "redis down", "outage", "stop", "jump", "sweep"))
    at = begin + chance.random() * span
    longest = {"kill": 3.0, "pause": 12.0, "redis down": 6.0, "outage": 12.0}.get(what, 0.0)
    return Step(at=at, what=what, of=chance.randrange(3), span=0.01 + chance.random() * longest)


def smaller(plan: Plan) -> Iterator[Plan]:
    """Plans that are a little less than *plan*, the boldest cuts first."""
    steps = plan.steps
    size = len(steps) // 2
    while size:
        for start in range(0, len(steps), size):
            yield replace(plan, steps=steps[:start] + steps[start + size :])
        size //= 2
    for way in ("redis", "slack", "desk"):
        rates: Rates = getattr(plan, way)
        if rates.all:
            yield replace(plan, **{way: Rates()})  # type: ignore[arg-type]  # each is a Rates
            for fault in ("refused", "cut", "late", "stalled", "answers"):
                if getattr(rates, fault):
                    yield replace(plan, **{way: replace(rates, **{fault: 0.0})})  # type: ignore[arg-type]
    if plan.bots > 1:
        yield replace(plan, bots=plan.bots - 1)
    if plan.doubled:
        yield replace(plan, doubled=0.0)
