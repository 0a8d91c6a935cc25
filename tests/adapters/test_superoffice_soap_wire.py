"""What goes over the wire to SuperOffice: every list whole, every part named, nothing that XML cannot hold."""

import asyncio
import re
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from lxml import etree

from adapters.errors import Misconfigured, UnexpectedReply
from adapters.http import Reply
from adapters.shared import InProcess
from adapters.superoffice_soap import SuperOfficeSoapDesk, reading, wsdl
from adapters.superoffice_soap.operations import OPERATIONS
from adapters.superoffice_soap.port import REST, Port
from bot.sandbox.desks import superoffice_soap_wire as gsoap
from tests.adapters.drafts import file_at
from tests.adapters.superoffice_soap_served import Fixed, drafts, envelope, recording, served

SHIPPED = Port.load(wsdl.read(None, "urn:ticket"))
SERVED = gsoap.wsdl("http://desk.example.com/scripts/soap").encode()
OPERATORS = Port.load(wsdl.plain_sequences(SERVED))

VALUES: dict[str, Any] = {
    "string": "ö<&>",
    "boolean": True,
    "base64Binary": b"\0\xff",
    "string[]": ["a", "b", "c"],
    **{f"{name}[]": [{field: f"{field}{row}" for field in fields.split()} for row in range(3)]
       for name, fields in gsoap.STRUCTS.items()},
}  # fmt: skip


@pytest.mark.parametrize("port", [SHIPPED, OPERATORS], ids=["shipped", "gsoap"])
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_each_call_carries_every_part_and_every_item_of_its_lists(port: Port, operation: str):
    kinds = gsoap.parts(gsoap.SIGNATURES[operation][0])
    values = {name: VALUES[kind] for name, kind in kinds.items()}
    sent, headers = port.encode(operation, values)
    violations: list[str] = []
    read = gsoap.read(sent, violations)

    assert (operation, values, []) == (*read, violations)
    assert '""' == headers["SOAPAction"]


def repeated(listed: str) -> str:
    """The parts of *listed* as elements of a schema, where a list is one element that may come many times."""
    elements = ""
    for name, kind in gsoap.parts(listed).items():
        item = kind.replace("[]", "")
        of, most = ("t" if item in gsoap.STRUCTS else "x"), ("1" if item == kind else "unbounded")
        elements += f'<element name="{name}" type="{of}:{item}" minOccurs="0" maxOccurs="{most}"/>'
    return elements


def as_document_literal() -> bytes:
    """A WSDL as other stacks than gSOAP write it: document/literal, without types for lists, SOAP 1.2 first."""

    def element(name: str, listed: str) -> str:
        return f'<element name="{name}"><complexType><sequence>{repeated(listed)}</sequence></complexType></element>'

    types = messages = port = ""
    for name, fields in gsoap.STRUCTS.items():
        types += f'<complexType name="{name}"><sequence>{repeated(fields)}</sequence></complexType>'
    for name, (ins, outs) in gsoap.SIGNATURES.items():
        types += element(name, ins) + element(f"{name}Response", f"errorCode {outs}")
        for one in (name, f"{name}Response"):
            messages += f'<message name="{one}"><part name="parameters" element="t:{one}"/></message>'
        port += f'<operation name="{name}"><input message="t:{name}"/><output message="t:{name}Response"/></operation>'
    bindings = ""
    for prefix in ("new", "old"):
        body = f'<{prefix}:body use="literal"/>'
        bound = "".join(
            f'<operation name="{name}"><{prefix}:operation soapAction=""/><input>{body}</input><output>{body}</output>'
            "</operation>"
            for name in gsoap.SIGNATURES
        )
        bindings += f'<binding name="{prefix}" type="t:p"><{prefix}:binding style="document"'
        bindings += f' transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</binding>'
    return (
        '<definitions targetNamespace="urn:ticket" xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:t="urn:ticket"'
        ' xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:old="http://schemas.xmlsoap.org/wsdl/soap/"'
        ' xmlns:new="http://schemas.xmlsoap.org/wsdl/soap12/"><types><schema'
        ' xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:ticket" elementFormDefault="unqualified">'
        f'{types}</schema></types>{messages}<portType name="p">{port}</portType>{bindings}</definitions>'
    ).encode()


