"""WHMCS: tickets through its api.php, every documented parameter of opening and answering included."""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import ClassVar

from typing_extensions import override

from adapters.contract import Capability, Reconcile, carries
from adapters.errors import AdapterError, NotAuthorised, NotFound, OutcomeUnknown, Rejected, UnexpectedReply
from adapters.model import (
    Act,
    Attachment,
    Body,
    Change,
    Choice,
    ChoiceList,
    Field,
    FieldKind,
    Finding,
    Message,
    MessageDraft,
    MessageRef,
    Opened,
    Person,
    Status,
    Ticket,
    TicketDraft,
    TicketRef,
    Visibility,
)
from adapters.whmcs import checking, writing
from adapters.whmcs.requesters import LOOK_UPS, full_name
from adapters.whmcs.settings import WhmcsSettings
from adapters.whmcs.wire import Answer, WhmcsWire
from adapters.whmcs_family.reading import Row, ident, place, rows, text, ticket_of
from adapters.whmcs_family.settings import PRIORITIES

PAGE = 100
SEARCHED = 500
"""Tickets that a search looks at, at most."""


class WhmcsDesk(WhmcsWire):
    """Tickets of one WHMCS."""

    kind: ClassVar[str] = "whmcs"
    system: ClassVar[str] = "WHMCS"
    Settings = WhmcsSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {
        Capability.INTERNAL_TICKET,
        Capability.UPLOAD_FIRST,
        Capability.LIST_FIELDS,
        Capability.CREATE_REQUESTER,
        Capability.CHANGED_SINCE,
    }
    reconcile: ClassVar[Reconcile] = Reconcile.BY_LISTING
    reopens: ClassVar[bool] = True
    options: ClassVar[tuple[Field, ...]] = (
        Field(key="serviceid", label="Service number", kind=FieldKind.INTEGER, hint="A service of the client."),
        Field(key="domainid", label="Domain number", kind=FieldKind.INTEGER, hint="A domain of the client."),
        Field(key="preventClientClosure", label="Only staff may close it", kind=FieldKind.YES_NO),
    )

    _admins: Mapping[str, str] = {}

    @override
    def has(self, capability: Capability) -> bool:
        needed = {
            Capability.BACKDATE: self.settings.send_times,
            Capability.CUSTOM_FIELDS: bool(self.settings.fields),
            Capability.WEBHOOK: bool(self.settings.webhook_secret.get_secret_value()),
        }
        return super().has(capability) and needed.get(capability, True)

    @override
    async def check(self) -> tuple[Finding, ...]:
        return await checking.check(self)

    @override
    async def open_ticket(self, draft: TicketDraft) -> Opened:
        if draft.first.visibility is Visibility.INTERNAL:
            raise self.unsupported("open a ticket with an internal note")
        params = writing.ticket(self.name, draft, await self.contents(draft.first.files), self.settings)
        answer = await self.call("OpenTicket", params, changes=True)
        made = ident(answer.get("id"))
        if not made:
            raise OutcomeUnknown(self.name, "WHMCS says that it opened a ticket, and not which.", code="no id")
        number = str(answer.get("tid") or made)
        return Opened(ticket=TicketRef(id=made, number=number), first=MessageRef(id="r0"))

    @override
    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        """One call. WHMCS does not tell the number of what it made, so the id is empty; the marker finds it."""
        files = await self.contents(draft.files)
        if draft.visibility is Visibility.INTERNAL:
            action, params = "AddTicketNote", writing.note(self.name, draft, files, self.settings)
        else:
            action, params = "AddTicketReply", writing.reply(self.name, draft, files, self.settings)
        await self.call(action, {"ticketid": ticket.id, **params}, changes=True)
        return MessageRef(id="")

    @override
    async def change(self, ticket: TicketRef, change: Change) -> None:
        params = {
            Act.CLOSE: {"status": self.settings.closed_status},
            Act.REOPEN: {"status": self.settings.open_status},
            Act.STATUS: {"status": change.value},
            Act.ASSIGN: {"flag": change.value} if change.value else {"removeFlag": "1"},
            Act.PRIORITY: {"priority": change.value},
            Act.DEPARTMENT: {"deptid": change.value},
            Act.SUBJECT: {"subject": self.settings.kept(change.value)},
        }[change.act]
        await self.call("UpdateTicket", {"ticketid": ticket.id, **params}, changes=True)

    @override
    async def edit_message(
        self, ticket: TicketRef, message: MessageRef, body: Body, marker: str, *, author: Person | None = None
    ) -> None:
        number = message.id[1:]
        if not number:
            raise self._unnumbered()
        sign = writing.signature(author, self.settings, opening=message.id == "r0") if author else ""
        params = writing.edited(self.name, body, marker, self.settings, sign=sign)
        if message.id == "r0":
            await self.call("UpdateTicket", {"ticketid": ticket.id, **params}, changes=True)
        elif message.id.startswith("r"):
            await self.call("UpdateTicketReply", {"replyid": number, **params}, changes=True)
        else:
            raise self.unsupported("edit an internal note")

    @override
    async def delete_message(self, ticket: TicketRef, message: MessageRef) -> None:
        number = message.id[1:]
        if not number:
            raise self._unnumbered()
        if message.id == "r0":
            raise self.unsupported("delete the first message of a ticket without the ticket")
        try:
            if message.id.startswith("r"):
                await self.call("DeleteTicketReply", {"ticketid": ticket.id, "replyid": number}, changes=True)
            else:
                await self.call("DeleteTicketNote", {"noteid": number}, changes=True)
        except NotFound:
            return

    @override
    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        return await self._ticket(await self._read({"ticketid": ticket.id}), asked=ticket)

    @override
    async def find_by_number(self, number: str) -> Ticket:
        return await self._ticket(await self._read({"ticketnum": number.strip().removeprefix("#")}))

    @override
    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        return self.messages_in(await self._read({"ticketid": ticket.id}), after=after)

    @override
    async def attachment(self, ticket: TicketRef, attachment: Attachment, *, limit: int) -> bytes:
        type_, _, rest = attachment.id.partition(":")
        related, _, index = rest.partition(":")
        params = {"relatedid": related, "type": type_, "index": index}
        encoded = limit * 8 // 3 + 10_000  # base64, which may be nothing but slashes, and PHP escapes each
        try:
            answer = await self.call("GetTicketAttachment", params, changes=False, limit=encoded)
            data = base64.b64decode(str(answer.get("data") or ""), validate=True)
        except binascii.Error as error:
            raise self._refused("WHMCS sent what is no file in base64.") from error
        except UnexpectedReply as error:
            if error.code != "too large":
                raise
            raise self._over(limit) from error
        if len(data) > limit:
            raise self._over(limit)
        return data

    @override
    async def find_ticket(self, marker: str, draft: TicketDraft) -> Opened | None:
        """Lists the opener's tickets and reads those with the draft's subject, newest first, until one is ours."""
        who = writing.opener(self.name, draft.requester, self.settings)
        theirs = {"clientid": who["clientid"]} if "clientid" in who else {"email": who["email"]}
        found = [row async for row in self._tickets({**theirs, **_needle(draft.subject)})]
        kept = self.settings.kept
        subject = kept(draft.subject).split()
        candidates = [row for row in found if kept(text(row.get("subject"))).split() == subject]
        for row in sorted(candidates, key=lambda row: place(row.get("id")), reverse=True):
            try:
                read = await self._read({"ticketid": ident(row.get("id"))})
            except NotFound:
                continue  # it was deleted since it was listed
            for message in self.messages_in(read):
                if carries(message.body, marker):
                    return Opened(ticket=ticket_of(read, self.settings).ref, first=MessageRef(id="r0"))
        return None

    @override
    async def choices(self, which: ChoiceList, *, department: str | None = None) -> tuple[Choice, ...]:
        match which:
            case ChoiceList.PRIORITIES:
                return tuple(Choice(id=name, label=name) for name in PRIORITIES)
            case ChoiceList.STATUSES:
                answer = await self.call("GetSupportStatuses", {}, changes=False)
                titles = [text(row.get("title")) for row in rows(answer.get("statuses"), "status")]
                return tuple(Choice(id=title, label=title) for title in titles)
            case ChoiceList.DEPARTMENTS:
                answer = await self.call("GetSupportDepartments", {"ignore_dept_assignments": "1"}, changes=False)
                listed = rows(answer.get("departments"), "department")
                return tuple(Choice(id=ident(row.get("id")), label=text(row.get("name"))) for row in listed)
            case ChoiceList.AGENTS:
                answer = await self.call("GetAdminUsers", {}, changes=False)
                self._admins = {
                    ident(row.get("id")): full_name(row) for row in rows(answer.get("admin_users"), "admin")
                }
                return tuple(Choice(id=number, label=name) for number, name in self._admins.items())

    @override
    async def find_requester(self, email: str) -> Person | None:
        if "@" not in email:
            return None
        for where in self.settings.look_up:
            listed = await LOOK_UPS[where](self, email)
            found = [one for one in listed if text(one[0].get("email")).casefold() == email.casefold()]
            if len({desk_id.split(":")[1] for _, desk_id in found}) > 1:
                return None  # nobody knows for which of these clients they ask
            if found:
                row, desk_id = found[0]
                return Person(name=full_name(row), email=text(row.get("email")), desk_id=desk_id)
        return None

    @override
    async def search(self, words: str, *, limit: int = 20) -> tuple[Ticket, ...]:
        """Looks for the part of *words* that WHMCS keeps as it is; the rest is compared here, in so many tickets."""
        needle, found, looked_at = _needle(words), list[Ticket](), 0
        kept = self.settings.kept(words)
        async for row in self._tickets(needle):
            looked_at += 1
            if (
                needle.get("subject") == kept
                or kept.casefold() in self.settings.kept(text(row.get("subject"))).casefold()
            ):
                found.append(ticket_of(row, self.settings))
            if looked_at >= SEARCHED or len(found) >= limit:
                break
        return tuple(sorted(found, key=lambda one: place(one.ref.id), reverse=True))

    @override
    def webhook(self, headers: dict[str, str], body: bytes) -> tuple[str, ...]:
        """Ids from our hook file, docs/adapters/whmcs-hook.php: {"tickets": ["1"]} with an HMAC-SHA256 in a header."""
        if not self.has(Capability.WEBHOOK):
            raise self.unsupported("send webhooks without webhook_secret in the settings")
        secret = self.settings.webhook_secret.get_secret_value().encode()
        right = "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right.encode(), headers.get("x-threadline-signature", "").encode()):
            remedy = "Set the same secret in the hook file and in webhook_secret."
            raise NotAuthorised(self.name, "the signature of a webhook call is not right.", remedy=remedy)
        try:
            tickets = json.loads(body)["tickets"]
            return tuple(str(int(ticket)) for ticket in tickets)
        except (ValueError, TypeError, KeyError) as error:
            raise Rejected(self.name, "a webhook call is not of the form that the hook file sends.") from error

    async def _ticket(self, row: Answer, *, asked: TicketRef | None = None) -> Ticket:
        """The ticket with its owner's name. One that answers with another id was merged into that."""
        flag = ident(row.get("flag"))
        if flag and flag not in self._admins:
            with suppress(AdapterError):
                await self.choices(ChoiceList.AGENTS)
            self._admins = {flag: f"admin {flag}", **self._admins}
        ticket = ticket_of(row, self.settings, owner=self._admins.get(flag, flag))
        if asked is None or ticket.ref.id == asked.id:
            return ticket
        return replace(ticket, ref=asked, status=Status.GONE, merged_into=ticket.ref)

    async def _read(self, which: Mapping[str, str]) -> Answer:
        answer = await self.call("GetTicket", which, changes=False)
        if not ident(answer.get("ticketid") or answer.get("id")):
            raise UnexpectedReply(self.name, "WHMCS answered with no ticket.", code="no ticketid")
        return answer

    async def _tickets(self, params: Mapping[str, str]) -> AsyncIterator[Row]:
        """Every ticket of GetTickets, page by page."""
        start = 0
        while True:
            page = {"limitstart": str(start), "limitnum": str(PAGE), "ignore_dept_assignments": "1"}
            answer = await self.call("GetTickets", {**params, **page}, changes=False)
            listed = rows(answer.get("tickets"), "ticket")
            for row in listed:
                yield row
            start += len(listed)
            total = str(answer.get("totalresults"))
            if not total.isdecimal() or (not listed and start < int(total)):
                remedy = "Look at its address with a browser; a proxy may stand there."
                cause = "WHMCS did not tell all tickets that it has, or not how many."
                raise UnexpectedReply(self.name, cause, remedy=remedy, code="totalresults")
            if start >= int(total):
                return

    def _unnumbered(self) -> NotFound:
        cause = "WHMCS did not tell the number of that message."
        return NotFound(self.name, cause, remedy="Find it by its marker first.")

    def _over(self, limit: int) -> Rejected:
        return self._refused(f"the file is larger than {limit:,} bytes.")

    def _refused(self, cause: str) -> Rejected:
        return Rejected(self.name, cause, remedy="Open it in WHMCS.", field="files")


def _needle(subject: str) -> dict[str, str]:
    """A search that surely finds *subject*: its longest run of characters that no database or encoding changes."""
    longest = max(re.findall(r"[A-Za-z0-9]{3,}(?: [A-Za-z0-9]+)*", subject), key=len, default="")
    return {"subject": longest} if longest else {}
