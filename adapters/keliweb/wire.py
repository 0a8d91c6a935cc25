"""Calls of Keliweb's methods: one multipart POST each with a token, and each failure as one of our errors."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from httpx import codes

from adapters.errors import AdapterError, NotAuthorised, OutcomeUnknown, Unavailable, UnexpectedReply
from adapters.http import Reply
from adapters.keliweb.refusals import BY_STATUS, ELSEWHERE, MOVED, invalid, refusal
from adapters.keliweb.tokens import HEADERS, KeliwebTokens, json_object
from adapters.whmcs_family.reading import text

Answer = dict[str, Any]

PART = 200
"""Bytes that a part of a form takes beside its value, at most."""
LOGIN = re.compile(rb"<input[^<>]+type=[\"']?password", re.IGNORECASE)
"""What a page has that asks people to log in."""


class KeliwebWire(KeliwebTokens):
    """The part of the desk that speaks with the methods."""

    async def call(self, path: str, params: Mapping[str, str], *, changes: bool) -> Answer:
        """What the method at *path* answers. A token that is not accepted is replaced once.

        Args:
            path: the method's name.
            params: by name; what is false or empty is left out by the caller.
            changes: whether the method changes something.

        Raises:
            Unavailable, OutcomeUnknown, Rejected, NotAuthorised, UnexpectedReply, Misconfigured: as their names say.
        """
        sent = {name: _as_in_a_browser(value) for name, value in params.items()}
        size = sum(len(value) + PART for value in sent.values())
        if size > self.settings.post_max_size:
            raise self.too_large(size)
        token = await self.token()
        reply = await self._post(path, sent, token=token, changes=changes)
        by_hand = self.settings.token.get_secret_value()
        if _refuses_token(reply) and not (by_hand and self._leads_away(reply)):
            token = await self.token(refused=token)
            reply = await self._post(path, sent, token=token, changes=changes)
        if reply.status == codes.REQUEST_ENTITY_TOO_LARGE:
            raise self.too_large(size)
        return self._read(reply, params, changes=changes)

    async def _post(self, path: str, sent: Mapping[str, bytes], *, token: str, changes: bool) -> Reply:
        url = f"{self.settings.url}/{self.settings.api_path.strip('/')}/{path.strip('/')}"
        # As files without names the fields are multipart even where there is no file, with a boundary of httpx's own;
        # PHP reads nothing at all of a multipart body whose boundary is not told.
        form = {name: (None, value) for name, value in sent.items()}
        headers = {**HEADERS, "Authorization": f"Bearer {token}"}
        return await self.exchange("POST", url, changes=changes, files=form, headers=headers)

    def _read(self, reply: Reply, params: Mapping[str, str], *, changes: bool) -> Answer:
        """The answer in *reply*, or the error that it is."""
        answer = json_object(reply.content)
        if codes.is_server_error(reply.status):
            raise self.lost(changes=changes, code=f"HTTP {reply.status}", retry_after=reply.retry_after)
        message = self._shown(answer.get("message") or answer.get("error"), params)
        if reply.status == codes.UNPROCESSABLE_ENTITY:
            errors = answer.get("errors")
            named = errors if isinstance(errors, dict) else {}
            raise invalid(self.name, named, words=[self._shown(one, params) for one in _flat(named)] or [message])
        if _is_refusal(reply, answer):
            raise refusal(self.name, message, status=reply.status)
        if codes.is_success(reply.status) and _succeeded(answer, changes=changes):
            return answer
        raise self._unreadable(reply, changes=changes)

    def _unreadable(self, reply: Reply, *, changes: bool) -> AdapterError:
        """The error for an answer that says nothing itself, by its status."""
        code = f"HTTP {reply.status}"
        if reply.status in BY_STATUS or codes.is_redirect(reply.status):
            told = ELSEWHERE if self._leads_away(reply) else BY_STATUS.get(reply.status, MOVED)
            error = self.said(told, code=code)
            if isinstance(error, Unavailable):
                error.retry_after = reply.retry_after
            return error
        page = "html" in reply.media_type or reply.content.lstrip()[:1] == b"<"
        if page and (not changes or LOGIN.search(reply.content)):
            cause = "Keliweb answered with a web page, as it does where the token is not accepted."
            return NotAuthorised(self.name, cause, remedy="Check the credentials, url and api_path.", code="HTML")
        cause = "Keliweb answered something that is no answer of its API."
        if changes:
            remedy = "Look at Keliweb whether it is there before you try again."
            return OutcomeUnknown(self.name, cause, remedy=remedy, code=code)
        remedy = "Look at its address with a browser; a proxy or an error page may stand there."
        return UnexpectedReply(self.name, cause, remedy=remedy, code=code)

    def _leads_away(self, reply: Reply) -> bool:
        """Whether it sends us on to another host, where a page to log in may be, or the API itself."""
        host = host_of(reply.headers.get("location", ""))
        return codes.is_redirect(reply.status) and host not in {"", host_of(self.settings.url)}

    def _shown(self, message: object, params: Mapping[str, str]) -> str:
        """The desk's own words without our secrets and without what people wrote."""
        said = text(message) if isinstance(message, str) else ""
        for value in params.values():
            if len(value) > len("Medium"):
                said = said.replace(value, "...")
        return self.redacted(said)


def host_of(url: str) -> str:
    """The host that *url* names; empty where it names none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _as_in_a_browser(value: str) -> bytes:
    """A field's value as a browser's FormData sends it: line ends are CR LF."""
    return re.sub(r"\r\n|\r|\n", "\r\n", value).encode()


def _refuses_token(reply: Reply) -> bool:
    """Whether the server did nothing because it does not accept our token, in any of its ways to say so."""
    if reply.status in {codes.UNAUTHORIZED, codes.FOUND, codes.SEE_OTHER}:
        return True
    if codes.is_server_error(reply.status):
        return False
    answer = json_object(reply.content)
    said = str(answer.get("error") or answer.get("message") or "")
    page = reply.content.lstrip()[:1] == b"<"
    return bool(re.match(r"Unauthenticated|token (expired|invalid)", said) or (page and LOGIN.search(reply.content)))


def _is_refusal(reply: Reply, answer: Answer) -> bool:
    """Whether a method has looked at what we asked and says in its own words why it does not do it."""
    if reply.status in {codes.UNAUTHORIZED, codes.TOO_MANY_REQUESTS}:
        return False
    if reply.status == codes.NOT_FOUND and str(answer.get("message")).startswith("No query results"):
        return True
    return answer.get("result") == "error" or (codes.is_success(reply.status) and bool(answer.get("error")))


def _succeeded(answer: Answer, *, changes: bool) -> bool:
    """Whether an answer says that it went well; a ticket that is told without ``result`` does."""
    told = answer.get("result")
    return told == "success" or (told is None and not changes and bool(answer.get("ticketid") or answer.get("id")))


def _flat(errors: Mapping[str, Any]) -> list[str]:
    """The sentences in Laravel's ``{parameter: [sentence, ...]}``."""
    lists = (found if isinstance(found, list) else [found] for found in errors.values())
    return [sentence for found in lists for sentence in found if isinstance(sentence, str)]
