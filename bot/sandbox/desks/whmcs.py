"""A strict stand-in of WHMCS: its api.php with only what the documents allow, and its agents' side."""

import base64
import hashlib
import html
import json
from dataclasses import replace
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from markdown_it import MarkdownIt
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from bot.sandbox.desks.base import SeenFile, SeenMessage, SeenTicket, StandIn
from bot.sandbox.desks.whmcs_actions import CHANGES, Answer, Refused
from bot.sandbox.desks.whmcs_parameters import Call, cut, read_call
from bot.sandbox.desks.whmcs_php import Form, read_form
from bot.sandbox.desks.whmcs_reads import READS
from bot.sandbox.desks.whmcs_state import Post, State, StoredTicket, decode, encode

MARKDOWN = MarkdownIt("commonmark", {"html": False})


class WhmcsStandIn(StandIn):
    """A WHMCS with two clients and three departments.

    ``violations`` lists what a caller did that the documents do not allow; ``calls`` lists the calls that were read.
    ``denied`` are actions that the API role lacks, ``lacking`` those that came with a later version, ``unknown_ip`` is
    the address that is not allow-listed (unless the access key is right), ``basic`` a name and password that the web
    server asks for, ``post_max_size`` PHP's.
    """

    kind: ClassVar[str] = "whmcs"
    system: ClassVar[str] = "WHMCS"

    identifier = "D4j1dKYE3g40VROOPCGyJ9zRwP0ADJIv"
    secret = "F1CKGXRIpylMfsrig3mwwdSdYUdLiFlo"
    accesskey = "sandbox-access-key"
    username = "admin"
    password = "sandbox-password"

    def __init__(self, *, zone: str = "Europe/Rome", mask: str = "%A%A%A-%n%n%n%n%n%n") -> None:
        super().__init__(self._serve)
        self.state = State(ZoneInfo(zone), mask)
        self.violations: list[str] = []
        self.calls: list[Call] = []
        self.denied: set[str] = set()
        self.lacking: set[str] = set()
        self.unknown_ip = ""
        self.basic: tuple[str, str] | None = None
        self.post_max_size = 8_388_608

    @override
    def settings(self, address: str) -> dict[str, Any]:
        fields = [{"key": label.lower().replace(" ", "_"), "id": id_, "label": label} for id_, label in self._custom()]
        return {
            "kind": self.kind,
            "url": f"{address}/billing",
            "identifier": self.identifier,
            "secret": self.secret,
            "timezone": str(self.state.zone),
            "four_bytes": self.state.four_bytes,
            "fields": fields,
        }

    def _custom(self) -> list[tuple[str, str]]:
        return list(self.state.custom.items())

    # --- the server

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        await self._respond(request, body)(scope, receive, send)

    def _respond(self, request: Request, body: bytes) -> Response:
        if not request.url.path.endswith("/includes/api.php"):
            return HTMLResponse("<h1>404 Not Found</h1>", 404)
        if self.basic and request.headers.get("authorization") != _basic(*self.basic):
            return HTMLResponse("<h1>401 Authorization Required</h1>", 401, {"WWW-Authenticate": "Basic"})
        if request.method != "POST":
            self.violations.append(f"{request.method} instead of POST")
        form = read_form(request.headers.get("content-type", ""), body, post_max_size=self.post_max_size)
        status, answer = self._answer(form)
        return _written(answer, status, form.text("responsetype"))

    def _answer(self, form: Form) -> tuple[int, Answer]:
        """The status and the answer to one form."""
        action = form.text("action")
        if not action:
            return 400, _error("Empty action request")
        if refusal := self._refusal(form, action):
            return 403, _error(refusal)
        run = CHANGES.get(action) or READS.get(action)
        if action in self.lacking:
            return 200, _error("Command Not Found")
        if run is None:
            self.violations.append(f"no action {action}")
            return 200, _error("Command Not Found")
        call = read_call(action, form)
        if not self.state.four_bytes:
            cut(call)
        self.calls.append(call)
        if call.wrong:
            self.violations += call.wrong
            return 200, _error(f"The stand-in allows only what is documented: {'; '.join(call.wrong)}")
        try:
            answer = {"result": "success", **run(self.state, call)}
        except Refused as refused:
            answer = _error(str(refused))
        self.violations += call.wrong
        return 200, {name: value for name, value in answer.items() if name != "result" or value is not None}

    def _refusal(self, form: Form, action: str) -> str:
        """Why these credentials may not do that; empty where they may."""
        if self.unknown_ip and form.text("accesskey") != self.accesskey:
            return f"Invalid IP {self.unknown_ip}"
        if not self._knows(form):
            return "Authentication Failed"
        return f'Invalid Permissions: API action "{action.lower()}" is not allowed' if action in self.denied else ""

    def _knows(self, form: Form) -> bool:
        pairs = (("identifier", "secret"), ("username", "password"))
        given = {(form.text(name), form.text(password)) for name, password in pairs}
        login = (self.username, hashlib.md5(self.password.encode()).hexdigest())  # noqa: S324 - WHMCS's own form
        return (self.identifier, self.secret) in given or login in given

    # --- the agents' side

    @override
    async def tickets(self) -> tuple[SeenTicket, ...]:
        return tuple(self._seen(ticket) for ticket in reversed(self.state.tickets.values()))

    @override
    async def ticket(self, ticket_id: str) -> SeenTicket:
        ticket = self.state.tickets[int(ticket_id)]
        posts = [(post, "reply", False) for post in ticket.replies] + [(post, "note", True) for post in ticket.notes]
        posts.sort(key=lambda entry: (entry[0].date, entry[0].id))
        opening = _seen_post(ticket.opening, f"ticket:{ticket.id}", internal=False)
        rest = (_seen_post(post, f"{kind}:{post.id}", internal=internal) for post, kind, internal in posts)
        return self._seen(ticket, messages=(opening, *rest))

    @override
    async def file(self, file_id: str) -> bytes:
        kind, number, index = file_id.split(":")
        for ticket in self.state.tickets.values():
            lists = {"ticket": [ticket.opening], "reply": ticket.replies, "note": ticket.notes}
            for post in lists[kind]:
                if number == str(ticket.id if kind == "ticket" else post.id):
                    return post.files[int(index)][1]
        raise KeyError(file_id)

    @override
    async def reply(
        self, ticket_id: str, text: str, *, internal: bool = False, files: tuple[tuple[str, bytes], ...] = ()
    ) -> None:
        ticket = self.state.tickets[int(ticket_id)]
        admin = self.state.admins["2"][1]
        post = Post(self.state.next_post(), encode(text), self.state.now(), admin=encode(admin), files=list(files))
        (ticket.notes if internal else ticket.replies).append(post)
        if not internal:
            ticket.status, ticket.lastreply = "Answered", post.date

    async def delete_note(self, ticket_id: str) -> None:
        """An agent deletes the last note."""
        self.state.tickets[int(ticket_id)].notes.pop()

    @override
    async def set_closed(self, ticket_id: str, *, closed: bool) -> None:
        self.state.tickets[int(ticket_id)].status = "Closed" if closed else "Open"

    @override
    async def delete(self, ticket_id: str) -> None:
        del self.state.tickets[int(ticket_id)]

    @override
    async def merge(self, ticket_id: str, into: str) -> None:
        """MergeTicket: the opening post becomes a reply of the other ticket, under a new number."""
        state = self.state
        ticket, target = state.tickets.pop(int(ticket_id)), state.tickets[int(into)]
        state.merged[ticket.id] = target.id
        target.replies += [replace(ticket.opening, id=state.next_post()), *ticket.replies]
        target.notes += ticket.notes
        target.lastreply = state.now()

    def _seen(self, ticket: StoredTicket, *, messages: tuple[SeenMessage, ...] = ()) -> SeenTicket:
        state = self.state
        return SeenTicket(
            id=str(ticket.id),
            number=ticket.tid,
            subject=decode(ticket.subject),
            status=ticket.status,
            closed=ticket.status == "Closed",
            department=state.departments[ticket.deptid],
            priority=ticket.priority,
            requester=f"{decode(ticket.opening.name)} <{decode(ticket.opening.email)}>",
            owner=state.admins[ticket.flag][1] if ticket.flag in state.admins else "",
            fields=tuple((state.custom.get(key, key), value) for key, value in ticket.fields.items()),
            messages=messages,
        )


def _seen_post(post: Post, file_id: str, *, internal: bool) -> SeenMessage:
    text = decode(post.message)
    files = tuple(
        SeenFile(id=f"{file_id}:{index}", name=name, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for index, (name, data) in enumerate(post.files)
    )
    return SeenMessage(
        id=file_id,
        author=decode(post.admin or post.name),
        at=post.date,
        text=text,
        internal=internal,
        by_agent=bool(post.admin),
        html=MARKDOWN.render(text) if post.markdown else "",
        files=files,
    )


def _error(message: str) -> Answer:
    return {"result": "error", "message": message}


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def _written(answer: Answer, status: int, kind: str) -> Response:
    """An answer in the form that was asked for; in WHMCS's oldest, name=value;, where none was."""
    if kind == "json":
        escaped = json.dumps(answer).replace("/", r"\/")  # as PHP does
        return Response(escaped, status, media_type="application/json")
    if kind == "xml":
        inner = "".join(f"<{name}>{html.escape(str(value))}</{name}>" for name, value in answer.items())
        return Response(f'<?xml version="1.0"?><whmcsapi>{inner}</whmcsapi>', status, media_type="application/xml")
    return Response("".join(f"{name}={value};" for name, value in answer.items()), status, media_type="text/plain")
