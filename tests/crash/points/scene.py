"""What a kind of operation is: how it is prepared, brought about, and looked at in the end."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from bot.conversion.intake import Intake
from bot.conversion.records import Link, ThreadKey
from tests.crash.ledger import Thread
from tests.crash.people import People
from tests.crash.points.place import Place, Wrong

EVENT = frozenset({"front", "worker", "slack_event"})
"""The way of an event into the lanes."""
POLLED: Mapping[str, Any] = MappingProxyType({"poll": 1.0})
"""For what the desk is asked for; elsewhere it would only disturb."""


class Scene:
    """One kind of operation at one place: it is prepared, brought about, and looked at, again and again.

    ``works`` names the kinds of work whose points are died at.
    """

    works: frozenset[str] = frozenset()
    desk_settings: Mapping[str, Any] = MappingProxyType({})
    slack_settings: Mapping[str, Any] = MappingProxyType({})
    without: frozenset[str] = frozenset()
    """Desks that cannot do this."""
    fresh = False
    """Whether each time needs a thread of its own."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.people: People

    async def renew(self) -> None:
        """A new thread with a ticket, in place of all before."""
        await self.place.forget()
        self.people = People(self.place, self.place.ledger, self.place.chance)  # type: ignore[arg-type]  # enough of a town
        self.people._users = self.people._users[:1]  # so that the same is asked each time
        if not self.fresh:
            await self.people.open_from_thread()
            await self.there()

    async def there(self) -> None:
        """Wait until each thread shows its ticket."""
        await self.place.rest()
        await self.people.look()
        if not all(thread.ticket for thread in self.place.ledger.threads):
            raise Wrong("a thread has no ticket")

    async def prepare(self) -> None:
        """What must be there before."""

    async def act(self) -> None:
        """Bring it about."""
        raise NotImplementedError

    async def missing(self) -> list[str]:
        """What is not there yet, in words."""
        return (await self.place.compare()).lost

    async def wrong(self) -> list[str]:
        """What is not as it must be, in words, once all has come to rest."""
        found = await self.place.compare()
        kinds = ("lost", "duplicated", "out_of_order", "leaked")
        return [f"{kind}: {what}" for kind in kinds for what in getattr(found, kind)]

    @property
    def thread(self) -> Thread:
        """The thread that it is about."""
        return self.place.ledger.threads[-1]

    @property
    def key(self) -> ThreadKey:
        """The same as the product names it."""
        return ThreadKey(team=self.place.team, channel=self.thread.channel, ts=self.thread.ts)

    @property
    def intake(self) -> Intake:
        """The way for wishes whose gesture is not what matters here."""
        return Intake(self.place.store.lanes, self.place.store.links)

    async def link(self) -> Link:
        """The thread's link."""
        found = await self.place.store.links.get(self.key)
        if found is None:
            raise Wrong("the thread has no link")
        return found

    async def wish(self, words: str) -> None:
        """Write our name and a wish into the thread."""
        user = self.people._someone()
        await self.place.slack.post(user, self.thread.channel, f"@threadline {words}", thread_ts=self.thread.ts)

    def posts(self, words: str) -> int:
        """How many of our posts in the thread hold such words."""
        return sum(words in str(post.get("text", "")) for post in self.place.ours(self.thread.channel, self.thread.ts))
