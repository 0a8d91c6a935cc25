"""A SuperOffice desk by SOAP with its stand-in, for the tests about what only this desk does."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import Any

import httpx
from lxml import etree
from typing_extensions import override

from adapters.shared import InProcess
from adapters.superoffice_soap import SuperOfficeSoapDesk
from adapters.superoffice_soap.settings import SuperOfficeSoapSettings
from bot.sandbox.desks.superoffice_soap import SuperOfficeSoapStandIn
from tests.adapters.drafts import Pair


@asynccontextmanager
async def served(
    *, shared: InProcess | None = None, loopback: bool = False, **settings: Any
) -> AsyncIterator[tuple[SuperOfficeSoapDesk, SuperOfficeSoapStandIn]]:
    """The desk set up with *settings* besides the stand-in's table, and the stand-in.

    The stand-in answers in this process without a socket, unless *loopback* is asked for (faults need it).
    """
    stand_in = SuperOfficeSoapStandIn()
    async with AsyncExitStack() as stack:
        if loopback:
            table = await stack.enter_async_context(stand_in.serve())
        else:
            table = stand_in.settings("http://127.0.0.1:9")
        chosen = {key: value for key, value in {**table, **settings}.items() if value is not None}
        desk = SuperOfficeSoapDesk("acme", settings_of(chosen), shared or InProcess())
        if not loopback:
            within(desk, stand_in)
        yield await stack.enter_async_context(desk), stand_in


def within(desk: SuperOfficeSoapDesk, stand_in: SuperOfficeSoapStandIn) -> SuperOfficeSoapDesk:
    """*desk*, which reaches *stand_in* without a socket, through the `Recording` of the block where there is one."""
    wire = httpx.ASGITransport(app=stand_in.faults)
    if isinstance(desk.transport, Recording):
        desk.transport.inner = wire
    else:
        desk.transport = wire
    return desk


def settings_of(table: dict[str, Any]) -> SuperOfficeSoapSettings:
    """The settings of a table."""
    return SuperOfficeSoapSettings.model_validate(table)


def drafts(desk: SuperOfficeSoapDesk, stand_in: SuperOfficeSoapStandIn) -> Pair:
    """What makes drafts for *desk*."""
    return Pair(desk, stand_in)


class Recording(httpx.AsyncBaseTransport):
    """The network, with a copy of every request that went out."""

    def __init__(self) -> None:
        self.inner: httpx.AsyncBaseTransport = httpx.AsyncHTTPTransport()
        self.sent: list[bytes] = []

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(await request.aread())
        return await self.inner.handle_async_request(request)

    @override
    async def aclose(self) -> None:
        await self.inner.aclose()

    def last(self, operation: str) -> etree._Element:
        """The element of the last call of *operation*."""
        for body in reversed(self.sent):
            call = etree.fromstring(body)[0][0]
            if etree.QName(call).localname == operation:
                return call
        raise AssertionError(f"{operation} was not called")


class Fixed(httpx.AsyncBaseTransport):
    """A server that always answers the same."""

    def __init__(self, content: bytes, *, status: int = 200, media_type: str = "text/xml") -> None:
        self.content = content
        self.status = status
        self.media_type = media_type

    @override
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {"Content-Type": self.media_type}
        return httpx.Response(self.status, stream=httpx.ByteStream(self.content), headers=headers)


@contextmanager
def recording() -> Iterator[Recording]:
    """Every desk entered in the block sends through one `Recording`."""
    wire = Recording()
    SuperOfficeSoapDesk.transport = wire
    try:
        yield wire
    finally:
        SuperOfficeSoapDesk.transport = None


_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


def envelope(inner: str) -> bytes:
    """A SOAP envelope around *inner*, with the prefixes e (SOAP) and n (the ticket port)."""
    body = f"<e:Body>{inner}</e:Body>"
    return f'<e:Envelope xmlns:e="{_ENVELOPE}" xmlns:n="urn:ticket">{body}</e:Envelope>'.encode()
