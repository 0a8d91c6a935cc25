"""What every desk behind HTTP has of its way there: whose turn it is, what is not kept, and what a lost call means."""

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from adapters.errors import Misconfigured, OutcomeUnknown, Rejected, Unavailable, UnexpectedReply
from adapters.http import CONNECTIONS, LONGEST_WAIT, Reply, read_json
from adapters.registry import settings_for
from adapters.shared import InProcess
from adapters.whmcs import WhmcsDesk
from tests.store.test_store_tls import HERE, certificate

__all__ = ["certificate"]

CALL: dict[str, Any] = {"method": "POST", "url": "https://desk.example", "content": b"x"}


class Silent(httpx.AsyncBaseTransport):
    """Answers nobody, and counts who asked. A connection is given back when *lets_go* is set, however it ended."""

    def __init__(self) -> None:
        self.asked = 0
        self.lets_go = asyncio.Event()
        self.lets_go.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        try:
            await asyncio.Event().wait()
        finally:
            await self.lets_go.wait()
        raise AssertionError


def desk(transport: httpx.AsyncBaseTransport | None, **settings: Any) -> WhmcsDesk:
    table = {"kind": "whmcs", "url": "https://desk.example", "identifier": "i", "secret": "s", **settings}
    made = WhmcsDesk("billing", settings_for("billing", table), InProcess())  # type: ignore[arg-type] # of its kind
    made.transport = transport
    return made


async def test_a_change_that_found_no_free_connection_in_time_was_surely_not_made():
    silent = Silent()
    silent.lets_go.clear()
    async with desk(silent, timeout=0.2) as made:
        calls = [asyncio.create_task(made.exchange(**CALL, changes=True)) for _ in range(CONNECTIONS + 3)]
        while sum(call.done() for call in calls) < 3:  # noqa: ASYNC110 - calls have no event for it
            await asyncio.sleep(0.01)
        silent.lets_go.set()
        raised = [type(error) for error in await asyncio.gather(*calls, return_exceptions=True)]
    assert (CONNECTIONS, 3) == (silent.asked, raised.count(Unavailable))
    assert CONNECTIONS == raised.count(OutcomeUnknown)


async def test_a_connection_comes_back_after_each_call_however_it_ended():
    async with desk(Silent(), timeout=0.01) as made:
        for _ in range(2 * CONNECTIONS):
            with pytest.raises(OutcomeUnknown):
                await made.exchange(**CALL, changes=True)


async def test_a_call_that_is_given_up_while_its_answer_is_closed_costs_no_connection(monkeypatch):
    ends: list[asyncio.Task[bytes]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends.append(asyncio.create_task(reader.read()))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        with closing(writer):
            await asyncio.wait(ends[-1:])

    async def cancelled(_: httpx.Response) -> None:
        raise asyncio.CancelledError

    async with await asyncio.start_server(answer, HERE) as server:
        address = f"http://{HERE}:{server.sockets[0].getsockname()[1]}"
        async with desk(None, timeout=2) as made:
            with monkeypatch.context() as given_up:
                given_up.setattr(httpx.Response, "aclose", cancelled)
                for _ in range(CONNECTIONS):
                    with pytest.raises(asyncio.CancelledError):
                        await made.exchange("GET", address, changes=False)
            reply = await made.exchange("GET", address, changes=False)
        assert b"hello" == reply.content
        async with asyncio.timeout(2):  # each is closed, too
            await asyncio.wait(ends)


async def test_a_desk_that_is_left_waits_for_what_is_being_closed_and_no_call_does(monkeypatch):
    closed = []

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    async def close(_: object) -> None:
        await asyncio.sleep(0.05)
        closed.append(True)
        raise OSError

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", never)
    monkeypatch.setattr(httpx.AsyncHTTPTransport, "aclose", close)
    async with desk(None, timeout=0.01) as made:
        with pytest.raises(OutcomeUnknown):
            await made.exchange(**CALL, changes=True)
        assert not closed
    assert [True] == closed


async def test_cookies_are_not_kept_since_a_session_would_make_one_call_wait_for_another():
    sent: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.headers.get("cookie"))
        return httpx.Response(200, headers={"Set-Cookie": "PHPSESSID=1"}, stream=httpx.ByteStream(b""))

    async with desk(httpx.MockTransport(answer)) as made:
        for _ in range(2):
            await made.exchange(**CALL, changes=False)
    assert [None, None] == sent


