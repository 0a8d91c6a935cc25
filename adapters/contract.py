"""The contract between the bot and a helpdesk: `TicketAdapter`, what it may claim, and what it may need."""

import asyncio
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from types import TracebackType
from typing import ClassVar, Generic, Protocol, Self, TypeVar

from adapters.errors import Rejected, UnsupportedFeature
from adapters.model import (
    Attachment,
    Body,
    Change,
    Choice,
    ChoiceList,
    Field,
    Finding,
    Message,
    MessageDraft,
    MessageRef,
    Opened,
    OutgoingFile,
    Person,
    Ticket,
    TicketDraft,
    TicketRef,
)
from adapters.settings import DeskSettings


class Capability(StrEnum):
    """Something that a desk's API can be told to do; what is not claimed is not offered to anybody."""

    FIRST_MESSAGE = "first message"  # opening a ticket carries its first message
    REPLY = "public reply"
    NOTE = "internal note"
    INTERNAL_TICKET = "internal ticket"  # a ticket whose first message the requester cannot see
    FILES = "files out"
    UPLOAD_FIRST = "files uploaded first"  # each file is its own step, before the message that carries it
    READ_TICKET = "read ticket"
    READ_MESSAGES = "read messages"
    READ_FILES = "files in"
    CLOSE = "close"
    REOPEN = "reopen"
    SET_STATUS = "set status"
    ASSIGN = "assign"
    SET_PRIORITY = "set priority"
    MOVE_DEPARTMENT = "move department"
    SET_SUBJECT = "set subject"
    DEPARTMENTS = "list departments"
    PRIORITIES = "list priorities"
    STATUSES = "list statuses"
    AGENTS = "list agents"
    CUSTOM_FIELDS = "custom fields"
    LIST_FIELDS = "list custom fields"  # the API tells which there are; else the settings do
    FIND_REQUESTER = "find requester"
    CREATE_REQUESTER = "create requester"
    AUTHOR = "author of a message"  # a message may carry the name of the person who wrote it
    SEARCH = "search"
    CHANGED_SINCE = "changed since"
    EDIT_MESSAGE = "edit message"
    DELETE_MESSAGE = "delete message"
    BACKDATE = "time of a message"  # a message may carry the time at which it was written
    QUIET = "no notification"  # the desk can be asked not to send mail
    WEBHOOK = "webhook"  # the desk can tell us that a ticket changed


