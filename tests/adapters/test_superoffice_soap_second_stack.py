"""SuperOffice by a second SOAP stack, suds, which shares nothing with zeep: both read the WSDLs and mean the same."""

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from suds.client import Client

from adapters.contract import without_marker
from adapters.model import TicketRef, Visibility
from adapters.superoffice_soap import wsdl
from adapters.superoffice_soap.operations import OPERATIONS
from adapters.superoffice_soap.port import Port
from bot.sandbox.desks import superoffice_soap_wire as gsoap
from tests.adapters.drafts import file_at
from tests.adapters.superoffice_soap_served import drafts, served

OWN = wsdl.read(None, "urn:ticket")
GSOAP = gsoap.wsdl("http://127.0.0.1:9/").encode()
WSDLS = pytest.mark.parametrize("text", [OWN, GSOAP], ids=["own", "gsoap"])


def suds_of(text: bytes, folder: Path, **options: Any) -> Any:
    """A client of suds over this WSDL, without any network for schemas."""
    (folder / "ticket.wsdl").write_bytes(text)
    return Client((folder / "ticket.wsdl").as_uri(), cache=None, **options)


def value_for(kind: str) -> Any:
    """A value of a part, for zeep."""
    fields = gsoap.STRUCTS.get(kind.removesuffix("[]"), "").split()
    if fields:
        return [{field: f"{field} {row} <&>" for field in fields} for row in range(3)]
    return {"string": "Grüße <&>", "boolean": True, "base64Binary": b"\0\xff", "string[]": ["a", "ö", "c"]}[kind]


def for_suds(value: Any) -> Any:
    """The same value as suds wants it."""
    if isinstance(value, list):
        return {"item": value}
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def shape(element: etree._Element) -> Any:
    """Names and texts of an element, without types and prefixes."""
    return etree.QName(element).localname, element.text or "", [shape(child) for child in element]


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_both_stacks_send_the_same_elements_for_each_operation(operation: str, tmp_path: Path):
    kinds = gsoap.parts(gsoap.SIGNATURES[operation][0])
    values = {name: value_for(kind) for name, kind in kinds.items()}
    theirs = suds_of(OWN, tmp_path, nosend=True)
    call = getattr(theirs.service, operation)(**{name: for_suds(value) for name, value in values.items()})
    ours, _ = Port.load(OWN).encode(operation, values)
    violations: list[str] = []

    assert shape(etree.fromstring(call.envelope)[-1]) == shape(etree.fromstring(ours)[-1])
    assert (operation, values) == gsoap.read(call.envelope, violations)
    assert [] == violations


@WSDLS
async def test_what_the_other_stack_writes_we_read(text: bytes, tmp_path: Path):
    async with served(loopback=True) as (desk, stand_in):
        theirs = suds_of(text, tmp_path, location=desk.settings.url)

        def write() -> str:
            login = theirs.service.login(userName="alex", password="secret")
            fields = {"item": [{"field": "ticket.x_24", "value": "PC"}]}
            opened = theirs.service.newTicket(
                login.sessionKey, "Skriver <&>", "2", "4", "-1", "-1", {"item": ["11"]}, fields, False
            )
            file = theirs.service.addAttachment(login.sessionKey, "a.bin", "b/c", base64.b64encode(b"\0a").decode())
            theirs.service.addMessage3(
                login.sessionKey, "Hei\n& hå", "<p>Hei</p>", "-1", opened.ticketId, "1",
                {"item": [file.attachmentId]}, False, {}, {}, {},
            )  # fmt: skip
            assert "0" == theirs.service.logout(login.sessionKey)
            return str(opened.ticketId)

        number = await asyncio.to_thread(write)
        ticket = await desk.get_ticket(TicketRef(id=number, number=number))
        [message] = await desk.messages(ticket.ref)

        assert ("Skriver <&>", "Ada Lovelace") == (ticket.subject, ticket.requester and ticket.requester.name)
        assert ("Hei\n& hå", "Alex Agent", Visibility.INTERNAL) == (
            message.body.plain,
            message.author.name,
            message.visibility,
        )
        assert b"\0a" == await desk.attachment(ticket.ref, message.attachments[0], limit=9)
        assert [] == stand_in.violations


@WSDLS
async def test_what_we_write_the_other_stack_reads(text: bytes, tmp_path: Path):
    async with served(loopback=True) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        files = (file_at(tmp_path, "a.bin", b"\0a"), file_at(tmp_path, "b.bin", b"bb"))
        ticket = await pair.open(await pair.draft("Skriver <&>", first=pair.message("Grüße\n& 🎉", files=files)))
        theirs = suds_of(text, tmp_path, location=desk.settings.url)

        def read() -> tuple[Any, ...]:
            key = theirs.service.login(userName="alex", password="secret").sessionKey
            where = {"item": [{"field": "ticket.id", "op": "OperatorEquals", "value": ticket.id}]}
            found = theirs.service.findTickets(key, where, {"item": ["ticket.title"]}, "9", "ticket.id", True)
            got = theirs.service.getTicket(key, ticket.id, {"item": ["ticket.id"]})
            message = theirs.service.getMessage(key, listed(got.messageIds)[0], {"item": ["message.body"]})
            return found, message

        found, message = await asyncio.to_thread(read)
        [[title]] = [listed(row) for row in listed(found.searchResult)]

        assert "Skriver <&>" == title.value
        assert "Grüße\n& 🎉" == without_marker(listed(message.messageResult)[0].value)
        assert ["a.bin", "b.bin"] == [file.attachmentName for file in listed(message.attachmentInfo)]


def listed(array: Any) -> list[Any]:
    """The items of an array, which suds gives with or without its element."""
    items = array.item if hasattr(array, "item") else array
    return list(items) if isinstance(items, list) else [items]
