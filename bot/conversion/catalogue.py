"""Keeps the desks' lists at hand, so that a form never waits for a desk longer than its budget."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from adapters.contract import Capability
from adapters.errors import AdapterError
from adapters.model import Choice, ChoiceList, Field
from bot.conversion.ports import Desks

T = TypeVar("T")
log = logging.getLogger(__name__)

FRESH = timedelta(minutes=5)
"""How long a list is used without asking the desk again. An older one is still used while the desk is asked."""
PAUSE = timedelta(seconds=5)
"""How long a desk that failed is left alone."""
NOW = timedelta()
"""The budget of who can not wait at all."""


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list as far as we know it. Not ``known``: the desk did not tell in time; ask again later."""

    items: tuple[T, ...] = ()
    known: bool = True


Choices = Listing[Choice]
Fields = Listing[Field]


class Catalogue:
    """The desks' lists and custom fields, kept in this process. Nothing here ever raises for a desk that is down."""

    def __init__(
        self,
        desks: Desks,
        *,
        fresh: timedelta = FRESH,
        pause: timedelta = PAUSE,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._desks = desks
        self._fresh = fresh.total_seconds()
        self._pause = pause.total_seconds()
        self._clock = clock or time.monotonic
        self._kept: dict[tuple[str, ...], tuple[tuple[Any, ...], float]] = {}
        self._failed: dict[tuple[str, ...], float] = {}
        self._asking: dict[tuple[str, ...], asyncio.Task[None]] = {}

    async def choices(self, desk: str, which: ChoiceList, *, budget: timedelta = NOW) -> Choices:
        """One of a desk's lists; known and empty where the desk has no such list."""
        adapter = self._desks.get(desk)
        if not adapter.has(Capability[which.name]):
            return Listing()
        return await self._get((desk, which), lambda: adapter.choices(which), budget)

    async def fields(self, desk: str, *, department: str = "", budget: timedelta = NOW) -> Fields:
        """The custom fields that a ticket in *department* has; known and empty where the desk has none."""
        adapter = self._desks.get(desk)
        if not adapter.has(Capability.CUSTOM_FIELDS):
            return Listing()
        found = await self._get((desk, "fields", department), lambda: adapter.custom_fields(department or None), budget)
        asked = tuple(field for field in found.items if not field.departments or department in field.departments)
        return Listing(asked, found.known)

    async def warm(self) -> None:
        """Begin to fetch what the forms will want first."""
        for desk in self._desks.names():
            department = self._desks.get(desk).settings.department
            await self.choices(desk, ChoiceList.DEPARTMENTS)
            await self.choices(desk, ChoiceList.PRIORITIES)
            await self.fields(desk, department=department)

    async def aclose(self) -> None:
        """Stop asking."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _get(
        self, key: tuple[str, ...], ask: Callable[[], Awaitable[tuple[T, ...]]], budget: timedelta
    ) -> Listing[T]:
        kept = self._kept.get(key)
        if kept and self._clock() - kept[1] < self._fresh:
            return Listing(kept[0])
        task = self._ask(key, ask)
        if kept:
            return Listing(kept[0])
        if task and budget > NOW:
            await asyncio.wait({task}, timeout=budget.total_seconds())
        kept = self._kept.get(key)
        return Listing(kept[0]) if kept else Listing((), known=False)

    def _ask(self, key: tuple[str, ...], ask: Callable[[], Awaitable[tuple[T, ...]]]) -> asyncio.Task[None] | None:
        if key not in self._asking and self._clock() - self._failed.get(key, -self._pause) >= self._pause:
            self._asking[key] = asyncio.create_task(self._fetch(key, ask))
        return self._asking.get(key)

    async def _fetch(self, key: tuple[str, ...], ask: Callable[[], Awaitable[tuple[T, ...]]]) -> None:
        try:
            self._kept[key] = (await ask(), self._clock())
            self._failed.pop(key, None)
        except AdapterError as error:
            self._failed[key] = self._clock()
            log.warning("%s does not tell its %s: %s", key[0], key[1], error)
        except Exception as error:  # noqa: BLE001 - a fault in an adapter of somebody else's must not take the form away
            self._failed[key] = self._clock()
            log.error("the adapter of %s failed on its %s: %s", key[0], key[1], type(error).__name__)
        finally:
            del self._asking[key]


def matching(choices: Iterable[Choice], words: str, *, limit: int = 100) -> tuple[Choice, ...]:
    """Up to *limit* choices whose label holds *words*, those that begin with them first."""
    sought = words.strip().casefold()
    found = [choice for choice in choices if sought in choice.label.casefold()]
    found.sort(key=lambda choice: not choice.label.casefold().startswith(sought))
    return tuple(found[:limit])
