"""Signing in to SuperOffice: the headers of each way, tokens that are renewed once for all processes, and tenants."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from httpx import codes

from adapters.errors import Misconfigured, NotAuthorised, Unavailable, UnexpectedReply
from adapters.http import HttpDesk, Reply, read_json
from adapters.superoffice_rest.refusals import AGAIN, CREDENTIALS
from adapters.superoffice_rest.settings import SuperOfficeRestSettings

_TICKET_CLAIM = "http://schemes.superoffice.net/identity/ticket"
_CONTEXT_CLAIM = "http://schemes.superoffice.net/identity/ctx"
_SYSTEM_USER_LIFE = timedelta(hours=5)  # SuperOffice ends a ticket that was not used for six hours
_LEEWAY = timedelta(minutes=5)  # by which clocks may differ
_USABLE = frozenset({"Running", "OnlineMaintenance"})
_STATE_LIFE = timedelta(minutes=15)  # where ValidUntil cannot be read


class Access(HttpDesk[SuperOfficeRestSettings]):
    """The part of the desk that knows where its API is and what to show there."""

    def key(self, what: str) -> str:
        """A key of what all processes share; other credentials have other keys."""
        return f"superoffice_rest:{self.name}:{self.settings.fingerprint}:{what}"

    # --- where ---

    async def base(self, *, anew: bool = False) -> str:
        """The address that paths of the API are appended to; online it is looked up and kept as long as it is valid.

        Raises:
            Unavailable: the customer's SuperOffice is not running.
            NotAuthorised: the address that was given is none of SuperOffice's, so no credentials go there.
        """
        if self.settings.url:
            return f"{self.settings.url}/api/v1"
        kept = None if anew else await self.shared.get(self.key("base"))
        if kept:
            return kept
        address = f"{self.settings.login}/api/state/{self.settings.tenant}"
        state = self._json(await self.exchange("GET", address, changes=False, headers={"Accept": "application/json"}))
        if str(state.get("State")) not in _USABLE or state.get("IsRunning") is False:
            raise Unavailable(
                self.name,
                f"SuperOffice says that {self.settings.tenant} is not running ({str(state.get('State'))[:40]}).",
                remedy="It will be tried again; status.superoffice.com tells more.",
                code=str(state.get("State"))[:40],
            )
        base = f"{str(state.get('Api') or '').rstrip('/')}/v1"
        if not self.settings.trusts(base):
            raise NotAuthorised(
                self.name,
                "the tenant service named an address that is none of SuperOffice's; no credentials were sent there.",
                remedy="Check environment and login_url.",
                code="foreign api address",
            )
        await self.shared.put(self.key("base"), base, ttl=_until(state.get("ValidUntil")))
        return base

    # --- who ---

    async def credentials(self) -> dict[str, str]:
        """The headers that say who we are."""
        settings = self.settings
        if settings.auth == "basic":
            pair = f"{settings.username}:{settings.password.get_secret_value()}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        scheme = "Bearer" if settings.auth == "bearer" else "SOTicket"
        token = settings.ticket.get_secret_value() if settings.auth == "soticket" else await self._token()
        app_token = settings.app_token.get_secret_value()
        return {"Authorization": f"{scheme} {token}", **({"SO-AppToken": app_token} if app_token else {})}

    async def renewed(self, refused: Mapping[str, str]) -> dict[str, str] | None:
        """Other headers than those that were *refused*, or None where there can be none."""
        if not (self.settings.auth == "system_user" or (self.settings.auth == "bearer" and self.settings.can_refresh)):
            return None
        await self._token(instead_of=refused["Authorization"].partition(" ")[2])
        return await self.credentials()

    async def _token(self, *, instead_of: str = "") -> str:
        """The token that all processes use; one of them gets a new one where there is none, or this one is no good."""
        kept = await self.shared.get(self.key("token"))
        if kept and kept != instead_of:
            return kept
        given = self.settings.access_token.get_secret_value()
        if self.settings.auth == "bearer" and given and given != instead_of and not kept:
            return given
        return await self.shared_token(
            self.key("token"),
            usable=lambda token: token != instead_of,
            renew=self._system_user_ticket if self.settings.auth == "system_user" else self._refreshed,
            ttl=self.settings.longest(),
        )

    async def _refreshed(self) -> tuple[str, timedelta]:
        """A new access token. The reply has no refresh token: the one we have stays good."""
        form = {"grant_type": "refresh_token", "client_id": self.settings.client_id}
        form |= {name: self.settings.plain(name) for name in ("client_secret", "refresh_token")}
        # The documents show these in the query string, where logs would keep them; the body is as good.
        reply = await self.exchange(
            "POST", f"{self.settings.login}/login/common/oauth/tokens", changes=False, data=form
        )
        if codes.is_client_error(reply.status) and reply.status != codes.TOO_MANY_REQUESTS:
            raise NotAuthorised(
                self.name,
                "SuperOffice gives no new access token.",
                remedy="Check client_id, client_secret and refresh_token; the customer may have withdrawn the app.",
                code=f"HTTP {reply.status}",
            )
        answer = self._json(reply)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(token, str) or not token:
            raise UnexpectedReply(self.name, "SuperOffice sent no access token.", code="no access_token")
        life = int(str(seconds)) if str(seconds).isdecimal() else 3600
        return token, timedelta(seconds=max(life - 60, 1))

    async def _system_user_ticket(self) -> tuple[str, timedelta]:
        """A ticket of the customer's system user, from a token that says so and that SuperOffice has signed."""
        signed = self.settings.plain("system_user_token") + f".{datetime.now(UTC):%Y%m%d%H%M}"
        signature = base64.b64encode(signing_key(self.name, self.settings).sign(signed.encode(), PKCS1v15(), SHA256()))
        body = {
            "SignedSystemToken": f"{signed}.{signature.decode()}",
            "ApplicationToken": self.settings.plain("app_token"),
            "ContextIdentifier": self.settings.tenant,
            "ReturnTokenType": "JWT",
        }
        address = f"{self.settings.login}/Login/api/PartnerSystemUser/Authenticate"
        reply = await self.exchange("POST", address, changes=False, json=body, headers={"Accept": "application/json"})
        answer = self._json(reply) if reply.status != codes.UNAUTHORIZED else {}
        if answer.get("IsSuccessful") is not True:
            raise NotAuthorised(
                self.name,
                "SuperOffice does not sign the system user in.",
                remedy="Check system_user_token, app_token and the key, that the customer has approved the app, and"
                " this machine's clock.",
                code="system user refused",
            )
        claims = self._verified(str(answer.get("Token")), await self._signing_keys())
        return str(claims[_TICKET_CLAIM]), _SYSTEM_USER_LIFE

    async def _signing_keys(self) -> Mapping[str, Any]:
        return self._json(await self.exchange("GET", f"{self.settings.login}/login/.well-known/jwks", changes=False))

    def _verified(self, token: str, keys: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims of *token*, once its signature, time and customer are right."""
        try:
            claims = verified(token, keys)
            ends = float(claims["exp"])
        except (ValueError, KeyError, TypeError, InvalidSignature) as error:
            raise self._untrusted("is not signed by SuperOffice") from error
        if ends + _LEEWAY.total_seconds() < datetime.now(UTC).timestamp():
            raise self._untrusted("is out of date")
        if str(claims.get(_CONTEXT_CLAIM, self.settings.tenant)).casefold() != self.settings.tenant.casefold():
            raise self._untrusted("is for another customer")
        if not claims.get(_TICKET_CLAIM):
            raise self._untrusted("holds no ticket")
        return claims

    def _untrusted(self, why: str) -> NotAuthorised:
        remedy = "Check environment, login_url and tenant, and this machine's clock."
        return NotAuthorised(self.name, f"the token of the system user {why}.", remedy=remedy, code=why)

    def _json(self, reply: Reply) -> Mapping[str, Any]:
        """An object from the sign-in service."""
        if codes.is_server_error(reply.status) or reply.status == codes.TOO_MANY_REQUESTS:
            cause = f"SuperOffice's sign-in service is not available (HTTP {reply.status})."
            raise Unavailable(
                self.name, cause, remedy=AGAIN, code=f"HTTP {reply.status}", retry_after=reply.retry_after
            )
        if reply.status in {codes.BAD_REQUEST, codes.NOT_FOUND, codes.UNAUTHORIZED, codes.FORBIDDEN}:
            cause = "SuperOffice's sign-in service does not know this customer or these credentials."
            raise NotAuthorised(
                self.name, cause, remedy=f"Check tenant and environment. {CREDENTIALS}", code=f"HTTP {reply.status}"
            )
        try:
            answer = read_json(reply.content.decode("utf-8-sig"))
        except ValueError:
            answer = None
        if not isinstance(answer, dict) or not codes.is_success(reply.status):
            cause = "SuperOffice's sign-in service answered something else than it documents."
            remedy = "Check environment and login_url."
            raise UnexpectedReply(self.name, cause, remedy=remedy, code=f"HTTP {reply.status}")
        return answer


def signing_key(desk: str, settings: SuperOfficeRestSettings) -> RSAPrivateKey:
    """The app's private key.

    Raises:
        Misconfigured: it cannot be read, or is no RSA key.
    """
    try:
        pem = settings.private_key.get_secret_value().encode()
        if settings.private_key_file:
            pem = settings.private_key_file.read_bytes()
        key = load_pem_private_key(pem, password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        cause = f"the private key cannot be read ({type(error).__name__})."
        raise Misconfigured(desk, cause, remedy="Give the app's RSA key as PEM, without a password.") from None
    if not isinstance(key, RSAPrivateKey):
        raise Misconfigured(
            desk, "the private key is no RSA key.", remedy="Give the key that the app was registered with."
        )
    return key


def verified(token: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of a JWT that one of the RSA *keys* (a JWKS) has signed by RS256.

    Raises:
        ValueError, KeyError, TypeError, InvalidSignature: it is none, or is signed by somebody else.
    """
    head, body, signature = token.split(".")
    header = json.loads(_decoded(head))
    if header["alg"] != "RS256":
        raise ValueError("not RS256")
    fitting = [one for one in keys["keys"] if one.get("kty") == "RSA" and one.get("kid") == header.get("kid")]
    if not fitting:
        raise ValueError("no such key")
    numbers = RSAPublicNumbers(*(int.from_bytes(_decoded(fitting[0][part]), "big") for part in ("e", "n")))
    numbers.public_key().verify(_decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    claims = json.loads(_decoded(body))
    if not isinstance(claims, dict):
        raise TypeError("claims are no object")
    return claims


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error as error:
        raise ValueError("no base64") from error


def _until(when: object) -> timedelta:
    try:
        ends = datetime.fromisoformat(str(when))
    except ValueError:
        return _STATE_LIFE
    ends = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    return min(max(ends - datetime.now(UTC), timedelta(seconds=1)), timedelta(days=1))
