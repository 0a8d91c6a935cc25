"""SuperOffice's documented requests and answers, replayed: we send what they show, and read what they answer."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from adapters.errors import NotFound
from adapters.model import Act, Change, ChoiceList, Person, Role, Status, TicketRef, Visibility
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.sandbox.desks.superoffice_rest import SuperOfficeRestStandIn
from tests.adapters.drafts import Pair, file_at
from tests.adapters.replay import Replay

TICKET = TicketRef(id="224", number="224")
SUMMER, WINTER = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))
TABLE = {
    "kind": "superoffice_rest",
    "url": "https://crm.example/SuperOffice",
    "auth": "basic",
    "username": "tje0",
    "password": "Tje0",
    "marker_field": "x_threadline",
    "department": "3",
}
ONLINE = {
    "kind": "superoffice_rest",
    "tenant": "Cust12345",
    "auth": "bearer",
    "client_id": "app",
    "client_secret": "app-secret",
    "refresh_token": "kept",
}


@asynccontextmanager
async def replaying(*names, table=None, **settings):
    """A desk whose server answers only these exchanges, each once."""
    replay = Replay.of("superoffice_rest", *names)
    desk = make("support", settings_for("support", {**(table or TABLE), **settings}), InProcess())
    desk.transport = replay  # type: ignore[attr-defined] # a desk by HTTP has one
    async with desk:
        yield Pair(desk, SuperOfficeRestStandIn())
    replay.finish()


async def test_a_ticket_is_opened_from_the_defaults():
    async with replaying("default", "open_ticket", notify=False) as pair:
        draft = await pair.draft("Testing Two", first=pair.message(marker="TL-SAMPLE"))

        assert TICKET == (await pair.desk.open_ticket(draft)).ticket


async def test_a_message_with_its_files_is_one_call():
    async with replaying("save_message", notify=False) as pair:
        draft = replace(pair.message(marker="TL-1"), uploads=("325", "209"))

        assert "305" == (await pair.desk.add_message(TICKET, draft)).id


async def test_before_that_call_the_files_follow_their_message():
    async with replaying("save_note", "listed_files", "link_files", agents_calls=False) as pair:
        note = replace(pair.message(marker="TL-2", visibility=Visibility.INTERNAL), uploads=("325",))

        assert "308" == (await pair.desk.add_message(TICKET, note)).id


async def test_a_file_is_described_and_then_sent_as_it_is(tmp_path):
    async with replaying("attachment", "attachment_content") as pair:
        file = file_at(tmp_path, "a b.txt", b"hello", "text/plain")

        assert "325" == await pair.desk.upload(file, "TL-1")


async def test_closing_tests_what_was_read_and_sets_both_statuses():
    async with replaying("statuses", "get_ticket", "close") as pair:
        await pair.desk.change(TICKET, Change(act=Act.CLOSE))


async def test_the_documented_ticket_full_of_nulls_is_read():
    async with replaying("get_ticket") as pair:
        ticket = await pair.desk.get_ticket(TICKET)

    assert (TICKET, "et", Status.OPEN, "Active") == (ticket.ref, ticket.subject, ticket.status, ticket.status_name)
    assert (None, None, None, None, None) == (
        ticket.department,
        ticket.priority,
        ticket.owner,
        ticket.requester,
        ticket.merged_into,
    )
    assert datetime(2021, 9, 17, 17, 37, 39, 263303, tzinfo=SUMMER) == ticket.created_at


async def test_a_ticket_with_all_that_it_points_at_is_read():
    async with replaying("full_ticket", ticket_url="https://crm.example/t?id={id}") as pair:
        ticket = await pair.desk.find_by_number("#13")

    assert (Status.GONE, "Merged", TicketRef(id="9", number="9")) == (
        ticket.status,
        ticket.status_name,
        ticket.merged_into,
    )
    assert ("Norway/Support", "Medium", "Tony Yates") == (ticket.department, ticket.priority, ticket.owner)
    assert Person(name="Ada Lovelace", email="ada@example.com", desk_id="49") == ticket.requester
    assert datetime(2022, 10, 17, 13, 26, 1, tzinfo=UTC) == ticket.updated_at
    assert (None, "https://crm.example/t?id=13", 1) == (ticket.deadline, ticket.url, ticket.message_count)


async def test_the_documented_messages_are_read_in_order_and_their_keys_dropped():
    async with replaying("headers", "messages") as pair:
        first, second = await pair.desk.messages(TICKET)

    assert ("23", Visibility.INTERNAL, Role.REQUESTER) == (first.id, first.visibility, first.author.role)
    assert "This should be html \n\n" == first.body.plain
    assert ("426", Visibility.PUBLIC, Role.AGENT) == (second.id, second.visibility, second.author.role)
    assert datetime(2002, 11, 9, 14, 28, 22, 633493, tzinfo=WINTER) == second.at
    assert [("917", "Langworth, Block and Berge", 806)] == [(one.id, one.name, one.size) for one in second.attachments]
    assert "amet" not in repr(second)


async def test_lists_are_read():
    async with replaying("categories", "statuses") as pair:
        categories = await pair.desk.choices(ChoiceList.DEPARTMENTS)
        statuses = await pair.desk.choices(ChoiceList.STATUSES)

    assert [("1", "Support"), ("2", "Support/IT")] == [(one.id, one.label) for one in categories]
    assert ["Open", "Closed", "Postponed"] == [one.label for one in statuses]


async def test_the_documented_search_for_a_person_is_sent():
    async with replaying("person") as pair:
        found = await pair.desk.find_requester("ada@example.com")

    assert Person(name="Ada Lovelace", email="Ada@Example.com", desk_id="49") == found


async def test_search_reads_rows_of_the_archive():
    async with replaying("search", "statuses") as pair:
        (found,) = await pair.desk.search("html")

    assert ("13", Status.PENDING, "Support", None) == (found.ref.id, found.status, found.department, found.owner)


async def test_a_ticket_is_found_by_its_extra_field():
    async with replaying("by_marker") as pair:
        found = await pair.desk.find_ticket("TL-SAMPLE", await pair.draft())

    assert found is not None
    assert TICKET == found.ticket


async def test_what_is_not_there_is_not_found():
    async with replaying("not_found") as pair:
        with pytest.raises(NotFound):
            await pair.desk.get_ticket(TicketRef(id="99999", number="99999"))


async def test_online_the_tenant_is_looked_up_and_a_token_is_refreshed():
    async with replaying("state", "refresh", "online", table=ONLINE) as pair:
        assert () == await pair.desk.choices(ChoiceList.DEPARTMENTS)
