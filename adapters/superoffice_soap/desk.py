"""`SuperOfficeSoapDesk`: SuperOffice Service (Customer Service) through the ticket port of its SOAP interface."""

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from typing_extensions import override

from adapters.contract import Capability, Limits, Reconcile, with_marker
from adapters.errors import Rejected
from adapters.model import (
    Act,
    Change,
    Field,
    Finding,
    MessageDraft,
    MessageRef,
    Opened,
    OutgoingFile,
    Person,
    Status,
    TicketDraft,
    TicketRef,
    Visibility,
)
from adapters.settings import DeskSettings
from adapters.superoffice_soap import checks, fields, reading
from adapters.superoffice_soap.errors import SYSTEM, unusable
from adapters.superoffice_soap.lookups import Lookups, where
from adapters.superoffice_soap.port import Value
from adapters.superoffice_soap.settings import IN_TITLE, SuperOfficeSoapSettings

UNASSIGNED = "1"
FROM_CUSTOMER = "-1"  # the priority that the customer or company has
_TITLE = 255  # characters of a title in SuperOffice's database
_FRESH = timedelta(hours=24)
_BEFORE_A_CHANGE = ("ticket.status", "ticket.title")  # is it still there, and does its title carry our marker?


class SuperOfficeSoapDesk(Lookups):
    """SuperOffice by SOAP.

    A ticket is opened in steps: newTicket carries no text, addAttachment stores each file, and addMessage3 brings the
    text with them. The marker of a ticket stands in an extra field or at the end of its title; the marker of a message
    is its last line.
    """

    kind: ClassVar[str] = "superoffice_soap"
    Settings: ClassVar[type[DeskSettings]] = SuperOfficeSoapSettings
    reconcile: ClassVar[Reconcile] = Reconcile.BY_LISTING
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.REPLY,
            Capability.NOTE,
            Capability.INTERNAL_TICKET,
            Capability.FILES,
            Capability.UPLOAD_FIRST,
            Capability.READ_TICKET,
            Capability.READ_MESSAGES,
            Capability.READ_FILES,
            Capability.CLOSE,
            Capability.REOPEN,
            Capability.ASSIGN,
            Capability.MOVE_DEPARTMENT,
            Capability.SET_SUBJECT,
            Capability.DEPARTMENTS,
            Capability.PRIORITIES,
            Capability.AGENTS,
            Capability.CUSTOM_FIELDS,
            Capability.LIST_FIELDS,
            Capability.FIND_REQUESTER,
            Capability.CREATE_REQUESTER,
            Capability.SEARCH,
            Capability.CHANGED_SINCE,
            Capability.QUIET,
        }
    )
    options: ClassVar[tuple[Field, ...]] = (
        Field(key="customers", label="Further customers", hint="Ids of customers of the ticket, with commas between"),
    )

    @property
    @override
    def limits(self) -> Limits:
        in_title = self.settings.marker_field == IN_TITLE
        return Limits(
            subject=_TITLE - (reading.TITLE_MARKER_LENGTH if in_title else 0),
            file=self.settings.max_file,
            file_overhead=4 / 3,
        )

    @override
    async def check(self) -> tuple[Finding, ...]:
        return await checks.run(self)

    # --- opening ---

    @override
    async def open_ticket(self, draft: TicketDraft) -> Opened:
        values: dict[str, Value] = {
            "title": self._title(draft),
            "sLevel": _level(draft.first.visibility),
            "categoryId": self._category(draft),
            "priorityId": draft.priority or self.settings.priority or FROM_CUSTOMER,
            "owner": draft.owner or self.settings.owner,
            "customers": self._customers(draft),
            "extraFields": await self._extra_fields(draft),
            "sendNotification": self.settings.notifies(draft.first),
        }
        as_user = await self._impersonated(draft.first.author)
        answer = await self.call("newTicket", values, as_user=as_user)
        number = answer.get("ticketid")
        if not number:
            raise unusable(self.name, "no number of the new ticket", changes=True, code="no ticketId")
        return await self._opened(str(number))

    async def _opened(self, number: str) -> Opened:
        # newTicket has sent its notification, so the manual asks for none with the ticket's first message.
        await self.shared.put(self._key(f"fresh:{number}"), "yes", ttl=_FRESH)
        return Opened(ticket=TicketRef(id=number, number=number))

    def _title(self, draft: TicketDraft) -> str:
        subject = self._fitting(draft.subject)
        return reading.TITLES.marked(subject, draft.first.marker) if self.settings.marker_field == IN_TITLE else subject

    def _fitting(self, subject: str) -> str:
        longest = self.limits.subject or _TITLE
        if len(subject) > longest:  # the database would cut it without a word, and the marker with it
            raise Rejected(self.name, f"the subject is longer than {longest} characters.", field="subject")
        return subject

    def _category(self, draft: TicketDraft) -> str:
        category = draft.department or self.settings.department
        if not category:
            raise Rejected(
                self.name, f"{SYSTEM} opens no ticket without a category.", remedy="Choose one.", field="department"
            )
        return category

    def _customers(self, draft: TicketDraft) -> list[str]:
        primary = draft.requester.desk_id or self.settings.customer
        further = [part.strip() for part in draft.options.get("customers", "").split(",")]
        return list(dict.fromkeys(one for one in (primary, *further) if one))

    async def _extra_fields(self, draft: TicketDraft) -> list[Mapping[str, str]]:
        marker = {"field": self.settings.marker_column, "value": draft.first.marker}
        marked = [] if self.settings.marker_field == IN_TITLE else [marker]
        if not draft.fields:
            return [*marked]
        types = await self.field_types()
        return [*marked, *(self._extra_field(key, text, types) for key, text in draft.fields.items() if text.strip())]

    def _extra_field(self, key: str, text: str, types: Mapping[str, str]) -> Mapping[str, str]:
        known = fields.key_of(key)
        if known not in types or known == fields.key_of(self.settings.marker_column):
            raise Rejected(self.name, f"{SYSTEM} has no extra field {known[:40]} for tickets.", field=key)
        try:
            return {"field": f"ticket.{known}", "value": fields.written(text, types[known], self.zone)}
        except ValueError as error:
            raise Rejected(self.name, f"the value of {known[:40]} must be {error}.", field=key) from None

    # --- messages ---

    @override
    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        body = with_marker(draft.body, draft.marker)
        public = draft.visibility is Visibility.PUBLIC
        settings = self.settings
        fresh = self._key(f"fresh:{ticket.id}")
        is_first = bool(await self.shared.get(fresh))
        uploads = [*draft.uploads, *[await self.upload(file, draft.marker) for file in draft.files]]
        values: dict[str, Value] = {
            "messageBody": body.plain,
            "htmlMessageBody": body.html or "",
            "replyTemplateId": str(settings.reply_template if public else -1),
            "ticketId": ticket.id,
            "sLevel": _level(draft.visibility),
            "attachmentIds": uploads,
            "sendNotification": self.settings.notifies(draft) and not is_first,
            "To": settings.mail_to if public else (),
            "Cc": settings.mail_cc if public else (),
            "Bcc": settings.mail_bcc if public else (),
        }
        answer = await self.call(self.message_operation, values, as_user=await self._impersonated(draft.author))
        if is_first:
            await self.shared.put(fresh, "", ttl=timedelta(seconds=1))
        return MessageRef(id=str(answer.get("messageid") or ""))

    @override
    async def upload(self, file: OutgoingFile, marker: str) -> str:
        if file.size > self.settings.max_file:
            raise Rejected(
                self.name, f"the file is larger than the {self.settings.max_file:,} bytes of max_file.", field="files"
            )
        data = await self.content(file)
        answer = await self.call(
            "addAttachment", {"attachmentName": file.name, "contentType": file.media_type, "data": data}
        )
        number = answer.get("attachmentid")
        if not number:
            raise unusable(self.name, "no id of the file", changes=False, code="no attachmentId")
        return str(number)

    async def _impersonated(self, author: Person) -> str:
        """The id of the user in whose name to write, or nothing for ourselves."""
        if not (self.settings.impersonate and author.email and author.trusted_email):
            return ""
        return await self.user_id(author.email) or ""

    # --- changes ---

    @override
    async def change(self, ticket: TicketRef, change: Change) -> None:
        field, value = await self._setting(change)
        answer = await self.call("getTicket", {"ticketId": ticket.id, "ticketFields": _BEFORE_A_CHANGE})
        now = reading.row(answer.get("ticketresult"))
        status, name = reading.status_of(now)
        if status is Status.GONE:
            cause = f"the ticket is {name.lower()} in {SYSTEM} and stays as it is."
            raise Rejected(self.name, cause, remedy="Open another ticket, or link the one that it was merged into.")
        if change.act is Act.SUBJECT:
            value = reading.TITLES.retitled(now.get("ticket.title", ""), value)
        await self.call("setTicket", {"ticketId": ticket.id, "ticketValues": [{"field": field, "value": value}]})

    async def _setting(self, change: Change) -> tuple[str, str]:
        """The field of setTicket and its value."""
        match change.act:
            case Act.CLOSE:
                return "ticket.status", "close"
            case Act.REOPEN:
                return "ticket.status", "open"
            case Act.ASSIGN:
                return "ticket.owner", await self._owner(change.value)
            case Act.DEPARTMENT:
                return "ticket.category", change.value
            case Act.SUBJECT:
                return "ticket.title", self._fitting(change.value)
            case _:
                raise self.unsupported(f"change the {change.act} of a ticket")

    async def _owner(self, who: str) -> str:
        if not who:
            return UNASSIGNED
        if who.lstrip("-").isdecimal():
            return who
        found = await self.user_id(who)
        if found is None:
            raise Rejected(self.name, f"{SYSTEM} has no such user.", remedy="Choose another one.", field="owner")
        return found

    # --- after a lost answer ---

    @override
    async def find_ticket(self, marker: str, draft: TicketDraft) -> Opened | None:
        in_title = self.settings.marker_field == IN_TITLE
        # without the brackets: a database may read them as a pattern, so each title found is compared here
        criterion = (
            where("ticket.title", "Contains", marker)
            if in_title
            else where(self.settings.marker_column, "Equals", marker)
        )
        asked = ("ticket.id", "ticket.title")
        found = await self.find("findTickets", [criterion], asked, order="ticket.id", rows=50, ascending=True)
        ends = reading.TITLES.marked("", marker)
        ours = [row["ticket.id"] for row in found if not in_title or row.get("ticket.title", "").endswith(ends)]
        return await self._opened(ours[0]) if ours else None


def _level(visibility: Visibility) -> str:
    return reading.EXTERNAL if visibility is Visibility.PUBLIC else reading.INTERNAL
