"""What conversion needs of the other rooms. The store and the Slack room each implement a part; wiring joins them."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from adapters.contract import TicketAdapter
from adapters.errors import Misconfigured
from adapters.model import OutgoingFile
from bot.conversion.records import Delivered, Link, Receipt, ThreadKey
from bot.conversion.slack_nouns import (
    Audience,
    Author,
    Card,
    FoundCard,
    FromDesk,
    SlackFile,
    SlackOutcomeUnknown,
    SlackRefused,
    SlackTrouble,
    ThreadMessage,
)
from bot.words import _

__all__ = [
    "Audience",
    "Author",
    "Card",
    "FoundCard",
    "FromDesk",
    "SlackFile",
    "SlackOutcomeUnknown",
    "SlackRefused",
    "SlackTrouble",
    "ThreadMessage",
]

# --- the store: lanes -------------------------------------------------------------------------------------------------


class NewOp(NamedTuple):
    """Work to be put into a lane.

    A lane is named by its thread, ``T1:C1:1700000000.000100``, or by a side and its thread: ``in/...`` for events that
    came in, ``ui/...`` for what only shows how things stand. The lanes of one thread lie on one shard.

    ``id`` says what the thing *is* (team, channel, ts, edit), so that the same thing is accepted once.
    ``order`` sorts the lane (microseconds). ``linked_only``: drop it unless the lane's thread has a link, or an
    operation waits in the lane that will make one. ``replace``: an operation of that id that nobody has begun takes
    this payload instead, and one that was begun is followed by it (a card to be shown again). ``instead``: it only ever
    takes the place of one that waits (a message that was edited before delivery), and of one that was begun as soon as
    that turns out not to be done. ``begun``: it may have been carried out before the store forgot it, so nothing takes
    its place before that is known. ``anew``: it is accepted although it was done before. ``behind``: what is stored in
    its place unless all that people say in its thread goes to the ticket that it has, and no event of it waits.
    """

    lane: str
    id: str
    order: int
    payload: str
    delay: timedelta = timedelta()
    linked_only: bool = False
    replace: bool = False
    instead: bool = False
    makes_link: bool = False
    begun: bool = False
    anew: bool = False
    behind: Callable[[], "NewOp"] | None = None


class Added(StrEnum):
    """What became of a `NewOp`. All but NOT_LINKED mean that the store holds it."""

    ADDED = "added"
    REPLACED = "replaced"
    DUPLICATE = "duplicate"
    NOT_LINKED = "not linked"


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one lane, until it is over or given back."""

    lane: str
    token: str


class StoreAway(Exception):
    """The store cannot be reached just now; nothing may be promised. Raised by any call to it."""


class LeaseLost(Exception):
    """Another worker has this lane now; whatever we were doing is its business."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The operation at the head of a lane.

    ``verify``: it was stored before the server last restarted or failed over, so it may have been carried out
    already although its record says no. ``resync``: so may others of this lane, and some may be missing: the
    thread must be read again before any work. ``restarted``: where it is to be verified, when that server began, in
    seconds since the epoch; whatever was forgotten happened before. ``waited``: it stood in this lane already when the
    server began its run, so what stood behind it was begun only if it was done. ``deaths``: so many workers in a row
    had it in hand and neither finished it nor gave it back.
    """

    id: str
    payload: str
    waiting: int
    link: Link | None
    verify: bool = False
    resync: bool = False
    restarted: float = 0.0
    waited: bool = False
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What finishing an operation writes in the same step: the lane's link, and which messages are on the ticket.

    ``untouched``: it was there when the server began its run and had not been begun, nor had what stands behind it.
    ``then``: what follows from it, put into lanes of the same thread.
    """

    link: Link | None = None
    unlink: bool = False
    untouched: bool = False
    delivered: dict[str, Delivered] = field(default_factory=dict)  # Slack ts -> record
    then: tuple[NewOp, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """An operation that waits for a person. ``held`` means that its whole lane waits with it."""

    lane: str
    id: str
    payload: str
    parked_at: datetime
    held: bool


class Lanes(Protocol):
    """Queues that keep the order of each thread. Every call may be repeated after a lost answer without harm."""

    async def add(self, ops: Sequence[NewOp]) -> list[Added]:
        """Store *ops*; when this returns, the server has them as durably as it is set up to."""

    async def peek(self, lane: str, op: str) -> str | None:
        """The payload of an operation that waits or is parked; None where it is done or unknown."""

    async def claim(self, limit: int) -> list[Lease]:
        """Up to *limit* lanes that have work due and that nobody works on."""

    async def head(self, lease: Lease) -> Head | None:
        """The next operation; None gives the lane back because it is empty. Raises LeaseLost."""

    async def save(self, lease: Lease, op: str, payload: str) -> bool:
        """Write progress and lengthen the lease; whether a newer text waits to take its place. Raises LeaseLost."""

    async def extend(self, lease: Lease) -> None:
        """Lengthen the lease. Raises LeaseLost."""

    async def resynced(self, lease: Lease) -> None:
        """The lane's thread was read again since the server restarted. Raises LeaseLost."""

    async def done(self, lease: Lease, op: str, outcome: Outcome) -> Head | None:
        """Take a finished operation off the lane, write its outcome, and return the next. Raises LeaseLost."""

    async def retry(self, lease: Lease, op: str, payload: str, *, delay: timedelta, begun: bool = True) -> None:
        """Write progress and give the lane back until *delay* is over. Raises LeaseLost.

        *begun*: whether any of it may have been done; if not, a newer text takes its place, now or when one comes.
        """

    async def park(self, lease: Lease, op: str, payload: str, *, begun: bool = True) -> Head | None:
        """Set an operation aside and return the lane's next one; *begun* as for `retry`. Raises LeaseLost."""

    async def hold(self, lease: Lease, op: str, payload: str, *, begun: bool = True, linked: bool = False) -> None:
        """Stop the lane at this operation until a person has answered; *begun* as for `retry`. Raises LeaseLost.

        It goes on as soon as its thread is unlinked; with *linked* at once, if that has happened already.
        """

    def parked(self, *, naming: str = "") -> AsyncIterator[Parked]:
        """Everything that waits for a person."""

    async def find_parked(self, lane: str, op: str) -> Parked | None:
        """One of them."""

    async def held(self, lane: str) -> Parked | None:
        """The one with which its whole lane waits."""

    async def unpark(self, lane: str, op: str, payload: str | None) -> bool:
        """Put a parked or held operation back with this payload, or drop it (None); False if it is not there."""

    async def nudge(self, lane: str) -> None:
        """Have a resting lane looked at now instead of later."""

    async def waiting(self, lane: str) -> int:
        """How many operations wait in a lane."""

    async def backlog(self) -> dict[str, float]:
        """How much waits: ``waiting`` threads, the ``oldest`` message's age in seconds, and more. Raises StoreAway."""

    async def wake(self, at_most: timedelta) -> None:
        """Sleep until something may have been added somewhere, for *at_most* that long."""


