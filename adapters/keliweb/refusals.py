"""What Keliweb says when it refuses, at its token endpoint and in its methods, and what it means: tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from httpx import codes

from adapters.errors import AdapterError, Misconfigured, NotAuthorised, NotFound, Refusal, Rejected, Unavailable
from adapters.whmcs_family.refusals import NUMBER, TICKET_REFUSALS, known_refusal

TOKEN = "Check client_id, client_secret, username and password, or the token, in the settings."  # noqa: S105 - words
ACCOUNT = "Check username and password in the settings."

Said = tuple[type[AdapterError], str, str]

NOT_ACCEPTED: Said = (NotAuthorised, "the token is not accepted.", TOKEN)
MOVED: Said = (Misconfigured, "Keliweb's address sends us on to another one.", "Set url to where it ends up.")
ELSEWHERE: Said = (
    Misconfigured,
    "Keliweb's address sends us on to another host.",
    "Set url to where it ends up; where that is a page to log in, check the credentials.",
)
FORBIDDEN: Said = (
    NotAuthorised,
    "something in front of Keliweb (a firewall or proxy) refuses our calls.",
    "Ask Keliweb to let this machine call its API.",
)
_ABSENT: Said = (Misconfigured, "there is no such method at its address.", "Check url, api_path and the other paths.")

OAUTH: Mapping[str, Said] = {
    "invalid_client": (
        NotAuthorised,
        "Keliweb does not know the OAuth client.",
        "Check client_id and client_secret in the settings.",
    ),
    "invalid_credentials": (NotAuthorised, "Keliweb does not accept the account's password.", ACCOUNT),
    "invalid_grant": (NotAuthorised, "Keliweb does not accept the account's password.", ACCOUNT),
    "access_denied": (NotAuthorised, "Keliweb denies the account access to its API.", ACCOUNT),
    "unauthorized_client": (
        NotAuthorised,
        "the OAuth client may not log in with a password.",
        "Ask Keliweb for a client of the password grant.",
    ),
    "unsupported_grant_type": (
        Misconfigured,
        "the server gives out no tokens for a password.",
        "Check token_path, or set a token that was made by hand.",
    ),
    "invalid_request": (
        Misconfigured,
        "the server misses something in our request for a token.",
        "Check url and token_path; a proxy may drop the form.",
    ),
    "invalid_scope": (Misconfigured, "the server wants a scope for its tokens.", "Set a token that was made by hand."),
    "server_error": (Unavailable, "Keliweb could not give out a token.", "It will be tried again."),
    "temporarily_unavailable": (Unavailable, "Keliweb could not give out a token.", "It will be tried again."),
}
"""Errors of the token endpoint (RFC 6749, and ``invalid_credentials`` of older versions of its OAuth library)."""

NO_TOKENS: Said = (Misconfigured, "there is no token endpoint at its address.", "Check url and token_path.")

BY_STATUS: Mapping[int, Said] = {
    **dict.fromkeys((300, 301, 304, 305, 307, 308), MOVED),
    **dict.fromkeys((404, 405, 410), _ABSENT),
    401: NOT_ACCEPTED,
    302: NOT_ACCEPTED,
    303: NOT_ACCEPTED,
    403: (NotAuthorised, "Keliweb does not let this account use the method.", "Ask Keliweb to allow it."),
    419: (Misconfigured, "the address leads to Keliweb's web pages, not to its API.", "Check url and api_path."),
    429: (Unavailable, "Keliweb asks us to slow down.", "It will be tried again."),
}
"""What a status means where the answer says nothing of its own; in each case nothing was done."""

REFUSALS = (
    Refusal(r"^(Unauthenticated|token (expired|invalid|not provided))", *NOT_ACCEPTED),
    Refusal(r"^This action is unauthorized", *BY_STATUS[403]),
    Refusal(
        r"^Client (ID )?Not Found", Misconfigured, "Keliweb has no such client.", "Correct client in the settings."
    ),
    Refusal(
        r"^Name and email address are required",
        Rejected,
        "Keliweb needs the requester's name and e-mail address.",
        "Give the requester an address that can be trusted, and set send_names = true.",
        "requester",
    ),
    Refusal(r"^No query results for model", NotFound, "Keliweb has no such ticket.", NUMBER),
    *TICKET_REFUSALS,
)
"""Refusals of a method with ``result: error``."""

FIELDS: Mapping[str, str] = {
    "deptid": "department",
    "subject": "subject",
    "message": "body",
    "name": "requester",
    "email": "requester",
    "contactid": "requester",
    "clientid": "requester",
    "priority": "priority",
    "serviceid": "serviceid",
    "domainid": "domainid",
    "attachments": "files",
}
"""The parameters that a validation error may name, as the parts of a draft."""


def refusal(desk: str, message: str, *, status: int) -> AdapterError:
    """The error for the *message* of a refusal; what no row knows is passed on as Keliweb's own words."""
    known = known_refusal(desk, "Keliweb", message=message, table=REFUSALS)
    if known:
        return known
    if status == codes.FORBIDDEN:
        return NotAuthorised(
            desk, f"Keliweb does not let us: {message}.", remedy="Ask Keliweb to allow it.", code=message
        )
    remedy = "Change what it names and try again."
    return Rejected(desk, f"Keliweb refused: {message or 'no reason'}.", remedy=remedy, code=message)


def invalid(desk: str, errors: Mapping[str, Any], *, words: Sequence[str]) -> AdapterError:
    """The error for a validation that failed: *errors* by parameter, as Laravel writes them, with its *words*."""
    said = " ".join(words) or "a parameter is not valid"
    if {"ticketid", "ticketnum"} & errors.keys():
        return NotFound(desk, "Keliweb has no such ticket.", remedy=NUMBER, code=said)
    field = next((FIELDS[name] for name in errors if name in FIELDS), "")
    remedy = "Change what it names and try again."
    return Rejected(desk, f"Keliweb refused: {said.rstrip('.')}.", remedy=remedy, code=said, field=field)
