"""Drafts, files and people for the conformance suites, and the rule that a test runs where its subject is claimed."""

import hashlib
import html
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from adapters.contract import Capability, Reconcile, TicketAdapter
from adapters.model import (
    Body,
    ChoiceList,
    MessageDraft,
    OutgoingFile,
    Person,
    TicketDraft,
    TicketRef,
    Visibility,
)
from bot.sandbox.desks.base import AgentDesk, SeenMessage

ADA = Person(name="Ada Lovelace", email="ada@example.com")
HERE = TicketRef(id="1", number="1")
SENT_AT = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)
WILD = "Grüße, 日本 & Ünïcödé 🎉 \"quoted\" 'single' <tag> &amp; 100% + a/b\n\nsecond paragraph"

Test = TypeVar("Test", bound=Callable[..., Any])


def needs(*capabilities: Capability, reconcile: bool | None = None) -> Callable[[Test], Test]:
    """Marks a test that is only there for desks which claim all of *capabilities*, and that can (not) be searched."""

    def mark(test: Test) -> Test:
        test.needs = (frozenset(capabilities), reconcile)  # type: ignore[attr-defined] # read by keep_claimed
        return test

    return mark


class DeskFacts:
    """What a desk's test class says of it; see `tests.adapters.conformance`."""

    adapter: ClassVar[type[TicketAdapter[Any]]]
    known: ClassVar[Person] = ADA
    fields: ClassVar[Mapping[str, str]] = {}
    shown: ClassVar[Mapping[str, str]] = {}
    missing: ClassVar[TicketRef] = TicketRef(id="99999999", number="99999999")

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if hasattr(cls, "adapter"):
            _keep_claimed(cls, cls.adapter)

    def text_of(self, seen: SeenMessage) -> str:
        """The text of a message as agents see it."""
        return seen.text


def _keep_claimed(cls: type, adapter: type[TicketAdapter[Any]]) -> None:
    """Takes the tests out of *cls* that are about what *adapter* does not claim."""
    searched = adapter.reconcile is not Reconcile.NONE
    for name in dir(cls):
        wanted, reconcile = getattr(getattr(cls, name), "needs", (frozenset(), None))
        if not wanted <= adapter.capabilities or reconcile not in {None, searched}:
            setattr(cls, name, None)


def body_of(text: str) -> Body:
    """*text* in all three renderings, as the bot fills them."""
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n\n"))
    return Body(plain=text, markdown=text, html=paragraphs)


def file_at(folder: Path, name: str, data: bytes, media_type: str = "application/octet-stream") -> OutgoingFile:
    """A file on disk, ready to be sent."""
    digest = hashlib.sha256(data).hexdigest()
    path = folder / f"{digest[:8]}-{len(name)}"
    path.write_bytes(data)
    return OutgoingFile(name=name, media_type=media_type, size=len(data), sha256=digest, path=path)


@dataclass(frozen=True)
class Pair:
    """A desk through its adapter, and the same desk as its agents see it."""

    desk: TicketAdapter[Any]
    agents: AgentDesk
    requester: Person = ADA
    department: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1), compare=False)

    def message(self, text: str = "It does not print.", marker: str = "TL-MESSAGE00001", **more: Any) -> MessageDraft:
        """A message by the requester."""
        return MessageDraft(body=body_of(text), author=self.requester, marker=marker, **more)

    async def draft(self, subject: str = "Printer on fire", text: str = "It burns.", **more: Any) -> TicketDraft:
        """A ticket as the bot would ask for it, with whatever the desk insists on."""
        first = more.pop("first", None) or self.message(text, marker=f"TL-TICKET{next(self.numbers):06}")
        values = {"subject": subject, "first": first, "requester": self.requester, "department": None, **more}
        if values["department"] is None:
            values["department"] = await self.some_department()
        return TicketDraft(**values)

    async def some_department(self) -> str | None:
        """A department in which a ticket can be opened."""
        if self.department or self.desk.settings.department:
            return self.department or self.desk.settings.department
        if self.desk.has(Capability.DEPARTMENTS):
            return (await self.desk.choices(ChoiceList.DEPARTMENTS))[0].id
        return None

    async def open(self, draft: TicketDraft | None = None, **more: Any) -> TicketRef:
        """A ticket with its first message, in as many steps as the desk needs."""
        draft = draft or await self.draft(**more)
        draft = replace(draft, first=await self.with_uploads(draft.first))
        opened = await self.desk.open_ticket(draft)
        if not self.desk.has(Capability.FIRST_MESSAGE):
            await self.desk.add_message(opened.ticket, draft.first)
        return opened.ticket

    async def add(self, ticket: TicketRef, draft: MessageDraft | None = None, **more: Any) -> str:
        """A message on a ticket; gives its id at the desk, looked up where adding does not tell."""
        draft = await self.with_uploads(draft or self.message(**more))
        made = await self.desk.add_message(ticket, draft)
        if made.id or not self.desk.has(Capability.READ_MESSAGES):
            return made.id
        return (await self.desk.messages(ticket))[-1].id

    async def with_uploads(self, draft: MessageDraft) -> MessageDraft:
        """*draft* with its files stored first, where the desk wants that."""
        if not (draft.files and self.desk.has(Capability.UPLOAD_FIRST)):
            return draft
        uploads = [await self.desk.upload(file, draft.marker) for file in draft.files]
        return replace(draft, files=(), uploads=tuple(uploads))

    async def seen(self, ticket: TicketRef) -> tuple[SeenMessage, ...]:
        """The messages of a ticket as agents see them."""
        return (await self.agents.ticket(ticket.id)).messages

    def reply_kind(self) -> Visibility:
        """A visibility in which this desk lets us write."""
        return Visibility.PUBLIC if self.desk.has(Capability.REPLY) else Visibility.INTERNAL