class Reconcile(StrEnum):
    """How well a desk can tell whether a call with a lost answer was carried out."""

    EXACT = "exact"  # one look-up by our marker
    BY_LISTING = "by_listing"  # by reading what is there and looking for our marker
    NONE = "none"  # it cannot be searched: where nothing shows, a person is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one call may carry. Lengths are in characters, sizes in bytes; None means that no limit is known.

    ``settle``: how long after our time-out a change may still appear at the desk, so how long to wait before we look.
    ``request`` bounds the whole request as it is sent, with the adapter's own encoding overhead of files included;
    ``file_overhead`` is that factor (1.78 for base64 in base64).
    """

    subject: int | None = 255
    body: int | None = None
    files: int | None = None
    file: int | None = None
    request: int | None = None
    file_overhead: float = 1.0
    settle: timedelta = timedelta(seconds=5)


class Shared(Protocol):
    """What the processes of one installation share: small secrets with an end, locks, and a common pace.

    The bot gives one that lives in Redis; `adapters.shared.InProcess` is for one process alone.
    """

    async def get(self, key: str) -> str | None:
        """The value, or None where there is none or its time is over."""
        ...

    async def put(self, key: str, value: str, *, ttl: timedelta) -> None:
        """Keep *value* under *key* for *ttl*."""
        ...

    def lock(self, key: str, *, ttl: timedelta) -> AbstractAsyncContextManager[None]:
        """Hold *key* alone among all processes; a holder that dies loses it after *ttl*."""
        ...

    async def turn(self, key: str, *, per_second: float) -> timedelta:
        """Take a turn at a common pace; returns how long to wait before using it (zero: now)."""
        ...


S_co = TypeVar("S_co", bound=DeskSettings, covariant=True)


class TicketAdapter(ABC, Generic[S_co]):
    """One helpdesk. A method that changes something makes **at most one change that a person could see**.

    An adapter keeps no state that a crash may lose, writes no log of texts or secrets, and raises only
    `adapters.errors`. Methods of capabilities that are not claimed raise `UnsupportedFeature`. An adapter is an async
    context manager: nothing is connected before it is entered, and leaving it closes what it opened.

    To add a desk: a module here with a subclass, a line in `adapters.registry`, recorded exchanges, a test class that
    inherits the conformance suite, and a page in docs/adapters. Nothing in the bot.
    """

    kind: ClassVar[str]
    system: ClassVar[str]
    """The vendor's name of the system, as people know it."""
    Settings: ClassVar[type[DeskSettings]]
    capabilities: ClassVar[frozenset[Capability]]
    reconcile: ClassVar[Reconcile]
    reopens: ClassVar[bool] = False
    """Whether the desk itself opens a closed ticket again when a reply comes."""
    options: ClassVar[tuple[Field, ...]] = ()
    """The desk's own extra parameters of opening a ticket, for `TicketDraft.options`."""

    def __init__(self, name: str, settings: S_co, shared: Shared) -> None:
        self.name = name
        self.settings = settings
        self.shared = shared

    @property
    def title(self) -> str:
        """What people call this desk."""
        return self.settings.title or self.name

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What one call may carry, by this desk's settings."""

    async def __aenter__(self) -> Self:
        """Open what the adapter needs; it does not have to reach the desk.

        Raises:
            Misconfigured: the settings cannot work.
        """
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened."""

    @property
    def creates_requesters(self) -> bool:
        """Whether a requester whom the desk does not know becomes known there; only where the operator wants it."""
        return False

    def has(self, capability: Capability) -> bool:
        """Whether this desk, as it is set up, can do that."""
        return capability in self.capabilities

    @cached_property
    def able(self) -> frozenset[Capability]:
        """Everything that this desk, as it is set up, can do."""
        return frozenset(capability for capability in self.capabilities if self.has(capability))

    def unsupported(self, what: str) -> UnsupportedFeature:
        """The error for something that this API cannot be told."""
        return UnsupportedFeature(self.name, f"{self.system} has no way to {what} through its API.")

    @abstractmethod
    async def check(self) -> tuple[Finding, ...]:
        """Look at address, credentials, rights and the lists that a form needs, changing nothing.

        Never raises for what it finds; a failing line names the cause and the remedy.
        """

    @abstractmethod
    async def open_ticket(self, draft: TicketDraft) -> Opened:
        """Open a ticket. Where FIRST_MESSAGE is claimed its first message, files included, is on it.

        Raises:
            Unavailable, OutcomeUnknown, Rejected, NotAuthorised, UnexpectedReply: as their names say.
        """

    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        """Add a public reply or an internal note, by ``draft.visibility``, with its files.

        Raises:
            NotFound: there is no such ticket.
            Unavailable, OutcomeUnknown, Rejected, NotAuthorised, UnexpectedReply: as their names say.
        """
        raise self.unsupported("add a message to a ticket")

    async def content(self, file: OutgoingFile) -> bytes:
        """The bytes of a file that is to be sent.

        Raises:
            Rejected: it is not on our disk any more.
        """
        try:
            return await asyncio.to_thread(file.path.read_bytes)
        except OSError as error:
            raise Rejected(self.name, f"a file cannot be read ({error.strerror}).", field="files") from error

    async def upload(self, file: OutgoingFile, marker: str) -> str:
        """Store one file at the desk, where nobody sees it until a message names it; returns its id.

        Only for desks that claim UPLOAD_FIRST.
        """
        raise self.unsupported("upload a file before its message")

    async def change(self, ticket: TicketRef, change: Change) -> None:
        """Change one thing about a ticket. Doing it twice is the same as doing it once."""
        raise self.unsupported(f"{change.act} a ticket")

    async def edit_message(
        self, ticket: TicketRef, message: MessageRef, body: Body, marker: str, *, author: Person | None = None
    ) -> None:
        """Replace the text of a message; *author* is named in it where `add_message` would do so.

        In a ticket's first message that is its requester.

        Raises:
            NotFound: there is no such message.
            UnsupportedFeature: this one cannot be changed, such as an internal note.
        """
        raise self.unsupported("edit a message")

    async def delete_message(self, ticket: TicketRef, message: MessageRef) -> None:
        """Take a message off its ticket; it is no error where it is not there any more.

        Raises:
            UnsupportedFeature: this one cannot be taken off, such as a ticket's first.
        """
        raise self.unsupported("delete a message")

    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        """The ticket as it is now.

        Raises:
            NotFound: there is none, or these credentials may not see it.
        """
        raise self.unsupported("read a ticket")

    async def find_by_number(self, number: str) -> Ticket:
        """The ticket that people call *number*.

        Raises:
            NotFound: there is none.
        """
        raise self.unsupported("look a ticket up by its number")

    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        """All messages and notes of a ticket in the desk's order; with *after*, a mark or an id, those behind it."""
        raise self.unsupported("read messages")

    async def attachment(self, ticket: TicketRef, attachment: Attachment, *, limit: int) -> bytes:
        """The bytes of a file.

        Raises:
            Rejected: it is larger than *limit* bytes.
        """
        raise self.unsupported("read attachments")

    async def find_ticket(self, marker: str, draft: TicketDraft) -> Opened | None:
        """The ticket that an earlier `open_ticket` with this marker made, or None where it surely made none.

        Called only after ``limits.settle``. Where ``reconcile`` is NONE it may raise UnsupportedFeature.
        """
        raise self.unsupported("search for a ticket by its marker")

    async def find_message(self, ticket: TicketRef, marker: str) -> MessageRef | None:
        """The message that an earlier `add_message` with this marker made, or None where it surely made none.

        Where ``reconcile`` is NONE, None proves nothing, and it may raise UnsupportedFeature. Of several messages with
        the marker it is the oldest: the others quote it.
        """
        for message in await self.messages(ticket):
            if carries(message.body, marker):
                return MessageRef(id=message.id)
        return None

    async def choices(self, which: ChoiceList, *, department: str | None = None) -> tuple[Choice, ...]:
        """One of the desk's lists, whole; the bot keeps it for a while."""
        raise self.unsupported(f"list {which}")

    async def custom_fields(self, department: str | None = None) -> tuple[Field, ...]:
        """The custom fields of a ticket in *department*; none where CUSTOM_FIELDS is not claimed."""
        return ()

    async def find_requester(self, email: str) -> Person | None:
        """The desk's customer with exactly this address; the caller has made sure that it may be trusted."""
        raise self.unsupported("look people up")

    async def create_requester(self, person: Person) -> Person:
        """Make *person* a customer of the desk; only where the operator's settings ask for it."""
        raise self.unsupported("create people")

    async def search(self, words: str, *, limit: int = 20) -> tuple[Ticket, ...]:
        """Tickets whose subject (at least) holds *words*, newest first."""
        raise self.unsupported("search")

    async def changed_since(self, cursor: str) -> tuple[tuple[TicketRef, ...], str]:
        """Tickets that changed since *cursor* (empty: only learn the cursor), and the cursor for next time.

        A ticket may come twice; none may be left out.
        """
        raise self.unsupported("tell what changed")

    def webhook(self, headers: dict[str, str], body: bytes) -> tuple[str, ...]:
        """Ids of the tickets that a webhook call says to look at; header names are in lower case.

        Raises:
            NotAuthorised: the signature over the raw body is not right.
            Rejected: it is signed, and not of the form that the desk documents.
        """
        raise self.unsupported("send webhooks")


