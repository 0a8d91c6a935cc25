"""What can be looked up at SuperOffice: lists for forms, extra fields, people, tickets, messages and files."""

import asyncio
import base64
import binascii
import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

from typing_extensions import override

from adapters.contract import Capability, Shared
from adapters.errors import NotFound, Rejected, UnexpectedReply
from adapters.model import (
    Attachment,
    Choice,
    ChoiceList,
    Field,
    Message,
    Person,
    Ticket,
    TicketRef,
)
from adapters.superoffice_soap import fields, reading
from adapters.superoffice_soap.calls import SoapCalls
from adapters.superoffice_soap.errors import CUSTOMER_UNKNOWN, SYSTEM, USER_UNKNOWN, unusable
from adapters.superoffice_soap.port import REST
from adapters.superoffice_soap.settings import SuperOfficeSoapSettings

_NAMES_KEPT = 600.0  # seconds for which names of categories, priorities and extra fields are kept
_PAGE = 100  # rows of a search
_EMAIL = "person.(Email->person_id).email_address"
_OVERLAP = timedelta(minutes=1)  # by which a change may show after one with a later time
_BEFORE_ALL = "1970-01-01 00-00-00.000"
_BEGUN = timedelta(hours=24)  # for which a new customer without a name is remembered
_OVERHEAD = 64_000  # bytes of an envelope around a file


