"""Calls of the ticket port: WSDL loaded once, session kept and shared, every failure one of our errors."""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, ParamSpec, Self, TypeVar

from typing_extensions import override

from adapters.errors import Misconfigured, NotAuthorised, UnsupportedFeature
from adapters.http import HttpDesk
from adapters.superoffice_soap import wsdl
from adapters.superoffice_soap.errors import (
    NO_ERROR,
    SESSION_OVER,
    SYSTEM,
    SessionOver,
    of_code,
    of_fault,
    of_http,
    unusable,
)
from adapters.superoffice_soap.operations import MESSAGES, OPERATIONS, needed
from adapters.superoffice_soap.port import Fault, NotSoap, Port, Value
from adapters.superoffice_soap.settings import SuperOfficeSoapSettings

SESSION = timedelta(minutes=25)
"""How long a session key is used. The server forgets one that was idle for 30 minutes (manual, customer port)."""

_BELIEVED = 60.0
"""Seconds for which a session key is used without a look at what others use; the server says if it knows it no more."""

_HUGE = 9_000_000  # bytes of a reply from which on one text in it may be more than libxml2 takes by default

_SMALL = 16_000  # bytes from which on a thread is worth its price, so that nothing else waits for the XML

Values = Mapping[str, Value]
"""The parts of a call by name."""

Answer = dict[str, Any]
"""The parts of an answer by their names in lower case."""


P = ParamSpec("P")
T = TypeVar("T")


