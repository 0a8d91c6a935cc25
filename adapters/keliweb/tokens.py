"""Tokens of Keliweb's API: asked for once, kept for all processes, renewed by one of them at a time.

A refresh token is good for one use: it revokes its whole pair. So the pair is replaced under a lock that the processes
share, and whoever waited for the lock looks first whether another has renewed it.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from httpx import codes

from adapters.errors import AdapterError, NotAuthorised, Unavailable, UnexpectedReply
from adapters.http import Reply, read_json
from adapters.keliweb.refusals import FORBIDDEN, NO_TOKENS, NOT_ACCEPTED, OAUTH, Said
from adapters.keliweb.settings import TOKEN, KeliwebSettings
from adapters.whmcs_family.desk import FamilyDesk

HEADERS = {"Accept": "application/json", "X-Requested-With": "XMLHttpRequest"}
"""Without either, Laravel answers an expired token with a redirect to a login page."""
KEEP = timedelta(days=10)
"""How long a refresh token lives."""
HOUR, YEAR = 3600.0, 366 * 86_400.0


@dataclass(frozen=True, slots=True)
class Pair:
    """An access token, good until ``ends`` (seconds since 1970), and what renews it; empty where nothing does."""

    access: str
    refresh: str
    ends: float


class KeliwebTokens(FamilyDesk[KeliwebSettings]):
    """The part of the desk that has a token."""

    async def token(self, *, refused: str = "") -> str:
        """A token that may be used; another than *refused*, which the server has not accepted.

        Raises:
            NotAuthorised, Misconfigured, Unavailable, UnexpectedReply: as their names say.
        """
        made_by_hand = self.settings.token.get_secret_value()
        if made_by_hand:
            if refused:
                raise self.said(NOT_ACCEPTED)
            return made_by_hand

        def usable(kept: str) -> bool:
            pair = _pair(kept)
            return pair.access != refused and time.time() < pair.ends

        life = self.settings.longest(calls=2)
        return _pair(await self.shared_token(self._key, usable=usable, renew=self._granted, ttl=life)).access

    def said(self, row: Said, *, code: str = "") -> AdapterError:
        """The error that a row of a table speaks of."""
        kind, cause, remedy = row
        return kind(self.name, cause, remedy=remedy, code=code)

    @property
    def _key(self) -> str:
        """Where the pair is kept; another account or server has another place."""
        settings = self.settings
        whose = f"{settings.url}\n{settings.token_path}\n{settings.client_id}\n{settings.username}"
        return f"keliweb:{self.name}:{hashlib.sha256(whose.encode()).hexdigest()[:16]}"

    async def _granted(self) -> tuple[str, timedelta]:
        """A new pair to keep: by the refresh token, or by the password where that is dead or there is none."""
        old = await self.shared.get(self._key)
        refresh = _pair(old).refresh if old else ""
        settings = self.settings
        if refresh:
            try:
                return await self._asked({"grant_type": "refresh_token", "refresh_token": refresh})
            except NotAuthorised:
                pass  # used by a process that died before it kept the answer, revoked, or ten days old
        password = settings.password.get_secret_value()
        return await self._asked({"grant_type": "password", "username": settings.username, "password": password})

    async def _asked(self, grant: Mapping[str, str]) -> tuple[str, timedelta]:
        settings = self.settings
        client = {"client_id": settings.client_id, "client_secret": settings.client_secret.get_secret_value()}
        url = f"{settings.url}/{settings.token_path.strip('/')}"
        # A pair that is lost on its way is replaced by another one; nobody sees that, so nothing is changed.
        reply = await self.exchange("POST", url, changes=False, data={**client, **grant}, headers=HEADERS)
        answer = json_object(reply.content)
        access = str(answer.get("access_token") or "")
        if not codes.is_success(reply.status) or answer.get("error"):
            raise self._refused(reply, answer, refreshing="refresh_token" in grant)
        if not TOKEN.fullmatch(access) or str(answer.get("token_type", "")).lower() != "bearer":
            raise UnexpectedReply(
                self.name, "Keliweb's token endpoint gave no token.", remedy="Check url and token_path.", code="token"
            )
        lasts = usable_for(answer.get("expires_in"))
        refresh = str(answer.get("refresh_token") or "")
        pair = Pair(access, refresh if TOKEN.fullmatch(refresh) else "", time.time() + lasts)
        return json.dumps(asdict(pair)), KEEP

    def _refused(self, reply: Reply, answer: Mapping[str, Any], *, refreshing: bool) -> AdapterError:
        code = self.redacted(str(answer.get("error") or f"HTTP {reply.status}"))
        if reply.status == codes.TOO_MANY_REQUESTS:
            wait = reply.retry_after
            cause = "Keliweb asks us to slow down."
            return Unavailable(self.name, cause, remedy="It will be tried again.", code=code, retry_after=wait)
        if codes.is_server_error(reply.status):
            return self.lost(changes=False, code=code, retry_after=reply.retry_after)
        if refreshing and reply.status in {codes.BAD_REQUEST, codes.UNAUTHORIZED}:
            return self.said(NOT_ACCEPTED, code=code)
        if code in OAUTH:
            return self.said(OAUTH[code], code=code)
        by_status: dict[int, Said] = {codes.UNAUTHORIZED: OAUTH["invalid_client"], codes.FORBIDDEN: FORBIDDEN}
        return self.said(by_status.get(reply.status, NO_TOKENS), code=code)


def _pair(kept: str) -> Pair:
    return Pair(**json.loads(kept))


def json_object(content: bytes) -> dict[str, Any]:
    """An answer that is a JSON object; empty where it is anything else."""
    try:
        answer = read_json(content.decode("utf-8-sig", "replace"))
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def usable_for(told: object) -> float:
    """For how many seconds to use a token that is told to last so long; an hour, as documented, if not told.

    It is renewed a minute early, or a tenth of its time, so that none ends on its way.
    """
    try:
        found = float(str(told))
    except ValueError:
        found = 0.0
    lasts = found if 0 < found < YEAR else HOUR
    return lasts - min(60, lasts / 10)
