"""What SuperOffice says when it refuses, and what it means: one table by message, one by HTTP status."""

import re
from collections.abc import Iterable, Mapping

from httpx import codes

from adapters.errors import (
    AdapterError,
    Misconfigured,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    Refusal,
    Rejected,
    Unavailable,
    UnexpectedReply,
    error_of,
)

SYSTEM = "SuperOffice"
AGAIN = "It will be tried again."
LOOKED_UP = "It is looked up before anything is repeated."
CREDENTIALS = "Check the credentials of this desk, and that their user may sign in and has a Service licence."
NO_ANSWER = "SuperOffice answered something that is no answer of its API."


REFUSALS = (
    Refusal(
        r"NotFound.*ticket ?message",
        NotFound,
        "SuperOffice does not have that message any more.",
        "Look at the ticket in SuperOffice.",
    ),
    Refusal(
        r"NotFound.*\bticket\b",
        NotFound,
        "SuperOffice has no such ticket, or our user may not see it.",
        "Check the number; it may have been deleted or merged.",
    ),
    Refusal(
        r"NotFound.*attachment",
        NotFound,
        "SuperOffice does not have that file any more.",
        "Look at the ticket in SuperOffice.",
        "files",
    ),
    Refusal(r"NotFound.*category", Rejected, "SuperOffice has no such category.", "Choose another one.", "department"),
    Refusal(r"NotFound.*priority", Rejected, "SuperOffice has no such priority.", "Choose another one.", "priority"),
    Refusal(
        r"NotFound.*(person|contact)",
        Rejected,
        "SuperOffice has no such contact.",
        "Choose another requester.",
        "requester",
    ),
    Refusal(r"NotFound.*status", Rejected, "SuperOffice has no such status.", "Choose another one.", "status"),
    Refusal(r"NotFound.*(associate|user)", Rejected, "SuperOffice has no such user.", "Choose another one.", "owner"),
    Refusal(r"NotFound", NotFound, "SuperOffice does not have what was asked for.", "Look in SuperOffice."),
    Refusal(
        r"licen[cs]e",
        NotAuthorised,
        "SuperOffice says that a licence is missing.",
        "Give the user of these credentials a Service licence in SuperOffice's administration.",
    ),
    Refusal(
        r"Authenticat|SessionLost|credential",
        NotAuthorised,
        "SuperOffice does not accept the credentials.",
        CREDENTIALS,
    ),
    Refusal(
        r"AccessDenied|SecurityException|not allowed|insufficient",
        NotAuthorised,
        "the user of these credentials may not do that in SuperOffice.",
        "Give the user's role the right in SuperOffice's administration.",
    ),
    Refusal(r"\btitle\b", Rejected, "SuperOffice does not take the subject.", "Write another, shorter one.", "subject"),
    Refusal(r"\bcategory\b", Rejected, "SuperOffice does not take the category.", "Choose another one.", "department"),
    Refusal(r"\bpriority\b", Rejected, "SuperOffice does not take the priority.", "Choose another one.", "priority"),
    Refusal(r"\bstatus\b", Rejected, "SuperOffice does not take the status.", "Choose another one.", "status"),
    Refusal(
        r"\battachment\b", Rejected, "SuperOffice does not take the file.", "Send another or a smaller one.", "files"
    ),
    Refusal(
        r"\b(person|contact)\b",
        Rejected,
        "SuperOffice does not take the requester.",
        "Choose another requester.",
        "requester",
    ),
    Refusal(
        r"\b(owner|ownedby|associate)\b", Rejected, "SuperOffice does not take the owner.", "Choose another.", "owner"
    ),
)
"""Tried in order, without regard to case, against "ErrorType: ErrorMessage" of an answer that SuperOffice wrote."""

_MOVED = (Misconfigured, "SuperOffice's address sends us on to another one.", "Set url to where it ends up.")
_ABSENT = (
    Misconfigured,
    "there is no such call of SuperOffice's API at its address.",
    "Check url or tenant; where SuperOffice is older than 10.1.9, set agents_calls = false.",
)
BY_STATUS: Mapping[int, tuple[type[AdapterError], str, str]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), _MOVED),
    **dict.fromkeys((404, 405, 410), _ABSENT),
    400: (Rejected, "SuperOffice refused what we sent.", "Change what was asked and try again."),
    401: (NotAuthorised, "SuperOffice does not accept the credentials.", CREDENTIALS),
    403: (
        NotAuthorised,
        "the user of these credentials may not do that in SuperOffice.",
        "Give the user's role the right in SuperOffice's administration, or a Service licence.",
    ),
    409: (Rejected, "somebody changed the ticket at the same moment.", "Look at it and try again."),
    412: (Rejected, "somebody changed the ticket at the same moment.", "Look at it and try again."),
    413: (
        Rejected,
        "that is more than SuperOffice, or a web server before it, takes at once.",
        "Send a smaller file or a shorter text, or let that server take as much as max_file allows.",
    ),
    421: (
        Misconfigured,
        "SuperOffice says that this is the wrong address for the customer.",
        "Set tenant and leave url empty, so that the right address is looked up.",
    ),
    429: (Unavailable, "SuperOffice asks us to slow down.", AGAIN),
}
"""What an HTTP status means where no row above says more; in each case nothing was done."""


_SAID_NOT_FOUND = re.compile(r"([\w.]+\.)?SoNotFoundException")
_WHO = frozenset({codes.UNAUTHORIZED, codes.FORBIDDEN})
_AS_THEY_SAY = frozenset(
    {codes.CONFLICT, codes.PRECONDITION_FAILED, codes.MISDIRECTED_REQUEST, codes.TOO_MANY_REQUESTS}
)
"""Statuses that say it all: beside them a message may name anything, such as the user whose calls were too many."""


def _rows(status: int, kind: str) -> Iterable[Refusal]:
    """The rows whose words may say more than *status*, by the type *kind* of what SuperOffice said."""
    if _SAID_NOT_FOUND.fullmatch(kind):
        return REFUSALS
    if status in _WHO:
        return (row for row in REFUSALS if row.error is NotAuthorised)
    return () if status in _AS_THEY_SAY or codes.is_server_error(status) else REFUSALS


def refusal(desk: str, status: int, said: tuple[str, str] | None, *, code: str = "") -> AdapterError | None:
    """The error for *status* and what SuperOffice *said* (its type and message), or None where it may have acted.

    A server error counts as a refusal only where its type is SoNotFoundException: SuperOffice looked and did not find.
    """
    words = f"{said[0]}: {said[1]}" if said else ""
    for row in _rows(status, said[0]) if said else ():
        if re.search(row.pattern, words, re.IGNORECASE | re.DOTALL):
            return error_of(row.error, desk, row.cause, remedy=row.remedy, code=code, field=row.field)
    if status not in BY_STATUS:
        return None
    kind, cause, remedy = BY_STATUS[status]
    if said and kind is Misconfigured and status == codes.NOT_FOUND:
        return NotFound(desk, "SuperOffice does not have what was asked for.", code=code)
    return kind(desk, cause, remedy=remedy, code=code)


def unusable(desk: str, *, changes: bool, code: str) -> OutcomeUnknown | UnexpectedReply:
    """The error for an answer that no part of SuperOffice's API gives."""
    if changes:
        return OutcomeUnknown(desk, NO_ANSWER, remedy=LOOKED_UP, code=code)
    remedy = "Look at its address with a browser; a proxy or an error page may stand there."
    return UnexpectedReply(desk, NO_ANSWER, remedy=remedy, code=code)