@pytest.mark.parametrize("path", ["x" * 70_000, "a\x00b"])
async def test_what_no_address_can_hold_is_refused_before_anything_is_sent(path):
    silent = Silent()
    async with desk(silent, timeout=0.2) as made:
        with pytest.raises(Rejected, match="address"):
            await made.exchange("GET", f"https://desk.example/{path}", changes=True)

    assert 0 == silent.asked


@pytest.mark.parametrize("secret", ["abc\n", " abc", "a\x00b"])
async def test_a_header_that_http_has_no_room_for_points_at_the_secrets_and_nothing_is_sent(secret):
    got: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer):
            got.put_nowait(await reader.read())

    async with await asyncio.start_server(serve, "127.0.0.1") as server:
        host, port = server.sockets[0].getsockname()
        async with desk(None, timeout=5) as made:
            with pytest.raises(Misconfigured, match="nothing was sent"):
                await made.exchange("POST", f"http://{host}:{port}", changes=True, headers={"X": secret}, content=b"x")

        assert b"" == await got.get()


async def test_a_header_beyond_ascii_points_at_the_secrets_and_nothing_is_sent():
    silent = Silent()
    async with desk(silent) as made:
        with pytest.raises(Misconfigured, match="nothing was sent"):
            await made.exchange(**CALL, changes=True, headers={"X": "abc…"})

    assert 0 == silent.asked


async def test_a_redirect_is_not_followed():
    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(307, headers={"Location": "https://elsewhere.example"}, stream=httpx.ByteStream(b""))

    async with desk(httpx.MockTransport(answer)) as made:
        assert 307 == (await made.exchange(**CALL, changes=True)).status


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'{"a\ud83d": ["b\ud800c", "\ud83d\ude00", "\\ud800"]}', {"a\ufffd": ["b\ufffdc", "\U0001f600", r"\ud800"]}),
        (r'"\uDFFF"', "\ufffd"),
        ('{"a": [1, 2.5, null, true, "ü"]}', {"a": [1, 2.5, None, True, "ü"]}),
    ],
)
def test_half_of_a_character_becomes_the_sign_for_one_and_all_else_stays(text, value):
    assert value == read_json(text)


@given(st.text() | st.lists(st.text(st.characters(min_codepoint=0xD7F0, max_codepoint=0xE010))).map(repr))
def test_whatever_a_desk_answers_can_be_sent_on_or_is_no_json(text):
    try:
        value = read_json(text.replace("'", '"'))
    except ValueError:
        return
    str(value).encode()


@pytest.mark.parametrize(
    ("text", "words"), [("[" * 100_000, "too deeply"), ("", "Expecting"), ("{", "Expecting"), ("nothing", "Expecting")]
)
def test_what_is_no_json_is_a_value_error(text, words):
    with pytest.raises(ValueError, match=words):
        read_json(text)


@pytest.mark.parametrize(
    ("asked", "wait"),
    [
        ("7", timedelta(seconds=7)),
        ("99999999", LONGEST_WAIT),
        ("Wed, 21 Oct 2099 07:28:00 GMT", LONGEST_WAIT),
        ("Wed, 21 Oct 2015 07:28:00 GMT", timedelta()),
        ("9" * 50, None),
        ("9" * 5000, None),
        ("Wed, 21 Oct 2099 07:28:00 +" + "9" * 50, None),
        ("soon", None),
        ("", None),
    ],
)
def test_no_desk_has_itself_left_alone_for_longer_than_is_believed(asked, wait):
    assert wait == Reply(503, {"retry-after": asked}, b"").retry_after


