"""What the ticket port answers, as our nouns: pure functions over decoded answers."""

import re
from collections.abc import Mapping, Sequence
from datetime import MAXYEAR, UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.contract import MARKER_LINE, TitleMarker
from adapters.model import (
    Attachment,
    Body,
    Choice,
    Message,
    Person,
    Role,
    Status,
    Ticket,
    TicketRef,
    Visibility,
)

Row = Mapping[str, str]
"""A row of ResultStructs: field -> value."""

TICKET_FIELDS = (
    "ticket.id",
    "ticket.title",
    "ticket.status",
    "ticket.category",
    "ticket.priority",
    "ticket.owned_by",
    "ticket.created_at",
    "ticket.last_changed",
    "customer.id",
    "customer.firstname",
    "customer.lastname",
)
"""What is read of a ticket; findTickets gives all of it in one call, getTicket has no owner and no name."""

MESSAGE_FIELDS = ("message.id", "message.body", "message.created_at", "message.author", "message.slevel")

INTERNAL, EXTERNAL = "1", "2"  # sLevel

_STATUSES: Mapping[str, tuple[Status, str]] = {
    "1": (Status.OPEN, "Open"),
    "2": (Status.CLOSED, "Closed"),
    "3": (Status.PENDING, "Postponed"),
    "4": (Status.GONE, "Deleted"),
    "5": (Status.GONE, "Merged"),
    "6": (Status.GONE, "Spam"),
}
"""The manual of SOAP does not number them; the newer interface's base statuses do, and it is one database."""

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d)[-:.](\d\d)[-:.](\d\d)(?:[.,](\d{1,6})\d*)?")
_SECONDS = len("yyyy-mm-dd hh-mm-ss")
_EPOCH = 1970
_MARKER = re.compile(rf"^[ \t]*{re.escape(MARKER_LINE)}(\S+)[ \t]*\r?$", re.MULTILINE)

TITLES = TitleMarker("ref ")
TITLE_MARKER_LENGTH = 40
"""Characters of a title that are kept for the marker."""


def status_of(found: Row) -> tuple[Status, str]:
    """What the status of a row of a ticket means, and its name."""
    number = found.get("ticket.status", "")
    return _STATUSES.get(number, (Status.OPEN, number))


def strings(value: Any) -> tuple[str, ...]:
    """A decoded array of strings."""
    return tuple(str(one) for one in _list(value) if one is not None)


def structs(value: Any) -> tuple[Row, ...]:
    """A decoded array of structs; what is missing or empty is an empty string."""
    return tuple(
        {str(key): "" if one is None else str(one) for key, one in struct.items()}
        for struct in _list(value)
        if isinstance(struct, Mapping)
    )


def row(value: Any) -> Row:
    """A decoded array of ResultStructs."""
    return {struct.get("field", ""): struct.get("value", "") for struct in structs(value)}


def rows(value: Any) -> tuple[Row, ...]:
    """A decoded two-dimensional array of ResultStructs.

    A server whose WSDL has ``T[,]`` writes them as one flat list; then a row ends where its first field comes again.
    """
    if all(isinstance(one, Mapping) for one in _list(value)):
        return _split(structs(value))
    return tuple(row(one) for one in _list(value) if one)


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _split(flat: Sequence[Row]) -> tuple[Row, ...]:
    found: list[dict[str, str]] = []
    for struct in flat:
        if not found or struct.get("field", "") == flat[0].get("field", ""):
            found.append({})
        found[-1][struct.get("field", "")] = struct.get("value", "")
    return tuple(found)


def time_of(text: str, zone: ZoneInfo) -> datetime | None:
    """A ``yyyy-mm-dd hh-mm-ss.xxx`` of the server (the manual's dashes, or colons) as an aware time."""
    match = _TIME.match(text.strip())
    if match is None:
        return None
    *parts, fraction = match.groups()
    try:
        return datetime(*map(int, parts), int((fraction or "0").ljust(6, "0")), tzinfo=zone)  # type: ignore[arg-type, misc] # mypy counts no starred groups
    except ValueError:
        return None


