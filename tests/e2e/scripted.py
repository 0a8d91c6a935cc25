"""A scripted app and a desk in memory, with which the page is tried without the bot."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from typing_extensions import override

from bot.sandbox.desks.base import AgentDesk, SeenFile, SeenMessage, SeenTicket
from bot.sandbox.slack.outlet import Answer, Kind
from bot.sandbox.slack.posting import bot_message, content
from bot.sandbox.slack.workspace import Message, Workspace

Json = dict[str, Any]


@dataclass
class ScriptedApp:
    """An app that writes down what Slack sends it and answers from a table: payload type (or command) -> function."""

    workspace: Workspace
    answers: dict[str, Callable[[Json], Any]] = field(default_factory=dict)
    asked: list[Json] = field(default_factory=list)
    events: list[Json] = field(default_factory=list)
    held: asyncio.Event | None = None

    def event(self, body: Json) -> None:
        self.events.append(body)

    async def ask(self, kind: Kind, payload: Json) -> Answer:
        name = payload["command"] if kind == "slash_commands" else payload["type"]
        self.asked.append(payload)
        if self.held:
            await self.held.wait()
        if name not in self.answers:
            return Answer(status=0, error="dispatch_failed")
        return Answer(body=self.answers[name](payload))

    def of(self, kind: str) -> list[Json]:
        """What was asked of one type."""
        return [payload for payload in self.asked if payload.get("type") == kind or payload.get("command") == kind]

    def opens(self, view: Json) -> Callable[[Json], None]:
        """An answer that opens a form."""

        def answer(payload: Json) -> None:
            self.workspace.views.open(payload["trigger_id"], view)

        return answer

    def posts(self, channel: str, *, thread_ts: str = "", **fields: Any) -> Message:
        """A message of the app's bot."""
        message = bot_message(self.workspace.state, content(fields))
        if thread_ts:
            message["thread_ts"] = thread_ts
        return self.workspace.messages.add(channel, message)


@dataclass
class MemoryDesk(AgentDesk):
    """A desk that holds what a test puts into it."""

    system: ClassVar[str] = "Memory desk"
    kept: dict[str, SeenTicket] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)

    @override
    async def tickets(self):
        return tuple(replace(ticket, messages=()) for ticket in reversed(self.kept.values()))

    @override
    async def ticket(self, ticket_id):
        return self.kept[ticket_id]

    @override
    async def file(self, file_id):
        return self.contents[file_id]

    @override
    async def reply(self, ticket_id, text, *, internal=False, files=()):
        ticket = self.kept[ticket_id]
        seen = tuple(self.file_of(name, data) for name, data in files)
        number = str(len(ticket.messages) + 1)
        message = SeenMessage(
            id=number,
            author="Alex Agent",
            at="2026-11-22T10:00:00+00:00",
            text=text,
            internal=internal,
            by_agent=True,
            files=seen,
        )
        self.kept[ticket_id] = replace(ticket, messages=(*ticket.messages, message))

    @override
    async def set_closed(self, ticket_id, *, closed):
        self.kept[ticket_id] = replace(self.kept[ticket_id], closed=closed, status="Closed" if closed else "Open")

    @override
    async def delete(self, ticket_id):
        del self.kept[ticket_id]

    @override
    async def merge(self, ticket_id, into):
        moved, target = self.kept.pop(ticket_id), self.kept[into]
        self.kept[into] = replace(target, messages=(*target.messages, *moved.messages))

    def file_of(self, name: str, data: bytes) -> SeenFile:
        """Keep a file."""
        digest = hashlib.sha256(data).hexdigest()
        self.contents[digest] = data
        return SeenFile(id=digest, name=name, size=len(data), sha256=digest)


COMMANDS = (
    {"command": "/ticket", "description": "Open a ticket or work on one", "usage_hint": "[new | view | reply | help]"},
    {"command": "/weather", "description": "Say what the sky does"},
)
SHORTCUTS = (
    {
        "name": "Create ticket",
        "type": "message",
        "callback_id": "create_ticket",
        "description": "Turn this into a ticket",
    },
    {"name": "Add to ticket", "type": "message", "callback_id": "add_to_ticket", "description": "Add to a ticket"},
    {"name": "New ticket", "type": "global", "callback_id": "new_ticket", "description": "Open an empty form"},
)