class Lookups(SoapCalls):
    """A desk that can be read. What a list last said is kept for a while, only to put names to ids."""

    def __init__(self, name: str, settings: SuperOfficeSoapSettings, shared: Shared) -> None:
        super().__init__(name, settings, shared)
        self._kept: dict[str, tuple[Mapping[str, str], float]] = {}

    @property
    def zone(self) -> ZoneInfo:
        """The server's time zone."""
        return ZoneInfo(self.settings.time_zone)

    @property
    @override
    def creates_requesters(self) -> bool:
        return self.settings.create_requesters

    @override
    def has(self, capability: Capability) -> bool:
        if capability is Capability.AGENTS:
            return bool(self.settings.agents)
        if capability is Capability.CREATE_REQUESTER:
            return self.settings.create_requesters
        return super().has(capability)

    # --- lists for forms ---

    @override
    async def choices(self, which: ChoiceList, *, department: str | None = None) -> tuple[Choice, ...]:
        match which:
            case ChoiceList.DEPARTMENTS:
                found = reading.choices_of_categories((await self.call("getCategories")).get("categoryids"))
            case ChoiceList.PRIORITIES:
                found = reading.choices_of_priorities((await self.call("getPriorities")).get("priorities"))
            case ChoiceList.AGENTS:
                found = tuple(Choice(id=number, label=name) for number, name in self.settings.agents.items())
            case _:
                raise self.unsupported(f"list {which}")
        self._remember(which, {choice.id: choice.label for choice in found})
        return found

    @override
    async def custom_fields(self, department: str | None = None) -> tuple[Field, ...]:
        answer = await self.call("getExtraFields", {"domain": "ticket"})
        self._remember("fields", fields.types(answer.get("extrafields")))
        return fields.offered(
            answer.get("extrafields"),
            without=self.settings.marker_column,
            required=frozenset(map(fields.key_of, self.settings.required_fields)),
        )

    def _remember(self, what: str, names: Mapping[str, str]) -> None:
        self._kept[what] = (names, time.monotonic() + _NAMES_KEPT)

    def _still_kept(self, what: str) -> Mapping[str, str] | None:
        names, until = self._kept.get(what, ({}, 0.0))
        return names if time.monotonic() < until else None

    async def names(self, which: ChoiceList) -> Mapping[str, str]:
        """Names of a list by id, from a recent call where there was one."""
        kept = self._still_kept(which)
        return {choice.id: choice.label for choice in await self.choices(which)} if kept is None else kept

    async def field_types(self) -> Mapping[str, str]:
        """The types of the extra fields by key, from a recent call where there was one."""
        if self._still_kept("fields") is None:
            await self.custom_fields()
        return self._kept["fields"][0]

    # --- people ---

    @override
    async def find_requester(self, email: str) -> Person | None:
        asked = ("person.person_id", "person.firstname", "person.lastname", _EMAIL)
        found = await self.find("findCustomers", [where(_EMAIL, "Equals", email)], asked, order="person.person_id")
        exact = [one for one in found if one.get(_EMAIL, "").casefold() == email.casefold()]
        people = {one.get("person.person_id", ""): one for one in exact}
        if len(people) != 1:
            return None  # nobody, or an address that two customers share: guessing would show one the other's ticket
        [(number, one)] = people.items()
        name = f"{one.get('person.firstname', '')} {one.get('person.lastname', '')}".strip()
        return Person(name=name or email, email=one[_EMAIL], desk_id=number)

    @override
    async def create_requester(self, person: Person) -> Person:
        if not self.settings.create_requesters:
            raise Rejected(
                self.name,
                f"new requesters are not made customers of {SYSTEM}.",
                remedy="Set create_requesters = true for this desk, or add the customer there.",
                field="requester",
            )
        whose = hashlib.sha256((person.email or person.name).lower().encode()).hexdigest()[:16]
        begun = self._key(f"customer:{whose}")  # newCustomer makes an empty one; each further try fills that
        number = await self.shared.get(begun) or await self._new_customer()
        await self.shared.put(begun, number, ttl=_BEGUN)
        first, _, last = person.name.partition(" ")
        values = {"firstname": first, "lastname": last, "email": person.email or ""}
        given = [{"field": key, "value": value} for key, value in values.items() if value]
        try:
            await self.call("setCustomer", {"customerId": number, "customerValues": given})
        except Rejected as error:
            if error.code.partition(" ")[0] == CUSTOMER_UNKNOWN:  # somebody has deleted it meanwhile
                await self.shared.put(begun, "", ttl=timedelta(seconds=1))
            raise
        await self.shared.put(begun, "", ttl=timedelta(seconds=1))
        return Person(name=person.name, email=person.email, desk_id=number)

    async def _new_customer(self) -> str:
        number = (await self.call("newCustomer")).get("customerid")
        if not number:
            raise unusable(self.name, "no number of the new customer", changes=True, code="no customerId")
        return str(number)

    async def user_id(self, who: str) -> str | None:
        """The id of the user with this e-mail address or login name, or None; kept for a while, either way."""
        kept = self._still_kept(f"user {who}")
        if kept is None:
            kept = {who: await self._find_user(who)}
            self._remember(f"user {who}", kept)
        return kept[who] or None

    async def _find_user(self, who: str) -> str:
        try:
            answer = await self.call("findUser", {"field": "email" if "@" in who else "loginname", REST: who})
        except Rejected as error:
            if error.code.partition(" ")[0] in USER_UNKNOWN:
                return ""
            raise
        return str(answer.get("userid") or "")

    # --- tickets ---

    @override
    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        return await self._ticket(ticket.id)

    @override
    async def find_by_number(self, number: str) -> Ticket:
        return await self._ticket(number.strip().removeprefix("#"))

    async def _ticket(self, number: str) -> Ticket:
        found = await self.tickets([where("ticket.id", "Equals", number)], limit=1) if number.isdecimal() else ()
        if not found:
            raise NotFound(self.name, f"{SYSTEM} has no ticket {number[:20]}, or our user may not see it.")
        return found[0]

    @override
    async def search(self, words: str, *, limit: int = 20) -> tuple[Ticket, ...]:
        return await self.tickets([where("ticket.title", "Contains", words)], limit=limit)

    async def tickets(self, criteria: Sequence[Mapping[str, str]], *, limit: int) -> tuple[Ticket, ...]:
        """The newest *limit* tickets that meet all of *criteria*, in one call and the names of lists."""
        found = await self.find("findTickets", criteria, reading.TICKET_FIELDS, order="ticket.id", rows=limit)
        if not found:
            return ()
        categories, priorities = await self.names(ChoiceList.DEPARTMENTS), await self.names(ChoiceList.PRIORITIES)
        return tuple(
            reading.ticket_of(
                one,
                zone=self.zone,
                categories=categories,
                priorities=priorities,
                agents=self.settings.agents,
                url=self.settings.ticket_url,
            )
            for one in found
            if one.get("ticket.id")
        )

    @override
    async def changed_since(self, cursor: str) -> tuple[tuple[TicketRef, ...], str]:
        asked = ("ticket.id", "ticket.last_changed")
        if not cursor:
            everything = [where("ticket.id", "Gt", "0")]
            newest = await self.find("findTickets", everything, asked, order="ticket.last_changed", rows=1)
            return (), (newest[0].get("ticket.last_changed") if newest else "") or _BEFORE_ALL
        changed: dict[str, TicketRef] = {}
        since, size = reading.earlier(cursor, self.zone, _OVERLAP), _PAGE
        while True:
            later = [where("ticket.last_changed", "Gte", since)]  # not Gt: more may happen within one tick
            page = await self.find("findTickets", later, asked, order="ticket.last_changed", rows=size, ascending=True)
            numbers = [one["ticket.id"] for one in page if one.get("ticket.id")]
            changed |= {number: TicketRef(id=number, number=number) for number in numbers}
            before, since = since, page[-1].get("ticket.last_changed") or since if page else since
            if len(page) < size:
                return tuple(changed.values()), max(cursor, since)
            size = size * 2 if since == before else _PAGE

    # --- messages and files ---

    async def message_ids(self, ticket: TicketRef) -> tuple[str, ...]:
        """The ids of a ticket's messages in the order in which they came.

        Raises:
            NotFound: there is no such ticket.
        """
        answer = await self.call("getTicket", {"ticketId": ticket.id, "ticketFields": ["ticket.id"]})
        found = reading.strings(answer.get("messageids"))
        return tuple(sorted(found, key=int)) if all(one.isdecimal() for one in found) else found

    async def message(self, message_id: str) -> Message:
        """One message, in one call; the port has none that gives more."""
        answer = await self.call("getMessage", {"messageId": message_id, "messageField": reading.MESSAGE_FIELDS})
        found = reading.row(answer.get("messageresult"))
        templated = self.settings.reply_template > 0
        return reading.message_of(message_id, found, answer.get("attachmentinfo"), zone=self.zone, templated=templated)

    @override
    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        ids = await self.message_ids(ticket)
        if after in ids:
            ids = ids[ids.index(after) + 1 :]
        elif after.isdecimal():  # it was deleted; ids only grow
            ids = tuple(one for one in ids if not one.isdecimal() or (len(one), one) > (len(after), after))
        try:
            async with asyncio.TaskGroup() as group:
                read = [group.create_task(self._message_left(one)) for one in ids]  # `connections` of them at a time
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return tuple(message for task in read if (message := task.result()))

    async def _message_left(self, message_id: str) -> Message | None:
        """A message, or None where it was deleted since its ticket was read."""
        try:
            return await self.message(message_id)
        except NotFound:
            return None

    @override
    async def attachment(self, ticket: TicketRef, attachment: Attachment, *, limit: int) -> bytes:
        message_id, _, number = attachment.id.partition("/")
        answer = await self.call("getMessage", {"messageId": message_id, "messageField": ["message.id"]})
        keys = {
            one.get("attachmentid"): one.get("attachmentkey", "")
            for one in reading.structs(answer.get("attachmentinfo"))
        }
        if number not in keys:
            raise NotFound(self.name, f"{SYSTEM} does not have that file on its message any more.", field="files")
        too_large = Rejected(self.name, f"the file is larger than {limit:,} bytes.", field="files")
        try:
            found = await self.call(
                "getAttachment",
                {"attachmentId": number, "attachmentKey": keys[number]},
                limit=limit * 4 // 3 + _OVERHEAD,
            )
        except UnexpectedReply as error:
            raise too_large if error.code == "too large" else error from None
        data = found.get("data") or b""
        content = data if isinstance(data, bytes) else self._decoded(data)
        if len(content) > limit:
            raise too_large
        return content

    def _decoded(self, data: str) -> bytes:
        """The bytes of a file where the WSDL says that they are a string."""
        try:
            return base64.b64decode(data, validate=False)
        except binascii.Error as error:
            raise UnexpectedReply(self.name, f"{SYSTEM} sent a file that is no base64.") from error

    async def find(
        self,
        operation: str,
        criteria: Sequence[Mapping[str, str]],
        asked: Sequence[str],
        *,
        order: str,
        rows: int = _PAGE,
        ascending: bool = False,
    ) -> tuple[reading.Row, ...]:
        """The rows that meet all of *criteria*, with the fields in *asked*; *operation* is one of the find calls."""
        answer = await self.call(
            operation,
            {
                "searchCriteria": criteria,
                "searchFields": asked,
                "maxRows": str(rows),
                "orderBy": order,
                "ascending": ascending,
            },
        )
        return reading.rows(answer.get("searchresult"))


def where(field: str, operator: str, value: str) -> dict[str, str]:
    """A criterion of a search."""
    return {"field": field, "op": f"Operator{operator}", "value": value}
