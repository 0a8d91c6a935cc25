"""SuperOffice's entities, lists and archive rows as our nouns."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from adapters.contract import TitleMarker
from adapters.model import Attachment, Body, Choice, Message, Person, Role, Status, Ticket, TicketRef, Visibility

Row = Mapping[str, Any]

UNASSIGNED = "0"
_DIGITS = 19  # of the largest number that a database keeps
TITLES = TitleMarker()
TITLE_MARKER_LENGTH = 24
"""Characters that a title must leave free for the marker."""

BASE_STATUSES: Mapping[str, Status] = {
    "Active": Status.OPEN,
    "Postponed": Status.PENDING,
    "Closed": Status.CLOSED,
    "Deleted": Status.GONE,
    "Merged": Status.GONE,
    "Spam": Status.GONE,
}
"""What SuperOffice's internal statuses mean; a site names any number of its own, each with one of these behind it."""

TICKET_COLUMNS = (
    "ticketId",
    "title",
    "ticketStatusName",
    "categoryFullName",
    "priorityName",
    "ownedBy/fullName",
    "person/fullName",
    "createdAt",
    "lastChanged",
)


def when(value: object) -> datetime | None:
    """A time; None for null, and for the year 1, which is SuperOffice's word for never.

    A time without an offset comes where SO-TimeZone was not understood; UTC is what we asked for.
    """
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    if found.year == 1:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def text(value: object) -> str:
    """A text; empty for null."""
    return "" if value is None else str(value)


def ident(value: object) -> str:
    """An id; empty for null and for zero and less, which mean none."""
    found = text(value).strip()
    return found if is_number(found) and int(found) > 0 else ""


def is_number(found: str) -> bool:
    """Whether it is a number such as an id."""
    return found.isascii() and found.isdecimal() and len(found) <= _DIGITS


def part(row: Row, name: str) -> Row:
    """An entity inside another; an empty one for null."""
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


def rows(value: object) -> list[Row]:
    """The objects of a list."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def person_of(row: Row) -> Person | None:
    """A Person of SuperOffice, or None where it names nobody."""
    number = ident(row.get("PersonId"))
    if not number:
        return None
    given = f"{text(row.get('Firstname'))} {text(row.get('Lastname'))}".strip()
    name = text(row.get("FullName")) or given or text(row.get("Email"))
    return Person(name=name or f"contact {number}", email=text(row.get("Email")) or None, desk_id=number)


def ticket_of(row: Row, *, url: str) -> Ticket:
    """A ticket of a TicketEntity."""
    number = str(row.get("TicketId"))
    base = text(row.get("BaseStatus"))
    master = ident(row.get("ConnectId")) if base == "Merged" else ""
    owner = part(row, "OwnedBy")
    category, priority = part(row, "Category"), part(row, "Priority")
    return Ticket(
        ref=TicketRef(id=number, number=number),
        subject=TITLES.parted(text(row.get("Title")))[0],
        status=BASE_STATUSES.get(base, Status.OPEN),
        status_name=text(part(row, "Status").get("Name")) or base,
        department=text(category.get("Fullname")) or text(category.get("Name")) or None,
        priority=text(priority.get("Name")) or None,
        owner=(text(owner.get("FullName")) or text(owner.get("Name")) or None)
        if ident(owner.get("AssociateId"))
        else None,
        requester=person_of(part(row, "Person")),
        created_at=when(row.get("CreatedAt")),
        updated_at=when(row.get("LastChanged")),
        deadline=when(row.get("Deadline")),
        url=url.replace("{id}", number) or None,
        merged_into=TicketRef(id=master, number=master) if master else None,
        message_count=row.get("NumMessages") if isinstance(row.get("NumMessages"), int) else None,
    )


def listed_ticket(row: Row, statuses: Sequence[Row], *, url: str) -> Ticket:
    """A ticket of an archive row with `TICKET_COLUMNS`; the list of statuses tells what its status means."""
    number = str(row.get("ticketId"))
    status = text(row.get("ticketStatusName"))
    base = {text(one.get("Name")): text(one.get("ExtraInfo")) for one in statuses}.get(status, "")
    requester = text(row.get("person/fullName"))
    return Ticket(
        ref=TicketRef(id=number, number=number),
        subject=TITLES.parted(text(row.get("title")))[0],
        status=BASE_STATUSES.get(base, Status.OPEN),
        status_name=status,
        department=text(row.get("categoryFullName")) or None,
        priority=text(row.get("priorityName")) or None,
        owner=text(row.get("ownedBy/fullName")) or None,
        requester=Person(name=requester) if requester else None,
        created_at=when(row.get("createdAt")),
        updated_at=when(row.get("lastChanged")),
        url=url.replace("{id}", number) or None,
    )


def message_of(row: Row) -> Message:
    """A message of a TicketMessageEntity. Who SuperOffice knows as a contact is the requester's side."""
    person = person_of(part(row, "Person"))
    author = text(row.get("Author"))
    asked = person is not None or row.get("Badge") == "Incoming"
    return Message(
        id=ident(row.get("EjMessageId")),
        body=Body(plain=text(row.get("Body")).replace("\r\n", "\n"), html=text(row.get("HtmlBody")) or None),
        author=Person(
            name=author or (person.name if person else "SuperOffice"),
            email=person.email if person else None,
            desk_id=person.desk_id if person else None,
            role=Role.REQUESTER if asked else Role.AGENT,
        ),
        visibility=Visibility.PUBLIC if row.get("Slevel") == "External" else Visibility.INTERNAL,
        at=when(row.get("CreatedAt")),
        attachments=tuple(map(attachment_of, rows(row.get("AttachmentsInfo")))),
    )


def attachment_of(row: Row) -> Attachment:
    """A file of an AttachmentEntity, without its AuthKey, which is a secret."""
    size = row.get("AttSize")
    return Attachment(
        id=str(row.get("AttachmentId")),
        name=text(row.get("Name")),
        media_type=text(row.get("ContentType")) or None,
        size=size if isinstance(size, int) else None,
    )


def choices_of(items: Iterable[Row]) -> tuple[Choice, ...]:
    """The entries of an MDO list that can be chosen, in their order."""
    kept = [item for item in items if not item.get("Deleted") and ident(item.get("Id"))]
    return tuple(Choice(id=str(item["Id"]), label=_label(item)) for item in kept)


def _label(item: Row) -> str:
    return text(item.get("FullName")) or text(item.get("Name")) or str(item.get("Id"))
