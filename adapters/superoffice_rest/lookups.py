"""What can be looked up at SuperOffice: lists for forms, custom fields, people, tickets, messages and files."""

import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from httpx import codes
from typing_extensions import override

from adapters.contract import Capability, Shared, carries
from adapters.errors import AdapterError, NotFound, Rejected, UnexpectedReply
from adapters.model import (
    Attachment,
    Body,
    Choice,
    ChoiceList,
    Field,
    Message,
    MessageRef,
    Person,
    Ticket,
    TicketRef,
)
from adapters.superoffice_rest import fields, reading
from adapters.superoffice_rest.archive import PAGE, Query, needle
from adapters.superoffice_rest.reading import Row, ident, rows, text
from adapters.superoffice_rest.refusals import unusable
from adapters.superoffice_rest.settings import SuperOfficeRestSettings
from adapters.superoffice_rest.wire import RestWire

_KEPT = 600.0  # seconds for which lists and the default ticket are kept: SuperOffice asks not to read them each time
_AT_ONCE = 50  # messages read by one call
_OVERLAP = timedelta(minutes=1)  # by which a change may show after one with a later time
_MARGIN = timedelta(days=2)  # SuperOffice does not say in which time zone a filter's date is read
_BEFORE_ALL = "1970-01-03T00:00:00+00:00"
_LISTS = {
    ChoiceList.DEPARTMENTS: "ejcategory",
    ChoiceList.PRIORITIES: "ticketpriority",
    ChoiceList.STATUSES: "ticketstatus",
}
Shape = TypeVar("Shape", bound="list[Any] | dict[str, Any]")
_PERSON_COLUMNS = ("personId", "firstName", "lastName", "email/emailAddress")


