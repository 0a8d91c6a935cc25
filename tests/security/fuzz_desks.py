"""Desks' replies, spoilt: whatever a server answers, an adapter gives a result or one of our own errors."""

import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from typing_extensions import override

from adapters.contract import Capability
from adapters.errors import AdapterError
from adapters.http import HttpDesk
from adapters.model import ChoiceList, Visibility
from adapters.registry import make, settings_for
from adapters.shared import InProcess
from bot.sandbox.demo import STAND_INS, stand_in
from tests.adapters.drafts import Pair, file_at
from tests.security.doors import Broken, Door
from tests.security.wild import Wild

PAGES = (
    b"<!doctype html><title>Maintenance</title><p>Back soon.",
    b"<b>Fatal error</b>: Uncaught Error in /var/www/x.php:3",
    b'a:2:{s:6:"result";s:7:"success";s:8:"ticketid";i:9;}',
    b'O:8:"stdClass":1:{s:6:"result";s:7:"success";}',
    b"Array\n(\n    [result] => success\n    [ticketid] => 9\n)\n",
    b"<?php echo json_encode(['result' => 'success', 'ticketid' => 9]);",
    b"<?xml version='1.0'?><whmcsapi><result>success</result><ticketid>9</ticketid></whmcsapi>",
    b"",
    b"null",
    b"[]",
    b"[" * 100_000,
    b'{"result":"success"}',
    b"result=success;ticketid=9;",
    b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
    b"<a>" * 20_000,
)
PLACE = ("127.0.0.1", 9)
RENEWED = 500
"""Payloads after which another server stands behind the wire: a stand-in remembers all that it was asked."""
BEFORE = (
    b"<br />\n<b>Warning</b>:  Undefined array key 1 in <b>/var/www/includes/api.php</b> on line <b>3</b><br />\n",
    b"PHP Notice:  Undefined variable: x in /var/www/hooks.php on line 9\n",
    b"\xef\xbb\xbf",
    b'string(3) "abc"\n',
)
"""What PHP writes before an answer, where its settings have it show errors."""
STATUSES = (200, 200, 200, 201, 204, 301, 307, 400, 401, 403, 404, 409, 412, 413, 429, 500, 502, 503)


class Spoiling(httpx.AsyncBaseTransport):
    """The stand-in's wire, which spoils replies while ``on`` is set."""

    def __init__(self, inner: httpx.AsyncBaseTransport, wild: Wild) -> None:
        self.inner, self.wild, self.on = inner, wild, False

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if (request.url.host, request.url.port) != PLACE:
            raise Broken("something was sent to another server than the one in the settings")
        try:
            answer = await self.inner.handle_async_request(request)
        except (AttributeError, TypeError, ValueError, LookupError):  # what we sent came from a spoilt reply
            answer = httpx.Response(500, stream=httpx.ByteStream(b"Internal Server Error"))
        if not self.on or self.wild.random.random() < 0.2:
            return answer
        pick = self.wild.random
        content = pick.choice(PAGES) if pick.random() < 0.1 else self.wild.body(await answer.aread())
        if pick.random() < 0.1:
            content = pick.choice(BEFORE) + content
        headers = {name: value for name, value in answer.headers.items() if name.lower() != "content-length"}
        if pick.random() < 0.1:
            headers["content-type"] = pick.choice(("text/html", "application/json", "text/xml; charset=utf-16", "x"))
        if pick.random() < 0.1:
            headers["retry-after"] = pick.choice(("-1", "soon", "9" * 50, "Thu, 99 Xxx 0000 00:00:00 GMT"))
        status = answer.status_code if pick.random() < 0.8 else pick.choice(STATUSES)
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(content))


@asynccontextmanager
async def desk(kind: str, wild: Wild) -> AsyncIterator[Door]:
    """The desk of *kind* behind a spoilt wire."""
    server = stand_in(kind)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="threadline-fuzz-")))
        table = {**server.settings("http://{}:{}".format(*PLACE)), "timeout": 5}
        if kind == "superoffice_rest":
            table["calls_per_second"] = 1000
        adapter = make("fuzzed", settings_for("fuzzed", table), InProcess())
        if not isinstance(adapter, HttpDesk):
            raise TypeError(kind)
        wire = Spoiling(httpx.ASGITransport(app=server.faults), wild)
        adapter.transport = wire
        await stack.enter_async_context(adapter)
        note = file_at(folder, "a.txt", b"hello")
        calls: dict[str, Callable[[], Any]] = {}
        made = 0

        async def attempt() -> str:
            nonlocal calls, made
            if made % RENEWED == 0:
                calls = await _renewed(wire, adapter, note)
            made += 1
            name = wild.random.choice(list(calls))
            wire.on = True
            try:
                await calls[name]()
            except AdapterError as error:
                str(error).encode()
                if len(str(error)) > 2_000:
                    raise Broken(f"{name}: an error as long as a page") from None
                return type(error).__name__
            finally:
                wire.on = False
            return "result"

        yield Door(attempt)


async def _renewed(wire: Spoiling, adapter: HttpDesk[Any], file: Any) -> dict[str, Callable[[], Any]]:
    """Put a new server with a ticket behind the wire; gives what can be asked of it."""
    server = stand_in(adapter.settings.kind)
    wire.inner = httpx.ASGITransport(app=server.faults)
    pair = Pair(adapter, server)
    draft = await pair.draft()
    try:
        ticket = await pair.open(draft)
    except AdapterError:  # what was kept of a spoilt reply is not sent on twice
        ticket = await pair.open(draft)
    return _calls(pair, draft, ticket, file)


def _calls(pair: Pair, draft: Any, ticket: Any, file: Any) -> dict[str, Callable[[], Any]]:
    """What the desk claims to do, by name."""
    adapter, can = pair.desk, pair.desk.has
    kind = pair.reply_kind()
    message = pair.message(visibility=kind)
    every: dict[str, tuple[Capability | None, Callable[[], Any]]] = {
        "open": (None, partial(adapter.open_ticket, draft)),
        "add": (None, partial(adapter.add_message, ticket, message)),
        "note": (Capability.NOTE, partial(adapter.add_message, ticket, pair.message(visibility=Visibility.INTERNAL))),
        "upload": (Capability.UPLOAD_FIRST, partial(adapter.upload, file, "TL-X")),
        "get": (Capability.READ_TICKET, partial(adapter.get_ticket, ticket)),
        "messages": (Capability.READ_MESSAGES, partial(adapter.messages, ticket)),
        "departments": (Capability.DEPARTMENTS, partial(adapter.choices, ChoiceList.DEPARTMENTS)),
        "agents": (Capability.AGENTS, partial(adapter.choices, ChoiceList.AGENTS)),
        "fields": (Capability.LIST_FIELDS, adapter.custom_fields),
        "requester": (Capability.FIND_REQUESTER, partial(adapter.find_requester, "ada@example.com")),
        "search": (Capability.SEARCH, partial(adapter.search, "printer")),
        "changed": (Capability.CHANGED_SINCE, partial(adapter.changed_since, "")),
        "number": (Capability.READ_TICKET, partial(adapter.find_by_number, ticket.number or ticket.id)),
        "check": (None, adapter.check),
    }
    return {name: call for name, (needed, call) in every.items() if needed is None or can(needed)}


DOORS = {kind: partial(desk, kind) for kind in STAND_INS}
