"""The local desk: a helpdesk in one SQLite file. The default, the reference for adapters, and what the demo shows."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import ClassVar, Self, TypeVar

from typing_extensions import override

from adapters.contract import Capability, Limits, Reconcile, TicketAdapter
from adapters.errors import AdapterError, NotFound, Rejected
from adapters.local.file import DeskFile
from adapters.local.rows import TICKETS, messages_of, person_of, ref, ticket_of
from adapters.local.settings import LocalSettings
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
    Role,
    Status,
    Ticket,
    TicketDraft,
    TicketRef,
    Visibility,
)
from adapters.settings import fields_in

T = TypeVar("T")

COLUMNS = {
    Act.STATUS: ("status", ChoiceList.STATUSES),
    Act.ASSIGN: ("owner", ChoiceList.AGENTS),
    Act.PRIORITY: ("priority", ChoiceList.PRIORITIES),
    Act.DEPARTMENT: ("department", ChoiceList.DEPARTMENTS),
}
"""The column that a change writes, and the list that its value must be from."""


class LocalDesk(TicketAdapter[LocalSettings]):
    """Tickets in one SQLite file that many processes may use at once."""

    kind: ClassVar[str] = "local"
    system: ClassVar[str] = "Local desk"
    Settings = LocalSettings
    capabilities: ClassVar[frozenset[Capability]] = frozenset(Capability) - {
        Capability.WEBHOOK,
        Capability.UPLOAD_FIRST,
    }
    reconcile: ClassVar[Reconcile] = Reconcile.EXACT

    _file: DeskFile

    @property
    @override
    def limits(self) -> Limits:
        return Limits(subject=None, file=self.settings.max_file, settle=timedelta(0))

    @override
    async def __aenter__(self) -> Self:
        self._file = await asyncio.to_thread(DeskFile, self.name, self.settings.path, patience=self.settings.timeout)
        await self._write(self._list_choices)
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._file.close()

    @override
    async def check(self) -> tuple[Finding, ...]:
        try:
            kept = await self._read(lambda db: db.execute("PRAGMA quick_check").fetchone()[0])
        except AdapterError as error:
            return (Finding(subject="file", ok=False, detail=error.cause, remedy=error.remedy),)
        well = kept == "ok"
        remedy = "" if well else "Put a backup of the file in its place, or repair it with sqlite3's .recover."
        departments = await self.choices(ChoiceList.DEPARTMENTS)
        return (
            Finding(subject="file", ok=well, detail=f"{self.settings.path}: {kept}", remedy=remedy),
            Finding(subject="departments", ok=True, detail=", ".join(choice.label for choice in departments)),
        )

    @override
    async def open_ticket(self, draft: TicketDraft) -> Opened:
        """The marker is an idempotency key, as in `add_message`."""
        self._check_fields(draft)
        contents = await self._contents(draft.first)

        def work(db: sqlite3.Connection) -> Opened:
            if draft.first.marker and (there := self._marked(db, draft.first.marker)):
                return there
            ticket = self._insert_ticket(db, draft)
            message = self._insert_message(db, ticket, draft.first, contents)
            return Opened(ticket=ref(ticket), first=MessageRef(id=str(message)))

        return await self._write(work)

    @override
    async def add_message(self, ticket: TicketRef, draft: MessageDraft) -> MessageRef:
        """The marker is an idempotency key: a process that was suspended in the call may come after its successor."""
        contents = await self._contents(draft)

        def work(db: sqlite3.Connection) -> MessageRef:
            number = self._ticket_id(db, ticket)
            marked = (number, draft.marker)
            there = db.execute(
                "SELECT id FROM message WHERE ticket = ? AND marker = ? AND marker <> ''", marked
            ).fetchone()
            return MessageRef(id=str(there["id"] if there else self._insert_message(db, number, draft, contents)))

        return await self._write(work)

    @override
    async def change(self, ticket: TicketRef, change: Change) -> None:
        def work(db: sqlite3.Connection) -> None:
            row = self._ticket_row(db, ticket)
            column, value = self._new_value(db, change)
            if row[column] != value:
                db.execute(f"UPDATE ticket SET {column} = ? WHERE id = ?", (value, row["id"]))  # noqa: S608 - ours

        await self._write(work)

    @override
    async def edit_message(
        self, ticket: TicketRef, message: MessageRef, body: Body, marker: str, *, author: Person | None = None
    ) -> None:
        def work(db: sqlite3.Connection) -> None:
            values = (body.plain, body.markdown, body.html, message.id, ticket.id)
            statement = "UPDATE message SET plain = ?, markdown = ?, html = ? WHERE id = ? AND ticket = ?"
            if not db.execute(statement, values).rowcount:
                raise NotFound(self.name, f"there is no message {message.id} on this ticket.")

        await self._write(work)

    @override
    async def delete_message(self, ticket: TicketRef, message: MessageRef) -> None:
        statement = "DELETE FROM message WHERE id = ? AND ticket = ?"
        await self._write(lambda db: db.execute(statement, (message.id, ticket.id)).rowcount)

    @override
    async def get_ticket(self, ticket: TicketRef) -> Ticket:
        return await self._read(lambda db: ticket_of(self._ticket_row(db, ticket)))

    @override
    async def find_by_number(self, number: str) -> Ticket:
        digits = number.strip().upper().removeprefix("L-")
        return await self.get_ticket(TicketRef(id=digits, number=number))

    @override
    async def messages(self, ticket: TicketRef, *, after: str = "") -> tuple[Message, ...]:
        def work(db: sqlite3.Connection) -> tuple[Message, ...]:
            behind = (self._ticket_id(db, ticket), int(after) if after else 0)
            rows = db.execute("SELECT * FROM message WHERE ticket = ? AND id > ? ORDER BY id", behind)
            files = db.execute(
                "SELECT file.id, message, name, media_type, length(data) AS size FROM file"
                " JOIN message ON message.id = message WHERE ticket = ? AND message.id > ? ORDER BY file.id",
                behind,
            )
            return messages_of(rows.fetchall(), files.fetchall())

        return await self._read(work)

    @override
    async def attachment(self, ticket: TicketRef, attachment: Attachment, *, limit: int) -> bytes:
        def work(db: sqlite3.Connection) -> bytes:
            named = (attachment.id, ticket.id)
            where = "FROM file JOIN message ON message.id = message WHERE file.id = ? AND ticket = ?"
            row = db.execute(f"SELECT length(data) {where}", named).fetchone()
            if row is None:
                raise NotFound(self.name, "the file is not there any more.", field="files")
            if row[0] > limit:
                raise Rejected(self.name, f"the file has {row[0]:,} bytes, more than {limit:,}.", field="files")
            return bytes(db.execute(f"SELECT data {where}", named).fetchone()[0])

        return await self._read(work)

    @override
    async def find_ticket(self, marker: str, draft: TicketDraft) -> Opened | None:
        return await self._read(lambda db: self._marked(db, marker))

    @override
    async def find_message(self, ticket: TicketRef, marker: str) -> MessageRef | None:
        statement = "SELECT id FROM message WHERE ticket = ? AND marker = ?"
        row = await self._read(lambda db: db.execute(statement, (ticket.id, marker)).fetchone())
        return None if row is None else MessageRef(id=str(row["id"]))

    @override
    async def choices(self, which: ChoiceList, *, department: str | None = None) -> tuple[Choice, ...]:
        statement = "SELECT id, label FROM choice WHERE list = ? ORDER BY position"
        rows = await self._read(lambda db: db.execute(statement, (which,)).fetchall())
        return tuple(Choice(id=row["id"], label=row["label"]) for row in rows)

    @override
    async def custom_fields(self, department: str | None = None) -> tuple[Field, ...]:
        return fields_in(self.settings.fields, department)

    @override
    async def find_requester(self, email: str) -> Person | None:
        statement = "SELECT id, name, email FROM person WHERE email = ?"
        row = await self._read(lambda db: db.execute(statement, (email,)).fetchone())
        return None if row is None else person_of(*row)

    @override
    async def create_requester(self, person: Person) -> Person:
        if not person.email:
            raise Rejected(self.name, "a requester needs an e-mail address.", field="requester")
        values = (person.name, person.email)

        def work(db: sqlite3.Connection) -> Person:
            db.execute("INSERT INTO person (name, email) VALUES (?, ?) ON CONFLICT (email) DO NOTHING", values)
            return person_of(*db.execute("SELECT id, name, email FROM person WHERE email = ?", values[1:]).fetchone())

        return await self._write(work)

    @override
    async def search(self, words: str, *, limit: int = 20) -> tuple[Ticket, ...]:
        wanted = words.casefold().split()
        where = " AND ".join("instr(casefold(subject), ?)" for _ in wanted) or "1"
        statement = f"{TICKETS} WHERE {where} ORDER BY ticket.id DESC LIMIT ?"
        return await self._read(lambda db: tuple(map(ticket_of, db.execute(statement, (*wanted, limit)))))

    @override
    async def changed_since(self, cursor: str) -> tuple[tuple[TicketRef, ...], str]:
        def work(db: sqlite3.Connection) -> tuple[tuple[TicketRef, ...], str]:
            (newest,) = db.execute("SELECT coalesce(max(n), 0) FROM change").fetchone()
            since = int(cursor) if cursor else newest
            # the sign has SQLite look at what is new, rather than go through all changes by ticket
            rows = db.execute("SELECT ticket FROM change WHERE n > ? GROUP BY +ticket ORDER BY max(n)", (since,))
            return tuple(ref(row["ticket"]) for row in rows), str(newest)

        return await self._read(work)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._file.read(work)

    async def _write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._file.write(work)

    def _list_choices(self, db: sqlite3.Connection) -> None:
        """Write the lists of the settings into the file, where the agents' side reads them."""
        lists: dict[ChoiceList, Iterable[tuple[str, str]]] = {
            ChoiceList.DEPARTMENTS: [(name, "") for name in self.settings.departments],
            ChoiceList.PRIORITIES: [(name, "") for name in self.settings.priorities],
            ChoiceList.STATUSES: self.settings.statuses.items(),
            ChoiceList.AGENTS: [(name, "") for name in self.settings.agents],
        }
        db.execute("DELETE FROM choice")
        for which, entries in lists.items():
            rows = [(which, name, name, meaning, position) for position, (name, meaning) in enumerate(entries)]
            db.executemany("INSERT INTO choice VALUES (?, ?, ?, ?, ?)", rows)

    def _ticket_row(self, db: sqlite3.Connection, ticket: TicketRef) -> sqlite3.Row:
        return self._found(db, f"{TICKETS} WHERE ticket.id = ?", ticket)

    def _ticket_id(self, db: sqlite3.Connection, ticket: TicketRef) -> int:
        return int(self._found(db, "SELECT id FROM ticket WHERE id = ?", ticket)["id"])

    def _found(self, db: sqlite3.Connection, statement: str, ticket: TicketRef) -> sqlite3.Row:
        row: sqlite3.Row | None = db.execute(statement, (ticket.id,)).fetchone()
        if row is None:
            raise NotFound(self.name, f"there is no ticket {ticket.number}.", remedy="Check the number.")
        return row

    def _marked(self, db: sqlite3.Connection, marker: str) -> Opened | None:
        row = db.execute("SELECT id FROM ticket WHERE marker = ?", (marker,)).fetchone()
        if row is None:
            return None
        first = db.execute("SELECT min(id) FROM message WHERE ticket = ?", (row["id"],)).fetchone()[0]
        return Opened(ticket=ref(row["id"]), first=None if first is None else MessageRef(id=str(first)))

    def _insert_ticket(self, db: sqlite3.Connection, draft: TicketDraft) -> int:
        department = draft.department or self.settings.department or self.settings.departments[0]
        priority = draft.priority or self.settings.usual_priority
        person = draft.requester.desk_id
        if person and not db.execute("SELECT 1 FROM person WHERE id = ?", (person,)).fetchone():
            remedy = "Choose another requester, or correct the id (threadline people map)."
            raise Rejected(self.name, f"it has no person {person!r}.", remedy=remedy, field="requester")
        values = (
            draft.subject,
            self.settings.status_for(Status.OPEN),
            self._listed(db, ChoiceList.DEPARTMENTS, department, field="department"),
            self._listed(db, ChoiceList.PRIORITIES, priority, field="priority"),
            self._listed(db, ChoiceList.AGENTS, draft.owner, field="owner") if draft.owner else "",
            draft.requester.name,
            draft.requester.email or "",
            person,
            datetime.now(UTC).isoformat(),
            draft.first.marker,
        )
        columns = "subject, status, department, priority, owner, requester, email, person, created_at, marker"
        marks = ", ".join("?" for _ in values)
        made = db.execute(f"INSERT INTO ticket ({columns}) VALUES ({marks})", values)  # noqa: S608 - ours
        rows = [(made.lastrowid, key, value) for key, value in draft.fields.items()]
        db.executemany("INSERT INTO ticket_field VALUES (?, ?, ?)", rows)
        return int(made.lastrowid or 0)

    def _insert_message(
        self, db: sqlite3.Connection, ticket: int, draft: MessageDraft, contents: Iterable[bytes]
    ) -> int:
        internal = draft.visibility is Visibility.INTERNAL
        values = (
            ticket,
            draft.author.name,
            draft.author.email or "",
            draft.author.role,
            internal,
            draft.body.plain,
            draft.body.markdown,
            draft.body.html,
            (draft.sent_at or datetime.now(UTC)).astimezone(UTC).isoformat(),
            not internal and draft.author.role is not Role.SYSTEM and draft.notify is not False,
            draft.marker,
        )
        columns = "ticket, author, email, role, internal, plain, markdown, html, at, mail, marker"
        marks = ", ".join("?" for _ in values)
        message = db.execute(f"INSERT INTO message ({columns}) VALUES ({marks})", values).lastrowid  # noqa: S608 - ours
        for file, data in zip(draft.files, contents, strict=True):
            row = (message, file.name, file.media_type, hashlib.sha256(data).hexdigest(), data)
            db.execute("INSERT INTO file (message, name, media_type, sha256, data) VALUES (?, ?, ?, ?, ?)", row)
        return int(message or 0)

    async def _contents(self, draft: MessageDraft) -> list[bytes]:
        """The bytes of the draft's files."""
        for file in draft.files:
            if file.size > self.settings.max_file:
                cause = f"the file {file.name} has {file.size:,} bytes, more than max_file allows."
                raise Rejected(self.name, cause, remedy="Send it by a link instead.", field="files")
        return [await self.content(file) for file in draft.files]

    def _new_value(self, db: sqlite3.Connection, change: Change) -> tuple[str, str]:
        """The column and the value that *change* writes."""
        match change.act:
            case Act.CLOSE:
                return "status", self.settings.status_for(Status.CLOSED)
            case Act.REOPEN:
                return "status", self.settings.status_for(Status.OPEN)
            case Act.SUBJECT:
                return "subject", change.value
        column, which = COLUMNS[change.act]
        if change.act is Act.ASSIGN and not change.value:
            return column, ""
        return column, self._listed(db, which, change.value, field=column)

    def _listed(self, db: sqlite3.Connection, which: ChoiceList, value: str, *, field: str) -> str:
        """*value*, if the list has it."""
        rows = db.execute("SELECT id FROM choice WHERE list = ? ORDER BY position", (which,)).fetchall()
        if value not in {row["id"] for row in rows}:
            known = ", ".join(row["id"] for row in rows)
            raise Rejected(self.name, f"{value!r} is not one of its {which}.", remedy=f"Use {known}.", field=field)
        return value

    def _check_fields(self, draft: TicketDraft) -> None:
        """Hold the draft's custom fields against the settings."""
        fields = {field.key: field for field in fields_in(self.settings.fields, draft.department)}
        for key, value in draft.fields.items():
            field = fields.get(key)
            if field is None:
                raise Rejected(self.name, f"it has no custom field {key!r} in this department.", field=key)
            if field.kind is FieldKind.CHOICE and value not in {choice.id for choice in field.choices}:
                raise Rejected(self.name, f"{field.label} must be one of its choices.", field=key)
        for field in fields.values():
            if field.required and not draft.fields.get(field.key):
                raise Rejected(self.name, f"{field.label} is needed.", remedy="Fill it in.", field=field.key)
