"""What Slack says and shows, in our own words: messages and their authors, cards, and what went wrong."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.contract import TicketAdapter
from adapters.model import Ticket, Visibility
from bot.conversion.records import Link, ThreadKey
from bot.conversion.text.tree import Document
from bot.words import _

FILE = 50_000_000
"""Bytes of a file that are brought to a thread of Slack; a larger one is named."""


class SlackTrouble(Exception):
    """Slack did not do it, for now: try again after ``retry_after`` (None: soon)."""

    def __init__(self, code: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class SlackRefused(Exception):
    """Slack will not do it however often it is asked; ``words`` say why and what to do, to whoever reads them."""

    def __init__(self, code: str, words: str, **values: object) -> None:
        super().__init__(words.format_map(values) if values else words)
        self.code = code
        self._words = words
        self._values = values

    @property
    def words(self) -> str:
        """In the language that is spoken now, which is not the one that was spoken when it was raised."""
        return _(self._words, **self._values)


class SlackOutcomeUnknown(Exception):
    """The answer of a call that posts was lost: look for our marker before posting again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who wrote a Slack message. ``email`` is only there for members of our own workspace."""

    id: str
    name: str
    email: str | None = None
    own_workspace: bool = True
    guest: bool = False
    bot: bool = False
    active: bool = True  # False for who was deactivated


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Who reads a channel besides our own members. ``shared``: another company does."""

    guests: tuple[str, ...] = ()
    shared: bool = False

    @property
    def outsiders(self) -> bool:
        """Whether anybody is from outside."""
        return bool(self.guests) or self.shared


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackFile:
    """A file as a Slack message names it. ``trouble`` says in words why it cannot be fetched, where that is known.

    ``permalink``: where people find it, empty where that is nowhere. ``outside``: that is not in Slack.
    """

    id: str
    name: str
    media_type: str = ""
    size: int = 0
    url: str = ""  # url_private_download
    permalink: str = ""
    outside: bool = False
    trouble: str = ""

    def refused(self, code: str) -> "SlackFile":
        """It, as Slack shows it to people after it was asked for and refused with *code*."""
        return replace(self, permalink="") if code in {"file_not_found", "file_deleted"} else self


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadMessage:
    """A Slack message, understood: who, when, what, and which files.

    ``wish``: it asks us for something, so that it goes to no ticket by itself. ``carries``: it does, and what is said
    behind the wish (``document``, without our name and the verb) is for a ticket; ``visibility``: who is to read that
    there, where the verb says so. ``sends``: the whole message as Slack has it, where the verb sends it to a ticket
    that is there.
    """

    ts: str
    author: Author
    at: datetime
    document: Document
    files: tuple[SlackFile, ...] = ()
    edited: str = ""
    permalink: str = ""
    wish: bool = False
    carries: bool = False
    visibility: Visibility | None = None
    sends: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card shows. ``note`` is a line about trouble or things left out; empty when all is well."""

    link: Link
    desk: TicketAdapter[Any]
    ticket: Ticket | None = None
    note: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCard:
    """A card of ours as Slack remembers it. An older one does not say who opened the ticket and who may read it."""

    thread: ThreadKey
    ts: str
    desk: str
    ticket_id: str
    number: str
    opened_by: str = ""
    visibility: Visibility = Visibility.INTERNAL
    follows: bool = False  # its thread went with another ticket when it was posted

    @property
    def at(self) -> datetime:
        """When it was posted."""
        return datetime.fromtimestamp(float(self.ts), UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class FromDesk:
    """Words from the desk for a thread; *author* is empty where it is only news of the ticket."""

    document: Document
    author: str = ""