async def _aside(size: int, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
    """What *work* gives; in a thread where it is about so many bytes that others would wait for it."""
    return work(*args, **named) if size < _SMALL else await asyncio.to_thread(work, *args, **named)


def _size(values: Values) -> int:
    """About how many bytes *values* become; what is in a list is short."""
    return sum(len(value) for value in values.values() if isinstance(value, str | bytes))


class SoapCalls(HttpDesk[SuperOfficeSoapSettings]):
    """A desk that can call the ticket port's operations."""

    system = SYSTEM
    _port: Port
    message_operation: str
    """The newest operation that adds a message; the WSDL decides."""
    _places: asyncio.Semaphore
    _keys: dict[str, tuple[str, float]]
    """Session keys by user that need not be asked for until then, by our own clock."""

    @override
    async def __aenter__(self) -> Self:
        self._port = await asyncio.to_thread(self._load)
        self._places = asyncio.Semaphore(self.settings.connections)
        self._keys = {}
        return await super().__aenter__()

    def _load(self) -> Port:
        """The port, read and checked; runs in a thread."""
        file = self.settings.wsdl
        try:
            port = Port.load(wsdl.read(file, self.settings.namespace))
        except wsdl.BadWsdl as bad:
            raise Misconfigured(
                self.name,
                f"the WSDL file {file} cannot be used: {bad}.",
                remedy="Save it again from your installation: its address with ?action=ticket, without logging in.",
            ) from None
        self.message_operation = next((name for name in MESSAGES if port.has(name)), MESSAGES[0])
        missing = port.missing(
            needed(
                impersonate=self.settings.impersonate,
                create_requesters=self.settings.create_requesters,
                message=self.message_operation,
            )
        )
        if self.settings.mails and "to" not in {part.lower() for part in OPERATIONS[self.message_operation].ins}:
            missing += ("addMessage3 or addMessage2, for mail_to, mail_cc and mail_bcc",)
        if missing:
            raise Misconfigured(
                self.name,
                f"the WSDL lacks what is needed: {'; '.join(missing)}.",
                remedy="Use the WSDL of the ticket port (action=ticket), or switch off the setting that needs it.",
            )
        return port

    def offers(self, operation: str) -> bool:
        """Whether this installation's WSDL has *operation*."""
        return self._port.has(operation)

    async def call(
        self, operation: str, values: Values = MappingProxyType({}), *, as_user: str = "", limit: int | None = None
    ) -> Answer:
        """Call *operation* in our session, or in the session of the user *as_user*.

        A session that the server has forgotten is replaced once; such a call did nothing, so it may be repeated.

        Args:
            operation: one of `operations.OPERATIONS`.
            values: the parts but the session key by name, and `port.REST` for one that the manual does not name.
            as_user: id of the user in whose name to call, by loginAsUser.
            limit: bytes of the reply to accept; the setting ``max_reply`` where it is None.

        Raises:
            Unavailable, OutcomeUnknown, Rejected, NotAuthorised, UnexpectedReply, Misconfigured: as their names say.
        """
        if not self.offers(operation):
            raise UnsupportedFeature(self.name, f"this installation's WSDL has no {operation}.")
        key = await self._session(as_user)
        try:
            return await self.once(operation, {"sessionKey": key, **values}, limit=limit)
        except SessionOver:
            key = await self._session(as_user, stale=key)
            return await self.once(operation, {"sessionKey": key, **values}, limit=limit)

    async def once(self, operation: str, values: Values, *, limit: int | None = None) -> Answer:
        """Send one request and read its answer; what is big is put into XML and taken out of it in a thread.

        Raises:
            SessionOver: the session key in *values* is not valid.
            AdapterError: anything else that went wrong.
        """
        changes = OPERATIONS[operation].changes
        envelope, headers = await _aside(_size(values), self._port.encode, operation, values)
        async with self._places:
            reply = await self.exchange(
                "POST", self.settings.url, changes=changes, limit=limit, content=envelope, headers=headers
            )
        if (error := of_http(self.name, reply, changes=changes)) is not None:
            raise error
        size = len(reply.content)
        try:
            answer = await _aside(size, partial(self._port.decode, huge=size > _HUGE), operation, reply)
        except Fault as fault:
            raise of_fault(self.name, fault, changes=changes) from None
        except NotSoap as wrong:
            raise unusable(
                self.name, "something that its WSDL does not allow", changes=changes, code=str(wrong)
            ) from None
        code = answer.get("errorcode")
        if not code:
            raise unusable(self.name, "no error code, which each answer has", changes=changes, code="no errorCode")
        if code != NO_ERROR:
            raise of_code(self.name, str(code))
        return answer

    async def log_in(self, as_user: str = "") -> str:
        """A new session key, which is a secret.

        Raises:
            NotAuthorised: the name, the password, the address of this machine or the licence was refused.
        """
        password = self.settings.password.get_secret_value()
        if as_user:
            values: Values = {"userId": as_user, "username": self.settings.username, "password": password}
            answer = await self.once("loginAsUser", values)
        else:
            answer = await self.once("login", {"userName": self.settings.username, "password": password})
        key = answer.get("sessionkey")
        if not key:
            raise unusable(self.name, "no session key", changes=False, code="no sessionKey")
        return str(key)

    async def _session(self, as_user: str, *, stale: str = "") -> str:
        """The session key that all processes use; a new one where there is none, or only the *stale* one."""
        key, until = self._keys.get(as_user, ("", 0.0))
        if key == stale or time.monotonic() >= until:
            key = await self._shared_session(as_user, stale)
            self._keys[as_user] = key, time.monotonic() + _BELIEVED
        return key

    async def _shared_session(self, as_user: str, stale: str) -> str:
        async def renew() -> tuple[str, timedelta]:
            try:
                return await self.log_in(as_user), SESSION
            except SessionOver as error:
                raise NotAuthorised(self.name, error.cause, code=SESSION_OVER) from None

        at, life = self._key(f"session:{as_user}"), self.settings.longest()
        return await self.shared_token(at, usable=lambda key: key != stale, renew=renew, ttl=life)

    def _key(self, of: str) -> str:
        """The name of something shared; it changes with the account, so that no session is used for another."""
        account = f"{self.settings.url} {self.settings.username}"
        return f"superoffice_soap:{self.name}:{hashlib.sha256(account.encode()).hexdigest()[:16]}:{of}"