class Lookups(RestWire):
    """A desk that can be read."""

    def __init__(self, name: str, settings: SuperOfficeRestSettings, shared: Shared) -> None:
        super().__init__(name, settings, shared)
        self._kept: dict[str, tuple[Any, float]] = {}

    @property
    @override
    def creates_requesters(self) -> bool:
        return self.settings.create_requesters

    @override
    def has(self, capability: Capability) -> bool:
        needed = {
            Capability.CREATE_REQUESTER: self.settings.create_requesters,
            Capability.WEBHOOK: bool(self.settings.webhook_secret.get_secret_value()),
        }
        return super().has(capability) and needed.get(capability, True)

    async def kept(
        self, path: str, shape: type[Shape], *, query: Mapping[str, str] | None = None, anew: bool = False
    ) -> Shape:
        """What a call that rarely says anything new answers, from a recent one where there was one.

        Raises:
            UnexpectedReply: it is no *shape*; that is not kept.
        """
        answer, until = self._kept.get(path, (None, 0.0))
        if anew or time.monotonic() >= until:
            answer = await self.call("GET", path, query=query)
            if not isinstance(answer, shape):
                raise unusable(self.name, changes=False, code=f"no {shape.__name__}")
            self._kept[path] = (answer, time.monotonic() + _KEPT)
        return cast(Shape, answer)

    @contextmanager
    def from_kept(self, path: str) -> Iterator[None]:
        """A block that sends on what `kept` gave: where that goes wrong, it may be why, and the next try asks anew."""
        try:
            yield
        except AdapterError:
            self._kept.pop(path, None)
            raise

    async def entity(self, path: str) -> dict[str, Any]:
        """One entity.

        Raises:
            NotFound: there is none.
        """
        return self.as_entity(await self.call("GET", path), changes=False)

    def as_entity(self, answer: object, *, changes: bool) -> dict[str, Any]:
        """*answer*, which must be an object."""
        if not isinstance(answer, dict):
            raise unusable(self.name, changes=changes, code="no entity")
        return answer

    async def archive(self, path: str, query: Query) -> list[Row]:
        """One page of rows."""
        return (await self._page(path, query))[0]

    async def _page(self, path: str, query: Query) -> tuple[list[Row], bool]:
        """One page of rows, and whether SuperOffice says that there are more."""
        answer = await self.call("GET", path, query=query.parameters())
        if not isinstance(answer, dict) or not isinstance(answer.get("value"), list):
            raise unusable(self.name, changes=False, code="no archive rows")
        return rows(answer["value"]), bool(answer.get("odata.nextLink"))

    async def pages(self, path: str, query: Query) -> AsyncIterator[list[Row]]:
        """All rows, page by page; SuperOffice may make a page shorter than was asked for."""
        while True:
            page, more = await self._page(path, query)
            yield page
            if not page or not (more or len(page) >= query.top):
                return
            query = replace(query, skip=query.skip + len(page))

    # --- lists for forms ---

    async def items(self, name: str, *, anew: bool = False) -> list[Row]:
        """The entries of an MDO list, without its headings."""
        return rows(await self.kept(f"MDOList/{name}", list, query={"flat": "true"}, anew=anew))

    @override
    async def choices(self, which: ChoiceList, *, department: str | None = None) -> tuple[Choice, ...]:
        names = {**_LISTS, ChoiceList.AGENTS: self.settings.agent_list}
        found = await self.items(names[which], anew=True)
        if which is ChoiceList.STATUSES:
            # merging, deleting and calling it spam are no statuses that one sets in passing
            found = [row for row in found if row.get("ExtraInfo") in {"Active", "Closed", "Postponed"}]
        return reading.choices_of(found)

    @override
    async def custom_fields(self, department: str | None = None) -> tuple[Field, ...]:
        required = frozenset(self.settings.required_fields)
        found = []
        for item in rows(await self.kept("Ticket/CustomField", list)):
            mdo = text(item.get("MdoListName"))
            choices = reading.choices_of(await self.items(mdo)) if mdo.isalnum() else ()
            found.append(fields.offered(item, choices, required=required))
        return tuple(field for field in found if field and field.key != self.settings.marker_field)

    # --- people ---

    @override
    async def find_requester(self, email: str) -> Person | None:
        if "@" not in email or not needle(email):
            return None
        whole = needle(email) == email
        operator = "eq" if whole else "contains"
        where = f"email/emailAddress {operator} '{needle(email)}'"
        found = await self.archive("Person", Query(select=_PERSON_COLUMNS, where=where, order="personId"))
        exact = [row for row in found if text(row.get("email/emailAddress")).casefold() == email.casefold()]
        people = {ident(row.get("personId")): row for row in exact}
        if len(people) != 1:
            return None  # nobody, or an address that two contacts share: guessing would show one the other's ticket
        [(number, row)] = people.items()
        name = f"{text(row.get('firstName'))} {text(row.get('lastName'))}".strip()
        return Person(name=name or email, email=text(row.get("email/emailAddress")), desk_id=number)

    @override
    async def create_requester(self, person: Person) -> Person:
        if not self.settings.create_requesters:
            cause = "new requesters are not made contacts of SuperOffice."
            remedy = "Set create_requesters = true for this desk, or add the contact there."
            raise Rejected(self.name, cause, remedy=remedy, field="requester")
        first, _, last = person.name.partition(" ")
        entity = await self.kept("Person/default", dict)
        entity = {**entity, "Firstname": first, "Lastname": last}
        if person.email:
            entity["Emails"] = [{"Value": person.email}]
        if self.settings.company:
            entity["Contact"] = {"ContactId": int(self.settings.company)}
        with self.from_kept("Person/default"):
            answer = await self.call("POST", "Person", body=entity, changes=True)
        made = self.as_entity(answer, changes=True)
        number = ident(made.get("PersonId"))
        if not number:
            raise unusable(self.name, changes=True, code="no PersonId")
        return Person(name=person.name, email=person.email, desk_id=number)

    # --- tickets ---

    @override
    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        return reading.ticket_of(await self.entity(f"Ticket/{self.number(ticket.id)}"), url=self.settings.ticket_url)

    @override
    async def find_by_number(self, number: str) -> Ticket:
        return await self.get_ticket(TicketRef(id=number.strip().removeprefix("#"), number=number))

    def number(self, ident_: str) -> str:
        """A number that may stand in a path.

        Raises:
            NotFound: it is none, so nothing can have it.
        """
        if not reading.is_number(ident_):
            raise NotFound(self.name, "SuperOffice's tickets and messages have numbers, and this is none.")
        return ident_

    @override
    async def search(self, words: str, *, limit: int = 20) -> tuple[Ticket, ...]:
        if not needle(words):
            return ()
        where = f"title contains '{needle(words)}'"
        query = Query(select=reading.TICKET_COLUMNS, where=where, order="ticketId desc", top=max(limit, PAGE))
        found = [row for row in await self.archive("Ticket", query) if _holds(text(row.get("title")), words)]
        if not found:
            return ()
        statuses = await self.items("ticketstatus")
        return tuple(reading.listed_ticket(row, statuses, url=self.settings.ticket_url) for row in found[:limit])

    @override
    async def changed_since(self, cursor: str) -> tuple[tuple[TicketRef, ...], str]:
        """Reads what changed last first, down to a little before *cursor*: a change may show after a later one."""
        query = Query(select=("ticketId", "lastChanged"), order="lastChanged desc")
        if not cursor:
            newest = await self.archive("Ticket", replace(query, top=1))
            return (), _stamp(newest[0], _BEFORE_ALL) if newest else _BEFORE_ALL
        since = reading.when(cursor)
        if since is None:
            raise Rejected(self.name, "the place from which changes are asked for is not one that we gave.")
        since, latest = since - _OVERLAP, cursor
        changed: dict[str, TicketRef] = {}
        query = replace(query, where=f"lastChanged after '{since - _MARGIN:%Y-%m-%d}'")
        async for page in self.pages("Ticket", query):
            for row in page:
                at = reading.when(row.get("lastChanged"))
                if at is not None and at < since:
                    return tuple(changed.values()), latest
                latest = max(latest, _stamp(row, latest), key=datetime.fromisoformat)
                number = str(row.get("ticketId"))
                changed[number] = TicketRef(id=number, number=number)
        return tuple(changed.values()), latest

    # --- messages and files ---

    async def headers(self, ticket: TicketRef) -> list[Row]:
        """What a ticket tells of its messages without their texts, in the order in which they came.

        Raises:
            NotFound: there is no such ticket.
        """
        found = self.as_entity(
            await self.call("GET", f"Ticket/{self.number(ticket.id)}", query={"$select": "TicketId,Messages"}),
            changes=False,
        )
        known = [row for row in rows(found.get("Messages")) if ident(row.get("TicketMessageId"))]
        return sorted(known, key=lambda row: int(row["TicketMessageId"]))

    @override
    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        seen = int(ident(after) or 0)
        wanted = [row for row in await self.headers(ticket) if int(row["TicketMessageId"]) > seen]
        if not self.settings.agents_calls:
            return await self._messages_one_by_one(ticket, wanted)
        found: list[Message] = []
        for start in range(0, len(wanted), _AT_ONCE):
            ids = [int(row["TicketMessageId"]) for row in wanted[start : start + _AT_ONCE]]
            asked = {"TicketId": int(ticket.id), "MessageIds": ids}
            answer = await self.call("POST", "Agents/Ticket/GetTicketMessageEntities", body=asked)
            if not isinstance(answer, list):
                raise unusable(self.name, changes=False, code="no list of messages")
            found += map(reading.message_of, rows(answer))
        if not all(message.id for message in found):
            raise unusable(self.name, changes=False, code="no EjMessageId")
        return tuple(sorted(found, key=lambda message: int(message.id)))

    async def _messages_one_by_one(self, ticket: TicketRef, wanted: list[Row]) -> tuple[Message, ...]:
        """The texts come from the archive, the files from a call for each message that has some.

        What has no text may have been deleted since its ticket was read; the call for its files tells.
        """
        texts = {ident(row.get("ticketMessageId")): row async for row in self._texts(ticket)} if wanted else {}
        found = []
        for row in wanted:
            number = str(row["TicketMessageId"])
            body = texts.get(number, {})
            person = {"PersonId": row.get("PersonId"), "FullName": row.get("PersonFullName")}
            try:
                files = await self.files_of(number) if row.get("NumAttachments") != 0 or not body else []
            except NotFound:
                continue
            known = {
                "EjMessageId": number,
                "Body": body.get("body"),
                "HtmlBody": body.get("htmlBody"),
                "Person": person,
            }
            found.append(reading.message_of({**row, **known, "AttachmentsInfo": files}))
        return tuple(found)

    async def files_of(self, message: str) -> list[Row]:
        """The files of one message."""
        return rows(await self.call("GET", f"TicketMessage/{self.number(message)}/Attachment"))

    async def _texts(self, ticket: TicketRef) -> AsyncIterator[Row]:
        """The texts of a ticket's messages, oldest first."""
        query = Query(select=("ticketMessageId", "body", "htmlBody"), order="ticketMessageId")
        async for page in self.pages(f"Ticket/{self.number(ticket.id)}/Messages", query):
            for row in page:
                yield row

    @override
    async def find_message(self, ticket: TicketRef, marker: str) -> MessageRef | None:
        """Reads the ticket's messages from the database's archive until one carries the marker: later ones quote it."""
        async for row in self._texts(ticket):
            if carries(Body(plain=text(row.get("body")), html=text(row.get("htmlBody"))), marker):
                return MessageRef(id=ident(row.get("ticketMessageId")))
        return None

    @override
    async def attachment(self, ticket: TicketRef, attachment: Attachment, *, limit: int) -> bytes:
        path = f"Attachment/{self.number(attachment.id)}/Content"
        too_large = Rejected(
            self.name, f"the file is larger than {limit:,} bytes.", remedy="Open it in SuperOffice.", field="files"
        )
        try:
            reply = await self.send("GET", path, limit=limit)
        except UnexpectedReply as error:
            raise too_large if error.code == "too large" else error from None
        return b"" if reply.status == codes.NO_CONTENT else reply.content


def _holds(title: str, words: str) -> bool:
    return " ".join(words.split()).casefold() in " ".join(title.split()).casefold()


def _stamp(row: Row, otherwise: str) -> str:
    at = reading.when(row.get("lastChanged"))
    return at.isoformat() if at else otherwise
