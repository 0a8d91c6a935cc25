"""Each await that touches Redis, Slack or a desk has a name in the table of crash points."""

from pathlib import Path

import pytest

from tests.crash.points import awaits
from tests.crash.points.operations import KINDS
from tests.crash.points.table import reasons, table

MODULE = Path("bot/conversion/sample.py")
SAMPLE = """
async def show(rooms, link, desk):
    await rooms.lanes.add([])
    await rooms.lanes.add([])
    async with desk.shared.lock("x", ttl=None):
        await helper(rooms)
    async for one in rooms.links.all():
        await asyncio.sleep(1)

async def helper(rooms):
    async def act():
        return await rooms.voice.post(1)
    await once(act)
    await {new}
"""


def _touching(new):
    return [one.name for one in awaits.read(SAMPLE.replace("{new}", new), MODULE) if one.touches]


NAMED = [
    "conversion.sample.show lanes.add",
    "conversion.sample.show lanes.add 2",
    "conversion.sample.show shared.lock",
    "conversion.sample.show links.all",
    "conversion.sample.helper.act voice.post",
    "conversion.sample.helper once",
]


def test_every_await_that_touches_has_a_name_in_the_table_and_the_table_names_no_other():
    assert sorted(table()) == sorted(awaits.touches())


def test_what_the_table_names_is_died_at_by_known_kinds_of_operation_or_has_a_reason():
    kinds = {kind for kinds in table().values() for kind in kinds}

    assert (set(), "") == (kinds - set(KINDS), "".join(name for name, why in reasons().items() if not why))


@pytest.mark.parametrize(
    ("new", "name"),
    [
        ("rooms.voice.tell(1)", "conversion.sample.helper voice.tell"),
        ("rooms.desks.get(1).close(2)", "conversion.sample.helper get.close"),
        ("self._telegraph.send(1)", "conversion.sample.helper telegraph.send"),
        ("redis.set(1)", "conversion.sample.helper redis.set"),
        ("post(1)", "conversion.sample.helper post"),
    ],
)
def test_a_new_await_is_a_point_without_a_name_unless_it_is_known_to_be_harmless(new, name):
    found = _touching(new)

    assert [*NAMED, name] == found
    assert name not in table()


@pytest.mark.parametrize("new", ["show(rooms)", "asyncio.sleep(1)", "task", "journal.once(act)", "call.ack()"])
def test_what_only_waits_here_or_leads_to_functions_of_ours_is_none(new):
    assert NAMED == _touching(new)
