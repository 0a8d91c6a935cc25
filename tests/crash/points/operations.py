"""All kinds of operation that are died in; those about messages, answers and agents are here."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from bot.conversion.ops import remind_op, sweep_op
from bot.conversion.records import ThreadKey
from bot.sandbox.faults import Fault
from tests.crash.points.place import Place
from tests.crash.points.scene import EVENT, POLLED, Scene
from tests.crash.points.tickets import Change, Create, Form, Gone, Linked, Move, MoveHere, Step


class Reply(Scene):
    """A message in a thread that has a ticket."""

    works = EVENT | {"add_message", "receipt"}

    async def act(self) -> None:
        await self.people.reply()


class ReplyInWords(Reply):
    """The same where receipts are said in words."""

    works = frozenset({"receipt"})
    slack_settings = MappingProxyType({"receipts": "text"})


class File(Scene):
    """A message with a file."""

    works = frozenset({"add_message"})

    async def act(self) -> None:
        await self.people.file()


class Note(Scene):
    """An internal note, by a wish."""

    works = frozenset({"slack_event", "add_message", "show_card"})
    without = frozenset({"keliweb"})

    async def act(self) -> None:
        await self.people.note()


class Edit(Scene):
    """A message that is on the ticket gets another text."""

    works = frozenset({"slack_event", "edit_message"})

    async def prepare(self) -> None:
        await self.people.reply()

    async def act(self) -> None:
        await self.people.edit()


class Delete(Edit):
    """A message that is on the ticket is deleted."""

    works = frozenset({"slack_event", "delete_message"})

    async def act(self) -> None:
        await self.people.delete()


class Answer(Scene):
    """An agent answers."""

    works = frozenset({"pull_ticket", "poll_desk"})
    desk_settings = POLLED
    without = frozenset({"keliweb"})
    files: tuple[tuple[str, bytes], ...] = ()

    async def prepare(self) -> None:
        self.seen = (await self.link()).seen

    async def act(self) -> None:
        token = self.place.ledger.token()
        self.place.ledger.answers[token] = self.thread
        self.files = ((f"{token}.txt", token.encode() * 20),) if self.with_file else ()
        await self.place.agents.reply(self.thread.ticket, f"{token} have you tried?", files=self.files)

    with_file = False

    def shared(self) -> int:
        """How often the file is in the thread."""
        names = [file[0] for file in self.files]
        posts = self.place.ours(self.thread.channel, self.thread.ts)
        return sum(f.get("name") in names for post in posts for f in post.get("files") or [])

    async def missing(self) -> list[str]:
        moved = (await self.link()).seen != self.seen
        return await super().missing() or ([] if moved else ["the watermark"])


class AnswerFile(Answer):
    """An agent answers with a file."""

    with_file = True

    async def missing(self) -> list[str]:
        return await super().missing() or ([] if self.shared() else ["the file"])

    async def wrong(self) -> list[str]:
        return [*await super().wrong(), *([] if self.shared() == 1 else [f"the file is there {self.shared()} times"])]


class Sweep(Scene):
    """Slack never delivered a message, and the sweep finds it."""

    works = frozenset({"sweep_thread"})

    async def act(self) -> None:
        with self.place.deaf():
            await self.people.reply()
        await self.place.store.lanes.add([sweep_op(self.key)])


class Told(Scene):
    """Somebody wishes for what cannot be, and hears that."""

    works = frozenset({"slack_event", "tell"})
    fresh = True

    async def prepare(self) -> None:
        user = self.people._someone()
        self.user = user
        root = await self.place.slack.post(user, self.people._channel, "a thread without a ticket")
        self.ts = root["ts"]

    async def act(self) -> None:
        self.before = len(self.place.slack.ephemerals(self.user, self.people._channel))
        await self.place.slack.post(self.user, self.people._channel, "@threadline close", thread_ts=self.ts)

    async def missing(self) -> list[str]:
        there = len(self.place.slack.ephemerals(self.user, self.people._channel))
        return [] if there > self.before else ["the word"]


class Switched(Scene):
    """Another part of a thread goes to its ticket from now on."""

    works = frozenset({"slack_event", "say"})
    nothing = False

    async def act(self) -> None:
        self.nothing = not self.nothing
        self.before = len(self.place.ours(self.thread.channel, self.thread.ts))
        await self.wish(f"mirror {'nothing' if self.nothing else 'everything'}")

    async def missing(self) -> list[str]:
        now = (await self.link()).now.mirror
        said = len(self.place.ours(self.thread.channel, self.thread.ts)) - self.before
        return [] if now == ("nothing" if self.nothing else "everything") and said else ["the switch"]

    async def wrong(self) -> list[str]:
        said = len(self.place.ours(self.thread.channel, self.thread.ts)) - self.before
        return [] if said == 1 else [f"it is said {said} times"]


class ReplyToClosed(Scene):
    """A reply in the thread of a closed ticket opens it again."""

    works = frozenset({"add_message"})
    without = frozenset({"keliweb"})

    async def prepare(self) -> None:
        await self.place.agents.set_closed((await self.link()).ticket_id, closed=True)

    async def act(self) -> None:
        await self.people.reply()


class FollowUp(ReplyToClosed):
    """A reply in the thread of a closed ticket opens a new one."""

    desk_settings = MappingProxyType({"closed": "new"})
    fresh = True

    async def prepare(self) -> None:
        await self.people.open_from_thread()
        await self.there()
        await super().prepare()

    async def missing(self) -> list[str]:
        return await super().missing() or ([] if (await self.link()).follows else ["the new ticket"])

    async def wrong(self) -> list[str]:
        tickets = len(await self.place.tickets())
        twice = f"duplicated: {self.thread.name} 2 times"  # the new ticket has the old one's subject
        found = [one for one in await super().wrong() if one != twice]
        return [*found, *([] if tickets == 2 else [f"{tickets} tickets"])]


class Agents(Create):
    """A new ticket is shown in its agents' channel."""

    works = frozenset({"tell_agents"})

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place

    def agents_cards(self) -> list[dict[str, Any]]:
        """The cards there."""
        return [m for m in self.place.slack.history(self.place.agents_channel) if self.thread.name in str(m)]

    async def missing(self) -> list[str]:
        return await super().missing() or ([] if self.agents_cards() else ["the agents' card"])

    async def wrong(self) -> list[str]:
        cards = len(self.agents_cards())
        return [*await super().wrong(), *([f"{cards} cards for agents"] if cards != 1 else [])]


