"""What a fuzz sees of a door: something to try, and what is held behind it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

Attempt = Callable[[], Awaitable[str]]
"""Tries something once and says what came of it. Raises Broken, or anything, where it must not have happened."""


class Broken(Exception):
    """What must not happen; the message holds no payload."""


@dataclass(frozen=True, slots=True)
class Door:
    """A door that stands open.

    ``settled`` waits until what the attempts began has come to its end, raises Broken where a desk was reached by what
    must not reach it, and gives how many keys without expiry the store holds.
    """

    attempt: Attempt
    settled: Callable[[], Awaitable[int]] | None = None
