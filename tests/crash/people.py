"""People and agents at work: each does one thing at a time, notes it in the ledger, and tries again where told to."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

from tests.crash.ledger import Ledger, Said, Thread
from tests.crash.town import Town

PATIENCE = 0.1
TRIES = 400


class GaveUp(Exception):
    """Something that a person wanted did not come about in many tries."""


class People:
    """Writes into threads that have a ticket, makes new ones, and answers as agents do."""

    def __init__(self, town: Town, ledger: Ledger, chance: random.Random) -> None:
        self._town, self._slack, self._ledger, self._chance = town, town.slack, ledger, chance
        ids = {person.name: person.id for person in self._slack.people.values()}
        self._users = [ids[name] for name in ("eva", "ben", "mira", "tom")]
        self._channel = next(channel.id for channel in self._slack.channels.values() if channel.name == "it-help")
        self.opening = asyncio.Lock()
        """Held while somebody opens a ticket."""

    # --- tickets ---

    async def open_from_thread(self) -> None:
        """Some messages, and a ticket of them."""
        async with self.opening:
            await self._from_thread()

    async def _from_thread(self) -> None:
        ledger, user = self._ledger, self._someone()
        thread = Thread(name=ledger.token(), channel=self._channel)
        before = []
        for _ in range(self._chance.randint(1, 3)):
            token = ledger.token()
            said = await self._slack.post(user, self._channel, f"{token} here it is", thread_ts=thread.ts)
            thread.ts = thread.ts or said["ts"]
            before.append(Said(thread=thread, ts=said["ts"], versions=[token], imported=True))

        async def ask() -> None:
            await self._slack.message_shortcut(user, self._channel, thread.ts, "create_ticket")

        await self._fill(user, ask, {"subject": f"About {thread.name}"})
        ledger.threads.append(thread)
        ledger.said.extend(before)
        ledger.ops += 1

    async def open_from_form(self) -> None:
        """A ticket from /ticket, whose card begins its thread; the thread is used as soon as it is there."""
        async with self.opening:
            await self._from_form()

    async def _from_form(self) -> None:
        ledger, user = self._ledger, self._someone()
        thread = Thread(name=ledger.token(), channel=self._channel)
        token = ledger.token()

        async def ask() -> None:
            await self._slack.command(user, self._channel, "/ticket", "new")

        texts = {"subject": f"About {thread.name}", "description": f"{token} as I said"}
        await self._fill(user, ask, texts)
        ledger.threads.append(thread)
        ledger.said.append(Said(thread=thread, ts="0", versions=[token], imported=True))
        ledger.ops += 1

    async def _fill(self, user: str, ask: Callable[[], Awaitable[None]], texts: dict[str, str]) -> None:
        """Open the form, fill it in and submit it, all of it again where Slack says that there was trouble."""
        for _ in range(TRIES):
            for view in reversed(self._slack.views_of(user)):
                await self._slack.close(user, view["id"])
            await ask()
            view = await self._drawn(user)
            if view is not None and await self._submitted(user, view, texts):
                return
            await asyncio.sleep(PATIENCE)
        raise GaveUp(f"the form of {texts['subject']}")

    async def _drawn(self, user: str) -> dict[str, Any] | None:
        for _ in range(60):
            views = self._slack.views_of(user)
            ready = views and any(block.get("block_id") == "subject" for block in views[-1]["blocks"])
            if ready and views[-1].get("submit") and "Asking" not in str(views[-1]):
                return views[-1]
            await asyncio.sleep(0.05)
        return None

    async def _submitted(self, user: str, view: dict[str, Any], texts: dict[str, str]) -> bool:
        chosen: dict[str, Any] = {}
        for block in view["blocks"]:
            element, name = block.get("element", {}), block.get("block_id", "")
            if name in texts:
                chosen[name] = {element["action_id"]: {"value": texts[name]}}
            elif block["type"] == "input" and _must(block) and not element.get("initial_option"):
                options = element.get("options", [])
                if element["type"] == "external_select":
                    options = await self._slack.suggest(user, view["id"], name, element["action_id"], "")
                if not options:
                    return False
                chosen[name] = {element["action_id"]: {"selected_option": options[0]}}
        for _ in range(TRIES):
            if not any(one["id"] == view["id"] for one in self._slack.views_of(user)):
                return True  # an answer that came too late closed it
            answer = await self._slack.submit(user, view["id"], chosen)
            if isinstance(answer.body, dict) and answer.body.get("errors"):
                return False
            if not answer.error:
                return True
            await asyncio.sleep(PATIENCE)
        return False

    # --- in threads ---

    async def reply(self, *, file: bool = False) -> None:
        """A message, perhaps with a file."""
        thread = self._thread()
        token, named = self._ledger.token(), self._ledger.token() if file else ""
        files = [(f"{named}.txt", named.encode() * 50, "text/plain")] if file else []
        text = f"{token} {self._chance.choice(('yes', 'no', 'it *still* burns', 'see https://wiki.example/x'))}"
        said = await self._slack.post(self._someone(), thread.channel, text, thread_ts=thread.ts, files=files)
        self._ledger.said.append(Said(thread=thread, ts=said["ts"], versions=[token], file=named))
        self._ledger.ops += 1

    async def file(self) -> None:
        """A message with a file."""
        await self.reply(file=True)

    async def note(self) -> None:
        """An internal note, by a wish in a thread that shows its ticket; elsewhere we say that there is none."""
        thread, token = self._thread(with_ticket=True), self._ledger.token()
        words = f"@threadline note {token} for agents"
        await self._slack.post(self._someone(), thread.channel, words, thread_ts=thread.ts)
        self._ledger.notes[token] = thread
        self._ledger.ops += 1

    async def edit(self) -> None:
        """One of the last messages gets another text."""
        if said := self._recent():
            token = self._ledger.token()
            author = self._slack.state.messages[said.thread.channel][said.ts]["user"]
            said.versions.append(token)
            await self._slack.edit(author, said.thread.channel, said.ts, f"{token} as I meant to say")
            self._ledger.ops += 1

    async def delete(self) -> None:
        """One of the last messages goes."""
        if said := self._recent():
            author = self._slack.state.messages[said.thread.channel][said.ts]["user"]
            said.deleted = True
            await self._slack.delete(author, said.thread.channel, said.ts)
            self._ledger.ops += 1

    async def turn(self) -> None:
        """Close the ticket, or open it again."""
        thread = self._thread(with_ticket=True)
        thread.closed = not thread.closed
        words = f"@threadline {'close' if thread.closed else 'reopen'}"
        await self._slack.post(self._someone(), thread.channel, words, thread_ts=thread.ts)
        self._ledger.ops += 1

    # --- agents ---

    async def answer(self) -> None:
        """An agent answers on the ticket, now and then for other agents only."""
        thread = self._thread(with_ticket=True)
        token, internal = self._ledger.token(), self._chance.random() < 0.2
        if internal:
            self._ledger.secrets.add(token)
        else:
            self._ledger.answers[token] = thread
        await self._town.agents.reply(thread.ticket, f"{token} have you tried it off and on?", internal=internal)
        self._ledger.ops += 1

    async def look(self) -> None:
        """Learn which tickets there are, and where the threads of those from a form began."""
        for ticket in await self._town.agents.tickets():
            thread = next((one for one in self._ledger.threads if one.name in ticket.subject), None)
            if thread is None:
                continue
            if not thread.ts:
                cards = [m for m in self._slack.history(self._channel) if thread.name in str(m) and m.get("bot_id")]
                thread.ts = cards[0]["ts"] if cards else ""
            linked = thread.ts and any(m.get("bot_id") for m in self._slack.replies(thread.channel, thread.ts))
            thread.ticket = ticket.id if linked else ""

    # --- choosing ---

    def _someone(self) -> str:
        return self._chance.choice(self._users)

    def _thread(self, *, with_ticket: bool = False) -> Thread:
        return self._chance.choice([t for t in self._ledger.threads if t.ts and (t.ticket or not with_ticket)])

    def _recent(self) -> Said | None:
        usable = [s for s in self._ledger.said[-25:] if not s.deleted and not s.imported and not s.file]
        return self._chance.choice(usable) if usable else None


def _must(block: dict[str, Any]) -> bool:
    """Whether a person fills it in: a department also where the desk could not be asked whether it needs one."""
    return not block.get("optional") or str(block["block_id"]).startswith("department")
