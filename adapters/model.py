"""The nouns that every helpdesk and the bot share: tickets, messages, people, files, and what a form may ask."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class Visibility(StrEnum):
    """Who may read a message: the requester too, or only the agents."""

    PUBLIC = "public"
    INTERNAL = "internal"


class Status(StrEnum):
    """What a ticket's status means to a person, whatever the desk calls it."""

    OPEN = "open"
    PENDING = "pending"  # waiting for the requester, or postponed
    CLOSED = "closed"
    GONE = "gone"  # deleted, merged into another, or marked as spam


class Role(StrEnum):
    """Which side of the desk wrote a message."""

    REQUESTER = "requester"
    AGENT = "agent"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """One text in up to three renderings; the desk takes the richest that its API can carry.

    On the way out all three are filled. On the way in the desk fills ``plain`` and, where it has them, the others.
    """

    plain: str
    markdown: str | None = None
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who wrote or asked: a name, perhaps an e-mail address, perhaps the desk's own id for them.

    ``trusted_email`` is False where another organisation controls the address, so that a desk may show it and must
    not use it to decide which customer this is.
    """

    name: str
    email: str | None = None
    desk_id: str | None = None
    role: Role = Role.REQUESTER
    trusted_email: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file on our disk, checked and ready to be sent; ``sha256`` is in lower-case hex, ``size`` in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file at the desk. ``id`` is whatever the desk's adapter needs to fetch it again; ``size`` is in bytes."""

    id: str
    name: str
    media_type: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRef:
    """The address of a ticket: ``id`` is for the API, ``number`` is what people say to each other."""

    id: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageRef:
    """The address of a message on a ticket. ``id`` is empty where the desk's API does not tell it."""

    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message read back from a ticket. ``at`` is aware; ``id`` is stable, and ids of one ticket never repeat.

    ``mark`` is for `TicketAdapter.messages` where an id alone does not say what comes behind it: its id, a comma, and
    what else the desk needs to know.
    """

    id: str
    body: Body
    author: Person
    visibility: Visibility
    at: datetime | None
    attachments: tuple[Attachment, ...] = ()
    marker: str = ""  # our correlation marker, where the desk keeps it beside the text
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket as the desk has it now. ``status_name`` is the desk's own word; times are aware.

    ``url`` opens the ticket for an agent and holds no secret. ``merged_into`` is set where the desk tells.
    """

    ref: TicketRef
    subject: str
    status: Status
    status_name: str
    department: str | None = None
    priority: str | None = None
    owner: str | None = None
    requester: Person | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    deadline: datetime | None = None
    url: str | None = None
    merged_into: TicketRef | None = None
    message_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One entry of a list that a form offers; ``id`` goes to the desk, ``label`` to people."""

    id: str
    label: str
    group: str | None = None


class ChoiceList(StrEnum):
    """The lists that a desk may offer."""

    DEPARTMENTS = "departments"  # a SuperOffice category is a department here
    PRIORITIES = "priorities"
    STATUSES = "statuses"
    AGENTS = "agents"


class FieldKind(StrEnum):
    """How a custom field is asked for."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"  # YYYY-MM-DD
    DATETIME = "datetime"  # ISO 8601 with an offset
    YES_NO = "yes_no"  # "yes" or "no"
    CHOICE = "choice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A custom field of the desk. Values travel as strings in the form that ``kind`` says.

    ``key`` names the field in settings, records and the form; only the adapter knows what the desk calls it.
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    hint: str = ""
    max_length: int | None = None
    choices: tuple[Choice, ...] = ()
    departments: frozenset[str] = frozenset()  # asked only for these; empty means for all


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDraft:
    """What is to be written on a ticket.

    ``marker`` is our correlation marker: the adapter writes it where it can find it again and nobody is hurt by it.
    ``files`` go with the message; ``uploads`` are ids that `TicketAdapter.upload` gave for files sent before.
    ``notify`` False asks the desk to send no mail about it; None leaves it to the desk.
    """

    body: Body
    author: Person
    marker: str
    visibility: Visibility = Visibility.PUBLIC
    files: tuple[OutgoingFile, ...] = ()
    uploads: tuple[str, ...] = ()
    sent_at: datetime | None = None
    notify: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketDraft:
    """A ticket to be opened. ``first`` is its first message, which a desk without FIRST_MESSAGE leaves aside.

    ``options`` are the desk's own extra parameters (its docs page lists them) under their names there.
    """

    subject: str
    first: MessageDraft
    requester: Person
    department: str | None = None
    priority: str | None = None
    owner: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What opening a ticket gave; ``first`` is the first message where the desk made it in the same step."""

    ticket: TicketRef
    first: MessageRef | None = None


class Act(StrEnum):
    """The one thing that a change to a ticket changes."""

    CLOSE = "close"
    REOPEN = "reopen"
    STATUS = "status"  # value: an id of the STATUSES list
    ASSIGN = "assign"  # value: an id of the AGENTS list; empty takes the owner away
    PRIORITY = "priority"  # value: an id of the PRIORITIES list
    DEPARTMENT = "department"  # value: an id of the DEPARTMENTS list
    SUBJECT = "subject"  # value: the new subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A change of one thing about a ticket."""

    act: Act
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of a check: what was looked at, whether it is well, what was seen and what to do if it is not."""

    subject: str
    ok: bool
    detail: str
    remedy: str = ""
