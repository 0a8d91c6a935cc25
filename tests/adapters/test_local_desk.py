"""The local desk keeps the contract, and what is its own: one file, many processes, nothing hidden."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.errors import Misconfigured, Rejected, Unavailable
from adapters.local import LocalDesk
from adapters.local.file import DeskFile
from adapters.model import ChoiceList, Person
from bot.sandbox.desks.local import LocalAgents
from tests.adapters.conformance import AdapterConformance
from tests.adapters.conformance_wire import entered
from tests.adapters.drafts import Pair, file_at

FIELDS: list[dict[str, Any]] = [
    {"key": "asset", "label": "Asset tag"},
    {"key": "site", "label": "Site", "choices": ["Oslo", "Bergen"]},
    {"key": "seat", "label": "Seat", "required": True, "departments": ["Facilities"]},
]


class TestLocal(AdapterConformance):
    adapter = LocalDesk
    fields: ClassVar = {"asset": "PC-17 ü", "site": "Oslo"}
    shown: ClassVar = fields

    @pytest.fixture
    async def pair(self, tmp_path: Path):
        path = tmp_path / "folder" / "desk.sqlite3"
        fields = [field for field in FIELDS if "departments" not in field]
        async with entered({"kind": "local", "path": path, "fields": fields}) as desk:
            agents = LocalAgents(path)
            await agents.add_person(self.known.name, self.known.email or "")
            yield Pair(desk, agents)


@pytest.fixture
async def local(tmp_path: Path):
    async with entered({"kind": "local", "path": tmp_path / "desk.sqlite3", "fields": FIELDS}) as desk:
        yield Pair(desk, LocalAgents(tmp_path / "desk.sqlite3"))


async def test_writers_on_two_connections_lose_nothing(local: Pair, tmp_path: Path):
    async with entered({"kind": "local", "path": tmp_path / "desk.sqlite3", "fields": FIELDS}) as other:
        ticket = await local.open()
        desks = [local.desk, other] * 25
        drafts = [local.message(f"number {n}", marker=f"TL-{n}") for n in range(50)]
        ids = await asyncio.gather(
            *(desk.add_message(ticket, draft) for desk, draft in zip(desks, drafts, strict=True))
        )

        assert 50 == len(set(ids))
        assert 51 == len(await local.seen(ticket))


async def test_it_writes_down_whether_the_requester_would_have_got_mail(local: Pair, tmp_path: Path):
    await local.open(await local.draft(first=local.message(marker="TL-A", notify=False)))
    await local.open(await local.draft(first=local.message(marker="TL-B", notify=None)))

    with sqlite3.connect(tmp_path / "desk.sqlite3") as db:
        assert [(0,), (1,)] == db.execute("SELECT mail FROM message ORDER BY id").fetchall()
    db.close()


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"department": "Nowhere"}, "department"),
        ({"priority": "Loud"}, "priority"),
        ({"owner": "Nobody"}, "owner"),
        ({"fields": {"site": "Paris"}}, "site"),
        ({"fields": {"shoe": "43"}}, "shoe"),
        ({"department": "Facilities"}, "seat"),
    ],
)
async def test_a_value_that_the_desk_does_not_know_is_rejected_beside_its_field(local: Pair, more, field):
    with pytest.raises(Rejected) as caught:
        await local.open(**more)

    assert (field, ()) == (caught.value.field, await local.agents.tickets())


async def test_a_file_that_went_away_is_rejected_and_nothing_is_written(local: Pair, tmp_path: Path):
    file = file_at(tmp_path, "a.txt", b"a")
    file.path.unlink()
    with pytest.raises(Rejected):
        await local.open(await local.draft(first=local.message(files=(file,))))

    assert () == await local.agents.tickets()


async def test_making_a_requester_twice_gives_the_same_one(local: Pair):
    grace = Person(name="Grace Hopper", email="grace@example.net")

    assert await local.desk.create_requester(grace) == await local.desk.create_requester(grace)


async def test_nobody_else_may_read_a_file_that_is_made(tmp_path: Path):
    path = tmp_path / "desk.sqlite3"

    async with entered({"kind": "local", "path": path}):
        modes = {oct(entry.stat().st_mode & 0o777) for entry in os.scandir(tmp_path)}

    assert {"0o600"} == modes


async def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path):
    path = tmp_path / "desk.sqlite3"
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Misconfigured, match="newer Threadline"):
        async with entered({"kind": "local", "path": path}):
            pass


async def test_a_file_that_is_no_desk_is_named_at_the_start(tmp_path: Path):
    path = tmp_path / "desk.sqlite3"
    path.write_bytes(b"this is not a database, " * 100)
    with pytest.raises(Misconfigured, match=r"desk\.sqlite3"):
        async with entered({"kind": "local", "path": path}):
            pass


async def test_a_file_that_another_holds_is_waited_for_and_then_called_locked(tmp_path: Path):
    path = tmp_path / "desk.sqlite3"
    async with locked(path):
        with pytest.raises(Misconfigured, match="Look who holds it"):
            async with entered({"kind": "local", "path": path, "timeout": 0.1}):
                pass
        later = asyncio.create_task(_opens(path))
        await asyncio.sleep(0.1)
    assert await later


async def _opens(path: Path) -> bool:
    async with entered({"kind": "local", "path": path, "timeout": 5}) as desk:
        return bool(await desk.choices(ChoiceList.DEPARTMENTS))


@asynccontextmanager
async def locked(path: Path):
    """The file while another program is writing it."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        db.close()


