"""A strict stand-in of Keliweb's API v2: three methods behind a token, over the same tickets as the WHMCS stand-in."""

from collections.abc import Mapping
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from typing_extensions import override

from bot.sandbox.desks.keliweb_tokens import Tokens
from bot.sandbox.desks.whmcs import WhmcsStandIn
from bot.sandbox.desks.whmcs_actions import CHANGES, Answer, Refused
from bot.sandbox.desks.whmcs_parameters import BOOL, FIELDS, FILES, INT, TEXT, cut, read_call
from bot.sandbox.desks.whmcs_php import Form, read_form
from bot.sandbox.desks.whmcs_reads import READS

API = "/api/v2/keliweb/"
CLIENT = "1"
"""The client of the tickets' system whose account the token is."""

_WRITTEN = {
    "message": TEXT,
    **dict.fromkeys(("name", "email"), TEXT),
    "contactid": INT,
    "markdown": BOOL,
    "customfields": FIELDS,
    "attachments": FILES,
}
PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "open-ticket": {**_WRITTEN, **dict.fromkeys(("deptid", "serviceid", "domainid"), INT), "subject": TEXT},
    "add-ticket-reply": {**_WRITTEN, "ticketid": INT},
    "get-ticket": {"ticketnum": TEXT, "ticketid": INT, "repliessort": TEXT},
}
"""The documented parameters of each method; nothing else is taken."""
EXAMPLES: Mapping[str, Mapping[str, str]] = {
    "open-ticket": {"clientid": INT, "priority": TEXT},
    "add-ticket-reply": {"useMarkdown": BOOL},
}
"""What only the documents' examples send."""
REQUIRED = {"open-ticket": ("deptid", "subject", "message"), "add-ticket-reply": ("ticketid", "message")}
ACTIONS = {"open-ticket": "OpenTicket", "add-ticket-reply": "AddTicketReply", "get-ticket": "GetTicket"}


class KeliwebStandIn(WhmcsStandIn):
    """Keliweb with one account, whose token is always its client: the name that is sent with a ticket is not shown.

    ``tokens`` gives them out; ``as_in_examples`` allows the parameters that only the examples send.
    """

    kind: ClassVar[str] = "keliweb"
    system: ClassVar[str] = "Keliweb"

    def __init__(self, *, as_in_examples: bool = False) -> None:
        super().__init__()
        self.tokens = Tokens()
        self.as_in_examples = as_in_examples

    @override
    def settings(self, address: str) -> dict[str, Any]:
        tokens = self.tokens
        fields = [{"key": label.lower().replace(" ", "_"), "id": id_, "label": label} for id_, label in self._custom()]
        return {
            "kind": self.kind,
            "url": address,
            "client_id": tokens.client_id,
            "client_secret": tokens.client_secret,
            "username": tokens.username,
            "password": tokens.password,
            "timezone": str(self.state.zone),
            "four_bytes": self.state.four_bytes,
            "departments": dict(self.state.departments),
            "fields": fields,
        }

    @override
    def _respond(self, request: Request, body: bytes) -> Response:
        path, kind = request.url.path, request.headers.get("content-type", "")
        form = read_form(kind, body, post_max_size=self.post_max_size)
        if path == "/oauth/token":
            status, answer = self.tokens.answer(form, self.violations)
            return JSONResponse(answer, status)
        method = path.removeprefix(API)
        is_json = _expects_json(request)
        if not path.startswith(API) or method not in PARAMETERS:
            return JSONResponse({"message": ""}, 404) if is_json else HTMLResponse("<h1>404 Not Found</h1>", 404)
        if request.method != "POST":
            self.violations.append(f"{request.method} instead of POST")
            return JSONResponse({"message": "The method is not supported for this route."}, 405)
        if not self.tokens.accepts(request.headers.get("authorization", "")):
            return JSONResponse({"message": "Unauthenticated."}, 401) if is_json else RedirectResponse("/login", 302)
        if len(body) > self.post_max_size:
            return JSONResponse({"message": ""}, 413)
        self.violations += _unlike_a_browser(request, form, body)
        status, answer = self._done(method, form)
        return JSONResponse(answer, status)

    def _done(self, method: str, form: Form) -> tuple[int, Answer]:
        """The status and the answer of a method to a form, held against the documents."""
        documented = {**PARAMETERS[method], **(EXAMPLES.get(method, {}) if self.as_in_examples else {})}
        if wrong := [f"{method} has no parameter {name}" for name in form.values.keys() - documented.keys()]:
            self.violations += wrong
            return 200, {"result": "error", "message": f"The stand-in allows only what is documented: {wrong}"}
        if errors := _invalid(method, form, documented):
            return 422, {"message": "The given data was invalid.", "errors": errors}
        call = read_call(ACTIONS[method], self._as_client(method, form))
        if not self.state.four_bytes:
            cut(call)
        self.calls.append(call)
        try:
            run = CHANGES.get(call.action) or READS[call.action]
            answer = {"result": "success", **run(self.state, call)}
        except Refused as refused:
            answer = {"result": "error", "message": str(refused)}
        self.violations += call.wrong
        return 200, _told(answer) if call.action == "GetTicket" else answer

    def _as_client(self, method: str, form: Form) -> Form:
        """The form as Keliweb hands it on to the system behind: in the name of the token's client."""
        hidden = {"name", "email", "clientid", "useMarkdown"}
        values = {name: value for name, value in form.values.items() if name not in hidden}
        if form.text("useMarkdown"):
            values["markdown"] = form.text("useMarkdown")
        if values.get("attachments") == "[]":  # so the documents' example in jQuery says that there are none
            del values["attachments"]
        return Form(values if method == "get-ticket" else {**values, "clientid": CLIENT}, form.files)


def _expects_json(request: Request) -> bool:
    """Laravel's expectsJson."""
    ajax = request.headers.get("x-requested-with") == "XMLHttpRequest"
    return ajax or "json" in request.headers.get("accept", "")


def _unlike_a_browser(request: Request, form: Form, body: bytes) -> list[str]:
    """What about a request no page of the documents would send."""
    kind = request.headers.get("content-type", "")
    found = []
    if not kind.startswith("multipart/form-data") or (body and not form.values):
        found.append(f"no multipart form could be read of {kind!r}")
    if request.headers.get("x-requested-with") != "XMLHttpRequest":
        found.append("no X-Requested-With")
    if "json" not in request.headers.get("accept", ""):
        found.append("no Accept: application/json")
    for name, value in form.values.items():
        if "\n" in str(value).replace("\r\n", ""):
            found.append(f"{name} has bare line feeds")
    return found


def _invalid(method: str, form: Form, documented: Mapping[str, str]) -> dict[str, list[str]]:
    """What Laravel's validation says, by parameter."""
    errors = {}
    for name in REQUIRED.get(method, ()):
        if not form.text(name).strip():
            errors[name] = [f"The {name} field is required."]
    for name in form.values:
        if documented[name] == INT and not form.text(name).isdecimal():
            errors[name] = [f"The {name} must be an integer."]
        if documented[name] == BOOL and form.text(name) != "true":
            errors[name] = [f"The {name} field must be true or false."]
    if form.text("serviceid") and form.text("domainid"):
        errors["domainid"] = ["The domainid field is prohibited when serviceid is present."]
    return errors


def _told(answer: Answer) -> Answer:
    """A ticket as the account may see it: no notes, and its number under the name of Keliweb's table."""
    hidden = {"notes", "flag", "tid"}
    number = {"ticketnum": answer["tid"]} if "tid" in answer else {}
    return {**{name: value for name, value in answer.items() if name not in hidden}, **number}