class Reminder(Agents):
    """Agents are reminded that nobody has answered."""

    works = frozenset({"remind"})

    async def prepare(self) -> None:
        await self.people.open_from_thread()
        await self.there()
        self.card = self.agents_cards()[0]["ts"]
        self.agents_key = ThreadKey(team=self.place.team, channel=self.place.agents_channel, ts=self.card)

    async def act(self) -> None:
        late = {"first_reply_by": datetime.now(UTC) - timedelta(minutes=1), "answered": None}
        await self.place.store.links.update(self.agents_key, lambda now: now.model_copy(update=late))
        await self.place.store.lanes.add([remind_op(self.agents_key)])

    def given(self) -> int:
        """How often it was said."""
        posts = self.place.ours(self.place.agents_channel, self.card)
        return sum("has had no reply" in str(post.get("text", "")) for post in posts)

    async def missing(self) -> list[str]:
        link = await self.place.store.links.get(self.agents_key)
        return [] if self.given() and link and link.reminded else ["the reminder"]

    async def wrong(self) -> list[str]:
        return [] if self.given() == 1 else [f"reminded {self.given()} times"]


class Outage(Reply):
    """A reply while the desk does not answer: it waits, and is sent when the desk is back."""

    works = frozenset({"add_message"})
    without = frozenset({"local"})

    async def act(self) -> None:
        faults = self.place.world.stand_in.faults  # type: ignore[union-attr]  # the local desk has none
        faults.always = Fault.REFUSE
        try:
            await self.people.reply()
            await asyncio.sleep(0.6)
        finally:
            faults.always = None


KINDS: Mapping[str, type[Scene]] = MappingProxyType(
    {
        "create": Create,
        "form": Form,
        "step": Step,
        "reply": Reply,
        "receipt in words": ReplyInWords,
        "file": File,
        "note": Note,
        "edit": Edit,
        "delete": Delete,
        "change": Change,
        "link": Linked,
        "move": Move,
        "move here": MoveHere,
        "answer": Answer,
        "answer with file": AnswerFile,
        "sweep": Sweep,
        "tell": Told,
        "switch": Switched,
        "reply to closed": ReplyToClosed,
        "follow-up": FollowUp,
        "agents": Agents,
        "reminder": Reminder,
        "outage": Outage,
        "gone": Gone,
    }
)
