"""How much one person, one channel and the whole workspace may ask for; beyond it they are refused, with words.

What is written in a linked thread is never counted here: it waits its turn on the way to its ticket.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import Protocol

from bot.slack.policy import Actor


class Kind(StrEnum):
    """What is counted."""

    TICKETS = "tickets"
    CHANGES = "changes"  # replies and notes by command or form, closing, assigning, linking
    LOOKUPS = "lookups"  # searches, and tickets that are asked for by their number


WINDOWS: Mapping[Kind, timedelta] = MappingProxyType(
    {Kind.TICKETS: timedelta(hours=1), Kind.CHANGES: timedelta(minutes=1), Kind.LOOKUPS: timedelta(minutes=1)}
)
_WHAT = MappingProxyType({Kind.TICKETS: "new tickets", Kind.CHANGES: "changes", Kind.LOOKUPS: "look-ups of tickets"})
_SPAN = MappingProxyType({Kind.TICKETS: "an hour", Kind.CHANGES: "a minute", Kind.LOOKUPS: "a minute"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How many within the kind's window; 0: as many as they like."""

    person: int = 0
    channel: int = 0
    workspace: int = 0


class Places(Protocol):
    """Counts, for all processes together."""

    async def spend(self, keys: Sequence[tuple[str, int]], once: str, *, window: timedelta) -> list[timedelta]:
        """Take a place under each key, of so many within *window*, once for each *once*.

        Returns for each how long until a place is free; zero: it was taken. Raises StoreAway.
        """
        ...


class Allowance:
    """Counts gestures that cost something, and says in words when somebody has had enough for now."""

    def __init__(self, places: Places | None, most: Mapping[Kind, Most]) -> None:
        self._places = places
        self._most = most

    async def why_not(self, actor: Actor, kind: Kind, *, channel: str, once: str) -> str:
        """Why not now, in words; empty: go ahead, and it is counted. The same *once* counts once. Raises StoreAway."""
        most = self._most.get(kind, Most())
        asked = [
            (f"{kind}:{actor.team}:{actor.id}", most.person, "You have"),
            (f"{kind}:{actor.team}:{channel}", most.channel if channel else 0, "This channel has"),
            (f"{kind}:{actor.team}", most.workspace, "This workspace has"),
        ]
        bounded = [(key, places, who) for key, places, who in asked if places]
        if self._places is None or not bounded:
            return ""
        keys = [(key, places) for key, places, _ in bounded]
        waits = await self._places.spend(keys, once, window=WINDOWS[kind])
        for (_, places, who), wait in zip(bounded, waits, strict=True):
            if wait:
                return f"{who} had {places} {_WHAT[kind]} within {_SPAN[kind]}, the most there may be. {_again(wait)}"
        return ""


UNBOUNDED = Allowance(None, {})
"""Counts nothing."""


def _again(wait: timedelta) -> str:
    seconds = ceil(wait.total_seconds())
    if seconds <= 90:  # noqa: PLR2004 - people count seconds up to there
        return f"Try again in {seconds} seconds."
    return f"Try again in {ceil(seconds / 60)} minutes."
