"""A helpdesk in memory behind the contract of adapters, in three flavours that differ in what can be found out."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from adapters.contract import Capability, Limits, Reconcile, TicketAdapter
from adapters.errors import NotFound, OutcomeUnknown, Rejected, Unavailable
from adapters.model import (
    Act,
    Body,
    Change,
    Finding,
    Message,
    MessageDraft,
    MessageRef,
    Opened,
    Person,
    Role,
    Status,
    Ticket,
    TicketDraft,
    TicketRef,
    Visibility,
)
from adapters.settings import DeskSettings
from tests.simulation.loop import Clock
from tests.simulation.network import Cut, Network, Rates

TIMEOUT, SETTLE = 3.0, 2.0
POISON = "unspeakable"
"""A text with this word is refused for good."""
BASE = frozenset(
    {
        Capability.REPLY,
        Capability.NOTE,
        Capability.READ_TICKET,
        Capability.READ_MESSAGES,
        Capability.CLOSE,
        Capability.REOPEN,
        Capability.AUTHOR,
    }
)
FLAVOURS = {
    "exact": (
        Reconcile.EXACT,
        BASE | {Capability.FIRST_MESSAGE, Capability.EDIT_MESSAGE, Capability.CHANGED_SINCE},
    ),
    "listing": (Reconcile.BY_LISTING, BASE),
    "none": (Reconcile.NONE, BASE | {Capability.FIRST_MESSAGE}),
}


@dataclass
class Entry:
    """A message on a ticket."""

    id: int
    text: str
    by_agent: bool
    internal: bool
    marker: str
    at: datetime


@dataclass
class SeenTicket:
    """A ticket."""

    id: int
    marker: str
    subject: str
    closed: bool = False
    changed: int = 0
    entries: list[Entry] = field(default_factory=list)


class DeskState:
    """What the desk holds. Each method is one moment."""

    def __init__(self) -> None:
        self.tickets: dict[int, SeenTicket] = {}
        self.up = True
        self._ids = 0
        self.moves = 0

    def _next(self) -> int:
        self._ids += 1
        return self._ids

    def _touch(self, ticket: SeenTicket) -> None:
        self.moves += 1
        ticket.changed = self.moves

    def open(self, subject: str, first: MessageDraft, *, with_text: bool) -> Opened:
        """A new ticket."""
        ticket = SeenTicket(id=self._next(), marker=first.marker, subject=subject)
        self.tickets[ticket.id] = ticket
        self._touch(ticket)
        message = self.add(str(ticket.id), first) if with_text else None
        return Opened(ticket=TicketRef(id=str(ticket.id), number=f"N{ticket.id}"), first=message)

    def add(self, ticket_id: str, draft: MessageDraft) -> MessageRef:
        """A message of ours."""
        text = draft.body.plain
        if POISON in text:
            raise Rejected("desk", "it does not take this word.")
        internal = draft.visibility is Visibility.INTERNAL
        return MessageRef(id=str(self._write(ticket_id, text, marker=draft.marker, internal=internal, agent=False)))

    def answer(self, ticket_id: str, text: str, *, internal: bool) -> int:
        """A message of an agent."""
        return self._write(ticket_id, text, marker="", internal=internal, agent=True)

    def _write(self, ticket_id: str, text: str, *, marker: str, internal: bool, agent: bool) -> int:
        ticket = self.of(ticket_id)
        entry = Entry(self._next(), text, agent, internal, marker, Clock.now())
        ticket.entries.append(entry)
        self._touch(ticket)
        return entry.id

    def of(self, ticket_id: str) -> SeenTicket:
        """A ticket. Raises NotFound."""
        if int(ticket_id) not in self.tickets:
            raise NotFound("desk", "there is no such ticket.")
        return self.tickets[int(ticket_id)]

    def set_closed(self, ticket_id: str, *, closed: bool) -> None:
        """Close or open again."""
        ticket = self.of(ticket_id)
        if ticket.closed != closed:
            ticket.closed = closed
            self._touch(ticket)

    def edit(self, ticket_id: str, message: str, text: str) -> None:
        """Replace a text."""
        entry = next(entry for entry in self.of(ticket_id).entries if str(entry.id) == message)
        entry.text = text


class SimDesk(TicketAdapter[DeskSettings]):
    """The adapter: one for each process, all at one `DeskState`."""

    kind: ClassVar[str] = "simulated"
    system: ClassVar[str] = "Simulated desk"
    Settings = DeskSettings

    def __init__(self, flavour: str, state: DeskState, network: Network, *, rates: Rates, shared: Any) -> None:
        super().__init__("desk", DeskSettings(kind="simulated", timeout=TIMEOUT, poll=5.0, closed="reopen"), shared)
        reconcile, able = FLAVOURS[flavour]
        self._able, self._state, self._network, self._rates = able, state, network, rates
        self.__dict__["reconcile"], self.__dict__["capabilities"] = reconcile, able

    @property
    def limits(self) -> Limits:
        return Limits(settle=timedelta(seconds=SETTLE))

    async def _cross(self, name: str, serve: Any, *, changes: bool) -> Any:
        def served() -> Any:
            if not self._state.up:
                raise Unavailable("desk", "it is down.")
            return serve()

        try:
            return await self._network.cross(
                f"desk.{name}", served, self._rates, quick=0.3, patience=TIMEOUT, settle=SETTLE * 0.95
            )
        except Cut as cut:
            if cut.kind == "answers":
                raise Unavailable("desk", "too many.", retry_after=timedelta(seconds=2)) from None
            if changes and cut.kind != "refused":
                raise OutcomeUnknown("desk", "it did not answer.") from None
            raise Unavailable("desk", "it cannot be reached.") from None

    async def check(self) -> tuple[Finding, ...]:
        return ()

    async def open_ticket(self, draft: TicketDraft) -> Opened:
        with_text = self.has(Capability.FIRST_MESSAGE)
        return await self._cross(  # type: ignore[no-any-return]
            "open_ticket", lambda: self._state.open(draft.subject, draft.first, with_text=with_text), changes=True
        )

    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        return await self._cross(  # type: ignore[no-any-return]
            "add_message", lambda: self._state.add(ticket.id, draft), changes=True
        )

    async def change(self, ticket: TicketRef, change: Change) -> None:
        closed = change.act is Act.CLOSE
        await self._cross("change", lambda: self._state.set_closed(ticket.id, closed=closed), changes=True)

    async def edit_message(
        self, ticket: TicketRef, message: MessageRef, body: Body, marker: str, *, author: Person | None = None
    ) -> None:
        await self._cross("edit_message", lambda: self._state.edit(ticket.id, message.id, body.plain), changes=True)

    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        return await self._cross("get_ticket", lambda: self._ticket(ticket.id), changes=False)  # type: ignore[no-any-return]

    def _ticket(self, ticket_id: str) -> Ticket:
        seen = self._state.of(ticket_id)
        status = Status.CLOSED if seen.closed else Status.OPEN
        at = seen.entries[-1].at if seen.entries else None
        ref = TicketRef(id=str(seen.id), number=f"N{seen.id}")
        return Ticket(ref=ref, subject=seen.subject, status=status, status_name=str(status), updated_at=at)

    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        found: tuple[Message, ...] = await self._cross("messages", lambda: self._messages(ticket.id), changes=False)
        return tuple(message for message in found if not after or int(message.id) > int(after))

    def _messages(self, ticket_id: str) -> tuple[Message, ...]:
        return tuple(_message(entry) for entry in self._state.of(ticket_id).entries)

    async def find_ticket(self, marker: str, draft: TicketDraft) -> Opened | None:
        return await self._cross("find_ticket", lambda: self._found(marker), changes=False)  # type: ignore[no-any-return]

    def _found(self, marker: str) -> Opened | None:
        for ticket in self._state.tickets.values():
            if ticket.marker == marker:
                first = next((entry for entry in ticket.entries if entry.marker == marker), None)
                ref = TicketRef(id=str(ticket.id), number=f"N{ticket.id}")
                return Opened(ticket=ref, first=None if first is None else MessageRef(id=str(first.id)))
        return None

    async def find_message(self, ticket: TicketRef, marker: str) -> MessageRef | None:
        found: tuple[Message, ...] = await self._cross("find_message", lambda: self._messages(ticket.id), changes=False)
        return next((MessageRef(id=message.id) for message in found if message.marker == marker), None)

    async def changed_since(self, cursor: str) -> tuple[tuple[TicketRef, ...], str]:
        return await self._cross("changed_since", lambda: self._changed(cursor), changes=False)  # type: ignore[no-any-return]

    def _changed(self, cursor: str) -> tuple[tuple[TicketRef, ...], str]:
        since = int(cursor or 0)
        found = [ticket for ticket in self._state.tickets.values() if ticket.changed > since]
        return tuple(TicketRef(id=str(t.id), number=f"N{t.id}") for t in found), str(self._state.moves)


def _message(entry: Entry) -> Message:
    role = Role.AGENT if entry.by_agent else Role.REQUESTER
    return Message(
        id=str(entry.id),
        body=Body(plain=entry.text),
        author=Person(name="An agent" if entry.by_agent else "Somebody", role=role),
        visibility=Visibility.INTERNAL if entry.internal else Visibility.PUBLIC,
        at=entry.at,
        marker=entry.marker,
    )
