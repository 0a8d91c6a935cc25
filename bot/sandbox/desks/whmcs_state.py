"""What the WHMCS stand-in keeps: people, departments, tickets; texts with HTML entities, as WHMCS keeps them."""

import html
import re
import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo


@dataclass
class Post:
    """An opening post, a reply or a note. ``message`` and ``name`` are entity-encoded."""

    id: int
    message: str
    date: str
    markdown: bool = False
    name: str = ""
    email: str = ""
    userid: str = "0"
    contactid: str = "0"
    admin: str = ""
    files: list[tuple[str, bytes]] = field(default_factory=list)


@dataclass
class StoredTicket:
    """A row of tbltickets with what belongs to it."""

    id: int
    tid: str
    c: str
    deptid: str
    subject: str
    opening: Post
    status: str = "Open"
    priority: str = "Low"
    flag: str = "0"
    service: str = ""
    lastreply: str = ""
    noemail: bool = False
    prevent_closure: bool | None = None
    fields: dict[str, str] = field(default_factory=dict)
    replies: list[Post] = field(default_factory=list)
    notes: list[Post] = field(default_factory=list)


@dataclass(frozen=True)
class Client:
    """A client; ``contacts`` and ``users`` are ids with name and address."""

    name: str
    email: str
    contacts: dict[str, tuple[str, str]] = field(default_factory=dict)
    users: dict[str, tuple[str, str]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


def _clients() -> dict[str, Client]:
    return {
        "1": Client(
            "Ada Lovelace",
            "ada@example.com",
            contacts={"7": ("Charles Babbage", "charles@example.com")},
            users={"3": ("Ada Lovelace", "ada@example.com"), "4": ("Mary Somerville", "mary@example.com")},
            services=frozenset({"21"}),
            domains=frozenset({"31"}),
        ),
        "2": Client("Acme & Sons", "office@acme.example", users={"5": ("Grace O'Hopper", "grace.o@acme.example")}),
    }


@dataclass
class State:
    """Everything that the pretend WHMCS knows."""

    zone: ZoneInfo
    mask: str
    four_bytes: bool = True  # whether its database keeps them, or cuts a text there as MySQL's utf8 does
    departments: dict[str, str] = field(
        default_factory=lambda: {"1": "Sample Support Department", "2": "Billing & Sales", "3": "Back office"}
    )
    assigned: frozenset[str] = frozenset({"1", "2"})  # departments of the admin whose credentials are used
    statuses: tuple[str, ...] = ("Open", "Answered", "Customer-Reply", "On Hold", "In Progress", "Closed")
    clients: dict[str, Client] = field(default_factory=_clients)
    admins: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {"1": ("admin", "Demo User"), "2": ("georgina", "Georgina Williams")}
    )
    custom: dict[str, str] = field(default_factory=lambda: {"11": "Asset tag", "12": "Site"})
    tickets: dict[int, StoredTicket] = field(default_factory=dict)
    merged: dict[int, int] = field(default_factory=dict)  # ticket -> the one that it was merged into
    last_ticket: int = 0
    last_post: int = 0
    clock: datetime = datetime(2000, 1, 1, tzinfo=UTC)

    def now(self) -> str:
        """The server's time without its zone, in whole seconds: much is written in the same one."""
        self.clock = max(self.clock, datetime.now(UTC))
        return f"{self.clock.astimezone(self.zone):%Y-%m-%d %H:%M:%S}"

    def next_ticket(self) -> int:
        """A new id for a ticket; one that was deleted does not come again."""
        self.last_ticket += 1
        return self.last_ticket

    def next_post(self) -> int:
        """A new number for a reply or a note."""
        self.last_post += 1
        return self.last_post

    def next_tid(self) -> str:
        """A ticket number by the mask: %A a capital, %a a small letter, %n a digit, %i the id, %y %m %d the date."""
        made = {
            "A": lambda: secrets.choice(string.ascii_uppercase),
            "a": lambda: secrets.choice(string.ascii_lowercase),
            "n": lambda: secrets.choice(string.digits),
            "i": lambda: str(self.last_ticket),
        }

        def fill(found: re.Match[str]) -> str:
            letter = found.group(1)
            return made[letter]() if letter in made else f"{datetime.now(self.zone):%{letter}}"

        return re.sub(r"%([Aaniymd])", fill, self.mask)


def encode(text: str) -> str:
    """Text as WHMCS keeps it: PHP's htmlspecialchars with both quotes, and lines that end in CR LF."""
    lines = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return html.escape(lines, quote=True).replace("&#x27;", "&#039;")


def decode(text: str) -> str:
    """What a browser shows of it."""
    return html.unescape(text).replace("\r\n", "\n")
