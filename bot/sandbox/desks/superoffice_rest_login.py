"""SuperOffice Online's sign-in and tenant service, as far as a server without a browser meets it."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from starlette.responses import JSONResponse, Response


@cache
def key_of(whose: str) -> rsa.RSAPrivateKey:
    """A key pair that is made when it is first asked for; *whose* only keeps several apart."""
    del whose
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem_of(whose: str) -> str:
    """That key as PEM."""
    return key_of(whose).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def jwks() -> dict[str, Any]:
    """The public key with which SuperOffice signs."""
    numbers = key_of("superoffice").public_key().public_numbers()
    n, e = (_coded(one.to_bytes((one.bit_length() + 7) // 8, "big")) for one in (numbers.n, numbers.e))
    return {"keys": [{"kty": "RSA", "use": "sig", "kid": "k1", "n": n, "e": e}]}


def token_of(claims: Mapping[str, Any], *, signer: str = "superoffice", alg: str = "RS256") -> str:
    """A signed JWT."""
    parts = [_coded(json.dumps(one).encode()) for one in ({"alg": alg, "typ": "JWT", "kid": "k1"}, dict(claims))]
    signature = key_of(signer).sign(".".join(parts).encode(), PKCS1v15(), SHA256())
    return ".".join([*parts, _coded(signature)])


@dataclass
class Login:
    """The service. ``tickets`` and ``tokens`` are what it gave and still honours; ``given`` counts how often it did."""

    tenant: str = "Cust12345"
    state: str = "Running"
    valid_for: timedelta = timedelta(hours=1)
    client: tuple[str, str] = ("sandbox-client", "sandbox-client-secret")
    refresh_token: str = "sandbox-refresh-token"
    app_token: str = "sandbox-app-token"
    system_user_token: str = "Sandbox-7hT3xQ"
    signer: str = "superoffice"
    claims: dict[str, Any] = field(default_factory=dict)
    api: str = ""
    tickets: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    given: int = 0
    looked_up: int = 0

    def answer(self, method: str, path: str, body: bytes, address: str) -> Response | None:
        """The answer to a request for this service, or None where it is for another."""
        if path.startswith("/api/state/"):
            return self._state(path.removeprefix("/api/state/"), address)
        if path == "/login/.well-known/jwks":
            return JSONResponse(jwks())
        if path == "/login/common/oauth/tokens" and method == "POST":
            return self._refresh(dict(parse_qsl(body.decode())))
        if path == "/Login/api/PartnerSystemUser/Authenticate" and method == "POST":
            return self._system_user(json.loads(body))
        return None

    def _state(self, tenant: str, address: str) -> Response:
        self.looked_up += 1
        if tenant != self.tenant:
            return JSONResponse({"Message": "Not found"}, 404)
        until = f"{datetime.now(UTC) + self.valid_for:%Y-%m-%dT%H:%M:%SZ}"
        api = self.api or f"{address}/{self.tenant}/api"
        running = self.state in {"Running", "OnlineMaintenance"}
        about = {"ContextIdentifier": tenant, "Endpoint": f"{address}/{tenant}", "State": self.state, "Api": api}
        return JSONResponse({**about, "IsRunning": running, "ValidUntil": until, "Version": "10.5"})

    def _refresh(self, form: Mapping[str, str]) -> Response:
        right = {
            "grant_type": "refresh_token",
            "client_id": self.client[0],
            "client_secret": self.client[1],
            "refresh_token": self.refresh_token,
        }
        if dict(form) != right:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"token_type": "Bearer", "access_token": self._new(self.tokens, "8A"), "expires_in": 3600})

    def _system_user(self, sent: Mapping[str, str]) -> Response:
        user, _, rest = str(sent.get("SignedSystemToken")).partition(".")
        stamp, _, signature = rest.partition(".")
        try:
            signed = f"{user}.{stamp}".encode()
            key_of("app").public_key().verify(base64.b64decode(signature), signed, PKCS1v15(), SHA256())
            at = datetime.strptime(stamp, "%Y%m%d%H%M").replace(tzinfo=UTC)
        except (InvalidSignature, ValueError):
            at = datetime.min.replace(tzinfo=UTC)
        right = (
            user == self.system_user_token
            and sent.get("ApplicationToken") == self.app_token
            and sent.get("ContextIdentifier") == self.tenant
            and sent.get("ReturnTokenType") == "JWT"
            and abs(datetime.now(UTC) - at) < timedelta(minutes=10)
        )
        if not right:
            return JSONResponse({"IsSuccessful": False, "Token": None, "ErrorMessage": "Invalid token"})
        claims = {
            "http://schemes.superoffice.net/identity/ticket": self._new(self.tickets, "7T"),
            "http://schemes.superoffice.net/identity/ctx": self.tenant,
            "exp": datetime.now(UTC).timestamp() + 300,
        }
        token = token_of({**claims, **self.claims}, signer=self.signer)
        return JSONResponse({"IsSuccessful": True, "Token": token, "ErrorMessage": ""})

    def _new(self, honoured: set[str], prefix: str) -> str:
        self.given += 1
        made = f"{prefix}:{self.tenant}.{secrets.token_hex(12)}"
        honoured.add(made)
        return made


def _coded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
