"""The local desk keeps the contract, and what is its own: one file, many processes, nothing hidden."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any, ClassVar

import pytest

from adapters.errors import Misconfigured, Rejected
from adapters.local import LocalDesk
from adapters.model import Person
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


def test_statuses_must_let_a_ticket_be_opened_and_closed():
    with pytest.raises(ValueError, match="one must mean open"):
        LocalDesk.Settings(kind="local", path=Path("x"), statuses={"Open": "open"})