REPEATED = Port.load(wsdl.plain_sequences(as_document_literal()))


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_a_list_without_a_type_of_its_own_is_sent_item_by_item_by_soap_1_1(operation: str):
    kinds = gsoap.parts(gsoap.SIGNATURES[operation][0])
    sent, headers = REPEATED.encode(operation, {name: VALUES[kind] for name, kind in kinds.items()})
    call = etree.fromstring(sent)[0][0]

    assert "http://schemas.xmlsoap.org/soap/envelope/" == etree.QName(etree.fromstring(sent)).namespace
    assert "text/xml; charset=utf-8" == headers["Content-Type"]
    for name, kind in kinds.items():
        items = call.findall(name)
        assert (3 if kind.endswith("[]") else 1) == len(items)
        if kind.removesuffix("[]") in gsoap.STRUCTS:
            assert VALUES[kind] == [{field.tag: field.text for field in item} for item in items]
        elif kind == "string[]":
            assert VALUES[kind] == [item.text for item in items]


def test_a_list_without_a_type_of_its_own_is_read_item_by_item():
    row = "<ticketResult><field>ticket.id</field><value>7</value></ticketResult>"
    inner = f"<errorCode>0</errorCode>{row * 2}<messageIds>1</messageIds><messageIds>2</messageIds>"
    reply = Reply(200, {}, envelope(f"<n:getTicketResponse>{inner}</n:getTicketResponse>"))
    read = REPEATED.decode("getTicket", reply)

    assert (["1", "2"], 2) == (read["messageids"], len(read["ticketresult"]))


@pytest.mark.parametrize(("given", "sent"), [(True, b"true"), (False, b"false")])
def test_yes_and_no_are_written_as_xml_has_them_also_where_the_wsdl_says_that_they_are_text(given: bool, sent: bytes):
    text = wsdl.read(None, "urn:ticket").replace(
        b'name="sendNotification" type="xsd:boolean"', b'name="sendNotification" type="xsd:string"'
    )
    call, _ = Port.load(text).encode("addMessage3", {"sendNotification": given})

    assert b"<sendNotification>" + sent + b"</sendNotification>" in call


def test_a_list_is_counted_on_the_wire_element_by_element():
    sent, _ = SHIPPED.encode("newTicket", {"customers": [str(n) for n in range(250)], "extraFields": [{}] * 7})
    call = etree.fromstring(sent)[0][0]

    assert (250, 7) == (len(call.findall("customers/item")), len(call.findall("extraFields/item")))
    assert list(OPERATIONS["newTicket"].ins) == [part.tag for part in call]


def test_both_wsdls_make_the_same_bytes():
    values: dict[str, Any] = {"customers": ["1", "2"], "title": "x", "sendNotification": False}

    assert SHIPPED.encode("newTicket", values) == OPERATORS.encode("newTicket", values)


