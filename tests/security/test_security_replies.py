"""S4, S6, S7: a redirect is not followed with a secret, and no reply is unpacked, resolved or read without end."""

import gzip
from inspect import isawaitable

import httpx
import pytest

from adapters.errors import AdapterError, NotFound, OutcomeUnknown, UnexpectedReply
from adapters.http import HttpDesk
from adapters.model import TicketRef
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.sandbox.demo import STAND_INS, stand_in

TICKET = TicketRef(id="1", number="1")
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "xxxxxxxxxx"><!ENTITY c "&b;&b;&b;&b;">{}]><a>&c;</a>'


class Wire(httpx.AsyncBaseTransport):
    """A server that answers as it is told, byte by byte as they come."""

    def __init__(self, answer):
        self.answer, self.seen = answer, list[httpx.Request]()

    async def handle_async_request(self, request):
        self.seen.append(request)
        answer = self.answer(request)
        return await answer if isawaitable(answer) else answer


def page(status=200, content=b"", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers=given, stream=httpx.ByteStream(content))


async def asked(kind, answer):
    """The requests of a desk that reads a ticket, and the error that it ends in."""
    wire = Wire(answer)
    desk = make("desk", settings_for("desk", stand_in(kind).settings("http://127.0.0.1:9")), InProcess())
    assert isinstance(desk, HttpDesk)
    desk.transport = wire
    async with desk:
        with pytest.raises(AdapterError) as caught:
            await desk.get_ticket(TICKET)
    return wire.seen, caught.value


@pytest.mark.parametrize("kind", STAND_INS)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_never_followed(kind, status):
    seen, error = await asked(kind, lambda _: page(status, location="https://evil.test/"))

    assert {"127.0.0.1"} == {request.url.host for request in seen}
    assert "evil.test" not in str(error)


@pytest.mark.parametrize(
    "external", ["", '<!ENTITY d SYSTEM "file:///etc/passwd">', '<!ENTITY % e SYSTEM "http://evil.test/x">']
)
async def test_s6_xml_with_a_document_type_is_refused(external):
    bomb = BOMB.replace("{}", external).encode()
    seen, error = await asked("superoffice_soap", lambda _: page(content=bomb))

    assert {"127.0.0.1"} == {request.url.host for request in seen}
    assert isinstance(error, UnexpectedReply)


async def test_s6_xml_of_more_elements_than_any_answer_has_is_refused_before_it_becomes_a_tree():
    _, error = await asked("superoffice_soap", lambda _: page(content=b"<a>" + b"<b/>" * 250_000 + b"</a>"))

    assert (UnexpectedReply, "too many elements") == (type(error), error.code)


@pytest.mark.parametrize("kind", STAND_INS)
async def test_compression_is_not_asked_for_and_not_unpacked(kind):
    packed = gzip.compress(b"x" * 50_000_000)
    seen, error = await asked(kind, lambda _: page(content=packed, content_encoding="gzip"))

    assert {"identity"} == {request.headers["accept-encoding"] for request in seen}
    assert isinstance(error, UnexpectedReply)


def right(kind, change=lambda content: content, **headers):
    """The answers of a server that is well, with their content changed on its way."""
    server = httpx.ASGITransport(app=stand_in(kind).faults)

    async def answer(request):
        said = await server.handle_async_request(request)
        return page(said.status_code, change(await said.aread()), **headers)

    return answer


@pytest.mark.parametrize("kind", STAND_INS)
async def test_s7_a_right_answer_that_is_compressed_unasked_is_not_unpacked(kind):
    _, plain = await asked(kind, right(kind))
    _, packed = await asked(kind, right(kind, gzip.compress, content_encoding="gzip"))

    assert (True, False) == (isinstance(plain, NotFound), isinstance(packed, NotFound))


async def test_s6_a_right_answer_with_a_document_type_is_refused_though_it_names_no_entity():
    def typed(content):
        return content.replace(b"?>", b"?><!DOCTYPE a>", 1)

    _, error = await asked("superoffice_soap", right("superoffice_soap", typed))

    assert isinstance(error, UnexpectedReply)


@pytest.mark.parametrize("kind", STAND_INS)
async def test_a_reply_without_end_is_left(kind):
    def endless(_):
        async def chunks():
            while True:
                yield b" " * 100_000

        return httpx.Response(200, content=chunks())

    _, error = await asked(kind, endless)

    assert isinstance(error, UnexpectedReply | OutcomeUnknown)
    assert "bytes" in str(error)
