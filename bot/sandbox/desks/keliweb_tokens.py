"""The pretend Keliweb's token endpoint: Laravel Passport's grants, with pairs that end, rotate and can be revoked."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from bot.sandbox.desks.whmcs_php import Form

Said = tuple[int, dict[str, Any]]

CLIENT = {"client_id", "client_secret", "grant_type", "scope"}
GRANTS = {"password": {"username", "password"}, "refresh_token": {"refresh_token"}}


@dataclass
class Tokens:
    """What was given out. ``newer`` answers as newer versions of the OAuth library do; times are in seconds."""

    client_id: str = "95a1c9e4-7c1d-4a52-9d0c-2f2d6c1b8a77"
    client_secret: str = "sandbox-client-secret"
    username: str = "ada@example.com"
    password: str = "sandbox-account-password"
    lasts: float = 3600
    newer: bool = False
    access: dict[str, float] = field(default_factory=dict)  # to when each ends
    refresh: dict[str, str] = field(default_factory=dict)  # to the access token of each
    grants: list[str] = field(default_factory=list)  # the kinds of what was asked for and given

    def accepts(self, authorization: str) -> bool:
        """Whether an Authorization header holds a token that is good now."""
        kind, _, token = authorization.partition(" ")
        return kind == "Bearer" and time.monotonic() < self.access.get(token, 0)

    def by_hand(self) -> str:
        """A token without an end, as an account makes it on a page."""
        token = f"eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.{secrets.token_urlsafe(40)}"
        self.access[token] = float("inf")
        return token

    def end(self) -> None:
        """Let every access token be over; what renews them is still good."""
        self.access = dict.fromkeys(self.access, 0)

    def revoke(self) -> None:
        """Take every token back, refresh tokens too."""
        self.access.clear()
        self.refresh.clear()

    def answer(self, form: Form, violations: list[str]) -> Said:
        """The answer to a form at the token endpoint; what is wrong with the form goes to *violations*."""
        grant = form.text("grant_type")
        if grant not in GRANTS:
            violations.append(f"grant_type {grant!r}")
            return _error(400, "unsupported_grant_type", "The authorization grant type is not supported.")
        violations += [f"the grant {grant} takes no {name}" for name in form.values.keys() - CLIENT - GRANTS[grant]]
        if form.text("client_id") != self.client_id or form.text("client_secret") != self.client_secret:
            return _error(401, "invalid_client", "Client authentication failed")
        if grant == "refresh_token":
            return self._renew(form.text("refresh_token"))
        if not form.text("username") or not form.text("password"):
            return _error(400, "invalid_request", "The request is missing a required parameter.")
        if (form.text("username"), form.text("password")) != (self.username, self.password):
            status, code = (400, "invalid_grant") if self.newer else (401, "invalid_credentials")
            return _error(status, code, "The user credentials were incorrect.")
        return self._given(grant)

    def _renew(self, refresh: str) -> Said:
        """A new pair for a refresh token, which is gone with its access token."""
        if refresh not in self.refresh:
            status, code = (400, "invalid_grant") if self.newer else (401, "invalid_request")
            return _error(status, code, "The refresh token is invalid.", hint="Token has been revoked")
        self.access.pop(self.refresh.pop(refresh), None)
        return self._given("refresh_token")

    def _given(self, grant: str) -> Said:
        self.grants.append(grant)
        access = f"eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.{secrets.token_urlsafe(40)}"
        refresh = f"def50200{secrets.token_hex(40)}"
        self.access[access] = time.monotonic() + self.lasts
        self.refresh[refresh] = access
        pair = {"access_token": access, "refresh_token": refresh}
        return 200, {"token_type": "Bearer", "expires_in": int(self.lasts), **pair}


def _error(status: int, code: str, message: str, **more: str) -> Said:
    return status, {"error": code, "error_description": message, "message": message, **more}