def earlier(stamp: str, zone: ZoneInfo, by: timedelta) -> str:
    """The time *by*, whole seconds, before *stamp*, in the form of *stamp*; itself where it is no time of our days.

    Where the server's clock goes through an hour twice, it is a whole such hour earlier still: what changed later may
    bear an earlier time.
    """
    stamp = stamp.strip()
    at = time_of(stamp, zone)
    if at is None or not _EPOCH < at.year < MAXYEAR:
        return stamp
    twice = at.replace(fold=1).astimezone(UTC) - at.astimezone(UTC)  # less than nothing in an hour that is left out
    digits = iter(f"{at.replace(tzinfo=None) - by - max(twice, timedelta()):%Y%m%d%H%M%S}")
    return re.sub(r"\d", lambda _: next(digits), stamp[:_SECONDS]) + stamp[_SECONDS:]


def choices_of_categories(value: Any) -> tuple[Choice, ...]:
    """Categories by their whole path, such as ``Hardware / Printers``; parents come before their children."""
    paths: dict[str, str] = {}
    for one in structs(value):
        parent = paths.get(one.get("parentid", ""), "")
        name = one.get("name", "")
        paths[one.get("id", "")] = f"{parent} / {name}" if parent else name
    return tuple(Choice(id=number, label=path) for number, path in paths.items())


def choices_of_priorities(value: Any) -> tuple[Choice, ...]:
    """Priorities, the lowest first, as SuperOffice sorts them."""
    return tuple(Choice(id=one.get("id", ""), label=one.get("name", "")) for one in structs(value))


def ticket_of(
    found: Row,
    *,
    zone: ZoneInfo,
    categories: Mapping[str, str],
    priorities: Mapping[str, str],
    agents: Mapping[str, str],
    url: str,
) -> Ticket:
    """A row of `TICKET_FIELDS` as a ticket, with names from the maps of ids to names."""
    number = found["ticket.id"]
    status, name = status_of(found)
    owner = found.get("ticket.owned_by", "")
    return Ticket(
        ref=TicketRef(id=number, number=number),
        subject=TITLES.parted(found.get("ticket.title", ""))[0],
        status=status,
        status_name=name,
        department=categories.get(found.get("ticket.category", ""), found.get("ticket.category")) or None,
        priority=priorities.get(found.get("ticket.priority", ""), found.get("ticket.priority")) or None,
        owner=None if owner in {"", "0", "-1", "1"} else agents.get(owner, f"user {owner}"),
        requester=_customer(found),
        created_at=time_of(found.get("ticket.created_at", ""), zone),
        updated_at=time_of(found.get("ticket.last_changed", ""), zone),
        url=url.replace("{id}", number) if url else None,
    )


def _customer(found: Row) -> Person | None:
    number = found.get("customer.id", "")
    if number in {"", "0", "-1"}:
        return None
    name = f"{found.get('customer.firstname', '')} {found.get('customer.lastname', '')}".strip()
    return Person(name=name or f"customer {number}", desk_id=number)


def message_of(message_id: str, found: Row, files: Any, *, zone: ZoneInfo, templated: bool = False) -> Message:
    """The answer of getMessage as a message.

    The port does not tell who is an agent: a public message whose author is an e-mail address came from outside.
    Where public replies go into a template (*templated*), its words may stand behind our marker, so that one is looked
    for in every line of what agents wrote.
    """
    author = found.get("message.author", "")
    internal = found.get("message.slevel", "") != EXTERNAL
    outside = "@" in author and not internal
    body = found.get("message.body", "")
    marked = _MARKER.search(body) if templated and not internal and not outside else None
    return Message(
        id=message_id,
        body=Body(plain=body),
        marker=marked.group(1) if marked else "",
        author=Person(
            name=author or SOMEBODY,
            email=author if "@" in author and " " not in author else None,
            role=Role.REQUESTER if outside else Role.AGENT,
        ),
        visibility=Visibility.INTERNAL if internal else Visibility.PUBLIC,
        at=time_of(found.get("message.created_at", ""), zone),
        attachments=tuple(
            Attachment(
                id=f"{message_id}/{file.get('attachmentid', '')}",
                name=file.get("attachmentname", ""),
                media_type=file.get("contenttype") or None,
            )
            for file in structs(files)
        ),
    )


SOMEBODY = "somebody at the desk"
"""The author of a message for which SuperOffice gives none."""
