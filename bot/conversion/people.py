"""Who a Slack person is at a desk: by e-mail where it may be trusted, looked up once in a while."""

import time
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import Person
from bot.conversion.ports import Author

KEEP = 600.0
MOST = 5_000


class Requesters:
    """Finds the desk's customer for a Slack person, and keeps each answer for ten minutes."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[float, Person | None]] = {}

    async def of(self, desk: TicketAdapter[Any], author: Author) -> Person:
        """*author* as the desk knows them; a stranger's e-mail is shown and never used to decide who they are.

        Raises:
            adapters.errors.AdapterError: the look-up failed.
        """
        person = Person(name=author.name, email=author.email, trusted_email=author.own_workspace)
        return await self.known(desk, person)

    async def known(self, desk: TicketAdapter[Any], person: Person) -> Person:
        """*person* with the desk's id for them, where it has one."""
        if not (person.email and person.trusted_email and desk.has(Capability.FIND_REQUESTER)):
            return person
        key = (desk.name, person.email.lower())
        until, found = self._known.get(key, (0.0, None))
        if time.monotonic() >= until:
            found = await desk.find_requester(person.email)
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (time.monotonic() + KEEP, found)
        return found or person

    def forget(self, desk: TicketAdapter[Any], person: Person) -> None:
        """Look *person* up anew next time."""
        self._known.pop((desk.name, (person.email or "").lower()), None)
