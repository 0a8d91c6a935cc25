"""What to do next about an error: one table. Pure: no clock, no store, no Slack."""

import random
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from adapters.errors import (
    AdapterError,
    Misconfigured,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedReply,
    UnsupportedFeature,
)
from bot.conversion.ports import SlackOutcomeUnknown, SlackRefused, SlackTrouble


class NeverTaken(Exception):
    """The desk failed so many times with this one thing, while it took others like it; nothing of it is there."""

    def __init__(self, times: int) -> None:
        super().__init__(times)
        self.times = times


class Next(StrEnum):
    """What happens to an operation that failed."""

    RETRY = "retry"  # nothing was done: the same again, later
    LOOK = "look"  # it may have been done: look for our marker, later, or ask a person where none can be found
    PARK = "park"  # it will never succeed as it is: set aside for a person, the lane goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A row of the table."""

    next: Next
    slow: bool = False  # a person must mend something first, so trying often does not help
    breaks: bool = False  # counts against the desk in its circuit breaker


TABLE: dict[type[Exception], Rule] = {
    Unavailable: Rule(next=Next.RETRY, breaks=True),
    OutcomeUnknown: Rule(next=Next.LOOK, breaks=True),
    NotFound: Rule(next=Next.PARK),
    Rejected: Rule(next=Next.PARK),
    NotAuthorised: Rule(next=Next.RETRY, slow=True),
    Misconfigured: Rule(next=Next.RETRY, slow=True),
    UnexpectedReply: Rule(next=Next.RETRY, breaks=True),
    UnsupportedFeature: Rule(next=Next.PARK),
    NeverTaken: Rule(next=Next.PARK),
    SlackTrouble: Rule(next=Next.RETRY),
    SlackOutcomeUnknown: Rule(next=Next.LOOK),
    SlackRefused: Rule(next=Next.PARK),
}

FAST = (timedelta(seconds=1), timedelta(seconds=60))
SLOW = (timedelta(seconds=30), timedelta(minutes=5))
CRASHES = 20
"""How often a worker may die with one operation in hand before a person is asked to look at it."""
ALONE = 20
"""How often a desk may fail with one operation, while it takes others like it, before a person is asked to look at it.

That takes a quarter of an hour and more. A desk that fails with all of them is only waited for.
"""
FAULTS = 5
"""How often an operation may fail by a fault of our own before a person is asked to look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What to do, after which delay, and whether the desk's circuit breaker counts it."""

    next: Next
    delay: timedelta = timedelta()
    breaks: bool = False


def verdict(error: Exception, *, attempts: int, settle: timedelta) -> Verdict:
    """What to do after *error*.

    Args:
        error: what was raised; an error of none of the known kinds is our own fault and is tried a few times.
        attempts: failures in a row of this step, this one included (from 1).
        settle: how long a change may take to show at the desk.
    """
    rule = next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)
    if rule is None:
        return Verdict(next=Next.PARK) if attempts >= FAULTS else Verdict(next=Next.LOOK, delay=settle)
    if rule.next is Next.PARK:
        return Verdict(next=rule.next)
    asked: timedelta | None = getattr(error, "retry_after", None)
    delay: timedelta = _backoff(attempts, *(SLOW if rule.slow else FAST)) if asked is None else asked
    if rule.next is Next.LOOK and isinstance(error, AdapterError):
        delay = max(delay, settle)
    return Verdict(next=rule.next, delay=delay, breaks=rule.breaks)


def _backoff(attempts: int, first: timedelta, most: timedelta) -> timedelta:
    """Doubling from *first* to *most*, with jitter so that lanes do not come back all at once."""
    full: timedelta = min(first * (1 << min(attempts - 1, 10)), most)
    return full * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret


def surely_not_done(error: BaseException) -> bool:
    """Whether *error* proves that the call changed nothing."""
    if isinstance(error, OutcomeUnknown | SlackOutcomeUnknown):
        return False
    return isinstance(error, AdapterError | SlackTrouble | SlackRefused)