@asynccontextmanager
async def listening(file: Path):
    """The port of a server that answers all with "hello" and has that certificate."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        await writer.drain()
        writer.close()

    trusted = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trusted.load_cert_chain(file)
    async with await asyncio.start_server(answer, HERE, ssl=trusted) as server:
        yield server.sockets[0].getsockname()[1]


async def unreached(address: str) -> Unavailable:
    made = desk(None, url=address)
    async with made:
        with pytest.raises(Unavailable) as caught:
            await made.exchange("GET", address, changes=False)
    return caught.value


async def test_a_desk_that_cannot_be_reached_is_told_by_what_is_wrong(certificate):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        refused = await unreached(f"http://127.0.0.1:{held.getsockname()[1]}")
    unknown = await unreached("https://desk.invalid")
    async with listening(certificate) as port:
        untrusted = await unreached(f"https://{HERE}:{port}")

    assert "nothing listens" in refused.cause
    assert "name is not known" in unknown.cause
    assert "certificate" in untrusted.cause
    assert ("the host in url" in untrusted.remedy, "ca_file" in untrusted.remedy) == (True, True)


async def test_an_authority_of_ones_own_is_trusted_where_its_file_is_named(certificate):
    async with listening(certificate) as port:
        made = desk(None, url=f"https://{HERE}:{port}", ca_file=str(certificate))
        async with made:
            reply = await made.exchange("GET", f"https://{HERE}:{port}", changes=False)
    assert b"hello" == reply.content


async def test_a_file_of_authorities_that_cannot_be_read_is_for_the_operator(tmp_path):
    with pytest.raises(Misconfigured, match="ca_file"):
        await desk(None, ca_file=str(tmp_path / "none.pem")).__aenter__()


@pytest.mark.parametrize("url", ["https://desk.example?a=1", "https://desk.example/#f", "https://desk.example:99999"])
def test_an_address_ends_before_a_question_and_has_a_port_that_there_is(url):
    with pytest.raises(Misconfigured, match="url"):
        desk(None, url=url)


@pytest.mark.parametrize(
    "url",
    [
        "https://\u200bdesk.example",
        "https://desk.example/\u200b",
        "https://desk.example\u00a0/a",
        "https://\u2018desk.example\u2019",
        "https://bücher_.example",
    ],
)
def test_an_address_with_what_no_address_can_hold_is_for_the_operator(url):
    with pytest.raises(Misconfigured, match="url"):
        desk(None, url=url)


@pytest.mark.parametrize("end", [" ", "\n", "\t", "/\r\n"])
def test_an_address_is_taken_without_the_blanks_around_it(end):
    assert "https://desk.example" == desk(None, url=f" https://desk.example{end}").settings.url


def test_each_file_that_settings_name_may_begin_at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/grace")
    signed = {"kind": "superoffice_rest", "tenant": "Cust1", "auth": "system_user", "app_token": "a"}
    rest = settings_for("crm", {**signed, "system_user_token": "s", "private_key_file": "~/key.pem"})
    account = {"kind": "superoffice_soap", "url": "https://desk.example", "username": "u", "password": "p"}
    soap = settings_for("desk", {**account, "ca_file": "~/ca.pem", "wsdl": "~/ticket.wsdl"})
    found = (rest.private_key_file, soap.ca_file, soap.wsdl)  # type: ignore[attr-defined] # of their kinds

    assert ["/grace/key.pem", "/grace/ca.pem", "/grace/ticket.wsdl"] == [str(file) for file in found]


async def test_a_reply_that_is_too_large_names_the_setting_that_bounds_it():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=httpx.ByteStream(b"x" * 2_000)))
    async with desk(transport, max_reply=1_000) as made:
        with pytest.raises(UnexpectedReply, match="max_reply"):
            await made.exchange(**CALL, changes=False)
