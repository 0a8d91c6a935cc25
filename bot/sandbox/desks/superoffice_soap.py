"""A strict stand-in of SuperOffice Service's ticket port, and the desk as its agents see it."""

import hashlib
import secrets
from typing import Any, ClassVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from bot.sandbox.desks import superoffice_soap_wire as wire
from bot.sandbox.desks.base import SeenFile, SeenMessage, SeenTicket, StandIn
from bot.sandbox.desks.superoffice_soap_calls import Calls
from bot.sandbox.desks.superoffice_soap_rules import Refused
from bot.sandbox.desks.superoffice_soap_state import File, Note, Request, Site

PATH = "/scripts/soap"
_STATUSES = {"1": "Open", "2": "Closed", "3": "Postponed", "4": "Deleted", "5": "Merged"}


class SuperOfficeSoapStandIn(StandIn):
    """A ticket port that takes what the manual allows and nothing else.

    What a request held that the manual does not have is kept in ``violations``. ``allowed`` False refuses all
    addresses. ``calls`` holds the operations, with their knobs and what they would have sent.
    """

    kind: ClassVar[str] = "superoffice_soap"
    system: ClassVar[str] = "SuperOffice Service"

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.site = Site()
        self.calls = Calls(self.site)
        self.violations: list[str] = []
        self.allowed = True

    @override
    def settings(self, address: str) -> dict[str, Any]:
        me = self.site.users["2"]
        return {
            "kind": self.kind,
            "title": "SuperOffice",
            "url": f"{address}{PATH}?action=ticket",
            "username": me.login,
            "password": me.password,
            "department": "4",
            "marker_field": "x_10",
            "time_zone": self.site.zone.key,
            "create_requesters": True,
            "agents": {user.id: user.name for user in self.site.users.values() if user.id not in {"1", me.id}},
            "ticket_url": f"{address}/scripts/ticket?id={{id}}",
        }

    # --- the server ---

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: HttpRequest) -> Response:
        if request.url.path != PATH:
            return PlainTextResponse("Not Found", 404)
        if request.method == "GET" and request.query_params.get("action") == "ticket":
            return Response(wire.wsdl(str(request.url)), media_type="text/xml")
        if request.method != "POST":
            return PlainTextResponse("Method Not Allowed", 405)
        try:
            return await self._call(request)
        except wire.SoapFault as error:
            return Response(wire.fault(error), 500, media_type="text/xml")

    async def _call(self, request: HttpRequest) -> Response:
        if not request.headers.get("content-type", "").startswith(("text/xml", "application/soap+xml")):
            raise wire.SoapFault("SOAP-ENV:Client", "HTTP Error: 'Unsupported Media Type'")
        if not self.allowed:
            raise wire.SoapFault("SOAP-ENV:Client", "Your IP address is not allowed to use this interface")
        operation, values = await run_in_threadpool(wire.read, await request.body(), self.violations)
        try:
            code, out = "0", self.calls.run(operation, values)
        except Refused as refused:
            code, out = refused.code, {}
        if operation in self.calls.breaks:
            raise wire.SoapFault("SOAP-ENV:Server", self.calls.breaks[operation])
        return Response(wire.answer(operation, code, out), media_type="text/xml")

    # --- the agents' side ---

    @override
    async def tickets(self) -> tuple[SeenTicket, ...]:
        newest = sorted(self.site.tickets.values(), key=lambda one: int(one.id), reverse=True)
        return tuple(self._seen(one) for one in newest)

    @override
    async def ticket(self, ticket_id: str) -> SeenTicket:
        ticket = self.site.tickets[ticket_id]
        return self._seen(ticket, tuple(map(self._message, ticket.messages)))

    @override
    async def file(self, file_id: str) -> bytes:
        return self.site.files[file_id].data

    @override
    async def reply(
        self, ticket_id: str, text: str, *, internal: bool = False, files: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        ticket = self.site.tickets[ticket_id]
        kept = [
            File(self.site.next_id(), name, "application/octet-stream", data, secrets.token_hex(8))
            for name, data in files
        ]
        self.site.files |= {file.id: file for file in kept}
        number, agent = self.site.next_id(), self.site.users["3"].name
        level, now = "1" if internal else "2", self.site.now()
        note = Note(number, text, "", level, agent, by_agent=True, at=now, files=[file.id for file in kept])
        ticket.messages.append(note)
        self.site.touch(ticket)

    @override
    async def set_closed(self, ticket_id: str, *, closed: bool) -> None:
        self.site.set_status(self.site.tickets[ticket_id], "2" if closed else "1")

    @override
    async def delete(self, ticket_id: str) -> None:
        self.site.set_status(self.site.tickets[ticket_id], "4")

    @override
    async def merge(self, ticket_id: str, into: str) -> None:
        ticket, target = self.site.tickets[ticket_id], self.site.tickets[into]
        target.messages += ticket.messages
        ticket.messages = []
        self.site.set_status(ticket, "5")
        self.site.touch(target)

    def _seen(self, ticket: Request, messages: tuple[SeenMessage, ...] = ()) -> SeenTicket:
        people = [self.site.customers[number] for number in ticket.customers]
        return SeenTicket(
            id=ticket.id,
            number=ticket.id,
            subject=ticket.title,
            status=_STATUSES[ticket.status],
            closed=ticket.status != "1",
            department=self.site.path_of(ticket.category),
            priority=dict(self.site.priorities)[ticket.priority],
            requester=", ".join(f"{one.name} <{' '.join(one.emails)}>" for one in people),
            owner="" if ticket.owner == "1" else self.site.users[ticket.owner].name,
            fields=tuple(sorted(ticket.extra.items())),
            messages=messages,
        )

    def _message(self, note: Note) -> SeenMessage:
        return SeenMessage(
            id=note.id,
            author=note.author,
            at=note.at,
            text=note.body,
            html=note.html,
            internal=note.slevel == "1",
            by_agent=note.by_agent,
            files=tuple(_file(self.site.files[number]) for number in note.files),
        )


def _file(file: File) -> SeenFile:
    return SeenFile(id=file.id, name=file.name, size=len(file.data), sha256=hashlib.sha256(file.data).hexdigest())
