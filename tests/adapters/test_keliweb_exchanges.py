"""Keliweb's documented requests and answers, replayed: we send what its examples send, and read what they answer."""

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from adapters.errors import Rejected, UnsupportedFeature
from adapters.keliweb import KeliwebDesk
from adapters.model import ChoiceList, MessageRef, Person, Role, Status, TicketRef
from adapters.shared import InProcess
from bot.sandbox.desks.keliweb import KeliwebStandIn
from tests.adapters.drafts import Pair, body_of, file_at
from tests.adapters.replay import Replay

ROME = ZoneInfo("Europe/Rome")
TICKET = TicketRef(id="1", number="516757")
GRANT = {"client_id": "ID", "client_secret": "SECRET", "username": "me@example.com", "password": "PASSWORD"}
TABLE = {
    "kind": "keliweb",
    "url": "https://keliweb.example",
    "timezone": "Europe/Rome",
    "departments": {"1": "Support", "2": "Billing"},
    "fields": [{"key": "source", "id": "1", "label": "Source"}],
}
ME = Person(name="Me", email="me@example.com")
GRACE = Person(name="Grace Hopper", email="grace@example.net")


@asynccontextmanager
async def replaying(*names, shared=None, access=None, **settings):
    """A desk whose server answers only these exchanges, each once; *access* instead of a token made by hand."""
    replay = Replay.of("keliweb", *names)
    table = {**TABLE, **(access or {"token": "TOKEN"}), **settings}
    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(table), shared or InProcess())
    desk.transport = replay
    async with desk:
        yield Pair(desk, KeliwebStandIn(), department="1")
    replay.finish()


async def test_the_documented_example_of_opening_a_ticket_is_sent(tmp_path):
    file = file_at(tmp_path, "sample_text_file.txt", b"This is a sample text file contents")
    examples = {"client": "1", "send_priority": True}
    async with replaying("token_by_password", "open_ticket", access=GRANT, **examples) as pair:
        first = pair.message("This is a **sample** ticket message", marker="TL-SAMPLE", files=(file,))
        draft = await pair.draft("This is a sample ticket", first=first, requester=ME, priority="Medium")
        opened = await pair.desk.open_ticket(draft)

    assert (TICKET, MessageRef(id="r0")) == (opened.ticket, opened.first)


async def test_a_stranger_stands_in_name_and_address_and_in_the_text(tmp_path):
    async with replaying("open_ticket_plain", markdown=False) as pair:
        draft = await pair.draft(
            requester=GRACE, department="2", fields={"source": "Google"}, options={"serviceid": " 21 ", "domainid": ""}
        )
        opened = await pair.desk.open_ticket(draft)

    assert TicketRef(id="2", number="516758") == opened.ticket


async def test_a_reply_is_one_call_and_a_contact_is_told_by_number():
    async with replaying("add_reply", contacts={"Charles@Example.com": "7"}) as pair:
        charles = Person(name="Charles Babbage", email="charles@example.COM")
        made = await pair.desk.add_message(TICKET, replace(pair.message(), author=charles))

    assert MessageRef(id="") == made


async def test_a_sibling_has_other_names_for_methods_and_parameters():
    names = {"api_path": "/api/v1/", "reply_path": "AddTicketReply", "markdown_names": ["useMarkdown"]}
    async with replaying("add_reply_old_name", **names) as pair:
        await pair.desk.add_message(TICKET, pair.message())


async def test_a_contact_whose_address_cannot_be_trusted_is_told_by_name_alone():
    charles = Person(name="Charles Babbage", email="charles@example.com", trusted_email=False)
    replay = Replay.of("keliweb", "add_reply")
    replay.left["add_reply"]["request"]["form"] |= {"name": "Charles Babbage", "email": None, "contactid": None}
    table = {**TABLE, "token": "TOKEN", "contacts": {"charles@example.com": "7"}}
    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate(table), InProcess())
    desk.transport = replay
    async with desk:
        await desk.add_message(TICKET, replace(Pair(desk, KeliwebStandIn()).message(), author=charles))

    replay.finish()