@given(st.text())
def test_no_text_stops_a_call_and_only_what_xml_cannot_hold_is_lost(text: str):
    sent, _ = SHIPPED.encode("addMessage3", {"messageBody": text})
    kept = etree.fromstring(sent)[0][0].findtext("messageBody")

    allowed = [c for c in text if c in "\t\n\r" or " " <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"]
    assert "".join(allowed).replace("\r\n", "\n").replace("\r", "\n") == (kept or "").replace("\r\n", "\n").replace(
        "\r", "\n"
    )


def test_part_names_and_operations_are_found_without_regard_to_case():
    shouting = wsdl.read(None, "urn:ticket").replace(b'"To"', b'"to"').replace(b'"messageID"', b'"MessageId"')
    port = Port.load(
        shouting.replace(b'"sLevel"', b'"SLEVEL"').replace(b'operation name="getTicket"', b'operation name="GetTicket"')
    )
    call = etree.fromstring(port.encode("addMessage3", {"To": ["a@b"], "sLevel": "1"})[0])[0][0]

    assert () == port.missing(OPERATIONS.values())
    assert ("1", "a@b") == (call.findtext("SLEVEL"), call.findtext("to/item"))
    answer = Reply(200, {}, envelope("<n:r><errorCode>0</errorCode><MessageId>7</MessageId></n:r>"))
    assert "7" == port.decode("addMessage3", answer)["messageid"]


def test_a_part_that_the_manual_forgot_to_name_gets_the_value_whatever_it_is_called():
    port = Port.load(
        wsdl.read(None, "urn:ticket").replace(
            b'"value" type="xsd:string"/>\n  </m', b'"what" type="xsd:string"/>\n  </m'
        )
    )
    call = etree.fromstring(port.encode("findUser", {"sessionKey": "k", "field": "email", REST: "a@b"})[0])[0][0]

    assert "a@b" == call.findtext("what")


async def test_what_a_wsdl_lacks_is_listed_at_the_start(tmp_path: Path):
    lacking = tmp_path / "lacking.wsdl"
    lacking.write_bytes(wsdl.SHIPPED.read_bytes().replace(b'"categoryId"', b'"category"').replace(b"getTicket", b"x"))
    with pytest.raises(Misconfigured, match="newTicket: categoryId") as caught:
        async with served(wsdl=str(lacking)):
            pass

    assert "operation getTicket" in str(caught.value)


ELSEWHERE = (
    b"<schema xmlns='http://www.w3.org/2001/XMLSchema'>"
    b"<import namespace='urn:x' schemaLocation='http://127.0.0.1:9/x.xsd'/></schema>"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "no XML"),
        (b"<html><body>log in</body></html>", "no binding of SOAP 1.1|cannot be understood"),
        (b"<definitions xmlns='http://schemas.xmlsoap.org/wsdl/'/>", "no binding of SOAP 1.1"),
        (SERVED.replace(b"wsdl/soap/", b"wsdl/soap12/"), "no binding of SOAP 1.1"),
        (b"<!DOCTYPE d [<!ENTITY a 'b'>]><definitions>&a;</definitions>", "document type"),
        (SERVED.replace(b"<types>", b"<types>" + ELSEWHERE), "refers to another"),
        (wsdl.SHIPPED.read_bytes().replace(b"newTicket", b"newFaq"), "action=ticket"),
    ],
)
async def test_a_file_that_is_no_wsdl_of_the_ticket_port_is_refused_with_its_reason(tmp_path: Path, text, reason):
    (tmp_path / "bad.wsdl").write_bytes(text)
    with pytest.raises(Misconfigured, match=reason) as caught:
        async with served(wsdl=str(tmp_path / "bad.wsdl")):
            pass

    assert caught.value.remedy


async def test_a_missing_wsdl_file_is_named(tmp_path: Path):
    with pytest.raises(Misconfigured, match=r"nowhere\.wsdl"):
        async with served(wsdl=str(tmp_path / "nowhere.wsdl")):
            pass


