"""`SuperOfficeRestDesk`: tickets of SuperOffice Service through its WebAPI, version 1."""

import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Self

from httpx import codes
from typing_extensions import override

from adapters.contract import Capability, Limits, Reconcile
from adapters.errors import AdapterError, NotFound, OutcomeUnknown, Rejected
from adapters.model import (
    Act,
    Body,
    Change,
    Field,
    Finding,
    MessageDraft,
    MessageRef,
    Opened,
    OutgoingFile,
    Person,
    Role,
    Status,
    TicketDraft,
    TicketRef,
    Visibility,
)
from adapters.settings import DeskSettings
from adapters.superoffice_rest import checking, hooks, reading, writing
from adapters.superoffice_rest.access import signing_key
from adapters.superoffice_rest.archive import Query, marked_by
from adapters.superoffice_rest.lookups import Lookups
from adapters.superoffice_rest.reading import ident
from adapters.superoffice_rest.refusals import LOOKED_UP, SYSTEM, unusable
from adapters.superoffice_rest.settings import IN_TITLE, SuperOfficeRestSettings
from adapters.superoffice_rest.wire import JSON_PATCH

_TITLE = 255  # characters of a title in SuperOffice's database
_FRESH = timedelta(hours=24)
_TRIES = 3  # of a change that others get in the way of
_REFERENCES = {
    Act.ASSIGN: ("OwnedBy", "AssociateId", "owner"),
    Act.PRIORITY: ("Priority", "TicketPriorityId", "priority"),
    Act.DEPARTMENT: ("Category", "TicketCategoryId", "department"),
}


