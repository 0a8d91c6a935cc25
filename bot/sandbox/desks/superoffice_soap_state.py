"""What the SuperOffice stand-in remembers: users, customers, lists, tickets, messages and files."""

from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass
class User:
    """An agent of SuperOffice Service."""

    id: str
    name: str
    login: str
    email: str
    password: str = "secret"
    admin: bool = True


@dataclass
class Customer:
    """A person whose tickets are handled; ``values`` are what setCustomer has set."""

    id: str
    firstname: str = ""
    lastname: str = ""
    emails: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.firstname} {self.lastname}".strip() or f"customer {self.id}"


@dataclass
class File:
    """An attachment; ``key`` must be told to fetch it."""

    id: str
    name: str
    media_type: str
    data: bytes
    key: str


@dataclass
class Note:
    """A message on a ticket."""

    id: str
    body: str
    html: str
    slevel: str
    author: str
    by_agent: bool
    at: str
    files: list[str]


@dataclass
class Request:
    """A ticket. ``status`` is 1 open, 2 closed, 4 deleted, 5 merged."""

    id: str
    title: str
    slevel: str
    category: str
    priority: str
    owner: str
    customers: list[str]
    extra: dict[str, str]
    author: str
    created_at: str
    last_changed: str
    status: str = "1"
    closed_at: str = ""
    messages: list[Note] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)


@dataclass
class Site:
    """An installation with a few people and lists in it."""

    users: dict[str, User] = field(
        default_factory=lambda: {
            "1": User("1", "Unassigned", "", "", admin=False),
            "2": User("2", "Threadline", "threadline", "threadline@desk.example.com", "slack-to-desk"),
            "3": User("3", "Alex Agent", "alex", "alex@example.com"),
            "4": User("4", "Berit Berg", "berit", "berit@example.com", admin=False),
        }
    )
    customers: dict[str, Customer] = field(
        default_factory=lambda: {
            "11": Customer("11", "Ada", "Lovelace", ["ada@example.com"]),
            "12": Customer("12", "Sam", "Shared", ["office@example.com"]),
            "13": Customer("13", "Sue", "Shared", ["office@example.com"]),
        }
    )
    categories: tuple[tuple[str, str, str], ...] = (
        ("1", "Support", "-1"),
        ("4", "Printers", "1"),
        ("5", "Network", "1"),
        ("6", "Facilities", "-1"),
    )  # id, name, parent
    delegates: dict[str, str] = field(default_factory=lambda: {"4": "3"})  # category -> user
    priorities: tuple[tuple[str, str], ...] = (("1", "Low"), ("2", "Normal"), ("3", "High"))
    extra_fields: dict[str, tuple[str, str]] = field(
        default_factory=lambda: {
            "ticket.x_10": ("Threadline reference", "TypeVarchar"),
            "ticket.x_24": ("Asset tag", "TypeVarchar"),
            "ticket.x_25": ("Seats", "TypeInteger"),
            "ticket.x_26": ("Needed by", "TypeDate"),
            "ticket.x_27": ("Down since", "TypeDateTime"),
            "ticket.x_28": ("Blocks work", "TypeBool"),
        }
    )
    templates: dict[str, str] = field(default_factory=lambda: {"10": "Dear customer,\n%message.body%\nYour desk"})
    tickets: dict[str, Request] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Oslo"))
    last_id: int = 100

    def next_id(self) -> str:
        """An id that nothing has had yet."""
        self.last_id += 1
        return str(self.last_id)

    def now(self) -> str:
        """The time of its zone as SuperOffice writes it, with dashes."""
        return datetime.now(self.zone).strftime("%Y-%m-%d %H-%M-%S.%f")[:-3]

    def path_of(self, category: str) -> str:
        """A category with those above it, as agents see it."""
        name, parent = next((name, parent) for number, name, parent in self.categories if number == category)
        return name if parent == "-1" else f"{self.path_of(parent)} / {name}"

    def message(self, number: str) -> Note | None:
        """The message of that id on any ticket."""
        return next((note for one in self.tickets.values() for note in one.messages if note.id == number), None)

    def touch(self, ticket: Request) -> None:
        """The ticket changed."""
        ticket.last_changed = self.now()

    def set_status(self, ticket: Request, status: str) -> None:
        """Open (1), close (2), delete (4) or merge (5) a ticket."""
        ticket.status = status
        ticket.closed_at = self.now() if status == "2" else ""
        self.touch(ticket)
