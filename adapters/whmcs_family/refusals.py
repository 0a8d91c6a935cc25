"""What systems of WHMCS's family say when they refuse a ticket or a message, and what it means."""

import re
from collections.abc import Sequence

from adapters.errors import AdapterError, NotFound, Refusal, Rejected, error_of

NUMBER = "Check the number; it may have been deleted or merged."


TICKET_REFUSALS = (
    Refusal(r"^Ticket ID (not found|required)", NotFound, "{system} has no such ticket.", NUMBER),
    Refusal(
        r"^Contact ID Not Found", Rejected, "{system} has no such contact.", "Choose another requester.", "requester"
    ),
    Refusal(
        r"^Email Address Invalid",
        Rejected,
        "{system} does not take the requester's e-mail address.",
        "Correct the address.",
        "requester",
    ),
    Refusal(
        r"^Department ID not found",
        Rejected,
        "{system} has no such department.",
        "Choose another department.",
        "department",
    ),
    Refusal(r"^Subject is required", Rejected, "{system} needs a subject.", "Write one.", "subject"),
    Refusal(r"^Message is required", Rejected, "{system} needs a text.", "Write one.", "body"),
    Refusal(
        r"^Service ID Not Found",
        Rejected,
        "{system} has no such service.",
        "Correct the service's number.",
        "serviceid",
    ),
    Refusal(
        r"^Domain ID Not Found", Rejected, "{system} has no such domain.", "Correct the domain's number.", "domainid"
    ),
    Refusal(
        r"^Invalid Ticket Priority\.?(.*)",
        Rejected,
        "{system} has no such priority.{0}",
        "Choose another priority.",
        "priority",
    ),
)
"""What the family says of a ticket in the same words.

In ours ``{0}`` is the pattern's group, ``{system}`` the system's name and ``{action}`` what was called.
"""


def known_refusal(
    desk: str, system: str, *, message: str, table: Sequence[Refusal], action: str = ""
) -> AdapterError | None:
    """The error for *message* by the first row of *table* that fits, or None."""
    for row in table:
        found = re.search(row.pattern, message, re.IGNORECASE)
        if found:
            group = found.group(1) if found.groups() else ""
            cause, remedy = (words.format(group, system=system, action=action) for words in (row.cause, row.remedy))
            return error_of(row.error, desk, cause, remedy=remedy, code=message, field=row.field)
    return None