class Links(Protocol):
    """Which thread belongs to which ticket."""

    async def get(self, thread: ThreadKey) -> Link | None:
        """The link of a thread."""
        ...

    async def put(self, link: Link) -> None:
        """Link a thread that has none, in both directions; a link that is there stays: it may know more by now."""
        ...

    async def update(self, thread: ThreadKey, change: Callable[[Link], Link]) -> Link | None:
        """Change a link that is there, against whatever else changes it at the same time; None where there is none.

        *change* is called again with the newer link when another process was quicker.
        """
        ...

    async def remove(self, link: Link) -> None:
        """Take a link away, in both directions."""
        ...

    async def partings(self, thread: ThreadKey) -> int:
        """How often a link of the thread was taken away."""
        ...

    async def threads(self, desk: str, ticket_id: str) -> tuple[ThreadKey, ...]:
        """The threads of a ticket."""
        ...

    async def find(self, number: str) -> tuple[Link, ...]:
        """The links of the ticket that people call *number*, at any desk; several threads may have one ticket."""
        ...

    def all(self, *, naming: str = "") -> AsyncIterator[Link]:
        """Every link, or those in which such an id stands somewhere."""
        ...

    async def delivered(self, thread: ThreadKey, ts: str) -> Delivered | None:
        """Whether and where a message of ours is on the ticket, by its Slack timestamp or its marker."""
        ...

    async def deliveries(self, thread: ThreadKey) -> dict[str, Delivered]:
        """The same for all of a thread, by Slack timestamp and by marker."""
        ...

    async def learn(self, thread: ThreadKey, ts: str, record: Delivered) -> None:
        """Write down what was found out about a message of ours."""
        ...


class Breakers(Protocol):
    """Remembers, for all processes, which desks do not answer."""

    async def wait(self, desk: str) -> timedelta:
        """How long to leave the desk alone; zero: go ahead."""
        ...

    async def failed(self, desk: str, retry_after: timedelta | None) -> timedelta:
        """Note a failure to reach the desk; returns how long to leave it alone."""
        ...

    async def succeeded(self, desk: str) -> bool:
        """Note that the desk answered; True if it had been failing before."""
        ...


# --- the Slack room ---------------------------------------------------------------------------------------------------


class Threads(Protocol):
    """Reads Slack."""

    async def read(self, thread: ThreadKey) -> tuple[ThreadMessage, ...]:
        """All messages of a thread to its last page, in order, our own left out.

        Raises:
            SlackTrouble: try again. SlackRefused: we are not in that channel, or it is gone.
        """

    async def understand(self, message: dict[str, Any], channel: str) -> ThreadMessage:
        """A message as an event or a payload carries it. Raises SlackTrouble."""

    async def author(self, user: str) -> Author:
        """A person by id. Raises SlackTrouble; an unknown id gives an author named after it."""

    async def locale(self, user: str, *, patience: float = ...) -> str:
        """A person's locale, such as it-IT; empty where Slack does not tell it within *patience* seconds."""

    async def file(self, file_id: str) -> SlackFile:
        """What Slack says of a file. Raises SlackTrouble, SlackRefused."""

    async def fetch(self, file: SlackFile, folder: Path, *, limit: int | None) -> OutgoingFile:
        """Bring a file to *folder*, checked. Raises SlackTrouble; SlackRefused with the reason for people."""

    async def audience(self, channel: str) -> Audience:
        """Who reads a channel; known for some minutes. Raises SlackTrouble, SlackRefused."""
        ...

    async def permalink(self, channel: str, ts: str) -> str:
        """The address of a message; empty where Slack does not tell."""


