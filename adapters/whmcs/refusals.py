"""What WHMCS says when it refuses, and what it means: one table."""

import re
from collections.abc import Mapping

from adapters.errors import AdapterError, Misconfigured, NotAuthorised, NotFound, Refusal, Rejected, Unavailable
from adapters.whmcs_family.refusals import TICKET_REFUSALS, known_refusal

CREDENTIALS = "Check identifier and secret, and that the admin is active and its role has API Access."
FILE = "Look at the ticket in WHMCS."
UNKNOWN = r"^(Command|Action) Not Found"

REFUSALS = (
    Refusal(
        r"^Invalid IP:? ?(\S*)",
        NotAuthorised,
        "WHMCS does not accept calls from the address {0}.",
        "Allow {0} in WHMCS (General Settings, Security, API IP Access Restriction), or set accesskey.",
    ),
    Refusal(
        r'^Invalid Permissions: API action "?(\w+)',
        NotAuthorised,
        "the API role of these credentials does not allow {0}.",
        "Add {0} to the role in WHMCS (Manage API Credentials, API Roles).",
    ),
    Refusal(r"^Authentication Failed", NotAuthorised, "WHMCS does not accept the credentials.", CREDENTIALS),
    Refusal(r"^Invalid or missing credentials", NotAuthorised, "WHMCS does not accept the credentials.", CREDENTIALS),
    Refusal(r"^Invalid password provided", NotAuthorised, "WHMCS does not accept the password.", CREDENTIALS),
    Refusal(r"^Administrator Account Disabled", NotAuthorised, "their admin is disabled.", CREDENTIALS),
    Refusal(r"^Access Denied", NotAuthorised, "WHMCS denies access to its API.", CREDENTIALS),
    Refusal(
        r"^Empty action request",
        Misconfigured,
        "WHMCS saw no action in our request.",
        "Something between us and WHMCS drops the form; check url and proxies.",
    ),
    Refusal(
        UNKNOWN,
        Misconfigured,
        "this WHMCS does not know {action}.",
        "It may be too old. Before 8.1, which has GetUsers, leave users out of look_up.",
    ),
    Refusal(r"^Reply ID (not found|required)", NotFound, "WHMCS has no such reply.", FILE),
    Refusal(r"^Note ID (not found|required)", NotFound, "WHMCS has no such note.", FILE),
    Refusal(r"^Related ID (not found|required)", NotFound, "the message of that file is gone.", FILE, "files"),
    Refusal(r"^No Attachments Found", NotFound, "that message has no files.", FILE, "files"),
    Refusal(r"^Attachments Deleted", NotFound, "WHMCS has deleted the files of that message.", FILE, "files"),
    Refusal(r"^(Invalid Attachment Index|Attachment Index Required)", NotFound, "that file is gone.", FILE, "files"),
    Refusal(
        r"^Client (ID )?Not Found",
        Rejected,
        "WHMCS has no such client.",
        "Choose another requester, or check default_client.",
        "requester",
    ),
    Refusal(
        r"cannot find the provided user ID",
        Rejected,
        "WHMCS has no such user.",
        "Choose another requester.",
        "requester",
    ),
    Refusal(
        r"^Name and email address are required",
        Rejected,
        "WHMCS needs the requester's name and e-mail address.",
        "Give the requester an address, or set guest_email or default_client.",
        "requester",
    ),
    Refusal(
        r"^Invalid Ticket Status\.?(.*)", Rejected, "WHMCS has no such status.{0}", "Choose another status.", "status"
    ),
    Refusal(
        r"creation date cannot be in the future",
        Misconfigured,
        "WHMCS takes the time of the message for a time in the future.",
        "Correct timezone and both clocks, or set send_times = false.",
    ),
    Refusal(
        r"^Invalid Date Format",
        Misconfigured,
        "WHMCS does not understand the time of the message.",
        "Set send_times = false; WHMCS before 8.0 takes no times.",
    ),
    Refusal(
        r"^Unable to generate ticket number",
        Unavailable,
        "WHMCS found no free ticket number.",
        "Widen the ticket mask in WHMCS (General Settings, Support).",
    ),
    *TICKET_REFUSALS,
)

_MOVED = (Misconfigured, "WHMCS's address sends us on to another one.", "Set url to the address that it ends up at.")
_ABSENT = (Misconfigured, "there is no WHMCS API at its address.", "Set url to the root of WHMCS.")
_BY_FIREWALL = (403, 406)
_FORBIDDEN = (
    NotAuthorised,
    "something in front of WHMCS (a firewall or proxy) refuses our calls.",
    "Ask its operator to let this machine call includes/api.php.",
)
BY_STATUS: Mapping[int, tuple[type[AdapterError], str, str]] = {
    **dict.fromkeys((301, 302, 303, 307, 308), _MOVED),
    **dict.fromkeys((404, 405, 410), _ABSENT),
    401: (
        NotAuthorised,
        "the web server in front of WHMCS asks for a password.",
        "Set http_user and http_password.",
    ),
    **dict.fromkeys(_BY_FIREWALL, _FORBIDDEN),
    429: (Unavailable, "WHMCS's server asks us to slow down.", "It will be tried again."),
}
"""What an answer means that WHMCS itself did not write; in each case it did nothing. Class, cause, remedy."""

FIREWALL = frozenset(f"HTTP {status}" for status in _BY_FIREWALL)
"""The codes of what a firewall refuses: all calls of this machine, or one for what is written in it."""

NO_ANSWER = "WHMCS answered something that is no answer of its API."

LIKE_AN_EMPTY_FORM = re.compile(
    r"Authentication Failed|Invalid or missing credentials|Empty action request", re.IGNORECASE
)
"""What WHMCS says when PHP gave it an empty form because the request was larger than post_max_size."""


def is_unknown(error: AdapterError) -> bool:
    """Whether this WHMCS has no such action."""
    return re.match(UNKNOWN, error.code, re.IGNORECASE) is not None


def refusal(desk: str, message: str, *, status: int, action: str) -> AdapterError:
    """The error for *message* to *action*; what no row knows is passed on as WHMCS's own words."""
    known = known_refusal(desk, "WHMCS", message=message, table=REFUSALS, action=action)
    if known:
        return known
    if status in {401, 403}:
        return NotAuthorised(desk, f"WHMCS does not let us: {message}.", remedy=CREDENTIALS, code=message)
    return Rejected(desk, f"WHMCS refused: {message}.", remedy="Change what it names and try again.", code=message)
