"""Answers shaped like WHMCS's as our nouns: tolerant of null, numbers as strings and every form of an empty list."""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from adapters.model import Attachment, Body, Message, Person, Role, Ticket, TicketRef, Visibility
from adapters.whmcs_family.settings import FamilySettings

Row = dict[str, Any]


def rows(container: object, name: str) -> list[Row]:
    """The entries of a list that WHMCS nests as ``{name: [...]}``.

    PHP writes an empty one as [], {}, "" or null, and one with gaps as an object with numbers for keys.
    """
    inner = container.get(name, container) if isinstance(container, dict) else container
    if isinstance(inner, dict):
        inner = list(inner.values()) if all(str(key).isdigit() for key in inner) else [inner]
    return [row for row in inner if isinstance(row, dict) and row] if isinstance(inner, list) else []


def text(value: object) -> str:
    """A text as it was written: WHMCS keeps it with HTML entities, which are decoded exactly once."""
    return "" if value is None else html.unescape(str(value)).replace("\r\n", "\n")


def ident(value: object) -> str:
    """An id, whether it came as a number or a string; empty for null and for zero, which mean nobody."""
    found = "" if value is None else str(value).strip()
    return "" if found == "0" else found


def place(value: object) -> int:
    """The number that an id is, by which rows are put in order; 0 for nobody's, and for what is none."""
    found = ident(value)
    return int(found) if found.isdecimal() else 0


def when(value: object, zone: ZoneInfo) -> datetime | None:
    """A date of the server's clock; None for null and for 0000-00-00."""
    try:
        return datetime.strptime(str(value), "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
    except ValueError:
        return None


def ticket_of(row: Row, settings: FamilySettings, *, owner: str = "") -> Ticket:
    """A ticket of GetTicket, which names its id ``ticketid``, or of GetTickets, which says ``id``."""
    found = str(row.get("ticketid") or row.get("id") or "")
    status = text(row.get("status"))
    number = str(row.get("tid") or row.get("ticketnum") or found)
    ref = TicketRef(id=found, number=number)
    return Ticket(
        ref=ref,
        subject=text(row.get("subject")),
        status=settings.meaning(status),
        status_name=status,
        department=text(row.get("deptname")) or ident(row.get("deptid")) or None,
        priority=text(row.get("priority")) or None,
        owner=owner or ident(row.get("flag")) or None,
        requester=_requester(row),
        created_at=when(row.get("date"), settings.zone),
        updated_at=when(row.get("lastreply"), settings.zone),
        url=settings.ticket_url(ref),
        message_count=len(rows(row.get("replies"), "reply")) or None,
    )


OTHER = {"r": "n", "n": "r"}


def messages_of(row: Row, settings: FamilySettings, *, after: str = "") -> tuple[Message, ...]:
    """Replies and notes of GetTicket by date, and by number among their own kind; those behind *after*, a mark or id.

    Both have numbers of their own, and dates of whole seconds of a clock that goes back in autumn. So a message's mark
    is its id and the last of the other kind before it (-1: none), and behind it is what has a higher number than those.

    Raises:
        ValueError: the number of one is none, so that nobody could tell which it is.
    """
    found = sorted(_entries(row, settings), key=lambda entry: entry[0])
    behind = _numbers(after, found)
    last = dict(behind)
    told = []
    for _, kind, number, message in found:
        if number > behind[kind]:
            last[kind] = max(last[kind], number)
            other = OTHER[kind]
            told.append(replace(message, mark=f"{message.id},{other}{last[other]}"))
    return tuple(told)


def _numbers(after: str, found: Sequence[tuple[str, str, int, Message]]) -> dict[str, int]:
    """The last number of each kind that is not behind *after*.

    Of an id alone it is not known for the other kind. There what has no earlier date is behind it: what came in the
    same second may come twice.
    """
    told = {kind: int(number) for kind, number in re.findall(r"([rn])(-?\d+)", after)}
    numbers = {"r": -1, "n": -1, **told}
    if len(told) == 1:
        (kind,) = told
        other = OTHER[kind]
        dates = [date for date, own, number, _ in found if own == kind and number <= numbers[kind]]
        since = dates[-1] if dates else ""
        numbers[other] = max((number for date, own, number, _ in found if own == other and date < since), default=-1)
    return numbers


def _entries(row: Row, settings: FamilySettings) -> Iterator[tuple[str, str, int, Message]]:
    """Date, kind ("r" or "n"), number and noun of each reply and note, whatever the order in which they are told.

    One that has no date, or an earlier one than those before it, as after a merger, follows its neighbour.
    """
    ticket = str(row.get("ticketid") or row.get("id") or "")
    for kind, one, id_name in (("replies", "reply", "replyid"), ("notes", "note", "noteid")):
        latest = ""
        numbered = [
            (int(ident(entry.get(id_name) or entry.get("id")) or 0), entry) for entry in rows(row.get(kind), one)
        ]
        for number, entry in sorted(numbered, key=lambda entry: entry[0]):
            date = str(entry.get("date") or "")
            latest = max(latest, "" if date.startswith("0000") else date)
            letter, type_ = one[0], "ticket" if one == "reply" and number == 0 else one
            message = Message(
                id=f"{letter}{number}",
                body=_body(text(entry.get("message")), markdown=settings.markdown),
                author=_author(entry, note=one == "note"),
                visibility=Visibility.INTERNAL if one == "note" else Visibility.PUBLIC,
                at=when(date, settings.zone),
                attachments=tuple(_attachments(entry, type_, ticket if type_ == "ticket" else str(number))),
            )
            yield latest, letter, number, message


def _body(message: str, *, markdown: bool) -> Body:
    return Body(plain=message, markdown=message if markdown else None)


def _author(entry: Row, *, note: bool) -> Person:
    """Who wrote it. Versions before 8.0 have no requestor_type; there, ``admin`` is filled for staff."""
    admin = text(entry.get("admin"))
    if note or admin or entry.get("requestor_type") == "Operator":
        name = admin or text(entry.get("requestor_name")) or text(entry.get("name"))
        return Person(name=name or "Staff", role=Role.AGENT)
    return _requester(entry)


def _requester(entry: Row) -> Person:
    email = text(entry.get("requestor_email")) or text(entry.get("email"))
    name = text(entry.get("requestor_name")) or text(entry.get("name")) or email
    client = ident(entry.get("userid"))
    return Person(name=name, email=email or None, desk_id=f"client:{client}" if client else None)


def _attachments(entry: Row, type_: str, related: str) -> Iterator[Attachment]:
    """The files of a reply or note; older versions only tell the names as kept, joined by bars."""
    if str(entry.get("attachments_removed")).lower() in {"true", "1"}:
        return
    listed = rows(entry.get("attachments"), "attachment")
    if listed:
        for position, file in enumerate(listed):
            index = file.get("index", position)
            yield Attachment(id=f"{type_}:{related}:{index}", name=text(file.get("filename")))
        return
    kept = text(entry.get("attachment"))
    for position, name in enumerate(kept.split("|") if kept else []):
        yield Attachment(id=f"{type_}:{related}:{position}", name=re.sub(r"^\d+_", "", name))