async def test_an_operators_wsdl_as_gsoap_makes_it_works_and_fetches_nothing(tmp_path: Path, monkeypatch):
    (tmp_path / "site.wsdl").write_bytes(SERVED)
    asked: list[object] = []
    look_up = socket.getaddrinfo

    def watched(host: Any, *more: Any, **named: Any) -> Any:
        asked.append(host)
        return look_up(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    async with served(loopback=True, wsdl=str(tmp_path / "site.wsdl"), visibility="public") as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open(fields={"x_24": "PC"})
        await pair.add(ticket, pair.message(files=(file_at(tmp_path, "a.bin", b"\0a"),)))
        messages = await desk.messages(ticket)

        assert ["It burns.", "It does not print."] == [one.body.plain.split("\n")[0] for one in messages]
        assert b"\0a" == await desk.attachment(ticket, messages[1].attachments[0], limit=10)
        assert [] == stand_in.violations
    assert "schemas.xmlsoap.org" not in {str(host) for host in asked}


FLAT = (
    '<n:findTicketsResponse><errorCode>0</errorCode><searchResult a:arrayType="n:ResultStruct[2,2]"'
    ' xmlns:a="http://schemas.xmlsoap.org/soap/encoding/"><item><field>a</field><value>1</value></item>'
    "<item><field>b</field><value>2</value></item><item><field>a</field><value>3</value></item>"
    "<item><field>b</field><value/></item></searchResult></n:findTicketsResponse>"
)


def test_rows_in_one_flat_list_are_read_by_the_wsdl_that_says_so():
    nested = b"ns:ArrayOfResultStruct"
    flat = SERVED.replace(b'type="%s" minOccurs' % nested, b'type="ns:ResultStruct" minOccurs')
    flat = flat.replace(b'arrayType="%s[]"' % nested, b'arrayType="ns:ResultStruct[,]"')
    port = Port.load(wsdl.plain_sequences(flat))
    answer = port.decode("findTickets", Reply(200, {}, envelope(FLAT)))

    assert ({"a": "1", "b": "2"}, {"a": "3", "b": ""}) == reading.rows(answer["searchresult"])


async def test_an_answer_of_another_form_than_the_wsdl_has_points_at_the_wsdl():
    shared = InProcess()
    async with served(shared=shared) as (desk, _):
        await desk.search("x")  # a session is there
        other = SuperOfficeSoapDesk("acme", desk.settings, shared)
        other.transport = Fixed(envelope(FLAT))
        async with other:
            with pytest.raises(UnexpectedReply) as caught:
                await other.search("x")

    assert "wsdl" in caught.value.remedy


def shipped_without(operations: Iterable[str]) -> str:
    text = wsdl.SHIPPED.read_text()
    for name in operations:
        text = re.sub(rf'<operation name="{name}">.*?</operation>', "", text, flags=re.DOTALL)
    return text


@pytest.mark.parametrize("newest", ["addMessage2", "addMessage"])
async def test_an_older_installation_gets_the_newest_call_that_it_has(tmp_path: Path, newest: str):
    later = [name for name in ("addMessage3", "addMessage2", "addMessage") if name > newest]
    (tmp_path / "old.wsdl").write_text(shipped_without(later))
    async with served(wsdl=str(tmp_path / "old.wsdl")) as (desk, stand_in):
        await drafts(desk, stand_in).open()

        assert (newest, []) == (stand_in.calls.made[-1], stand_in.violations)


async def test_mail_to_others_needs_a_call_that_can_carry_it(tmp_path: Path):
    (tmp_path / "old.wsdl").write_text(shipped_without({"addMessage3", "addMessage2"}))
    with pytest.raises(Misconfigured, match="mail_to"):
        async with served(wsdl=str(tmp_path / "old.wsdl"), mail_to=["boss@example.com"]):
            pass


async def test_the_configured_address_is_called_whatever_the_wsdl_says():
    async with served(loopback=True) as (desk, stand_in):
        await desk.search("x")

        assert "http://localhost/scripts/soap" in wsdl.SHIPPED.read_text()
        assert stand_in.calls.made


async def test_the_loop_goes_on_while_a_large_file_is_put_into_xml():
    async with served() as (desk, _):
        beats = 0

        async def beat() -> None:
            nonlocal beats
            while True:
                await asyncio.sleep(0)
                beats += 1

        pulse = asyncio.create_task(beat())
        envelope_of = asyncio.create_task(
            asyncio.to_thread(desk._port.encode, "addAttachment", {"data": bytes(9_000_000)})
        )
        await envelope_of
        pulse.cancel()

        assert beats > 10


async def test_a_file_of_many_megabytes_comes_back_whole(tmp_path: Path):
    data = bytes(range(256)) * 48_000
    async with served(max_file=15_000_000) as (desk, stand_in):
        pair = drafts(desk, stand_in)
        ticket = await pair.open()
        await pair.add(ticket, pair.message(files=(file_at(tmp_path, "big.bin", data),)))
        attachment = (await desk.messages(ticket))[-1].attachments[0]

        assert data == await desk.attachment(ticket, attachment, limit=len(data))


async def test_lists_on_the_wire_of_a_whole_conversion_are_complete(tmp_path: Path):
    with recording() as wire:
        async with served(mail_to=["a@x.no", "b@x.no"], mail_cc=["c@x.no"], visibility="public") as (desk, stand_in):
            pair = drafts(desk, stand_in)
            draft = await pair.draft(options={"customers": "12, 13"}, fields={"x_24": "PC", "x_25": "2"})
            ticket = (await desk.open_ticket(draft)).ticket
            files = tuple(file_at(tmp_path, f"{n}.txt", b"x" * n) for n in range(1, 4))
            await pair.add(ticket, pair.message(files=files))

    opened, added = wire.last("newTicket"), wire.last("addMessage3")
    counts = [len(opened.findall(f"{part}/item")) for part in ("customers", "extraFields")]
    assert [2, 3] == counts  # the marker is the third extra field
    assert [3, 2, 1, 0] == [len(added.findall(f"{part}/item")) for part in ("attachmentIds", "To", "Cc", "Bcc")]
