"""Rows of the local desk's tables as the nouns of the contract."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime

from adapters.model import Attachment, Body, Message, Person, Role, Status, Ticket, TicketRef, Visibility

TICKETS = """
SELECT ticket.*, coalesce(choice.meaning, 'open') AS meaning,
  (SELECT at FROM change WHERE change.ticket = ticket.id ORDER BY n DESC LIMIT 1) AS updated_at,
  (SELECT count(*) FROM message WHERE message.ticket = ticket.id) AS messages,
  (SELECT target FROM merger WHERE merger.ticket = ticket.id) AS target
FROM ticket LEFT JOIN choice ON choice.list = 'statuses' AND choice.id = ticket.status
"""


def number(ticket: int) -> str:
    """What people call a ticket."""
    return f"L-{ticket}"


def ref(ticket: int) -> TicketRef:
    """The address of a ticket."""
    return TicketRef(id=str(ticket), number=number(ticket))


def ticket_of(row: sqlite3.Row) -> Ticket:
    """A row of `TICKETS`."""
    return Ticket(
        ref=ref(row["id"]),
        subject=row["subject"],
        status=Status.GONE if row["target"] else Status(row["meaning"]),
        status_name=row["status"],
        department=row["department"] or None,
        priority=row["priority"] or None,
        owner=row["owner"] or None,
        requester=person_of(row["person"], row["requester"], row["email"]),
        created_at=_when(row["created_at"]),
        updated_at=_when(row["updated_at"]),
        merged_into=ref(row["target"]) if row["target"] else None,
        message_count=row["messages"],
    )


def _when(time: str) -> datetime:
    """A time; UTC where it tells no offset, as SQL's ``datetime('now')``."""
    found = datetime.fromisoformat(time)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def person_of(person: int | None, name: str, email: str) -> Person:
    """Somebody who asked."""
    return Person(name=name, email=email or None, desk_id=None if person is None else str(person))


def messages_of(rows: Iterable[sqlite3.Row], files: Iterable[sqlite3.Row]) -> tuple[Message, ...]:
    """Rows of messages with rows of their files."""
    by_message: defaultdict[int, list[Attachment]] = defaultdict(list)
    for file in files:
        kept = Attachment(id=str(file["id"]), name=file["name"], media_type=file["media_type"], size=file["size"])
        by_message[file["message"]].append(kept)
    return tuple(
        Message(
            id=str(row["id"]),
            body=Body(plain=row["plain"], markdown=row["markdown"], html=row["html"]),
            author=Person(name=row["author"], email=row["email"] or None, role=Role(row["role"])),
            visibility=Visibility.INTERNAL if row["internal"] else Visibility.PUBLIC,
            at=_when(row["at"]),
            attachments=tuple(by_message[row["id"]]),
            marker=row["marker"],
        )
        for row in rows
    )