class SuperOfficeRestDesk(Lookups):
    """SuperOffice by REST.

    A ticket is opened in steps: POST Ticket carries no text, each file is stored on its own, and the message brings the
    text with them. The marker of a ticket stands in an extra field or at the end of its title; the marker of a message
    is its last line.
    """

    kind: ClassVar[str] = "superoffice_rest"
    system: ClassVar[str] = SYSTEM
    Settings: ClassVar[type[DeskSettings]] = SuperOfficeRestSettings
    reconcile: ClassVar[Reconcile] = Reconcile.BY_LISTING
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {
        Capability.FIRST_MESSAGE,
        Capability.BACKDATE,
    }
    options: ClassVar[tuple[Field, ...]] = writing.OPTIONS

    @property
    @override
    def limits(self) -> Limits:
        in_title = self.settings.marker_field == IN_TITLE
        return Limits(subject=_TITLE - (reading.TITLE_MARKER_LENGTH if in_title else 0), file=self.settings.max_file)

    @override
    async def __aenter__(self) -> Self:
        if self.settings.auth == "system_user":
            await asyncio.to_thread(signing_key, self.name, self.settings)
        return await super().__aenter__()

    @override
    async def check(self) -> tuple[Finding, ...]:
        return await checking.run(self)

    # --- opening ---

    @override
    async def open_ticket(self, draft: TicketDraft) -> Opened:
        defaults = await self.kept("Ticket/default", dict)
        custom = {field.key: field for field in await self.custom_fields()} if draft.fields else {}
        entity = writing.ticket(self.name, draft, defaults, custom, self.settings)
        if status := draft.options.get("status", "").strip():
            entity |= {step["path"][1:]: step["value"] for step in await self._status(status, "")}
        query = {"notify": _flag(self.settings.notifies(draft.first))}
        with self.from_kept("Ticket/default"):
            answer = await self.call("POST", "Ticket", query=query, body=entity, changes=True)
        made = self.as_entity(answer, changes=True)
        number = ident(made.get("TicketId"))
        if not number:
            raise unusable(self.name, changes=True, code="no TicketId")
        return await self._opened(number)

    async def _opened(self, number: str) -> Opened:
        # POST Ticket has told whom it concerns; its first message would only tell them again.
        await self.shared.put(self.key(f"fresh:{number}"), "yes", ttl=_FRESH)
        return Opened(ticket=TicketRef(id=number, number=number))

    @override
    async def find_ticket(self, marker: str, draft: TicketDraft) -> Opened | None:
        """One query; what it finds is compared here, since a database may read a text as a pattern."""
        if self.settings.marker_field == IN_TITLE:
            query = Query(select=("ticketId", "title"), where=f"title contains '{marker}'", order="ticketId")
            found = await self.archive("Ticket", query)
            ours = [row.get("ticketId") for row in found if reading.TITLES.parted(str(row.get("title")))[1] == marker]
        else:
            query = marked_by(self.settings.marker_field, marker)
            found = await self.archive("Archive/dynamic", query)
            ours = [row.get("ticket.id") for row in found if row.get(query.select[-1]) == marker]
        return await self._opened(ident(ours[0])) if ours else None

    # --- messages ---

    @override
    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        uploads = [*draft.uploads, *[await self.upload(file, draft.marker) for file in draft.files]]
        fresh = self.key(f"fresh:{ticket.id}")
        is_first = bool(await self.shared.get(fresh))
        notify = self.settings.notifies(draft) and not is_first
        number = int(self.number(ticket.id))
        entity = writing.message(self.name, number, draft, contact=writing.is_contact(draft))
        save = self._saved_with_files if self.settings.agents_calls else self._saved_before_files
        made = await save(entity, draft, uploads, notify=notify)
        if is_first:
            await self.shared.put(fresh, "", ttl=timedelta(seconds=1))
        return made

    async def _saved_with_files(
        self, entity: dict[str, Any], draft: MessageDraft, uploads: Sequence[str], *, notify: bool
    ) -> MessageRef:
        """The message and its files in one call."""
        reply = draft.visibility is Visibility.PUBLIC and draft.author.role is Role.AGENT
        body = {
            "Entity": entity,
            "Notify": notify,
            "AttachmentIds": [int(self.number(one)) for one in uploads],
            "UpdateRepliedAt": reply and self.settings.update_replied_at,
        }
        path = "Agents/Ticket/SaveTicketMessageEntityWithOptions"
        return self._message(await self.call("POST", path, body=body, changes=True))

    async def _saved_before_files(
        self, entity: dict[str, Any], draft: MessageDraft, uploads: Sequence[str], *, notify: bool
    ) -> MessageRef:
        """The message, and then its files: versions without the other call can do no better.

        What is to be linked is written down first, so that `find_message` can finish what was broken off.
        """
        pending = self.key(f"files:{draft.marker}")
        if uploads:
            await self.shared.put(pending, json.dumps([int(self.number(one)) for one in uploads]), ttl=_FRESH)
        query = {"notify": _flag(notify)}
        made = self._message(await self.call("POST", "TicketMessage", query=query, body=entity, changes=True))
        if uploads:
            try:
                await self._link_files(made, draft.marker)
            except AdapterError as error:
                cause = "the message is at SuperOffice, and its files are not linked to it yet."
                raise OutcomeUnknown(self.name, cause, remedy=LOOKED_UP, code=error.code) from error
        return made

    async def _link_files(self, message: MessageRef, marker: str) -> None:
        """Link to *message* the files that were written down for it and that it does not have."""
        pending = self.key(f"files:{marker}")
        wanted = json.loads(await self.shared.get(pending) or "[]")
        if not wanted:
            return
        there = {ident(row.get("AttachmentId")) for row in await self.files_of(message.id)}
        missing = [one for one in wanted if str(one) not in there]
        if missing:
            await self.call("POST", f"TicketMessage/{message.id}/Attachment", body=missing, changes=True)
        await self.shared.put(pending, "", ttl=timedelta(seconds=1))

    def _message(self, answer: object) -> MessageRef:
        number = ident(self.as_entity(answer, changes=True).get("EjMessageId"))
        if not number:
            raise unusable(self.name, changes=True, code="no EjMessageId")
        return MessageRef(id=number)

    @override
    async def find_message(self, ticket: TicketRef, marker: str) -> MessageRef | None:
        """Looks the message up; where its files came in a call of their own that was lost, they are linked now."""
        found = await super().find_message(ticket, marker)
        if found is not None and not self.settings.agents_calls:
            try:
                await self._link_files(found, marker)
            except Rejected as error:
                cause = f"the message is on the ticket, without its files. {error.cause[0].upper()}{error.cause[1:]}"
                remedy = "Add them to it in SuperOffice, and discard the message here."
                raise Rejected(self.name, cause, remedy=remedy, code=error.code, field="files") from error
        return found

    @override
    async def upload(self, file: OutgoingFile, marker: str) -> str:
        """Two calls, of which nobody sees anything: a file that no message names is nowhere shown."""
        if file.size > self.settings.max_file:
            cause = f"the file is larger than the {self.settings.max_file:,} bytes of max_file."
            raise Rejected(self.name, cause, remedy="Send a smaller one.", field="files")
        data = await self.content(file)
        about = {"Name": file.name, "ContentType": file.media_type, "AttSize": file.size, "InlineImage": False}
        made = self.as_entity(await self.call("POST", "Attachment", body=about), changes=False)
        number = ident(made.get("AttachmentId"))
        if not number:
            raise unusable(self.name, changes=False, code="no AttachmentId")
        headers = {"Content-Type": "application/octet-stream"}
        await self.send("POST", f"Attachment/{number}/Content", content=data, headers=headers)
        return number

    @override
    async def edit_message(
        self, ticket: TicketRef, message: MessageRef, body: Body, marker: str, *, author: Person | None = None
    ) -> None:
        found = message if message.id else await self.find_message(ticket, marker)
        if found is None:
            raise NotFound(self.name, "the message is not on the ticket any more.")
        await self._patch(f"TicketMessage/{self.number(found.id)}", writing.edited(body, marker))

    @override
    async def delete_message(self, ticket: TicketRef, message: MessageRef) -> None:
        try:
            await self.send("DELETE", f"TicketMessage/{self.number(message.id)}", changes=True)
        except NotFound:
            return

    # --- changes ---

    @override
    async def change(self, ticket: TicketRef, change: Change) -> None:
        steps = await self._steps(change)
        path = f"Ticket/{self.number(ticket.id)}"
        for left in reversed(range(_TRIES)):
            now = await self.entity(path)
            base = now.get("BaseStatus")
            if change.act is Act.SUBJECT:
                steps = [writing.replaced("Title", reading.TITLES.retitled(str(now.get("Title")), change.value))]
            if reading.BASE_STATUSES.get(str(base)) is Status.GONE:
                cause = f"the ticket is {str(base).lower()} in SuperOffice and stays as it is."
                raise Rejected(self.name, cause, remedy="Open another ticket, or link the one that it was merged into.")
            try:
                await self._patch(path, [writing.unless_changed("BaseStatus", base), *steps])
            except Rejected as error:
                if not (left and error.code.startswith(f"HTTP {codes.CONFLICT}")):
                    raise
            else:
                return

    async def _patch(self, path: str, steps: Sequence[dict[str, Any]]) -> None:
        await self.call("PATCH", path, body=list(steps), media_type=JSON_PATCH, changes=True)

    async def _steps(self, change: Change) -> list[dict[str, Any]]:
        """The change as steps of a JSON patch."""
        match change.act:
            case Act.SUBJECT:
                return []  # the title that it replaces may carry our marker
            case Act.CLOSE:
                return await self._status(self.settings.closed_status, "Closed")
            case Act.REOPEN:
                return await self._status(self.settings.open_status, "Active")
            case Act.STATUS:
                return await self._status(change.value, "")
            case _:
                name, key, field = _REFERENCES[change.act]
                value = change.value or (reading.UNASSIGNED if change.act is Act.ASSIGN else "")
                if not reading.is_number(value):
                    raise Rejected(
                        self.name, f"SuperOffice has no such {field}.", remedy="Choose another.", field=field
                    )
                return [writing.replaced(name, {key: int(value)})]

    async def _status(self, wanted: str, base: str) -> list[dict[str, Any]]:
        """The status *wanted*, or else the first that means *base*; SuperOffice keeps both with the ticket."""
        for row in await self.items("ticketstatus"):
            number, meaning = ident(row.get("Id")), str(row.get("ExtraInfo"))
            if row.get("Deleted") or not number or meaning not in reading.BASE_STATUSES:
                continue
            if number == wanted or (not wanted and meaning == base):
                return [
                    writing.replaced("Status", {"TicketStatusId": int(number)}),
                    writing.replaced("BaseStatus", meaning),
                ]
        raise Rejected(self.name, "SuperOffice has no such status.", remedy="Choose another one.", field="status")

    @override
    def webhook(self, headers: dict[str, str], body: bytes) -> tuple[str, ...]:
        secret = self.settings.webhook_secret.get_secret_value()
        if not secret:
            raise self.unsupported("send webhooks without webhook_secret in the settings")
        return hooks.tickets(self.name, secret, self.settings.tenant, headers, body)


def _flag(value: bool) -> str:  # noqa: FBT001 - a flag as SuperOffice writes it
    return "True" if value else "False"
