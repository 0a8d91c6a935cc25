"""The door of the Web API: tokens, scopes, rates, arguments, and the methods behind it."""

import json
import secrets
from collections import Counter, deque
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bot.sandbox.slack import api_chat, api_conversations, api_people, api_steps, api_views
from bot.sandbox.slack.api_files import FileTransfers
from bot.sandbox.slack.calls import Call, Method
from bot.sandbox.slack.errors import SlackError
from bot.sandbox.slack.rates import Rates
from bot.sandbox.slack.workspace import Workspace


class WebApi:
    """Answers ``/api/<method>``.

    ``calls`` counts calls for each method, ``rates`` by the minute, too, and may refuse those above Slack's tiers;
    ``planned`` holds errors to be answered next, for each method. ``page_cap`` limits history and replies.
    """

    def __init__(self, workspace: Workspace, transfers: FileTransfers, connect: Callable[[], str]) -> None:
        self.workspace, self.connect = workspace, connect
        self.methods: dict[str, Method] = {
            **api_chat.METHODS,
            **api_conversations.METHODS,
            **api_people.METHODS,
            **api_steps.METHODS,
            **api_views.METHODS,
            **transfers.methods(),
        }
        self.calls: Counter[str] = Counter()
        self.planned: dict[str, deque[SlackError]] = {}
        self.rates = Rates(workspace.state.clock)
        self.page_cap = 1000

    async def answer(self, request: Request) -> Response:
        """One request."""
        name = str(request.path_params["method"])
        self.calls[name] += 1
        headers = {"x-slack-req-id": secrets.token_hex(16), "x-content-type-options": "nosniff"}
        found = self.methods.get(name)
        if found is None:
            unknown = SlackError("unknown_method", more={"req_method": name})
            return JSONResponse(unknown.body(), 200, headers)
        try:
            headers |= self._scope_headers(found)
            args, warnings = await _arguments(request, found)
            body = await self._run(name, found, args, _token(request, args))
        except SlackError as error:
            return JSONResponse(error.body(), error.status, {**headers, **error.headers})
        answer: dict[str, Any] = {"ok": True, **body}
        if warnings:
            answer["warning"] = ",".join(warnings)
            answer["response_metadata"] = {**answer.get("response_metadata", {}), "warnings": warnings}
        return JSONResponse(answer, 200, headers)

    async def _run(self, name: str, found: Method, args: dict[str, Any], token: str) -> dict[str, Any]:
        if not found.open_to_all:
            self._check_token(found, token)
        if self.planned.get(name):
            raise self.planned[name].popleft()
        call = Call(workspace=self.workspace, method=name, args=args, page_cap=self.page_cap, connect=self.connect)
        if found.scopes:
            call.allow(*sorted(found.scopes))
        self.rates.take(name, found.per_minute, call.text("channel"))
        return await found.run(call)

    def _check_token(self, found: Method, token: str) -> None:
        right, other = self.workspace.bot_token, self.workspace.app_token
        if found.app_token:
            right, other = other, right
        if not token:
            raise SlackError("not_authed")
        if token == other:
            raise SlackError("not_allowed_token_type")
        if token != right:
            raise SlackError("invalid_auth")
        if self.workspace.uninstalled and not found.app_token:
            raise SlackError("account_inactive")

    def _scope_headers(self, found: Method) -> dict[str, str]:
        if found.app_token:
            return {"x-oauth-scopes": "connections:write", "x-accepted-oauth-scopes": "connections:write"}
        have = ",".join(sorted(self.workspace.events.scopes))
        return {"x-oauth-scopes": have, "x-accepted-oauth-scopes": ",".join(sorted(found.scopes))}


def _token(request: Request, args: dict[str, Any]) -> str:
    given = args.pop("token", "")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else str(given)


async def _arguments(request: Request, found: Method) -> tuple[dict[str, Any], list[str]]:
    """What was given in the address, in a form, or in JSON where the method reads JSON."""
    args: dict[str, Any] = dict(request.query_params)
    kind, _, more = request.headers.get("content-type", "").partition(";")
    raw = await request.body()
    if kind == "application/json":
        if not found.takes_json:
            return args, []
        try:
            given = json.loads(raw or b"{}")
        except ValueError as error:
            raise SlackError("invalid_json") from error
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        return args | given, [] if "charset" in more else ["missing_charset"]
    if raw and kind != "application/x-www-form-urlencoded":
        raise SlackError("invalid_post_type")
    try:
        return args | dict(parse_qsl(raw.decode(), keep_blank_values=True)), []
    except UnicodeDecodeError as error:
        raise SlackError("invalid_form_data") from error
