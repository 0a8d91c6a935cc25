"""HTTP for desks: a few connections with time-outs, no redirects, a cap on replies, and one translation of errors."""

import asyncio
import ipaddress
import json
import logging
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from pydantic import Field as Setting, SecretStr, field_validator, model_validator
from typing_extensions import override

from adapters.contract import TicketAdapter, collect
from adapters.errors import AdapterError, Misconfigured, OutcomeUnknown, Rejected, Unavailable, UnexpectedReply
from adapters.settings import DeskSettings, File

logging.getLogger("httpx").setLevel(logging.WARNING)  # at INFO it logs whole addresses, which may hold secrets


class HttpSettings(DeskSettings):
    """What every desk reached by HTTP needs."""

    url: str = Setting(description="Address of the system, with https.")
    allow_http: bool = Setting(
        False, description="Speak plain http to a host that is not this machine. Secrets travel in the clear then."
    )
    allow_link_local: bool = Setting(
        False, description="Speak to a link-local address, where clouds keep their machines' own secrets."
    )
    ca_file: File | None = Setting(
        None, description="PEM file with certificates of authorities of your own, trusted besides the usual ones."
    )
    max_reply: int = Setting(
        25_000_000, gt=0, description="Bytes of a reply that are read before it is refused (files have their own)."
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str) -> str:
        url = url.strip()
        if not url.isprintable():
            raise ValueError("holds a character that cannot be seen; type it anew")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:  # port raises ValueError
            raise ValueError("must be an address such as https://desk.example.com")
        if "#" in url:
            raise ValueError("must end before a #")
        if parts.username or parts.password:
            raise ValueError("must not hold a user or password; there are settings of their own for them")
        try:
            httpx.URL(url)
        except httpx.InvalidURL:
            raise ValueError("has a host's name with what none can hold, such as quotation marks") from None
        return url.rstrip("/")

    @model_validator(mode="after")
    def _is_safe(self) -> Self:
        if urlsplit(self.url).scheme == "http" and not self.allow_http and not is_loopback(self.url):
            raise ValueError("url: use https, or set allow_http = true if the way there is safe")
        return self


def is_loopback(url: str) -> bool:
    """Whether an address leads to this very machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16")))
"""Where AWS, Google, Alibaba and Azure tell a machine its secrets, besides the link-local 169.254.169.254."""
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Where networks without IPv4 put all of it (NAT64)."""


def is_forbidden(address: str) -> bool:
    """Whether no helpdesk can be at an IP *address*: link-local, multicast, or a cloud's metadata service."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    plain = ip if isinstance(ip, ipaddress.IPv4Address) else _within(ip) or ip
    return plain.is_link_local or plain.is_multicast or plain in _METADATA


def _within(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to: as a socket maps it, or through a translator (RFC 6052, 3056)."""
    translated = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _TRANSLATED else None
    return ip.ipv4_mapped or ip.sixtofour or translated


