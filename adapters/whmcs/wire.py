"""Calls of WHMCS's API: one form POST each, a tolerant reading of the answer, each failure as one of our errors."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
from httpx import codes

from adapters.errors import AdapterError, NotAuthorised, OutcomeUnknown, Rejected, Unavailable, UnexpectedReply
from adapters.http import Reply, read_json
from adapters.whmcs.refusals import BY_STATUS, FIREWALL, LIKE_AN_EMPTY_FORM, NO_ANSWER, refusal
from adapters.whmcs.settings import WhmcsSettings
from adapters.whmcs_family.desk import FamilyDesk
from adapters.whmcs_family.reading import text

PAUSE = 2.0
"""Seconds before a call that a firewall refused is made once more: it may have counted calls, and not read this one."""
LARGE = 1_000_000
"""Bytes from which a complaint about credentials rather means that PHP has emptied our form."""

Answer = dict[str, Any]


class WhmcsWire(FamilyDesk[WhmcsSettings]):
    """The part of the desk that speaks with api.php."""

    async def call(self, action: str, params: Mapping[str, str], *, changes: bool, limit: int | None = None) -> Answer:
        """What WHMCS answers to *action*.

        Args:
            action: of the API.
            params: by name; False and None are left out by the caller, since PHP takes "false" for true.
            changes: whether the action changes something.
            limit: bytes of the answer to accept.

        Raises:
            Unavailable, OutcomeUnknown, Rejected, NotAuthorised, UnexpectedReply, Misconfigured: as their names say.
        """
        try:
            return await self._called(action, params, changes=changes, limit=limit)
        except NotAuthorised as error:
            if not (changes and error.code in FIREWALL and await self._is_let_through()):
                raise
        await asyncio.sleep(PAUSE)
        try:
            return await self._called(action, params, changes=changes, limit=limit)  # nothing was done
        except NotAuthorised as error:
            if error.code not in FIREWALL:
                raise
            cause = (
                "a firewall in front of WHMCS takes other calls, and not this one: something in it looks to it like "
                "an attack."
            )
            remedy = "Write it otherwise, or ask the operator of WHMCS to let it through."
            raise Rejected(self.name, cause, remedy=remedy, code=error.code, field="body") from error

    async def _is_let_through(self) -> bool:
        """Whether a call in which nobody has written anything reaches WHMCS, whatever that says."""
        try:
            await self._called("GetSupportDepartments", {"ignore_dept_assignments": "1"}, changes=False)
        except NotAuthorised as error:
            return error.code not in FIREWALL
        except AdapterError:
            return False
        return True

    async def _called(
        self, action: str, params: Mapping[str, str], *, changes: bool, limit: int | None = None
    ) -> Answer:
        """As `call`, but that what a firewall refuses is not looked into."""
        known = {"action": action, "responsetype": "json", **self._credentials()}
        form = {**known, **self.settings.extra.get(action, {}), **params}
        content = urlencode(form).encode()
        if len(content) > self.settings.post_max_size:
            raise self.too_large(len(content))
        reply = await self.exchange(
            "POST",
            self.settings.api,
            changes=changes,
            limit=limit,
            content=content,
            headers={"Content-Type": "application/x-www-form-urlencoded", **self._basic()},
        )
        answer = parsed(reply.content)
        result = answer and _result(answer, action)
        if answer is not None and result == "success" and codes.is_success(reply.status):
            return answer
        busy = codes.is_server_error(reply.status) or reply.status == codes.TOO_MANY_REQUESTS
        if answer is not None and result == "error" and not busy:
            message = self.redacted(text(answer.get("message")))
            if len(content) > LARGE and LIKE_AN_EMPTY_FORM.search(message):
                raise self.too_large(len(content))
            raise refusal(self.name, message or "no reason", status=reply.status, action=action)
        if reply.status == codes.REQUEST_ENTITY_TOO_LARGE:
            raise self.too_large(len(content))
        raise self._unreadable(reply, changes=changes)

    def _credentials(self) -> dict[str, str]:
        settings = self.settings
        if settings.identifier:
            given = {"identifier": settings.identifier, "secret": settings.secret.get_secret_value()}
        else:
            # WHMCS's own form of logins before 7.2; it protects nothing, https does
            digest = hashlib.md5(settings.password.get_secret_value().encode(), usedforsecurity=False).hexdigest()
            given = {"username": settings.username, "password": digest}
        accesskey = settings.accesskey.get_secret_value()
        return {**given, "accesskey": accesskey} if accesskey else given

    def _basic(self) -> dict[str, str]:
        if not self.settings.http_user:
            return {}
        auth = httpx.BasicAuth(self.settings.http_user, self.settings.http_password.get_secret_value())
        request = next(auth.auth_flow(httpx.Request("POST", self.settings.api)))
        return {"Authorization": request.headers["Authorization"]}

    def _unreadable(self, reply: Reply, *, changes: bool) -> AdapterError:
        """The error for an answer that is none of WHMCS's, by its HTTP status."""
        code = f"HTTP {reply.status}"
        if reply.status in BY_STATUS:
            kind, cause, remedy = BY_STATUS[reply.status]
            error = kind(self.name, cause, remedy=remedy, code=code)
        elif codes.is_server_error(reply.status):
            error = self.lost(changes=changes, code=code)
        elif changes:
            remedy = "It is looked up before anything is repeated."
            error = OutcomeUnknown(self.name, NO_ANSWER, remedy=remedy, code=code)
        else:
            remedy = "Look at its address with a browser; a proxy or an error page may stand there."
            error = UnexpectedReply(self.name, NO_ANSWER, remedy=remedy, code=code)
        if isinstance(error, Unavailable):
            error.retry_after = reply.retry_after
        return error


def parsed(content: bytes) -> Answer | None:
    """An answer in any of WHMCS's forms, or None where it is none: JSON, ``result=error;message=...``, or XML.

    JSON is asked for; the others come from layers that answer before it is known that it was.
    """
    said = content.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    try:
        answer = read_json(said)
    except ValueError:
        answer = None
    if isinstance(answer, dict):
        return answer
    if re.match(r"(result|status)=", said):
        pairs = (part.partition("=") for part in said.strip().split(";") if "=" in part)
        return {name.strip(): value.strip() for name, _, value in pairs}
    if "<whmcsapi" in said[:200]:
        return dict(re.findall(r"<(result|message)>(.*?)</\1>", said[:10_000], re.DOTALL))  # an error is short
    return None


def _result(answer: Answer, action: str) -> str:
    """Whether WHMCS says that it went well: "success" or "error", or "" where it does not tell.

    Only GetAdminUsers answers without ``result``, and some layers call it ``status``.
    """
    result = answer.get("result")
    if result is None and answer.get("status") in ("success", "error"):
        result = answer["status"]
    if result is None and action == "GetAdminUsers" and "admin_users" in answer:
        return "success"
    return result if result in ("success", "error") else ""
