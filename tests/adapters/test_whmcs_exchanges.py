"""WHMCS's documented requests and answers, replayed: we send what its examples send, and read what they answer."""

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from adapters.model import (
    Act,
    Attachment,
    Change,
    ChoiceList,
    MessageRef,
    Person,
    Role,
    Status,
    TicketRef,
    Visibility,
)
from adapters.shared import InProcess
from adapters.whmcs import WhmcsDesk
from bot.sandbox.desks.whmcs import WhmcsStandIn
from tests.adapters.drafts import Pair, file_at
from tests.adapters.replay import Replay

ROME = ZoneInfo("Europe/Rome")
TICKET = TicketRef(id="1", number="516757")
CLIENT = Person(name="Cynthia Reilly", email="testuser@whmcs.com", desk_id="client:1")
TABLE = {
    "kind": "whmcs",
    "url": "https://whmcs.example",
    "identifier": "ID",
    "secret": "SECRET",
    "timezone": "Europe/Rome",
}
FIELDS = [{"key": "source", "id": "1", "label": "Source"}]


@asynccontextmanager
async def replaying(*names: str, **settings):
    """A desk whose server answers only these exchanges, each once."""
    replay = Replay.of("whmcs", *names)
    desk = WhmcsDesk("acme", WhmcsDesk.Settings.model_validate({**TABLE, "fields": FIELDS, **settings}), InProcess())
    desk.transport = replay
    async with desk:
        yield Pair(desk, WhmcsStandIn(), department="1")
    replay.finish()


async def test_the_documented_example_of_opening_a_ticket_is_sent(tmp_path):
    file = file_at(tmp_path, "sample_text_file.txt", b"This is a sample text file contents")
    async with replaying("open_ticket") as pair:
        first = pair.message("This is a **sample** ticket message", marker="TL-SAMPLE", files=(file,))
        options = {"preventClientClosure": "yes", "serviceid": ""}
        draft = await pair.draft(
            "This is a sample ticket", first=first, requester=CLIENT, priority="Medium", options=options
        )
        opened = await pair.desk.open_ticket(draft)

    assert (TICKET, MessageRef(id="r0")) == (opened.ticket, opened.first)


async def test_custom_fields_are_serialised_as_php_does_and_a_stranger_has_name_and_address():
    async with replaying("open_ticket_fields") as pair:
        draft = await pair.draft(fields={"source": "Google"}, first=pair.message(notify=False))
        assert TICKET == (await pair.desk.open_ticket(draft)).ticket


async def test_messages_and_changes_are_one_call_each():
    async with replaying("add_reply", "add_note", "close", "edit_reply") as pair:
        reply = replace(pair.message(), author=CLIENT)
        await pair.desk.add_message(TICKET, reply)
        await pair.desk.add_message(TICKET, pair.message(visibility=Visibility.INTERNAL))
        await pair.desk.change(TICKET, Change(act=Act.CLOSE))
        await pair.desk.edit_message(TICKET, MessageRef(id="r1"), reply.body, "TL-1")


async def test_the_documented_ticket_is_read():
    async with replaying("get_ticket") as pair:
        ticket = await pair.desk.get_ticket(TICKET)

    assert (TICKET, Status.CLOSED, "Closed") == (ticket.ref, ticket.status, ticket.status_name)
    assert ("Sample Support Department", "Medium", None) == (ticket.department, ticket.priority, ticket.owner)
    assert datetime(2016, 1, 1, 6, 26, 29, tzinfo=ROME) == ticket.created_at
    assert datetime(2016, 1, 1, 6, 30, 16, tzinfo=ROME) == ticket.updated_at
    assert "https://whmcs.example/admin/supporttickets.php?action=view&id=1" == ticket.url
    assert "KPqH7yG3" not in repr(ticket)


async def test_the_documented_messages_are_read_in_the_order_of_their_dates():
    async with replaying("get_ticket") as pair:
        messages = await pair.desk.messages(TICKET)

    assert ["r0", "n1", "r1", "r2"] == [message.id for message in messages]
    assert ["This is a ticket note"] == [one.body.plain for one in messages if one.visibility is Visibility.INTERNAL]
    assert [Role.REQUESTER, Role.AGENT, Role.AGENT, Role.REQUESTER] == [one.author.role for one in messages]
    assert "Hey, \n\nThis is the first ticket message!\n\nThanks\n\nCynthia" == messages[0].body.plain
    assert "Demo Admin" == messages[2].author.name
    assert [()] * 4 == [message.attachments for message in messages]  # the sample says that they were removed


async def test_lists_are_read():
    async with replaying("departments", "statuses", "admins") as pair:
        departments = await pair.desk.choices(ChoiceList.DEPARTMENTS)
        statuses = await pair.desk.choices(ChoiceList.STATUSES)
        agents = await pair.desk.choices(ChoiceList.AGENTS)

    assert [("1", "Sample Support Department")] == [(one.id, one.label) for one in departments]
    assert ["Open", "Answered", "Customer-Reply", "On Hold", "In Progress", "Closed"] == [one.id for one in statuses]
    assert [("1", "Demo User"), ("2", "Georgina Williams")] == [(one.id, one.label) for one in agents]


async def test_search_reads_the_documented_list():
    async with replaying("get_tickets") as pair:
        (found,) = await pair.desk.search("sample")

    assert (TICKET, Status.PENDING, "Cynthia Reilly") == (found.ref, found.status, found.requester.name)


async def test_a_requester_may_be_a_client_a_contact_or_a_user():
    async with replaying("client") as pair:
        client = await pair.desk.find_requester("test-client@example.com")
    async with replaying("no_client", "contact") as pair:
        contact = await pair.desk.find_requester("contact@example.com")
    async with replaying("no_client_2", "no_contact", "user") as pair:
        user = await pair.desk.find_requester("john.smith@example.net")

    assert [("Test Client", "client:1"), ("Test Contact", "contact:1:1"), ("John Smith", "user:1:1")] == [
        (found.name, found.desk_id) for found in (client, contact, user)
    ]


async def test_a_file_is_read():
    async with replaying("attachment", "get_ticket") as pair:
        ticket = await pair.desk.get_ticket(TICKET)
        attachment = Attachment(id="ticket:1:0", name="sample.txt")

        assert b"sample" == await pair.desk.attachment(ticket.ref, attachment, limit=100)


async def test_nulls_numbers_and_empty_containers_are_survived():
    ref = TicketRef(id="9", number="AAA - 111 - 2013")
    async with replaying("empty_rows") as pair:
        ticket = await pair.desk.get_ticket(ref)
    async with replaying("empty_rows") as pair:
        (message,) = await pair.desk.messages(ref)

    assert (ref, "", None, None, None) == (
        ticket.ref,
        ticket.subject,
        ticket.created_at,
        ticket.department,
        ticket.priority,
    )
    assert ("r0", "", None, ()) == (message.id, message.body.plain, message.at, message.attachments)


async def test_an_old_version_is_read_and_its_texts_are_decoded_once():
    ref = TicketRef(id="8", number="100008")
    async with replaying("old_version") as pair:
        ticket = await pair.desk.get_ticket(ref)
    async with replaying("old_version") as pair:
        first, reply = await pair.desk.messages(ref)

    assert (ref, "AT&T &lt;b&gt;") == (ticket.ref, ticket.subject)
    assert "It's <down> &amp; out" == first.body.plain
    assert [("a b.png", "ticket:8:0"), ("c.pdf", "ticket:8:1")] == [(one.name, one.id) for one in first.attachments]
    assert (Role.AGENT, "r5") == (reply.author.role, reply.id)