LONGEST_WAIT = timedelta(hours=1)
"""A wish to be left alone for longer is not believed: all work of the desk would rest for as long."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer read whole: status, headers with names in lower case, and its bytes."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> timedelta | None:
        """What a Retry-After header asks for, in either of its forms, up to `LONGEST_WAIT`; None: nothing sensible."""
        value = self.headers.get("retry-after", "").strip()
        try:
            if value.isdecimal():
                wait = timedelta(seconds=int(value))
            else:
                wait = parsedate_to_datetime(value) - datetime.now(UTC)
        except (ValueError, TypeError, OverflowError):
            return None
        return min(max(wait, timedelta()), LONGEST_WAIT)


CONNECTIONS = 10
"""To one desk, at most."""
_HEADERS: Mapping[str, str] = {
    "Accept": "*/*",
    "Accept-Encoding": "identity",  # no compression: no bombs
    "User-Agent": "Threadline",
}

H = TypeVar("H", bound=HttpSettings)


class HttpDesk(TicketAdapter[H]):
    """An adapter that owns connections to its desk while it is entered.

    ``transport`` may be set before entering: tests replay recorded exchanges through it.

    Each connection is a pool of its own, for httpx's looks at all that it has for each request. Nothing else of httpx's
    client is used: it would follow redirects, which send a form with its secrets to another host, or keep cookies, for
    which a PHP session makes one call wait for the other.
    """

    transport: httpx.AsyncBaseTransport | None = None
    _trusted: ssl.SSLContext
    _idle: "asyncio.LifoQueue[httpx.AsyncBaseTransport | None]"
    """Connections that nobody uses just now; None for one that was not made yet."""
    _closing: set[asyncio.Task[None]]
    """Closings of connections whose calls broke off; the calls do not wait for them."""
    _failures: dict[str, tuple[AdapterError, float]]
    """Why `shared_token` got nothing the last time, by key, and when that was by our own clock."""

    @override
    async def __aenter__(self) -> Self:
        self._trusted = httpx.create_ssl_context(trust_env=False)
        if self.settings.ca_file:
            try:
                self._trusted.load_verify_locations(self.settings.ca_file)
            except OSError as error:
                cause = f"the file {self.settings.ca_file} holds no certificates that can be read."
                remedy = "Set ca_file to a PEM file that this process may read."
                raise Misconfigured(self.name, cause, remedy=remedy, code=type(error).__name__) from error
        self._idle = asyncio.LifoQueue()
        for _ in range(CONNECTIONS):
            self._idle.put_nowait(self.transport)
        self._closing = set()
        self._failures = {}
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            if connection := self._idle.get_nowait():
                await connection.aclose()
        await asyncio.gather(*self._closing, return_exceptions=True)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[httpx.AsyncBaseTransport]:
        """A connection that nobody else uses until the block ends; a new one takes its place where that breaks off.

        A pool whose call is cancelled in the wrong moment takes that for under way for ever, and gives no connection.
        """
        connection = await self._idle.get()
        try:
            if connection is None:
                single = httpx.Limits(max_connections=1)
                connection = httpx.AsyncHTTPTransport(verify=self._trusted, limits=single, trust_env=False)
            yield connection
        except BaseException:
            self._idle.put_nowait(self.transport)
            if connection and connection is not self.transport:
                closing = asyncio.create_task(connection.aclose())
                self._closing.add(closing)
                closing.add_done_callback(self._closing.discard)
            raise
        self._idle.put_nowait(connection)

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        changes: bool,
        limit: int | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
        **content: Any,
    ) -> Reply:
        """Send one request and read its reply, whatever its status.

        Args:
            method: of HTTP.
            url: the whole address.
            changes: whether the call changes something, so that a lost answer leaves its outcome unknown.
            limit: bytes of the reply to accept; the settings' ``max_reply`` where it is None.
            headers: besides those that each request has.
            content: what `httpx.Request` takes.

        Raises:
            Unavailable: the desk was not reached, or a call that changes nothing got no whole answer.
            OutcomeUnknown: a call that changes something got no whole answer.
            UnexpectedReply: the reply is larger than *limit* (OutcomeUnknown where the call changes something).
            Rejected: something in *url* cannot be sent; nothing was.
            Misconfigured: the name in the address leads to where no desk can be, or a header holds what none can;
                nothing was sent.
        """
        cap, sent = limit or self.settings.max_reply, False
        try:
            head = httpx.Headers({**_HEADERS, **headers})
        except UnicodeError as error:
            raise self._unsendable(error) from error
        try:
            request = httpx.Request(method, url, headers=head, extensions=self._extensions(), **content)
        except httpx.InvalidURL as error:
            cause = f"what was asked for cannot stand in an address of {self.system}'s, or is too long for one."
            raise Rejected(self.name, cause, code="InvalidURL") from error
        try:
            async with asyncio.timeout(self.settings.timeout), self._connection() as connection:
                sent = True
                response = await connection.handle_async_request(request)
                try:
                    body = await collect(response.aiter_raw(), limit=cap)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            why, look = _unreached(error)
            raise Unavailable(
                self.name,
                f"{self.system} at {_place(url)} cannot be reached: {why}.",
                remedy=f"{look} Nothing was changed there; it will be tried again.",
                code=type(error).__name__,
            ) from error
        except httpx.LocalProtocolError as error:  # the headers, which are looked at before anything is sent
            raise self._unsendable(error) from error
        except (httpx.HTTPError, TimeoutError) as error:
            raise self.lost(changes=changes and sent, code=type(error).__name__) from error
        if body is None:
            cause = f"{self.system} sent more than {cap:,} bytes."
            if changes:
                remedy = "It is looked up before anything is repeated."
                raise OutcomeUnknown(self.name, cause, remedy=remedy, code="too large")
            remedy = "Raise max_reply where a ticket is so long, or look at what stands at its address."
            raise UnexpectedReply(self.name, cause, remedy=remedy, code="too large")
        told = {name.lower(): value for name, value in response.headers.items()}
        return Reply(response.status_code, told, body)

    async def shared_token(
        self,
        key: str,
        *,
        usable: Callable[[str], bool],
        renew: Callable[[], Awaitable[tuple[str, timedelta]]],
        ttl: timedelta,
    ) -> str:
        """A token that all processes share under *key*; where it is not *usable*, one of them at a time gets another.

        *renew* gives it and how long to keep it, within *ttl*. Where that fails, it fails for all in this process who
        waited for it, or each of them would wait for as long again.
        """
        began = time.monotonic()
        kept = await self.shared.get(key)
        if kept and usable(kept):
            return kept
        async with self.shared.lock(key, ttl=ttl):
            kept = await self.shared.get(key)
            if kept and usable(kept):
                return kept  # another call or process was first
            failure, failed = self._failures.get(key, (None, 0.0))
            if failure and failed >= began:
                raise copy(failure)
            try:
                token, life = await renew()
            except AdapterError as error:
                # a copy: the error leads by its traceback to this frame, and that to the failure before it
                self._failures[key] = copy(error), time.monotonic()
                raise
            await self.shared.put(key, token, ttl=life)
            return token

    def _extensions(self) -> dict[str, Any]:
        """Time-outs of a request's steps, and who looks where its connection leads."""
        seconds = self.settings.timeout
        steps = httpx.Timeout(seconds, connect=min(10.0, seconds))
        return {"timeout": steps.as_dict(), "trace": self._watch}

    async def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Leave a connection to a forbidden address before anything is sent; only then is it known where a name led."""
        if event != "connection.connect_tcp.complete" or self.settings.allow_link_local:
            return
        stream = info["return_value"]
        peer = stream.get_extra_info("server_addr")
        if peer and is_forbidden(peer[0]):
            await stream.aclose()
            raise Misconfigured(
                self.name,
                f"the address of {self.system} leads to {peer[0]}, where no helpdesk can be.",
                remedy="Correct its url or the name server; allow_link_local = true if it is right.",
            )

    def _unsendable(self, error: Exception) -> Misconfigured:
        """The error for headers that HTTP has no room for."""
        return Misconfigured(
            self.name,
            f"a secret or another setting of {self.system} cannot stand in a header; nothing was sent.",
            remedy="Look for the end of a line, a blank or a letter beyond ASCII in the secrets of this desk.",
            code=type(error).__name__,
        )

    def without_secrets(self, words: str) -> str:
        """*words* of the desk in one line, with everything secret in our settings taken out."""
        for name in type(self.settings).model_fields:
            value = getattr(self.settings, name)
            if isinstance(value, SecretStr) and value.get_secret_value():
                words = words.replace(value.get_secret_value(), "***")
        return " ".join(words.split())

    def lost(self, *, changes: bool, code: str, retry_after: timedelta | None = None) -> Unavailable | OutcomeUnknown:
        """The error for an answer that did not arrive whole."""
        if changes:
            return OutcomeUnknown(
                self.name,
                f"{self.system} did not answer in time or broke off; it may have done what was asked.",
                remedy="It is looked up before anything is repeated.",
                code=code,
            )
        return Unavailable(
            self.name,
            f"{self.system} did not answer in time or broke off.",
            remedy="It will be tried again.",
            code=code,
            retry_after=retry_after,
        )


def read_json(text: str) -> Any:
    """What a desk's JSON says; a half of a character, which no store and no form could bear, becomes U+FFFD.

    Raises:
        ValueError: it is no JSON, or nested too deeply to be read.
    """
    try:
        value = json.loads(text)
        if "\\ud" not in text.lower():
            return value
        whole = json.dumps(value, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
        return json.loads(whole.decode("utf-16-le", "replace"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


_CERTIFICATE = "It must be for the host in url and not be over; where an authority of your own issued it, set ca_file."
_UNREACHED: Sequence[tuple[type[Exception], str, str]] = (
    (socket.gaierror, "its name is not known", "Look at url, and at the name server."),
    (ssl.SSLCertVerificationError, "its certificate is not trusted", _CERTIFICATE),
    (ConnectionRefusedError, "nothing listens there", "Look whether it runs, and at url."),
)


def _unreached(error: Exception) -> tuple[str, str]:
    """Why there was no connection, and where to look, by what lies behind *error*."""
    behind: BaseException | None = error
    while behind is not None:
        for kind, why, look in _UNREACHED:
            if isinstance(behind, kind):
                return why, look
        behind = behind.__cause__ or behind.__context__
    return f"there is no connection ({type(error).__name__})", "Look at url, and at the network."


def _place(url: str) -> str:
    """Scheme, host and port of *url*: what may be said of an address without giving a secret away."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
