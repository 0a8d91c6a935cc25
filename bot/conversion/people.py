"""Who a Slack person is at a desk: as an operator wrote it down, else by e-mail where it may be trusted."""

import asyncio
import re
import time
from contextlib import AbstractContextManager
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import Person
from bot.conversion.mapped import Mapped, Mappings
from bot.conversion.ports import Author
from bot.conversion.rooms import Rooms
from bot.words import speaking

KEEP = 600.0
KEEP_WRITTEN = 60.0
"""Seconds until a mapping that was changed counts in every process."""
MOST = 5_000
PATIENCE = 5.0
"""Seconds that Slack may take to tell a person's language."""
_ADDRESS = r"[^@\s<>()\",;:]+@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W_](?:[\w-]*[^\W_])?"
_ADDRESSED = re.compile(rf"(?P<alone>{_ADDRESS})|(?P<name>[^<>@]*)<(?P<address>{_ADDRESS})>")


def addressed(text: str) -> tuple[str, str] | None:
    """Name and e-mail address in ``grace@example.com`` or ``Grace Hopper <grace@example.com>``; None for all else."""
    found = _ADDRESSED.fullmatch(text.strip())
    return found and ((found["name"] or "").strip().strip('"'), found["alone"] or found["address"])


async def speaking_to(rooms: Rooms, user: str) -> AbstractContextManager[None]:
    """What is written within is in the language of a Slack person; nobody waits for it on a screen."""
    return speaking(await rooms.threads.locale(user, patience=PATIENCE))


class Requesters:
    """Finds the desk's customer for a Slack person, and keeps each answer for ten minutes."""

    def __init__(self, mappings: Mappings | None = None) -> None:
        self._mappings = mappings
        self._known: dict[tuple[str, str], tuple[float, Person | None]] = {}
        self._asking: dict[tuple[str, str], asyncio.Task[Person | None]] = {}
        self._mapped: dict[tuple[str, str], tuple[float, Mapped | None]] = {}

    async def of(self, desk: TicketAdapter[Any], author: Author) -> Person:
        """*author* as the desk knows them; a stranger's e-mail is shown and never used to decide who they are.

        Raises:
            adapters.errors.AdapterError, StoreAway: the look-up failed.
        """
        person = Person(name=author.name, email=author.email, trusted_email=author.own_workspace)
        if mapped := await self._written(desk.name, author.id):
            email = mapped.email or None
            person = Person(name=mapped.name or author.name, email=email, desk_id=mapped.desk_id or None)
        return person if person.desk_id else await self.known(desk, person)

    async def _written(self, desk: str, user: str) -> Mapped | None:
        """What an operator wrote of somebody, as it was within the last minute."""
        if self._mappings is None or not user:
            return None
        until, found = self._mapped.get((desk, user), (0.0, None))
        if time.monotonic() >= until:
            found = await self._mappings.get(desk, user)
            if len(self._mapped) >= MOST:
                self._mapped.clear()
            self._mapped[desk, user] = (time.monotonic() + KEEP_WRITTEN, found)
        return found

    async def known(self, desk: TicketAdapter[Any], person: Person) -> Person:
        """*person* with the desk's id for them, where it has one."""
        if not (person.email and person.trusted_email and desk.has(Capability.FIND_REQUESTER)):
            return person
        key = (desk.name, person.email.lower())
        until, found = self._known.get(key, (0.0, None))
        if time.monotonic() >= until:
            found = await asyncio.shield(self._asking.get(key) or self._ask(desk, person.email, key))
        return found or person

    def _ask(self, desk: TicketAdapter[Any], email: str, key: tuple[str, str]) -> "asyncio.Task[Person | None]":
        """Ask the desk once, however many messages of theirs wait for the answer."""
        asking = self._asking[key] = asyncio.create_task(desk.find_requester(email))
        asking.add_done_callback(lambda _: self._keep(key, asking))
        return asking

    def _keep(self, key: tuple[str, str], asked: "asyncio.Task[Person | None]") -> None:
        if self._asking.get(key) is not asked:  # it was to be forgotten meanwhile
            return
        del self._asking[key]
        if asked.cancelled() or asked.exception() is not None:
            return
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[key] = (time.monotonic() + KEEP, asked.result())

    def forget(self, desk: TicketAdapter[Any], person: Person) -> None:
        """Look *person* up anew next time."""
        key = (desk.name, (person.email or "").lower())
        self._known.pop(key, None)
        self._asking.pop(key, None)