async def test_a_locked_file_makes_its_calls_fail_together_and_holds_up_nothing_else(tmp_path: Path):
    path = tmp_path / "desk.sqlite3"
    async with entered({"kind": "local", "path": path, "timeout": 0.5}) as desk, locked(path):
        began = time.monotonic()
        drafts = [desk.create_requester(Person(name="A", email=f"{n}@example.com")) for n in range(40)]
        calls = asyncio.gather(*drafts, return_exceptions=True)
        await asyncio.sleep(0.05)
        await asyncio.to_thread(path.exists)
        elsewhere = time.monotonic() - began
        raised = {type(error) for error in await calls}
        took = time.monotonic() - began

    assert {Unavailable} == raised
    assert (True, True) == (elsewhere < 0.4, took < 2)


async def test_who_waited_in_the_queue_waits_for_another_program_only_as_long_as_is_left(tmp_path: Path):
    file = DeskFile("office", tmp_path / "desk.sqlite3", patience=0.5)
    began = time.monotonic()
    before = asyncio.create_task(file.read(lambda _: time.sleep(0.4)))
    await asyncio.sleep(0)
    async with locked(tmp_path / "desk.sqlite3"):
        with pytest.raises(Unavailable):
            await file.write(lambda _: None)
        took = time.monotonic() - began
    await before
    await file.close()

    assert took < 0.8


async def test_what_goes_wrong_in_a_call_leaves_the_file_to_the_others(local: Pair, tmp_path: Path):
    ticket = await local.open()
    with pytest.raises(UnicodeEncodeError):
        await local.desk.add_message(ticket, local.message("half a \ud83d"))

    await local.agents.reply(ticket.id, "Hello.")
    assert 2 == len(await local.desk.messages(ticket))


async def test_a_requester_whom_the_desk_does_not_know_is_rejected(local: Pair):
    with pytest.raises(Rejected) as caught:
        await local.open(requester=Person(name="Ada", desk_id="4711"))

    assert ("requester", ()) == (caught.value.field, await local.agents.tickets())


async def test_a_time_that_tells_no_offset_is_in_utc(local: Pair, tmp_path: Path):
    ticket = await local.open()
    db = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
    db.execute("UPDATE message SET at = '2026-01-02 03:04:05'")
    db.close()

    assert [datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)] == [one.at for one in await local.desk.messages(ticket)]


def test_statuses_must_let_a_ticket_be_opened_and_closed():
    with pytest.raises(ValueError, match="one must mean open"):
        LocalDesk.Settings(kind="local", path=Path("x"), statuses={"Open": "open"})


async def test_no_step_takes_longer_as_a_ticket_and_its_file_grow(local: Pair):
    """By the steps that SQLite counts."""
    ticket, counted = await local.open(), 0
    connection = local.desk._file._connection  # type: ignore[attr-defined]

    def count() -> None:
        nonlocal counted
        counted += 1

    async def steps(work: Callable[[], Awaitable[Any]]) -> int:
        nonlocal counted
        counted = 0
        connection.set_progress_handler(count, 1)
        await work()
        connection.set_progress_handler(None, 1)
        return counted

    async def each() -> dict[str, int]:
        last = await local.desk.add_message(ticket, local.message(marker=f"TL-{time.time_ns()}"))
        draft = local.message("one more", marker=f"TL-{time.time_ns()}")
        _, cursor = await local.desk.changed_since("")
        return {
            "reply": await steps(lambda: local.desk.add_message(ticket, draft)),
            "what is new on the ticket": await steps(lambda: local.desk.messages(ticket, after=last.id)),
            "what changed": await steps(lambda: local.desk.changed_since(cursor)),
            "a ticket is found again": await steps(lambda: local.desk.find_message(ticket, draft.marker)),
        }

    before = await each()
    with sqlite3.connect(local.desk.settings.path) as db:
        columns = "ticket, author, email, role, internal, plain, at, mail, marker"
        values = "?, '', '', 'agent', 0, 'x', '2024-02-29T12:00:00+00:00', 0, ?"
        rows = [(ticket.id, f"TL-old-{n}") for n in range(2000)]
        db.executemany(f"INSERT INTO message ({columns}) VALUES ({values})", rows)
    db.close()
    after = await each()

    assert {} == {name: (before[name], steps) for name, steps in after.items() if steps > 2 * before[name]}
