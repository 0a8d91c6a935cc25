"""Keliweb: tickets of one account by its API v2, and by other systems that put WHMCS's parameters behind a token."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar

from typing_extensions import override

from adapters.contract import Capability, Reconcile
from adapters.errors import AdapterError, OutcomeUnknown, Rejected, UnexpectedReply
from adapters.keliweb import writing
from adapters.keliweb.settings import KeliwebSettings
from adapters.keliweb.wire import Answer, KeliwebWire
from adapters.model import (
    Choice,
    ChoiceList,
    Field,
    FieldKind,
    Finding,
    Message,
    MessageDraft,
    MessageRef,
    Opened,
    Status,
    Ticket,
    TicketDraft,
    TicketRef,
    Visibility,
)
from adapters.whmcs_family.reading import ident, ticket_of
from adapters.whmcs_family.settings import PRIORITIES


class KeliwebDesk(KeliwebWire):
    """Tickets of one account of Keliweb."""

    kind: ClassVar[str] = "keliweb"
    system: ClassVar[str] = "Keliweb"
    Settings = KeliwebSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.FIRST_MESSAGE,
            Capability.REPLY,
            Capability.FILES,
            Capability.READ_TICKET,
            Capability.READ_MESSAGES,
            Capability.DEPARTMENTS,
            Capability.PRIORITIES,
            Capability.CUSTOM_FIELDS,
        }
    )
    reconcile: ClassVar[Reconcile] = Reconcile.NONE
    reopens: ClassVar[bool] = True
    options: ClassVar[tuple[Field, ...]] = (
        Field(key="serviceid", label="Service number", kind=FieldKind.INTEGER, hint="A service of the account."),
        Field(key="domainid", label="Domain number", kind=FieldKind.INTEGER, hint="A domain of the account."),
        Field(key="contactid", label="Contact number", kind=FieldKind.INTEGER, hint="A contact of the account."),
    )

    @override
    def has(self, capability: Capability) -> bool:
        needed = {
            Capability.DEPARTMENTS: bool(self.settings.departments),
            Capability.PRIORITIES: self.settings.send_priority,
            Capability.CUSTOM_FIELDS: bool(self.settings.fields),
        }
        return super().has(capability) and needed.get(capability, True)

    @override
    async def check(self) -> tuple[Finding, ...]:
        """Calls each method for a ticket that cannot be there: it has to be refused, and by nothing but that."""
        settings = self.settings
        nowhere = {"ticketid": "0"}
        probes = (settings.read_path, nowhere), (settings.reply_path, nowhere), (settings.open_path, {"deptid": "0"})
        findings = []
        for path, params in probes:
            finding = await self._probed(path, params)
            findings.append(finding)
            if not finding.ok and finding.subject == "connection":
                break
        return (*findings, self._departments())

    @override
    async def open_ticket(self, draft: TicketDraft) -> Opened:
        if draft.first.visibility is Visibility.INTERNAL:
            raise self.unsupported("open a ticket with an internal note")
        params = writing.ticket(self.name, draft, await self.contents(draft.first.files), self.settings)
        answer = await self.call(self.settings.open_path, params, changes=True)
        made = ident(answer.get("id"))
        number = str(answer.get("tid") or answer.get("ticketnum") or made)
        if not made:
            which = f", number {number}, and not its id" if number else ", and not which"
            raise OutcomeUnknown(self.name, f"Keliweb says that it opened a ticket{which}.", code="no id")
        return Opened(ticket=TicketRef(id=made, number=number), first=MessageRef(id="r0"))

    @override
    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        """One call. Keliweb does not tell the number of what it made, so the id is empty."""
        if draft.visibility is Visibility.INTERNAL:
            raise self.unsupported("add an internal note")
        params = writing.reply(self.name, draft, await self.contents(draft.files), self.settings)
        await self.call(self.settings.reply_path, {"ticketid": ticket.id, **params}, changes=True)
        return MessageRef(id="")

    @override
    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        found = self._ticket(await self._read_ticket({"ticketid": ticket.id}))
        if found.ref.id == ticket.id:
            return found
        return replace(found, ref=ticket, status=Status.GONE, merged_into=found.ref)

    @override
    async def find_by_number(self, number: str) -> Ticket:
        return self._ticket(await self._read_ticket({"ticketnum": number.strip().removeprefix("#")}))

    @override
    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        return self.messages_in(await self._read_ticket({"ticketid": ticket.id}), after=after)

    @override
    async def choices(self, which: ChoiceList, *, department: str | None = None) -> tuple[Choice, ...]:
        if which is ChoiceList.DEPARTMENTS:
            return tuple(Choice(id=number, label=name) for number, name in self.settings.departments.items())
        if which is ChoiceList.PRIORITIES and self.settings.send_priority:
            return tuple(Choice(id=name, label=name) for name in PRIORITIES)
        raise self.unsupported(f"list {which}")

    def _ticket(self, row: Answer) -> Ticket:
        ticket = ticket_of(row, self.settings)
        department = self.settings.departments.get(ticket.department or "", ticket.department)
        return replace(ticket, department=department, owner=None)  # the API tells a number of an agent, and no names

    async def _read_ticket(self, which: Mapping[str, str]) -> Answer:
        answer = await self.call(self.settings.read_path, which, changes=False)
        if not ident(answer.get("ticketid") or answer.get("id")):
            raise UnexpectedReply(self.name, "Keliweb answered with no ticket.", code="no ticketid")
        return answer

    async def _probed(self, path: str, params: Mapping[str, str]) -> Finding:
        """Whether a method is there and takes our token."""
        try:
            await self.call(path, params, changes=False)
        except Rejected:
            return Finding(subject=path, ok=True, detail=f"it is there and takes our token, at {self.settings.url}")
        except AdapterError as error:
            remedy = error.remedy or "Look at url and the paths in the settings."
            return Finding(subject="connection", ok=False, detail=f"{path}: {error.cause}", remedy=remedy)
        detail = "it accepted a call without what the documents require; this is no such API."
        return Finding(subject=path, ok=False, detail=detail, remedy="Look at what stands at url.")

    def _departments(self) -> Finding:
        """Whether a ticket can be given a department; only the settings know them."""
        settings = self.settings
        known = bool(settings.departments) and settings.department in {"", *settings.departments}
        return Finding(
            subject="departments",
            ok=known,
            detail=", ".join(f"{name} ({number})" for number, name in settings.departments.items()) or "none",
            remedy="" if known else "Set departments to Keliweb's numbers and names, and department to one of these.",
        )