class Voice(Protocol):
    """Speaks in Slack. What it posts carries ``marker`` in its metadata, so that it can be found again."""

    async def post_card(self, channel: str, thread_ts: str, card: Card, marker: str) -> str:
        """Post a card and return its timestamp. Raises SlackTrouble, SlackRefused, SlackOutcomeUnknown."""

    async def find_post(self, channel: str, thread_ts: str, marker: str) -> str | None:
        """The timestamp of our post with this marker, in a thread (or, without one, lately in the channel)."""

    async def markers(self, thread: ThreadKey) -> frozenset[str]:
        """The markers of all that we posted in a thread. Raises SlackTrouble, SlackRefused."""
        ...

    async def kept_by_another(self, thread: ThreadKey, number: str) -> bool:
        """Whether another Threadline has its card for the ticket of this number in the thread. Raises SlackTrouble."""
        ...

    async def update_card(self, card: Card) -> None:
        """Bring the card up to date, in place. Raises SlackTrouble, SlackRefused."""

    def posts(self, message: FromDesk) -> tuple[Any, ...]:
        """*message* as one or several posts that Slack takes; what is in them only `post` knows."""

    def question(self, text: str, parked: str) -> Any:
        """How a reply to a closed ticket goes on, as a post with the choices; *parked* (``lane|op``) waits for it."""
        ...

    async def post(self, thread: ThreadKey, post: Any, marker: str, *, broadcast: bool = False) -> str:
        """Write in a thread; *broadcast* shows it in the channel too.

        Raises:
            SlackTrouble, SlackRefused, SlackOutcomeUnknown: as their names say.
        """
        ...

    async def rewrite(self, channel: str, ts: str, post: Any) -> None:
        """Put another text in the place of a post of ours. Raises SlackTrouble, SlackRefused."""
        ...

    async def upload(self, thread: ThreadKey, name: str, content: bytes) -> None:
        """Share a file in a thread. Raises SlackTrouble, SlackRefused, SlackOutcomeUnknown."""

    async def find_upload(self, thread: ThreadKey, name: str, size: int) -> bool:
        """Whether we shared such a file in a thread."""

    longest: timedelta
    """How long a call may be on its way; what a process did that lost its lane shows by then."""
    receipts_are_words: bool
    """Whether how far messages got is said in one post of the thread, instead of shown on each."""
    receipts_are_silent: bool
    """Whether nothing shows how far messages got, so that nobody need ask for it."""

    async def receipt(self, state: Receipt) -> None:
        """Show how far a message got. Raises SlackTrouble, SlackRefused."""

    def receipts_of(self, link: Link) -> Any:
        """The post that says how far the messages of a thread got, for `post` and `rewrite`."""

    async def tell(
        self, user: str, channel: str, thread_ts: str, text: str, *, parked: str = "", asks: bool = False
    ) -> None:
        """Say something to one person; *parked* (``lane|op``) adds the buttons that decide about it.

        *asks*: the buttons answer the question whether it is there.
        """

    async def finish_step(self, step: str, outputs: dict[str, str], *, error: str = "") -> None:
        """End a workflow's step with what it gives, or with an error. Raises SlackTrouble, SlackRefused."""
        ...

    async def direct_channel(self, user: str) -> str:
        """The id of our direct-message channel with a person. Raises SlackTrouble, SlackRefused."""


class Events(Protocol):
    """Takes a stored Slack event to whoever listens for it."""

    async def dispatch(self, body: dict[str, Any], link: Link | None) -> NewOp | None:
        """What follows from it in its own thread; the listener has accepted the rest. *link*: that thread's ticket.

        Raises StoreAway, SlackTrouble, and what else makes the worker try again.
        """
        ...


class NoSuchDesk(Misconfigured, KeyError):
    """The settings have no desk of that name (any more); work for it waits until they have."""

    def __init__(self, desk: str) -> None:
        super().__init__(desk, "the settings have no desk of this name.", remedy="Put it back into the settings.")

    @property
    def words(self) -> str:
        """What people are told, who can only tell the operator."""
        return _(
            "Threadline's settings have no helpdesk {desk} any more. Please tell whoever runs Threadline.",
            desk=self.desk,
        )


class Desks(Protocol):
    """The desks of the settings, entered and ready."""

    def get(self, name: str) -> TicketAdapter[Any]:
        """A desk by its name in the settings. Raises NoSuchDesk."""
        ...

    def names(self) -> tuple[str, ...]:
        """All names, in the order of the settings."""
        ...

    def for_channel(self, channel: str) -> str:
        """The desk that serves a channel."""
        ...
