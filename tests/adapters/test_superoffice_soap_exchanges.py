"""The manual's examples, replayed: we send what they send, and read the answers that a gSOAP server gives to them."""

import re
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from adapters.model import Act, Body, Change, ChoiceList, MessageRef, Role, Status, TicketRef, Visibility
from adapters.shared import InProcess
from adapters.superoffice_soap import SuperOfficeSoapDesk, wsdl
from bot.sandbox.desks.superoffice_soap import SuperOfficeSoapStandIn
from tests.adapters.drafts import Pair, file_at
from tests.adapters.replay import Replay
from tests.adapters.superoffice_soap_served import settings_of

OSLO = ZoneInfo("Europe/Oslo")
TABLE: dict[str, Any] = {
    "kind": "superoffice_soap",
    "url": "https://cs.example.com/scripts/soap.exe?action=ticket",
    "username": "egon",
    "password": "norges bank",
    "time_zone": "Europe/Oslo",
    "marker_field": "x_99",
    "agents": {"3": "Egon Olsen"},
}


@asynccontextmanager
async def replaying(*names: str, **settings: Any):
    """A desk whose server answers a login and only these exchanges, each once."""
    replay = Replay.of("superoffice_soap", "login", *names)
    desk = SuperOfficeSoapDesk("acme", settings_of({**TABLE, **settings}), InProcess())
    desk.transport = replay
    async with desk:
        yield Pair(desk, SuperOfficeSoapStandIn(), department="4")
    replay.finish()


async def test_the_manuals_ticket_is_opened():
    async with replaying("new_ticket", "extra_fields") as pair:
        requester = replace(pair.requester, desk_id="5")
        first = pair.message(marker="TL-SOAP")
        draft = await pair.draft("New Soap Ticket", first=first, requester=requester, fields={"x_24": "1234"})
        opened = await pair.desk.open_ticket(draft)

    assert TicketRef(id="1602", number="1602") == opened.ticket


async def test_the_manuals_file_and_message_are_added_by_the_call_of_an_old_installation(tmp_path: Path):
    old = tmp_path / "old.wsdl"
    old.write_text(
        re.sub(r'<operation name="addMessage[23]">.*?</operation>', "", wsdl.SHIPPED.read_text(), flags=re.DOTALL)
    )
    async with replaying("add_attachment", "add_message", wsdl=str(old)) as pair:
        file = file_at(tmp_path, "DivFix.exe", b"MZ")
        text = "her er en meldingstekst\n\nmvh\njulenissen"
        draft = pair.message(text, marker="TL-SOAP", visibility=Visibility.INTERNAL, files=(file,))
        added = await pair.desk.add_message(TicketRef(id="1602", number="1602"), draft)

    assert MessageRef(id="77") == added


async def test_a_message_by_the_newest_call_has_every_parameter_of_the_table():
    async with replaying("add_message_3", reply_template=10, mail_to=["hjelms@ejournal.no"]) as pair:
        body = Body(plain="her er en meldingstekst", html="<p>her er en meldingstekst</p>")
        draft = replace(pair.message(uploads=("62",)), body=body)
        added = await pair.desk.add_message(TicketRef(id="1602", number="1602"), draft)

    assert MessageRef(id="78") == added


async def test_the_manuals_title_is_set():
    async with replaying("get_ticket_to_change", "set_ticket") as pair:
        await pair.desk.change(TicketRef(id="70", number="70"), Change(act=Act.SUBJECT, value="New title"))


async def test_messages_are_read_in_the_order_of_their_ids():
    async with replaying("get_ticket", "get_message_9", "get_message_23") as pair:
        first, note = await pair.desk.messages(TicketRef(id="10", number="10"))

    assert ("9", "Skriveren brenner & ryker", Role.REQUESTER, Visibility.PUBLIC) == (
        first.id,
        first.body.plain,
        first.author.role,
        first.visibility,
    )
    assert ("Egon Olsen", Role.AGENT, Visibility.INTERNAL) == (note.author.name, note.author.role, note.visibility)
    assert datetime(2016, 6, 24, 9, 5, 1, 250_000, OSLO) == note.at
    assert [("23/34", "plan.pdf", "application/pdf")] == [
        (one.id, one.name, one.media_type) for one in note.attachments
    ]


async def test_the_manuals_file_is_fetched_with_its_key():
    async with replaying("get_ticket", "get_message_9", "get_message_23") as pair:
        messages = await pair.desk.messages(TicketRef(id="10", number="10"))
    async with replaying("get_message_for_file", "get_attachment") as pair:
        data = await pair.desk.attachment(TicketRef(id="10", number="10"), messages[1].attachments[0], limit=100)

    assert b"%PDF" == data


async def test_found_tickets_have_the_names_of_their_lists():
    async with replaying("find_tickets", "categories", "priorities") as pair:
        burning, new = await pair.desk.search("skriver")

    assert ("9", "Skriver brenner", Status.CLOSED, "Closed") == (
        burning.ref.id,
        burning.subject,
        burning.status,
        burning.status_name,
    )
    assert ("Support / Printers", "Normal", "Egon Olsen") == (burning.department, burning.priority, burning.owner)
    assert "Kari Nordmann" == (burning.requester and burning.requester.name)
    assert (Status.OPEN, None) == (new.status, new.owner)
    assert datetime(2016, 12, 24, 10, tzinfo=OSLO) == new.updated_at


async def test_lists_are_read():
    async with replaying("categories", "priorities") as pair:
        categories = await pair.desk.choices(ChoiceList.DEPARTMENTS)
        priorities = await pair.desk.choices(ChoiceList.PRIORITIES)

    assert [("1", "Support"), ("4", "Support / Printers")] == [(one.id, one.label) for one in categories]
    assert ["Low", "Normal"] == [one.label for one in priorities]


async def test_the_manuals_customer_is_found():
    async with replaying("find_customers") as pair:
        found = await pair.desk.find_requester("hjelms@ejournal.no")

    assert ("5", "Hjelm S") == (found and (found.desk_id, found.name))