MARKER_LINE = "Threadline ref: "
"""What stands before the marker in the visible last line of a message."""


def with_marker(body: Body, marker: str) -> Body:
    """*body* with our marker as a visible last line in each rendering; visible, so that no clean-up takes it away."""
    line = f"{MARKER_LINE}{marker}"
    return Body(
        plain=f"{body.plain}\n\n{line}",
        markdown=None if body.markdown is None else f"{body.markdown}\n\n{line}",
        html=None if body.html is None else f"{body.html}<p>{line}</p>",
    )


_MARKER = "TL-[A-Z0-9]{12}"
_LINE = re.compile(rf"{MARKER_LINE}({_MARKER})")


def marker_in(body: Body) -> str:
    """The marker whose line ends *body*; empty where none does. A quoted one stands elsewhere, or behind a ``>``."""
    lines = body.plain.rstrip().rsplit("\n", 1)
    found = _LINE.fullmatch(lines[-1].strip())
    return found[1] if found else ""


def without_marker(text: str) -> str:
    """*text* without our marker's line, for showing it to people."""
    kept = [line for line in text.splitlines() if not _LINE.fullmatch(line.strip())]
    return "\n".join(kept).rstrip()


def carries(body: Body, marker: str) -> bool:
    """Whether *body* holds this marker, and not only in lines quoted behind a ``>``.

    The other renderings count where the plain one has nothing of it.
    """
    lines = [line for line in body.plain.splitlines() if marker in line]
    if lines:
        return not all(line.lstrip().startswith(">") for line in lines)
    return any(marker in text for text in (body.markdown, body.html) if text)


@dataclass(frozen=True, slots=True)
class TitleMarker:
    """Our marker at the end of a ticket's title, in brackets and behind a *label*, where a desk has it there."""

    label: str = ""

    def marked(self, subject: str, marker: str) -> str:
        """*subject* with our marker at its end."""
        return f"{subject} [{self.label}{marker}]"

    def parted(self, title: str) -> tuple[str, str]:
        """The subject of *title* and the marker that it carries, or nothing."""
        found = re.fullmatch(rf"(.*) \[{self.label}({_MARKER})\]", title, re.DOTALL)
        return (found[1], found[2]) if found else (title, "")

    def retitled(self, title: str, subject: str) -> str:
        """*subject* with the marker that *title* carries, if any."""
        marker = self.parted(title)[1]
        return self.marked(subject, marker) if marker else subject


async def collect(chunks: AsyncIterator[bytes], *, limit: int) -> bytes | None:
    """All of *chunks* joined, or None as soon as they are more than *limit* bytes."""
    kept = bytearray()
    async for chunk in chunks:
        kept += chunk
        if len(kept) > limit:
            return None
    return bytes(kept)
