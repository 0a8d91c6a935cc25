"""Calls of SuperOffice's WebAPI: paced, signed in, read as JSON, and each failure as one of our errors."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from httpx import codes

from adapters.errors import AdapterError, Unavailable
from adapters.http import Reply, read_json
from adapters.superoffice_rest.access import Access
from adapters.superoffice_rest.refusals import AGAIN, refusal, unusable

JSON_PATCH = "application/json-patch+json"


class RestWire(Access):
    """The part of the desk that speaks with the API."""

    async def call(
        self,
        method: str,
        path: str,
        *,
        changes: bool = False,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        media_type: str = "application/json",
    ) -> Any:
        """What SuperOffice answers, as JSON; None where it answers that there is nothing to say.

        Args:
            method: of HTTP.
            path: below ``/api/v1/``.
            changes: whether a lost answer leaves it open whether something was changed that people can see.
            query: parameters of the address.
            body: bytes, or what is to be sent as JSON; None sends nothing.
            media_type: of *body*.

        Raises:
            Unavailable, OutcomeUnknown, Rejected, NotAuthorised, UnexpectedReply, Misconfigured: as their names say.
        """
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": media_type}
        reply = await self.send(method, path, changes=changes, query=query, content=content, headers=headers)
        if reply.status == codes.NO_CONTENT:
            return None
        try:
            return read_json(reply.content.decode("utf-8-sig"))
        except ValueError:
            raise unusable(self.name, changes=changes, code=f"HTTP {reply.status} {reply.media_type}") from None

    async def send(
        self,
        method: str,
        path: str,
        *,
        changes: bool = False,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int | None = None,
    ) -> Reply:
        """The answer to one call, signed in anew once where a token is over, and sent on once to the right host."""
        about = {"method": method, "changes": changes, "content": content, "limit": limit}
        target = f"{path}{_query(query)}"
        shown = await self.credentials()
        reply = await self._once(await self.base(), target, {**(headers or {}), **shown}, about)
        if reply.status == codes.MISDIRECTED_REQUEST and self.settings.tenant:
            reply = await self._once(await self.base(anew=True), target, {**(headers or {}), **shown}, about)
        if reply.status == codes.UNAUTHORIZED:
            renewed = await self.renewed(shown)
            if renewed is not None:
                reply = await self._once(await self.base(), target, {**(headers or {}), **renewed}, about)
        if not codes.is_success(reply.status):
            raise self._error(reply, changes=changes)
        return reply

    async def _once(self, base: str, target: str, headers: Mapping[str, str], about: Mapping[str, Any]) -> Reply:
        place = self.settings.tenant or urlsplit(base).netloc
        wait = await self.shared.turn(f"superoffice_rest:pace:{place}", per_second=self.settings.calls_per_second)
        await asyncio.sleep(wait.total_seconds())
        return await self.exchange(
            about["method"],
            f"{base}/{target}",
            changes=about["changes"],
            limit=about["limit"],
            content=about["content"],
            headers={**self._manner(), **headers},
        )

    def _manner(self) -> dict[str, str]:
        """How names and times are to be written: in our language, and in UTC with offsets."""
        settings = self.settings
        manner = {
            "Accept": "application/json",
            "Accept-Language": settings.language,
            "SO-Language": settings.language,
            "SO-TimeZone": "UTC, includeTZOffset",
        }
        return {**manner, "SO-Culture": settings.culture} if settings.culture else manner

    def _error(self, reply: Reply, *, changes: bool) -> AdapterError:
        """The error for an answer that is no success."""
        if reply.status == codes.MISDIRECTED_REQUEST and self.settings.tenant:  # also at the address looked up just now
            cause = f"SuperOffice serves {self.settings.tenant} neither at its old address nor at the one it names now."
            return Unavailable(self.name, cause, remedy=AGAIN, code="HTTP 421", retry_after=reply.retry_after)
        said = _said(reply)
        code = f"HTTP {reply.status}" + (f" {self.redacted(': '.join(said))}" if said else "")
        error = refusal(self.name, reply.status, said, code=code)
        if error is None and codes.is_server_error(reply.status):
            error = self.lost(changes=changes, code=code)
        if isinstance(error, Unavailable):
            error.retry_after = reply.retry_after
        return error or unusable(self.name, changes=changes, code=code)

    def redacted(self, words: str) -> str:
        """*words* without our secrets, and short."""
        return self.without_secrets(words)[:200]


def _said(reply: Reply) -> tuple[str, str] | None:
    """Type and message of an error that SuperOffice itself wrote, or None."""
    try:
        answer = read_json(reply.content.decode("utf-8-sig"))
    except ValueError:
        return None
    if isinstance(answer, dict) and ("ErrorType" in answer or "ErrorMessage" in answer):
        return str(answer.get("ErrorType") or ""), str(answer.get("ErrorMessage") or "")
    return None


def _query(query: Mapping[str, str] | None) -> str:
    """The parameters as part of an address: the names keep their ``$``, and a space is %20, not +."""
    pairs = [f"{name}={quote(value, safe='')}" for name, value in (query or {}).items()]
    return f"?{'&'.join(pairs)}" if pairs else ""
