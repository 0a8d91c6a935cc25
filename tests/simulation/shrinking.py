"""Makes a failing schedule as small as it gets while it still fails in the same way."""

from collections.abc import Iterator
from dataclasses import replace

from tests.simulation.plan import Plan, smaller
from tests.simulation.town import Lived, live

NOISES = 4
"""With a step gone all chance falls otherwise, so a smaller plan is tried with so many noises."""
MOST = 600
"""Schedules that are lived for one shrinking."""


def kinds(lived: Lived) -> set[str]:
    """In which ways a schedule failed."""
    return {failure.partition(":")[0] for failure in lived.failures}


def shrunk(plan: Plan, lived: Lived) -> tuple[Plan, Lived]:
    """The smallest plan that was found, and what came of it."""
    wanted, left = kinds(lived), MOST
    while left > 0:
        for candidate in _attempts(plan):
            left -= 1
            found = live(candidate)
            if kinds(found) & wanted:
                plan, lived = candidate, found
                break
            if left <= 0:
                break
        else:
            break
    return plan, lived


def _attempts(plan: Plan) -> Iterator[Plan]:
    root = plan.noise.partition("~")[0]
    for candidate in smaller(plan):
        yield candidate
        yield from (replace(candidate, noise=f"{root}~{number}") for number in range(NOISES))


def report(plan: Plan, lived: Lived) -> str:
    """A schedule for people: what failed, the plan, and all that happened."""
    head = "FAILED" if lived.failures else "all holds"
    return "\n".join([head, *lived.failures, "", str(plan), "", *lived.trace])
