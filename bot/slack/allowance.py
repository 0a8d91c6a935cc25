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
from bot.words import N_, _, ngettext


class Kind(StrEnum):
    """What is counted."""

    TICKETS = "tickets"
    CHANGES = "changes"  # replies and notes by command or form, closing, assigning, linking
    LOOKUPS = "lookups"  # searches, and tickets that are asked for by their number


WINDOWS: Mapping[Kind, timedelta] = MappingProxyType(
    {Kind.TICKETS: timedelta(hours=1), Kind.CHANGES: timedelta(minutes=1), Kind.LOOKUPS: timedelta(minutes=1)}
)


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
            (f"{kind}:{actor.team}:{actor.id}", most.person, N_("You have had {what}, the most there may be. {again}")),
            (
                f"{kind}:{actor.team}:{channel}",
                most.channel if channel else 0,
                N_("This channel has had {what}, the most there may be. {again}"),
            ),
            (
                f"{kind}:{actor.team}",
                most.workspace,
                N_("This workspace has had {what}, the most there may be. {again}"),
            ),
        ]
        bounded = [(key, places, words) for key, places, words in asked if places]
        if self._places is None or not bounded:
            return ""
        keys = [(key, places) for key, places, _words in bounded]
        waits = await self._places.spend(keys, once, window=WINDOWS[kind])
        for (_key, places, words), wait in zip(bounded, waits, strict=True):
            if wait:
                return _(words, what=_so_many(kind, places), again=_again(wait))
        return ""


UNBOUNDED = Allowance(None, {})
"""Counts nothing."""


def _so_many(kind: Kind, places: int) -> str:
    match kind:
        case Kind.TICKETS:
            return ngettext("{number} new ticket within an hour", "{number} new tickets within an hour", places)
        case Kind.CHANGES:
            return ngettext("{number} change within a minute", "{number} changes within a minute", places)
    return ngettext(
        "{number} look-up of tickets within a minute", "{number} look-ups of tickets within a minute", places
    )


def _again(wait: timedelta) -> str:
    seconds = ceil(wait.total_seconds())
    if seconds <= 90:  # noqa: PLR2004 - people count seconds up to there
        return ngettext("Try again in {number} second.", "Try again in {number} seconds.", seconds)
    return ngettext("Try again in {number} minute.", "Try again in {number} minutes.", ceil(seconds / 60))
