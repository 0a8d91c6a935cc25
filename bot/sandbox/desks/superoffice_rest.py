"""A strict stand-in of SuperOffice's REST WebAPI, on site and online, and the desk as its agents see it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from bot.sandbox.desks.base import SeenFile, SeenMessage, SeenTicket, StandIn
from bot.sandbox.desks.superoffice_rest_calls import Call, Calls, Refused
from bot.sandbox.desks.superoffice_rest_login import Login, pem_of
from bot.sandbox.desks.superoffice_rest_rules import MESSAGE
from bot.sandbox.desks.superoffice_rest_state import AGENT, API_USER, File, Note, Request, Site

ON_SITE = "/SuperOffice/api/v1/"


class SuperOfficeRestStandIn(StandIn):
    """A WebAPI that takes what its documents allow and nothing else.

    ``violations`` lists what callers did that the documents do not allow. ``calls`` holds the calls that were read,
    with knobs; ``login`` is the sign-in service. ``denied`` are beginnings of paths that the user has no right to,
    ``place`` is the part of the address at which the customer's API is now: calls to another get a 421.
    """

    kind: ClassVar[str] = "superoffice_rest"
    system: ClassVar[str] = "SuperOffice"

    username, password = "threadline", "sandbox-password"
    hook_secret = "sandbox-hook-secret"

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.site = Site()
        self.calls = Calls(self.site)
        self.login = Login()
        self.violations: list[str] = []
        self.denied: tuple[str, ...] = ()
        self.place = self.login.tenant
        self._events = 0

    @override
    def settings(self, address: str) -> dict[str, Any]:
        return {
            **self._common(address),
            "url": f"{address}/SuperOffice",
            "auth": "basic",
            "username": self.username,
            "password": self.password,
        }

    def online(self, address: str, auth: str = "system_user") -> dict[str, Any]:
        """The table of settings of the same customer online."""
        ways = {
            "system_user": {
                "app_token": self.login.app_token,
                "system_user_token": self.login.system_user_token,
                "private_key": pem_of("app"),
            },
            "bearer": {
                "client_id": self.login.client[0],
                "client_secret": self.login.client[1],
                "refresh_token": self.login.refresh_token,
            },
        }
        return {
            **self._common(address),
            "tenant": self.login.tenant,
            "login_url": address,
            "auth": auth,
            **ways[auth],
        }

    def _common(self, address: str) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "title": "SuperOffice",
            "marker_field": "x_threadline",
            "visibility": "public",
            "create_requesters": True,
            "calls_per_second": 200,
            "webhook_secret": self.hook_secret,
            "ticket_url": f"{address}/scripts/ticket?id={{id}}",
        }

    # --- the server ---

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = HttpRequest(scope, receive)
        await self._respond(request, await request.body())(scope, receive, send)

    def _respond(self, request: HttpRequest, body: bytes) -> Response:
        address = str(request.base_url).rstrip("/")
        path = request.url.path
        found = self.login.answer(request.method, path, body, address)
        if found is not None:
            return found
        online = f"/{self.login.tenant}"
        if path.startswith(ON_SITE):
            below = path.removeprefix(ON_SITE)
        elif path.startswith(f"/{self.place}/api/v1/"):
            below = path.removeprefix(f"/{self.place}/api/v1/")
        elif path.startswith(online):
            return PlainTextResponse("Wrong subdomain used to access tenant", 421)
        else:
            return HTMLResponse("<h1>404 Not Found</h1>", 404)
        if not self._is_known(request, online=not path.startswith(ON_SITE)):
            return HTMLResponse("<h1>401 Unauthorized</h1>", 401)
        if below.startswith(self.denied or ("\0",)):
            return _error(403, "SoSecurityException", "Access denied")
        query, headers = dict(request.query_params), {name.lower(): value for name, value in request.headers.items()}
        return self._answer(Call(request.method, below, query, headers, body))

    def _is_known(self, request: HttpRequest, *, online: bool) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        match scheme:
            case "Basic":
                right = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
                return not online and hmac.compare_digest(token, right)
            case "SOTicket":
                told = request.headers.get("so-apptoken") == self.login.app_token
                return token in self.login.tickets and (told or not online)
            case "Bearer":
                return online and token in self.login.tokens
        return False

    def _answer(self, call: Call) -> Response:
        try:
            answer = self.calls.run(call)
        except Refused as refused:
            if refused.violation:
                self.violations.append(f"{call.method} {call.path}: {refused}")
            if not refused.kind:
                return HTMLResponse(f"<h1>{refused.status}</h1>", refused.status)
            return _error(refused.status, refused.kind, str(refused))
        if answer.content is not None:
            return Response(answer.content, media_type="application/octet-stream")
        return Response(status_code=204) if answer.status == 204 else JSONResponse(answer.json)

    # --- webhooks ---

    def hook(
        self, ticket_id: str, *, event: str = "ticket.changed", test: bool = False
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of one call of a webhook, signed over the raw body."""
        self._events += 1
        what = {"Event": event, "Entity": "ticket", "PrimaryKey": int(ticket_id), "Changes": ["title"]}
        who = {"ContextIdentifier": self.login.tenant, "ChangedByAssociateId": AGENT, "WebhookName": "Threadline"}
        number = f"e{self._events}"
        about = {"EventId": number, "Timestamp": f"{self.site.now()}Z", "FieldValues": {}}
        body = json.dumps({**about, **what, **who}).encode()
        signature = base64.b64encode(hmac.new(self.hook_secret.encode(), body, hashlib.sha256).digest()).decode()
        headers = {
            "content-type": "application/json",
            "x-superoffice-event": event,
            "x-superoffice-eventid": number,
            "x-superoffice-signature": signature,
        }
        return ({**headers, "x-hook-test": "true"} if test else headers), body

    def hooks(
        self, ticket_ids: Iterable[str], *, copies: int = 1, late: bool = False
    ) -> Sequence[tuple[dict[str, str], bytes]]:
        """Calls about several tickets, each *copies* times, and *late* in the wrong order, as SuperOffice's come."""
        calls = [call for one in ticket_ids for call in [self.hook(one)] * copies]
        return calls[::-1] if late else calls

    # --- the agents' side ---

    @override
    async def tickets(self) -> tuple[SeenTicket, ...]:
        newest = sorted(self.site.tickets.values(), key=lambda one: one.number, reverse=True)
        return tuple(map(self._seen, newest))

    @override
    async def ticket(self, ticket_id: str) -> SeenTicket:
        ticket = self.site.tickets[int(ticket_id)]
        return self._seen(ticket, tuple(map(self._message, ticket.notes)))

    @override
    async def file(self, file_id: str) -> bytes:
        return self.site.files[int(file_id)].data or b""

    @override
    async def reply(
        self, ticket_id: str, text: str, *, internal: bool = False, files: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        ticket = self.site.tickets[int(ticket_id)]
        kept = []
        for name, data in files:
            number = self.site.next_id()
            about = {"AttachmentId": number, "Name": name, "ContentType": "application/octet-stream"}
            self.site.files[number] = File({**about, "AttSize": len(data), "InlineImage": False}, data)
            kept.append(number)
        level = "Internal" if internal else "External"
        entity = {**MESSAGE, "Body": text, "Author": self.site.associates[AGENT], "Slevel": level, "Badge": "Outgoing"}
        self.site.add_note(ticket, entity, by=AGENT, files=kept)

    @override
    async def set_closed(self, ticket_id: str, *, closed: bool) -> None:
        self.site.set_status(self.site.tickets[int(ticket_id)], 2 if closed else 1)

    @override
    async def delete(self, ticket_id: str) -> None:
        self.site.set_status(self.site.tickets[int(ticket_id)], 4)

    @override
    async def merge(self, ticket_id: str, into: str) -> None:
        site = self.site
        ticket, target = site.tickets[int(ticket_id)], site.tickets[int(into)]
        for note in ticket.notes:
            note.ticket = target.number
        target.notes += ticket.notes
        ticket.notes = []
        ticket.entity["ConnectId"] = target.number
        site.set_status(ticket, 5)
        site.touch(target)

    def _seen(self, ticket: Request, messages: tuple[SeenMessage, ...] = ()) -> SeenTicket:
        site, entity = self.site, ticket.entity
        owner, person = ticket.points_at("OwnedBy", "AssociateId"), ticket.points_at("Person", "PersonId")
        emails = " ".join(site.persons[person]["Emails"]) if person else ""
        return SeenTicket(
            id=str(ticket.number),
            number=str(ticket.number),
            subject=entity["Title"],
            status=site.statuses[ticket.points_at("Status", "TicketStatusId")][0],
            closed=entity["BaseStatus"] not in {"Active", "Postponed"},
            department=site.categories[ticket.points_at("Category", "TicketCategoryId")],
            priority=site.priorities[ticket.points_at("Priority", "TicketPriorityId")],
            requester=f"{site.full_name(person)} <{emails}>" if person else entity["Author"],
            owner=site.associates.get(owner, ""),
            fields=tuple(sorted((name, str(value)) for name, value in entity["CustomFields"].items())),
            messages=messages,
        )

    def _message(self, note: Note) -> SeenMessage:
        entity = note.entity
        return SeenMessage(
            id=str(note.number),
            author=entity["Author"],
            at=entity["CreatedAt"],
            text=entity["Body"],
            html=entity["HtmlBody"],
            internal=entity["Slevel"] != "External",
            by_agent=note.created_by != API_USER,
            files=tuple(self._file(number) for number in note.files),
        )

    def _file(self, number: int) -> SeenFile:
        file = self.site.files[number]
        data = file.data or b""
        digest = hashlib.sha256(data).hexdigest()
        return SeenFile(id=str(number), name=file.about["Name"], size=len(data), sha256=digest)


def _error(status: int, kind: str, words: str) -> Response:
    body = {"Error": True, "ErrorType": kind, "ErrorMessage": words}
    return JSONResponse({**body, "ErrorSource": "SuperOffice.Services.Implementation"}, status)
