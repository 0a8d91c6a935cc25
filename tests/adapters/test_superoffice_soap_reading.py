"""What is SuperOffice's own in reading by SOAP: times without a zone, rows in one list, and what changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from adapters.superoffice_soap import lookups, reading
from tests.adapters.superoffice_soap_served import drafts, served

OSLO = ZoneInfo("Europe/Oslo")


async def test_behind_an_id_that_is_longer_than_any_there_is_no_message():
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()

        assert () == await desk.messages(ticket, after="9" * 5000)


async def test_a_message_that_is_deleted_while_its_ticket_is_read_is_left_out(monkeypatch):
    async with served() as (desk, stand_in):
        ticket = await drafts(desk, stand_in).open()
        there = await desk.message_ids(ticket)

        async def with_one_deleted(_: object) -> tuple[str, ...]:
            return (*there, "9999")

        monkeypatch.setattr(desk, "message_ids", with_one_deleted)
        assert there == tuple(message.id for message in await desk.messages(ticket))


@pytest.mark.parametrize("text", ["2025-01-31 15-30-00.250", "2025-01-31 15:30:00.25", "2025-01-31T15:30:00.250"])
def test_times_of_the_server_are_read_in_its_zone_with_dashes_or_colons(text):
    assert datetime(2025, 1, 31, 14, 30, 0, 250_000, UTC) == reading.time_of(text, OSLO)


@given(st.text(alphabet="0123456789-: .T"))
def test_a_time_that_is_none_is_none(text: str):
    read = reading.time_of(text, OSLO)

    assert read is None or read.tzinfo is OSLO


def test_rows_of_a_flat_two_dimensional_array_are_told_apart():
    flat = [
        {"field": name, "type": None, "value": value}
        for name, value in [("a", "1"), ("b", "2"), ("a", "3"), ("b", None)]
    ]

    assert ({"a": "1", "b": "2"}, {"a": "3", "b": ""}) == reading.rows(flat)
    assert () == reading.rows(None) == reading.rows([])


async def test_what_changed_is_all_found_however_many_changed_within_one_tick(monkeypatch):
    async with served() as (desk, stand_in):
        monkeypatch.setattr(stand_in.site, "now", lambda: "2025-01-31 15-30-00.000")
        monkeypatch.setattr(lookups, "_PAGE", 5)
        pair = drafts(desk, stand_in)
        await desk.open_ticket(await pair.draft())
        _, cursor = await desk.changed_since("")
        opened = {(await desk.open_ticket(await pair.draft())).ticket for _ in range(23)}
        changed, later = await desk.changed_since(cursor)

        assert opened <= set(changed)
        assert cursor == later


async def changes_after(seen: str, shown: str) -> tuple[bool, str]:
    """Whether a ticket is told as changed that shows the time *shown* after *seen* was the newest, and the cursor."""
    async with served(time_zone="Europe/Oslo") as (desk, stand_in):
        pair = drafts(desk, stand_in)
        newest, other = await pair.open(), await pair.open()
        stand_in.site.tickets[newest.id].last_changed = seen
        stand_in.site.tickets[other.id].last_changed = "2025-10-01 10-00-00.000"
        _, cursor = await desk.changed_since("")
        stand_in.site.tickets[other.id].last_changed = shown
        changed, later = await desk.changed_since(cursor)

        assert cursor == seen
        return other in changed, later


@pytest.mark.parametrize("shown", ["2025-10-26 02-20-00.000", "2025-10-26 02-00-00.000"])
async def test_a_change_in_the_hour_that_comes_twice_is_told_though_its_time_is_before_the_last_one_seen(shown):
    assert (True, "2025-10-26 02-59-59.000") == await changes_after("2025-10-26 02-59-59.000", shown)


async def test_a_change_that_shows_up_to_a_minute_late_is_told_and_what_is_older_is_not():
    seen = "2025-10-25 12-00-30.500"

    assert (True, seen) == await changes_after(seen, "2025-10-25 11-59-30.500")
    assert (False, seen) == await changes_after(seen, "2025-10-25 11-59-30.499")


@pytest.mark.parametrize(
    ("stamp", "zone", "before"),
    [
        ("2025-10-26 01-59-59.000", "Europe/Oslo", "2025-10-26 01-58-59.000"),
        ("2025-10-26 02-00-00.000", "Europe/Oslo", "2025-10-26 00-59-00.000"),
        ("2025-10-26T02:59:59.123456", "Europe/Oslo", "2025-10-26T01:58:59.123456"),
        ("2025-10-26 03-00-00", "Europe/Oslo", "2025-10-26 02-59-00"),
        ("2025-10-26 01-30-00.000", "Europe/London", "2025-10-26 00-29-00.000"),
        ("2025-04-06 01-45-00.000", "Australia/Lord_Howe", "2025-04-06 01-14-00.000"),
        ("2025-03-30 02-30-00.000", "Europe/Oslo", "2025-03-30 02-29-00.000"),
        ("2025-01-01 00-00-30.000", "UTC", "2024-12-31 23-59-30.000"),
        ("0001-01-01 00-00-00.000", "Europe/Oslo", "0001-01-01 00-00-00.000"),
        ("9999-12-31 23-59-59.000", "America/Lima", "9999-12-31 23-59-59.000"),
        ("soon", "Europe/Oslo", "soon"),
    ],
)
def test_a_minute_earlier_is_written_as_the_server_writes_and_an_hour_earlier_still_where_it_comes_twice(
    stamp, zone, before
):
    assert before == reading.earlier(stamp, ZoneInfo(zone), timedelta(minutes=1))


async def test_a_desk_without_tickets_has_a_cursor_too():
    async with served() as (desk, stand_in):
        _, cursor = await desk.changed_since("")
        ticket = await drafts(desk, stand_in).open()

        assert (ticket,) == (await desk.changed_since(cursor))[0]
