"""The demo's journey as a transcript: what people do in Slack and what is at the desk then, each step checked."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from rich.console import Console

from adapters.contract import Capability
from adapters.registry import load
from bot.sandbox.demo import World
from bot.sandbox.desks.base import SeenTicket

T = TypeVar("T")
PATIENCE = 20.0
"""Seconds until a step that does not come true is called broken."""
POLL = 0.05


class Wrong(Exception):
    """A step did not come true."""

    def __init__(self, step: str, words: str) -> None:
        super().__init__(words)
        self.step = step


class Journey:
    """Walks through the product as its people do. Every line printed was seen, not assumed."""

    def __init__(self, world: World, out: Console) -> None:
        self._world = world
        self._slack = world.workspace
        self._agents = world.agents
        self._out = out
        self._kind = str(world.settings["desks"]["demo"]["kind"])
        self._step = ""
        people = {person.name: person.id for person in self._slack.people.values()}
        self._tom, self._eva, self._mira = people["tom"], people["eva"], people["mira"]
        channels = {channel.name: channel.id for channel in self._slack.channels.values()}
        self._channel = channels["it-help"]

    async def walk(self) -> None:
        """All steps. Raises Wrong at the first that is broken."""
        ticket = await self._by_command()
        await self._reply(ticket)
        imported = await self._by_shortcut()
        await self._reply_in_thread(imported)
        await self._agent_answers(imported)
        self._say("Done", "every step came true.")

    async def _by_command(self) -> SeenTicket:
        self._begin("Tom types /ticket printer is on fire")
        answer = await self._slack.command(self._tom, self._channel, "/ticket", "printer is on fire")
        self._check(not answer.error, answer.error)
        view = await self._form(self._tom)
        self._show_form(view)
        self._begin("Tom submits the form without a subject")
        subject = self._input(view, "subject")
        emptied = {subject["block_id"]: {subject["element"]["action_id"]: {"value": ""}}}
        refused = await self._slack.submit(self._tom, view["id"], emptied)
        errors = (refused.body or {}).get("errors") if isinstance(refused.body, dict) else None
        self._check(bool(errors) or bool(refused.error), "the empty subject was accepted")
        self._line("form", f"stays open: {'; '.join((errors or {'': refused.error}).values())}")
        self._begin("Tom writes a subject and submits")
        typed = {subject["block_id"]: {subject["element"]["action_id"]: {"value": "Printer is on fire"}}}
        return await self._submitted(self._tom, view, typed, "Printer is on fire")

    async def _by_shortcut(self) -> SeenTicket:
        root = next(m for m in self._slack.history(self._channel) if m.get("reply_count"))
        thread = self._slack.replies(self._channel, root["ts"])
        self._begin(f"Eva chooses Create ticket on a thread of {len(thread)} messages")
        answer = await self._slack.message_shortcut(self._eva, self._channel, root["ts"], "create_ticket")
        self._check(not answer.error, answer.error)
        view = await self._form(self._eva)
        self._show_form(view)
        subject = self._input(view, "subject")
        typed = {subject["block_id"]: {subject["element"]["action_id"]: {"value": "Labels print twice"}}}
        ticket = await self._submitted(self._eva, view, typed, "Labels print twice", root["ts"])
        sent = [file for message in thread for file in message.get("files", [])]
        expected = sorted(hashlib.sha256(self._slack.file_bytes(file["id"])).hexdigest() for file in sent)
        found = sorted(file.sha256 for message in ticket.messages for file in message.files)
        self._check(expected == found, f"of {len(expected)} files {len(found)} arrived")
        text = "\n".join(message.text for message in ticket.messages)
        names = [self._slack.people[message["user"]].real_name for message in thread if "user" in message]
        self._check(all(name in text for name in names), "an author is missing at the desk")
        self._line(
            "desk", f"has {len(thread)} messages of {len(set(names))} people and {len(found)} file(s), hashes equal"
        )
        self._show_ticket(ticket)
        return ticket

    async def _reply(self, ticket: SeenTicket) -> None:
        self._begin(f"Tom types /ticket reply {ticket.number}")
        words = f"reply {ticket.number} It is out now, but smells."

        said: list[str] = []

        async def taken() -> bool:
            answer = await self._slack.command(self._tom, self._channel, "/ticket", words)
            said[:] = [answer.error or str(answer.body)]
            return not answer.error and "on its way" in str(answer.body)

        await self._until(taken, "the command was not accepted: ", said)
        seen = await self._until(lambda: self._holding(ticket.id, "but smells"), "the reply did not reach the ticket")
        self._show_ticket(seen)

    async def _reply_in_thread(self, ticket: SeenTicket) -> None:
        root = next(m for m in self._slack.history(self._channel) if m.get("reply_count"))
        self._begin("Mira replies in the thread, five minutes later")
        said = await self._slack.post(self._mira, self._channel, "Fixed: the spooler ran *twice*", thread_ts=root["ts"])
        seen = await self._until(lambda: self._holding(ticket.id, "the spooler ran"), "the reply did not arrive")
        await self._until(lambda: self._receipt(said["ts"]), "no receipt was shown")
        self._line("slack", "shows a receipt on her message")
        self._show_ticket(seen)

    async def _agent_answers(self, ticket: SeenTicket) -> None:
        if Capability.READ_MESSAGES not in load(self._kind).capabilities:
            return
        self._begin("An agent answers at the desk, with a file")
        await self._agents.reply(ticket.id, "Thank you, Mira. Guide attached.", files=(("guide.txt", b"1. Restart"),))
        root = next(m for m in self._slack.history(self._channel) if m.get("reply_count"))

        async def heard() -> dict[str, Any] | None:
            said = self._slack.replies(self._channel, root["ts"])
            return next((m for m in said if "Guide attached" in m.get("text", "")), None)

        answer = await self._until(heard, "the answer did not reach the thread")
        self._line("slack", f"shows in the thread: {' | '.join(answer['text'].splitlines())}")

    # --- how it looks and waits --------------------------------------------------------------------------------------

    async def _form(self, user: str) -> dict[str, Any]:
        """The form on top, once it is filled."""

        async def filled() -> dict[str, Any] | None:
            views = self._slack.views_of(user)
            ready = views and any(block.get("block_id") == "subject" for block in views[-1]["blocks"])
            return views[-1] if ready and views[-1].get("submit") and "Asking" not in str(views[-1]) else None

        return await self._until(filled, "the form was not filled")

    async def _submitted(
        self, user: str, view: dict[str, Any], typed: dict[str, Any], subject: str, thread: str = ""
    ) -> SeenTicket:
        answer = await self._slack.submit(user, view["id"], await self._chosen(user, view) | typed)
        self._check(not answer.error, answer.error)
        errors = answer.body.get("errors") if isinstance(answer.body, dict) else None
        self._check(not errors, f"the form was refused: {errors}")
        ticket = await self._until(lambda: self._ticket(subject), "no ticket came to the desk")
        self._line("desk", f"has ticket {ticket.number}: {ticket.subject}")
        card = await self._until(lambda: self._card(ticket.number, thread), "no card was posted")
        where = "in the thread" if thread else "in the channel"
        self._line("slack", f"shows a card {where}: {card['text'].splitlines()[0]}")
        return await self._agents.ticket(ticket.id)

    async def _chosen(self, user: str, view: dict[str, Any]) -> dict[str, Any]:
        """The first entry of each list that must be chosen from and starts empty."""
        chosen: dict[str, Any] = {}
        for block in view["blocks"]:
            element = block.get("element", {})
            if block["type"] != "input" or block.get("optional") or element.get("initial_option"):
                continue
            options = element.get("options", [])
            if element["type"] == "external_select":
                options = await self._slack.suggest(user, view["id"], block["block_id"], element["action_id"], "")
            if options:
                chosen[block["block_id"]] = {element["action_id"]: {"selected_option": options[0]}}
        return chosen

    async def _ticket(self, subject: str) -> SeenTicket | None:
        return next((found for found in await self._agents.tickets() if found.subject == subject), None)

    async def _card(self, number: str, thread: str) -> dict[str, Any] | None:
        said = self._slack.replies(self._channel, thread) if thread else self._slack.history(self._channel)
        cards = (m for m in said if m.get("bot_id") == self._slack.bot_id and f"Ticket {number}" in m.get("text", ""))
        return next(cards, None)

    async def _holding(self, ticket_id: str, text: str) -> SeenTicket | None:
        ticket = await self._agents.ticket(ticket_id)
        return ticket if any(text in message.text for message in ticket.messages) else None

    async def _receipt(self, ts: str) -> bool:
        root = next(m for m in self._slack.history(self._channel) if m.get("reply_count"))
        message = next(m for m in self._slack.replies(self._channel, root["ts"]) if m["ts"] == ts)
        return bool(message.get("reactions"))

    async def _until(self, look: Callable[[], Awaitable[T | None]], otherwise: str, said: Sequence[str] = ()) -> T:
        for _ in range(int(PATIENCE / POLL)):
            if found := await look():
                return found
            await asyncio.sleep(POLL)
        raise Wrong(self._step, otherwise + " ".join(said))

    def _check(self, true: bool, otherwise: str) -> None:  # noqa: FBT001 - a statement and what to say where it is not so
        if not true:
            raise Wrong(self._step, otherwise)

    def _begin(self, step: str) -> None:
        self._step = step
        self._out.print(f"\n> {step}", style="bold", markup=False)

    def _line(self, who: str, what: str) -> None:
        self._out.print(f"  {who:6} {what}", markup=False, soft_wrap=True)

    def _say(self, who: str, what: str) -> None:
        self._out.print(f"\n{who}: {what}", markup=False)

    def _input(self, view: dict[str, Any], block_id: str) -> dict[str, Any]:
        found: dict[str, Any] = next(block for block in view["blocks"] if block.get("block_id") == block_id)
        return found

    def _show_form(self, view: dict[str, Any]) -> None:
        labels = [block["label"]["text"] for block in view["blocks"] if block["type"] == "input"]
        self._line("form", f"“{view['title']['text']}” asks for: {', '.join(labels)}")

    def _show_ticket(self, ticket: SeenTicket) -> None:
        self._line("agent", f"ticket {ticket.number}, {ticket.status}, {ticket.department or 'no department'}:")
        for message in ticket.messages:
            kind = "internal note" if message.internal else "reply"
            self._out.print(f"         [{kind}] {message.author}:", markup=False)
            for text in message.text.splitlines():
                self._out.print(f"           {text}", markup=False, soft_wrap=True)
            for file in message.files:
                self._out.print(f"           [file] {file.name}, {file.size} bytes", markup=False)