async def test_the_documented_ticket_is_read():
    async with replaying("get_ticket", link="https://area.example/ticket/{number}?id={id}") as pair:
        ticket = await pair.desk.get_ticket(TICKET)

    assert (TICKET, Status.CLOSED, "Closed") == (ticket.ref, ticket.status, ticket.status_name)
    assert ("Sample Support Department", "Medium", None) == (ticket.department, ticket.priority, ticket.owner)
    assert datetime(2016, 1, 1, 6, 26, 29, tzinfo=ROME) == ticket.created_at
    assert "https://area.example/ticket/516757?id=1" == ticket.url
    assert "KPqH7yG3" not in repr(ticket)


async def test_a_ticket_is_found_by_its_number_whichever_name_that_has():
    async with replaying("get_ticket_by_number") as pair:
        ticket = await pair.desk.find_by_number("#516757")

    assert (TICKET, None, None) == (ticket.ref, ticket.url, ticket.owner)  # the owner is told as a number only


async def test_a_ticket_that_answers_with_another_id_was_merged_into_that():
    replay = Replay.of("keliweb", "get_ticket")
    replay.left["get_ticket"]["request"]["form"]["ticketid"] = "9"
    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate({**TABLE, "token": "TOKEN"}), InProcess())
    desk.transport = replay
    async with desk:
        ticket = await desk.get_ticket(TicketRef(id="9", number="9"))

    assert (TicketRef(id="9", number="9"), Status.GONE, TICKET) == (ticket.ref, ticket.status, ticket.merged_into)


async def test_the_documented_messages_are_read():
    async with replaying("get_ticket") as pair:
        messages = await pair.desk.messages(TICKET)

    assert ["r0", "r1", "r2"] == [message.id for message in messages]
    assert [Role.REQUESTER, Role.AGENT, Role.REQUESTER] == [message.author.role for message in messages]
    assert "Demo Admin" == messages[1].author.name


async def test_a_pair_that_is_over_is_renewed_by_its_refresh_token_and_kept():
    shared = InProcess()
    over = {"access": "OLD", "refresh": "def502000", "ends": 0.0}
    async with replaying("token_by_refresh", "get_ticket", shared=shared, access=GRANT) as pair:
        await shared.put(pair.desk._key, json.dumps(over), ttl=timedelta(days=1))
        await pair.desk.get_ticket(TICKET)
        kept = json.loads(await shared.get(pair.desk._key) or "")

    assert ("TOKEN", "def502001", True) == (kept["access"], kept["refresh"], kept["ends"] > 0)


async def test_lists_come_from_the_settings_and_what_they_do_not_hold_is_not_there():
    async with replaying() as pair:
        departments = await pair.desk.choices(ChoiceList.DEPARTMENTS)
        with pytest.raises(UnsupportedFeature):
            await pair.desk.choices(ChoiceList.PRIORITIES)

    assert [("1", "Support"), ("2", "Billing")] == [(one.id, one.label) for one in departments]


async def test_a_requesters_name_is_shown_as_it_is_in_markdown():
    replay = Replay.of("keliweb", "open_ticket_plain")
    replay.left["open_ticket_plain"]["request"] = {"body": [r"Requester: \_O\_ \*Connor\*" + "\r\n\r\nIt burns."]}
    desk = KeliwebDesk("acme", KeliwebDesk.Settings.model_validate({**TABLE, "token": "TOKEN"}), InProcess())
    desk.transport = replay
    async with desk:
        pair = Pair(desk, KeliwebStandIn(), department="1")
        await desk.open_ticket(await pair.draft(requester=Person(name="_O_ *Connor*")))

    replay.finish()


async def test_a_text_that_the_desk_would_cut_is_refused():
    async with replaying(max_message=4000) as pair:
        with pytest.raises(Rejected) as caught:
            await pair.desk.add_message(TICKET, replace(pair.message(), body=body_of("ä" * 2000)))

    assert ("body", True) == (caught.value.field, "Keliweb keeps" in str(caught.value))
