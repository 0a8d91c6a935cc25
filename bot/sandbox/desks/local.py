"""The local desk as its agents see it: reads and writes the same SQLite file with statements of its own."""

import asyncio
import hashlib
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, TypeVar

from typing_extensions import override

from bot.sandbox.desks.base import AgentDesk, SeenFile, SeenMessage, SeenTicket

T = TypeVar("T")

LIST = """
SELECT t.id, t.subject, t.status, t.department, t.priority, t.requester, t.email, t.owner,
  t.status IN (SELECT id FROM choice WHERE list = 'statuses' AND meaning = 'closed') AS closed
FROM ticket AS t
"""


class LocalAgents(AgentDesk):
    """The agents' side of the desk in the file at *path*."""

    system: ClassVar[str] = "Local desk"

    def __init__(self, path: Path, *, agent: str = "Alex Agent") -> None:
        self.path = path
        self.agent = agent

    @override
    async def tickets(self) -> tuple[SeenTicket, ...]:
        return await self._with(
            lambda db: tuple(_ticket(row) for row in db.execute(f"{LIST} ORDER BY t.id DESC").fetchall())
        )

    @override
    async def ticket(self, ticket_id: str) -> SeenTicket:
        def read(db: sqlite3.Connection) -> SeenTicket:
            row = db.execute(f"{LIST} WHERE t.id = ?", (ticket_id,)).fetchone()
            if row is None:
                raise KeyError(ticket_id)
            fields = db.execute("SELECT key, value FROM ticket_field WHERE ticket = ? ORDER BY key", (ticket_id,))
            messages = db.execute("SELECT * FROM message WHERE ticket = ? ORDER BY id", (ticket_id,)).fetchall()
            return _ticket(
                row,
                fields=tuple((field["key"], field["value"]) for field in fields.fetchall()),
                messages=tuple(_message(message, _files(db, message["id"])) for message in messages),
            )

        return await self._with(read)

    @override
    async def file(self, file_id: str) -> bytes:
        def read(db: sqlite3.Connection) -> bytes:
            row = db.execute("SELECT data FROM file WHERE id = ?", (file_id,)).fetchone()
            if row is None:
                raise KeyError(file_id)
            return bytes(row["data"])

        return await self._with(read)

    @override
    async def reply(
        self, ticket_id: str, text: str, *, internal: bool = False, files: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        def write(db: sqlite3.Connection) -> None:
            values = (ticket_id, self.agent, internal, text, datetime.now(UTC).isoformat(), not internal)
            message = db.execute(
                "INSERT INTO message (ticket, author, email, role, internal, plain, at, mail, marker)"
                " VALUES (?, ?, '', 'agent', ?, ?, ?, ?, '')",
                values,
            ).lastrowid
            for name, data in files:
                row = (message, name, hashlib.sha256(data).hexdigest(), data)
                db.execute(
                    "INSERT INTO file (message, name, media_type, sha256, data)"
                    " VALUES (?, ?, 'application/octet-stream', ?, ?)",
                    row,
                )

        await self._with(write)

    @override
    async def set_closed(self, ticket_id: str, *, closed: bool) -> None:
        statement = (
            "UPDATE ticket SET status = (SELECT id FROM choice WHERE list = 'statuses' AND meaning = ?"
            " ORDER BY position LIMIT 1) WHERE id = ?"
        )
        await self._with(lambda db: db.execute(statement, ("closed" if closed else "open", ticket_id)).rowcount)

    @override
    async def delete(self, ticket_id: str) -> None:
        def write(db: sqlite3.Connection) -> None:
            db.execute("DELETE FROM message WHERE ticket = ?", (ticket_id,))
            db.execute("DELETE FROM ticket_field WHERE ticket = ?", (ticket_id,))
            db.execute("DELETE FROM ticket WHERE id = ?", (ticket_id,))

        await self._with(write)

    @override
    async def merge(self, ticket_id: str, into: str) -> None:
        def write(db: sqlite3.Connection) -> None:
            db.execute("UPDATE message SET ticket = ? WHERE ticket = ?", (into, ticket_id))
            db.execute("INSERT INTO merger VALUES (?, ?)", (ticket_id, into))

        await self._with(write)

    async def add_person(self, name: str, email: str) -> None:
        """Make somebody known to the desk."""
        await self._with(
            lambda db: db.execute("INSERT INTO person (name, email) VALUES (?, ?)", (name, email)).rowcount
        )

    async def _with(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What *work* gives, in one transaction in a thread."""

        def run() -> T:
            with closing(sqlite3.connect(self.path, timeout=10)) as db, db:
                db.row_factory = sqlite3.Row
                db.execute("PRAGMA foreign_keys = ON")
                return work(db)

        return await asyncio.to_thread(run)


def _ticket(
    row: sqlite3.Row, *, fields: tuple[tuple[str, str], ...] = (), messages: tuple[SeenMessage, ...] = ()
) -> SeenTicket:
    return SeenTicket(
        id=str(row["id"]),
        number=f"L-{row['id']}",
        subject=row["subject"],
        status=row["status"],
        closed=bool(row["closed"]),
        department=row["department"],
        priority=row["priority"],
        requester=f"{row['requester']} <{row['email']}>" if row["email"] else row["requester"],
        owner=row["owner"],
        fields=fields,
        messages=messages,
    )


def _message(row: sqlite3.Row, files: tuple[SeenFile, ...]) -> SeenMessage:
    return SeenMessage(
        id=str(row["id"]),
        author=row["author"],
        at=row["at"],
        text=row["plain"],
        internal=bool(row["internal"]),
        by_agent=row["role"] == "agent",
        html=row["html"] or "",
        files=files,
    )


def _files(db: sqlite3.Connection, message: int) -> tuple[SeenFile, ...]:
    rows = db.execute(
        "SELECT id, name, sha256, length(data) AS size FROM file WHERE message = ? ORDER BY id", (message,)
    )
    return tuple(
        SeenFile(id=str(row["id"]), name=row["name"], size=row["size"], sha256=row["sha256"]) for row in rows.fetchall()
    )
