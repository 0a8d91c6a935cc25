"""People and agents who work evenly in a company: threads are begun, used for some minutes, closed and unlinked."""

import asyncio
import random
import time
from dataclasses import dataclass, field
from typing import Any

from bench.office import Office
from tests.crash.comparing import Found, Seen, compare
from tests.crash.ledger import TOKEN, Ledger, Said, Thread

LIVE = 20
"""Threads in use at a time."""
EVERY = 6.0
"""Seconds between two threads that begin, and end: each lives for two minutes. Slack's rates take no more."""
QUIET = 20.0
"""Seconds for which nobody writes any more in a thread before it is closed, and again before it is unlinked."""
KINDS = {"reply": 89, "edit": 6, "delete": 3, "answer": 1, "note": 1}
"""What is done in threads, of a hundred. More of the last two would be above Slack's rates for what we post."""


@dataclass(kw_only=True)
class Life:
    """A thread in use, or on its way out."""

    thread: Thread
    root: str
    said: list[Said] = field(default_factory=list)
    closes: float = 0.0
    closed: bool = False


class Living:
    """Does one thing after another, and notes it in the ledger."""

    def __init__(self, place: Office, seed: int) -> None:
        self._place, self._chance = place, random.Random(seed)
        self._slack, self._agents = place.world.workspace, place.world.agents
        self._users = [place.person(name) for name in ("eva", "ben", "mira", "tom")]
        self._channels = [place.channel("it-help"), place.channel("general")]
        self.ledger = Ledger()
        self.unlinked = 0
        self._live: list[Life] = []
        self._leaving: list[Life] = []
        self._next = 0.0
        self._sent: dict[str, float] = {}
        self._stored: dict[str, float] = {}
        self._unheard: dict[str, str] = {}  # events that Slack may send again, and their threads
        self._watch()

    def _watch(self) -> None:
        """Note when each message was first sent to the bot, when it was acknowledged, and what is not yet."""
        deliveries = self._place.world.slack.deliveries
        attempt = deliveries.attempt

        async def watched(body: dict[str, Any], number: int, reason: str) -> tuple[str, bool]:
            event = body.get("event", {})
            ts = str(event.get("ts", ""))
            inner = event.get("message") or event.get("previous_message") or event
            self._sent.setdefault(ts, time.monotonic())
            self._unheard[str(body.get("event_id"))] = str(inner.get("thread_ts", ""))
            answer = await attempt(body, number, reason)
            if not answer[0]:
                self._stored.setdefault(ts, time.monotonic())
                self._unheard.pop(str(body.get("event_id")), None)
            return answer

        deliveries.attempt = watched  # type: ignore[method-assign]  # what the stand-in offers to watch it by

    async def live(self, seconds: float, rate: float) -> None:
        """Do *rate* things a second for so many seconds."""
        began = time.monotonic()
        for number in range(int(seconds * rate)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            await self._one()
            self.ledger.ops += 1

    async def _one(self) -> None:
        now = time.monotonic()
        leaving = next((life for life in self._leaving if now > life.closes and self._is_heard(life)), None)
        if leaving is not None:
            await self._leave(leaving, now)
        elif now > self._next or not self._live:
            self._next = now + EVERY
            await self._open(now)
        else:
            life = self._chance.choice(self._live)
            (kind,) = self._chance.choices(list(KINDS), list(KINDS.values()))
            await getattr(self, f"_{kind}")(life)

    def _is_heard(self, life: Life) -> bool:
        """Whether the bot has acknowledged all that was said in a thread; what comes after its end is for nobody."""
        given_up = {body["event_id"] for body in self._place.world.slack.deliveries.given_up}
        return not any(root == life.root and event not in given_up for event, root in self._unheard.items())

    # --- threads ---

    async def _open(self, now: float) -> None:
        """A thread, and a ticket by a reaction; the oldest thread is left in peace from now on."""
        channel, user, name = self._chance.choice(self._channels), self._someone(), self.ledger.token()
        root = await self._slack.post(user, channel, f"{name} the printer burns")
        await self._slack.react(user, channel, root["ts"], "ticket")
        thread = Thread(name=name, channel=channel, ts=root["ts"])
        self.ledger.threads.append(thread)
        self._live.append(Life(thread=thread, root=root["ts"]))
        if len(self._live) > LIVE:
            old = self._live.pop(0)
            old.closes = now + QUIET
            self._leaving.append(old)

    async def _leave(self, life: Life, now: float) -> None:
        verb = "unlink" if life.closed else "close"
        await self._slack.post(self._someone(), life.thread.channel, f"@threadline {verb}", thread_ts=life.thread.ts)
        life.closes, life.thread.closed = now + QUIET, True
        if life.closed:
            self._leaving.remove(life)
            self.unlinked += 1
        life.closed = True

    # --- in threads ---

    async def _reply(self, life: Life) -> None:
        token = self.ledger.token()
        text = f"{token} {self._chance.choice(('yes', 'no', 'it *still* burns', 'see https://wiki.example/x'))}"
        said = await self._slack.post(self._someone(), life.thread.channel, text, thread_ts=life.thread.ts)
        life.said.append(Said(thread=life.thread, ts=said["ts"], versions=[token]))
        self.ledger.said.append(life.said[-1])

    async def _edit(self, life: Life) -> None:
        if (said := self._recent(life)) is None:
            await self._reply(life)
            return
        said.versions.append(self.ledger.token())
        text = f"{said.versions[-1]} as I meant to say"
        await self._slack.edit(self._author(said), said.thread.channel, said.ts, text)

    async def _delete(self, life: Life) -> None:
        if (said := self._recent(life)) is None:
            await self._reply(life)
            return
        said.deleted = True
        await self._slack.delete(self._author(said), said.thread.channel, said.ts)

    async def _note(self, life: Life) -> None:
        if not life.thread.ticket:
            await self._reply(life)
            return
        token = self.ledger.token()
        words = f"@threadline note {token} for agents"
        await self._slack.post(self._someone(), life.thread.channel, words, thread_ts=life.thread.ts)
        self.ledger.notes[token] = life.thread

    async def _answer(self, life: Life) -> None:
        if not life.thread.ticket:
            await self._reply(life)
            return
        token = self.ledger.token()
        self.ledger.answers[token] = life.thread
        await self._agents.reply(life.thread.ticket, f"{token} have you tried it off and on?")

    def _someone(self) -> str:
        return self._chance.choice(self._users)

    def _recent(self, life: Life) -> Said | None:
        usable = [said for said in life.said[-10:] if not said.deleted]
        return self._chance.choice(usable) if usable else None

    def _author(self, said: Said) -> str:
        return str(self._slack.state.messages[said.thread.channel][said.ts]["user"])

    # --- at the desk ---

    async def learn(self) -> None:
        """Learn which ticket each thread in use has got, once its card is there."""
        unknown = {life.thread.name: life.thread for life in self._live if not life.thread.ticket}
        for ticket in await self._agents.tickets() if unknown else ():
            name = next(iter(TOKEN.findall(ticket.subject)), "")
            if (thread := unknown.get(name)) and self._posts(thread):
                thread.ticket = ticket.id

    def _posts(self, thread: Thread) -> list[str]:
        """What the bot said in a thread."""
        there = self._slack.replies(thread.channel, thread.ts)
        return [str(m.get("text", "")) for m in there if m.get("bot_id") == self._slack.bot_id]

    async def compare(self) -> Found:
        """What was written against what is there."""
        tickets = [await self._agents.ticket(ticket.id) for ticket in await self._agents.tickets()]
        posts = {thread.name: self._posts(thread) for thread in self.ledger.threads}
        seen = Seen(tickets=tickets, posts=posts, sent=self._sent, stored=self._stored)
        given_up = self._place.world.slack.deliveries.given_up
        return compare(self.ledger, seen, never_handed=[t for body in given_up for t in TOKEN.findall(str(body))])

    def deliveries(self) -> dict[str, int]:
        """How often Slack sent an event again, and how many it gave up."""
        counts = self._place.world.slack.deliveries.counts
        return {"sent_again": counts["retried"], "given_up": counts["given_up"]}
