"""The kinds of operation that are about a whole ticket: opening, linking, moving and changing it."""

from typing import Any

from bot.conversion.records import MoveTicket
from tests.crash.ledger import Said, Thread
from tests.crash.points.place import OTHER
from tests.crash.points.scene import POLLED, Scene


class Create(Scene):
    """A ticket from a thread, by the message's menu and the form."""

    works = frozenset({"front", "worker", "open_ticket", "show_card"})
    fresh = True

    async def act(self) -> None:
        await self.people.open_from_thread()

    async def missing(self) -> list[str]:
        await self.people.look()
        if lost := await super().missing():
            return lost
        there = self.place.ours(self.thread.channel, self.thread.ts) or self.place.without_card
        return [] if there else ["the card"]

    async def wrong(self) -> list[str]:
        cards = len(self.place.ours(self.thread.channel, self.thread.ts)) + self.place.without_card
        return [*await super().wrong(), *([f"{cards} cards"] if cards != 1 else [])]


class Form(Scene):
    """A ticket from /ticket, whose card begins its thread."""

    works = frozenset({"front", "open_ticket", "show_card"})
    fresh = True

    async def act(self) -> None:
        await self.people.open_from_form()

    def cards(self) -> list[dict[str, Any]]:
        """What stands in the channel about it."""
        return [m for m in self.place.slack.history(self.thread.channel) if self.thread.name in str(m)]

    async def missing(self) -> list[str]:
        return await super().missing() or ([] if self.cards() or self.place.without_card else ["the card"])

    async def wrong(self) -> list[str]:
        cards = len(self.cards()) + self.place.without_card
        return [*await super().wrong(), *([f"{cards} cards"] if cards != 1 else [])]


class Step(Form):
    """A ticket from a workflow's step."""

    works = frozenset({"slack_event", "open_ticket", "finish_step"})
    execution = ""
    asked = 0

    async def act(self) -> None:
        ledger, user = self.place.ledger, self.people._someone()
        thread = Thread(name=ledger.token(), channel=self.people._channel)
        token = ledger.token()
        ledger.threads.append(thread)
        ledger.said.append(Said(thread=thread, ts="0", versions=[token], imported=True))
        inputs = {"requester": user, "subject": f"About {thread.name}", "description": f"{token} as I said"}
        inputs["channel"] = thread.channel
        self.asked = self.place.asked
        self.execution = await self.place.slack.run_step("create_ticket", inputs)

    async def missing(self) -> list[str]:
        state = self.place.slack.steps.executions[self.execution].state
        # a workflow does not wait for what a person is asked
        ended = state == "completed" or (state == "failed" and self.place.asked > self.asked)
        return await super().missing() or ([] if ended else [f"the step is {state}"])


class Change(Scene):
    """The ticket is closed, or opened again."""

    works = frozenset({"slack_event", "change_ticket", "tell"})
    without = frozenset({"keliweb"})

    async def act(self) -> None:
        await self.people.turn()

    async def missing(self) -> list[str]:
        ticket = await self.place.agents.ticket(self.thread.ticket)
        return [] if ticket.closed == self.thread.closed else ["the change"]


class Linked(Scene):
    """A thread is linked to a ticket that is at the desk already."""

    works = frozenset({"slack_event", "link_ticket", "show_card"})
    fresh = True
    without = frozenset({"keliweb"})

    async def prepare(self) -> None:
        await self.people.open_from_thread()
        await self.there()
        link = await self.link()
        self.number = link.number
        await self.place.store.links.remove(link)
        user = self.people._someone()
        root = await self.place.slack.post(user, self.thread.channel, "another thread about it")
        self.before = self.thread.ts
        self.thread.ts = root["ts"]

    async def act(self) -> None:
        await self.wish(f"link {self.number}")

    async def missing(self) -> list[str]:
        found = await self.place.store.links.get(self.key)
        return [] if found and found.number == self.number and found.card_ts else ["the link and its card"]

    async def wrong(self) -> list[str]:
        cards = self.posts(self.number)
        return [*await super().wrong(), *([f"{cards} cards"] if cards != 1 else [])]


class Move(Scene):
    """A thread goes on at another desk, and the old ticket is closed."""

    works = frozenset({"move_ticket", "leave_ticket", "say"})
    fresh = True

    async def prepare(self) -> None:
        await self.people.open_from_thread()
        await self.there()
        await self.people.reply()
        await self.place.rest()

    async def act(self) -> None:
        user = self.people._someone()
        await self.intake.move(self.key, MoveTicket(actor=user, desk=self.to), once=self.thread.name)

    to = OTHER

    def target(self) -> Any:
        """The agents of the desk where it goes."""
        return self.place.others

    async def missing(self) -> list[str]:
        link = await self.link()
        return [] if link.desk == self.to or self.place.without_card else ["the move"]

    async def wrong(self) -> list[str]:
        link = await self.link()
        named = [one for one in await self.target().tickets() if self.thread.name in one.subject]
        found = [f"{len(named)} tickets there"] if len(named) != self.expected else []
        if self.place.without_card:  # a person said that it is there, and links the thread with it by its number
            return found
        if (told := self.posts("goes on in")) != 1:
            found.append(f"it is said {told} times that it goes on")
        ticket = await self.target().ticket(link.ticket_id)
        for said in self.place.ledger.said:
            times = sum(said.versions[-1] in message.text for message in ticket.messages)
            found += [] if times == 1 else [f"{said.versions[-1]} {times} times"]
        return found

    expected = 1


class MoveHere(Move):
    """A thread comes from another desk."""

    to = "demo"
    expected = 2

    async def prepare(self) -> None:
        await super().prepare()
        user = self.people._someone()
        await self.intake.move(self.key, MoveTicket(actor=user, desk=OTHER), once=f"{self.thread.name} first")
        await self.place.rest()

    def target(self) -> Any:
        return self.place.agents

    async def wrong(self) -> list[str]:
        return [one for one in await super().wrong() if not one.startswith("it is said 2")]


class Gone(Scene):
    """An agent deletes the ticket."""

    works = frozenset({"pull_ticket"})
    desk_settings = POLLED
    fresh = True
    without = frozenset({"keliweb"})

    async def prepare(self) -> None:
        await self.people.open_from_thread()
        await self.there()

    async def act(self) -> None:
        await self.place.agents.delete(self.thread.ticket)

    async def missing(self) -> list[str]:
        return [] if (await self.link()).state == "gone" else ["that it is gone"]

    async def wrong(self) -> list[str]:
        said = self.posts("New replies stay here")
        return [] if said == 1 else [f"it is said {said} times that the ticket is gone"]
