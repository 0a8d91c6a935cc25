"""What every stand-in is: a server that an adapter can be pointed at, and a desk that its agents can be played at."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

from starlette.types import ASGIApp

from bot.sandbox.faults import Faults
from bot.sandbox.serving import serving


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFile:
    """A file on a message, as an agent sees it; ``id`` fetches it."""

    id: str
    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMessage:
    """A message on a ticket, as an agent sees it. ``html`` is set where the desk shows formatting."""

    id: str
    author: str
    at: str
    text: str
    internal: bool
    by_agent: bool
    html: str = ""
    files: tuple[SeenFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTicket:
    """A ticket as an agent sees it. ``messages`` is empty in lists."""

    id: str
    number: str
    subject: str
    status: str
    closed: bool
    department: str
    priority: str
    requester: str
    owner: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    messages: tuple[SeenMessage, ...] = ()


class AgentDesk(ABC):
    """A desk as its agents see it, beside its API: what the page shows and what tests compare with.

    It reads the stand-in's own state, never the adapter, so that a comparison knows neither's code.
    """

    system: ClassVar[str]

    @abstractmethod
    async def tickets(self) -> tuple[SeenTicket, ...]:
        """All tickets, newest first, without their messages."""

    @abstractmethod
    async def ticket(self, ticket_id: str) -> SeenTicket:
        """One ticket with its messages in order. Raises KeyError."""

    @abstractmethod
    async def file(self, file_id: str) -> bytes:
        """The bytes of a file. Raises KeyError."""

    @abstractmethod
    async def reply(
        self, ticket_id: str, text: str, *, internal: bool = False, files: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        """Write as an agent."""

    @abstractmethod
    async def set_closed(self, ticket_id: str, *, closed: bool) -> None:
        """Close or reopen as an agent."""

    @abstractmethod
    async def delete(self, ticket_id: str) -> None:
        """Delete a ticket as an agent."""

    @abstractmethod
    async def merge(self, ticket_id: str, into: str) -> None:
        """Merge a ticket into another as an agent: its messages go there."""


class StandIn(AgentDesk):
    """A stand-in of a desk's server. ``app`` is the strict server; requests go through ``faults``."""

    kind: ClassVar[str]

    def __init__(self, app: ASGIApp) -> None:
        self.faults = Faults(app)

    @abstractmethod
    def settings(self, address: str) -> dict[str, Any]:
        """The table of settings with which the adapter reaches this stand-in at *address*."""

    @asynccontextmanager
    async def serve(self, *, port: int = 0) -> AsyncIterator[dict[str, Any]]:
        """Serve on 127.0.0.1 until the block ends; gives the adapter's table of settings."""
        async with serving(self.faults, port=port) as address:
            yield self.settings(address)
