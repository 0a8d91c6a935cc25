"""What the SuperOffice WebAPI stand-in remembers: people, lists, custom fields, tickets, messages and files."""

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from bot.sandbox.desks.superoffice_rest_rules import TICKET

Entity = dict[str, Any]

API_USER, AGENT = 2, 3
AUTOMATIC = 2147483647


@dataclass
class File:
    """An attachment; ``data`` is None until its content was sent."""

    about: Entity
    data: bytes | None = None


@dataclass
class Note:
    """A message: its entity, whose it is, and its files."""

    entity: Entity
    ticket: int
    created_by: int
    files: list[int] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Its key."""
        return int(self.entity["EjMessageId"])


@dataclass
class Request:
    """A ticket: its entity with ids alone in what it points at, and its messages in order."""

    entity: Entity
    notes: list[Note] = field(default_factory=list)

    @property
    def number(self) -> int:
        """Its key."""
        return int(self.entity["TicketId"])

    def points_at(self, name: str, key: str) -> int:
        """The id of what *name* points at, or 0."""
        return int((self.entity.get(name) or {}).get(key) or 0)


def _people() -> dict[int, Entity]:
    ada: Entity = {"PersonId": 11, "Firstname": "Ada", "Lastname": "Lovelace", "Emails": ["ada@example.com"]}
    charles: Entity = {
        "PersonId": 12,
        "Firstname": "Charles",
        "Lastname": "Babbage",
        "Emails": ["c.babbage@example.com"],
    }
    twins: list[Entity] = [
        {"PersonId": number, "Firstname": name, "Lastname": "Twin", "Emails": ["twins@example.com"]}
        for number, name in ((13, "Castor"), (14, "Pollux"))
    ]
    rory: Entity = {"PersonId": 15, "Firstname": "Rory", "Lastname": "O'Brien", "Emails": ["rory.o'brien@example.com"]}
    return {int(one["PersonId"]): one for one in (ada, charles, *twins, rory)}


@dataclass
class Site:
    """Everything that the pretend SuperOffice knows. Times are kept in UTC."""

    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Oslo"))
    associates: dict[int, str] = field(
        default_factory=lambda: {API_USER: "Threadline", AGENT: "Gerda Support", 5: "Ole Support"}
    )
    persons: dict[int, Entity] = field(default_factory=_people)
    categories: dict[int, str] = field(default_factory=lambda: {1: "Support", 2: "Support/IT", 3: "Sales"})
    priorities: dict[int, str] = field(default_factory=lambda: {1: "Low", 2: "Medium", 3: "High"})
    statuses: dict[int, tuple[str, str]] = field(
        default_factory=lambda: {
            1: ("Open", "Active"),
            2: ("Closed", "Closed"),
            3: ("Waiting for the customer", "Postponed"),
            4: ("Deleted", "Deleted"),
            5: ("Merged", "Merged"),
        }
    )
    udlist: dict[int, str] = field(default_factory=lambda: {7: "Oslo", 8: "Bergen"})
    custom: list[Entity] = field(
        default_factory=lambda: [
            {"FieldType": "ShortText", "FieldName": "x_threadline", "DisplayName": "Threadline"},
            {"FieldType": "ShortText", "FieldName": "x_asset", "DisplayName": "Asset tag", "TextLength": 60},
            {"FieldType": "Number", "FieldName": "SuperOffice:1", "DisplayName": "Seats", "Description": "How many."},
            {"FieldType": "Date", "FieldName": "SuperOffice:2", "DisplayName": "Needed by"},
            {"FieldType": "Checkbox", "FieldName": "SuperOffice:3", "DisplayName": "Urgent"},
            {"FieldType": "List", "FieldName": "SuperOffice:4", "DisplayName": "Site", "MdoListName": "udlist98"},
            {"FieldType": "Attachment", "FieldName": "x_scan", "DisplayName": "Scan"},
        ]
    )
    mandatory: set[str] = field(default_factory=lambda: {"Title"})
    tickets: dict[int, Request] = field(default_factory=dict)
    files: dict[int, File] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    replied: list[int] = field(default_factory=list)
    _ids: "count[int]" = field(default_factory=lambda: count(1001))

    def next_id(self) -> int:
        """A new key."""
        return next(self._ids)

    def now(self) -> str:
        """The time, to the second, as it is kept."""
        return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"

    def default_ticket(self) -> Entity:
        """What GET Ticket/default answers: preferences of the user filled in, and what is mandatory."""
        properties = {
            name: {"FieldRight": {"Mask": self._mask(name), "Reason": ""}, "FieldType": "System.String"}
            for name in ("Title", "Category", "Priority", "Person", "OwnedBy", "Deadline")
        }
        return {
            **copy.deepcopy(dict(TICKET)),
            "CreatedBy": {"AssociateId": API_USER},
            "OwnedBy": {"AssociateId": 0},
            "Category": {"TicketCategoryId": 1},
            "Priority": {"TicketPriorityId": 2},
            "Status": {"TicketStatusId": 1},
            "CustomFields": {one["FieldName"]: "" for one in self.custom},
            "TableRight": {"Mask": "Select, Insert, Update"},
            "FieldProperties": properties,
        }

    def _mask(self, name: str) -> str:
        return "Read, Write, UIHintMandatory" if name in self.mandatory else "Read, Write"

    def notes(self) -> dict[int, Note]:
        """All messages by their keys."""
        return {note.number: note for ticket in self.tickets.values() for note in ticket.notes}

    def touch(self, ticket: Request) -> None:
        """Note that a ticket changed."""
        ticket.entity["LastChanged"] = self.now()

    def add_note(self, ticket: Request, entity: Entity, *, by: int, files: list[int]) -> Note:
        """A new message on a ticket."""
        entity = {**entity, "EjMessageId": self.next_id(), "CreatedAt": self.now()}
        note = Note(entity, ticket.number, by, list(files))
        ticket.notes.append(note)
        self.touch(ticket)
        return note

    def set_status(self, ticket: Request, number: int) -> None:
        """Give a ticket one of the site's statuses."""
        ticket.entity |= {"Status": {"TicketStatusId": number}, "BaseStatus": self.statuses[number][1]}
        self.touch(ticket)

    def full_name(self, person: int) -> str:
        """First and last name of a contact."""
        one = self.persons.get(person, {})
        return f"{one.get('Firstname', '')} {one.get('Lastname', '')}".strip()
