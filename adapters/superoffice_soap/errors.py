"""SuperOffice's error codes, SOAP faults and HTTP statuses as our errors, with words for people."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from adapters.errors import (
    AdapterError,
    Misconfigured,
    NotAuthorised,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
    UnexpectedReply,
    error_of,
)
from adapters.http import Reply
from adapters.superoffice_soap.port import Fault

SYSTEM = "SuperOffice Service"
NO_ERROR = "0"
SESSION_OVER = "5"
CUSTOMER_UNKNOWN = "31"
USER_UNKNOWN = frozenset({"34", "35"})


class SessionOver(Unavailable):
    """The session key is not valid any more; the call did nothing, and a new key makes it work."""


@dataclass(frozen=True, slots=True)
class Code:
    """What one error code means: the vendor's name, our error, and words."""

    name: str
    error: type[AdapterError]
    cause: str
    remedy: str = ""
    field: str = ""


_LOGIN = "Set username and password of a Service user with administrator rights in the desk's settings."
_CHOOSE = "Choose another one."
_NOT_OURS = "Threadline does not use that; please report it."

CODES: Mapping[str, Code] = MappingProxyType(
    {
        "1": Code(
            "SoapErrorIncorrectLoginCustomer", NotAuthorised, "it refused a customer's name or password.", _LOGIN
        ),
        "2": Code("SoapErrorIncorrectLoginUser", NotAuthorised, "it refused our user name or password.", _LOGIN),
        "3": Code("SoapErrorUnknownCustomer", Rejected, "it knows no such customer.", _CHOOSE, "requester"),
        "4": Code(
            "SoapErrorInsufficientRights",
            NotAuthorised,
            "our user has not enough rights for this.",
            "Give that user administrator rights in SuperOffice Service.",
        ),
        SESSION_OVER: Code(
            "SoapErrorInvalidSessionKey", SessionOver, "our session is over.", "It will be tried again."
        ),
        "6": Code(
            "SoapErrorOperationIllegal",
            NotAuthorised,
            "this is not permitted on that system.",
            "Ask its administrator which part of the SOAP interface is switched off.",
        ),
        "7": Code("SoapErrorCustomError", Rejected, "it refused without telling why.", "Its own log says more."),
        "8": Code("SoapErrorInvalidCategory", Rejected, "there is no such category.", _CHOOSE, "department"),
        "9": Code("SoapErrorInvalidPriority", Rejected, "there is no such priority.", _CHOOSE, "priority"),
        "10": Code("SoapErrorInvalidSLevel", Rejected, "it takes neither public nor internal here.", _NOT_OURS),
        "11": Code("SoapErrorInvalidDomain", Rejected, "it has no extra fields for that.", _NOT_OURS),
        "12": Code(
            "SoapErrorInvalidExtraField",
            Rejected,
            "there is no such extra field.",
            "Check marker_field and required_fields of the desk.",
        ),
        "13": Code("SoapErrorUnknownTicket", NotFound, "there is no such ticket, or our user may not see it."),
        "14": Code("SoapErrorUserNameExists", Rejected, "that user name is taken.", _CHOOSE, "requester"),
        "15": Code("SoapErrorEmptyPassword", NotAuthorised, "the password is empty.", _LOGIN),
        "16": Code("SoapErrorUnknownAttachment", NotFound, "there is no such file.", field="files"),
        "17": Code("SoapErrorInvalidField", Rejected, "it does not know one of the fields that were asked for or set."),
        "18": Code("SoapErrorUnknownMessage", NotFound, "there is no such message, or our user may not see it."),
        "19": Code(
            "SoapErrorNoLicense",
            NotAuthorised,
            "it has no licence for this.",
            "Ask SuperOffice for the licence of the SOAP interface.",
        ),
        "20": Code("SoapErrorInvalidFaqCategory", Rejected, "there is no such FAQ category.", _NOT_OURS),
        "21": Code("SoapErrorInvalidFaqEntry", Rejected, "there is no such FAQ entry.", _NOT_OURS),
        "22": Code("SoapErrorFaqScoreOutOfRange", Rejected, "that FAQ score is out of range.", _NOT_OURS),
        "23": Code("SoapErrorUnknownLanguage", Rejected, "there is no such language.", _NOT_OURS),
        "24": Code("SoapErrorAttachmentInUse", Rejected, "the file is used elsewhere.", field="files"),
        "25": Code("SoapErrorInvalidFaqGroup", Rejected, "there is no such FAQ group.", _NOT_OURS),
        "26": Code(
            "SoapErrorNotificationViolation", Rejected, "somebody else reads that user's notifications.", _NOT_OURS
        ),
        "27": Code("SoapErrorFileNotFound", NotFound, "the file is not on its server any more.", field="files"),
        "28": Code("SoapErrorIllegalCriterias", Rejected, "it does not take these words for a search."),
        "29": Code("SoapErrorInvalidOwner", Rejected, "that user cannot own the ticket.", _CHOOSE, "owner"),
        "30": Code("SoapErrorUnknownCompany", NotFound, "there is no such company.", field="requester"),
        CUSTOMER_UNKNOWN: Code(
            "SoapErrorUnknownCustomerId", Rejected, "there is no such customer.", _CHOOSE, "requester"
        ),
        "32": Code("SoapErrorUnknownTicketStatus", Rejected, "there is no such status.", _CHOOSE, "status"),
        "33": Code("SoapErrorUnknownExtraTable", NotFound, "there is no such extra table."),
        "34": Code("SoapErrorUnknownUserId", Rejected, "there is no such user.", _CHOOSE, "owner"),
        "35": Code("SoapErrorUserNotFound", Rejected, "it found no such user.", _CHOOSE, "owner"),
    }
)
"""Every code of the manual's appendix but 0. All of them say that the call did nothing."""


def of_code(desk: str, code: str) -> AdapterError:
    """The error for an ``errorCode`` that is neither "0" nor missing."""
    row = CODES.get(code)
    if row is None:
        return Rejected(
            desk,
            f"{SYSTEM} refused with a code that its manual does not have.",
            remedy="Its own log says more.",
            code=code[:40],
        )
    cause = f"{SYSTEM}: {row.cause}"
    return error_of(row.error, desk, cause, remedy=row.remedy, code=f"{code} {row.name}", field=row.field)


_NAMESPACE = re.compile(r"not implemented|namespace not recognized", re.IGNORECASE)
_REFUSED_IP = re.compile(
    r"\bip\b|ip.?address|access.*(denied|allowed|permitted)|not (allowed|permitted)", re.IGNORECASE
)


_UNREAD = frozenset({"client", "sender", "versionmismatch", "mustunderstand", "dataencodingunknown"})
"""What a fault of SOAP 1.1 or 1.2 calls its cause where the call was not even taken."""


def of_fault(desk: str, fault: Fault, *, changes: bool) -> AdapterError:
    """The error for a SOAP fault. Only a code of `_UNREAD` proves that nothing was done, whatever the words are."""
    code = f"{fault.code}: {' '.join(fault.text.split())}"[:200]
    unread = fault.code.rpartition(":")[2].partition(".")[0].lower() in _UNREAD
    if changes and not unread:
        return unusable(desk, "an internal fault", changes=True, code=code)
    if unread and _NAMESPACE.search(fault.text):
        return Misconfigured(
            desk,
            f"{SYSTEM} does not know this operation under the namespace of our WSDL.",
            remedy="Save the WSDL that your installation serves at ...?action=ticket and name it in the setting wsdl.",
            code=code,
        )
    if _REFUSED_IP.search(fault.text):
        return NotAuthorised(
            desk,
            f"{SYSTEM} does not take SOAP calls from this machine's IP address.",
            remedy="Add the address to the ticket port's ranges in System > Soap of SuperOffice Service.",
            code=code,
        )
    if unread:
        return Rejected(desk, f"{SYSTEM} could not read the call.", remedy="The log has its reason.", code=code)
    return unusable(desk, "an internal fault", changes=False, code=code)


def unusable(desk: str, what: str, *, changes: bool, code: str) -> OutcomeUnknown | UnexpectedReply:
    """The error for an answer from which nothing can be learned."""
    if changes:
        return OutcomeUnknown(
            desk,
            f"{SYSTEM} answered with {what}; it may have done what was asked.",
            remedy="It is looked up before anything is repeated.",
            code=code,
        )
    return UnexpectedReply(
        desk,
        f"{SYSTEM} answered with {what}.",
        remedy="Check that url is the ticket port's address, and wsdl what your installation serves at it.",
        code=code,
    )


_BY_STATUS: Mapping[int, tuple[type[AdapterError], str, str]] = {
    **dict.fromkeys(
        (401, 403, 407),
        (
            NotAuthorised,
            f"the web server before {SYSTEM} does not let us in",
            "Let this machine's address through there; the ticket port itself has no login of that kind.",
        ),
    ),
    **dict.fromkeys(
        (301, 302, 303, 307, 308, 404, 405, 410),
        (
            Misconfigured,
            f"there is no {SYSTEM} ticket port at that address",
            "Set url to the address itself, such as https://host/scripts/soap.exe?action=ticket.",
        ),
    ),
    413: (
        Rejected,
        f"that is more than the web server before {SYSTEM} takes at once",
        "Send a smaller file or a shorter text, or let that server take as much as max_file allows.",
    ),
    429: (Unavailable, f"{SYSTEM} asks us to wait", "It will be tried again."),
}
"""What an HTTP status means whatever comes with it; in each case nothing was done."""
_XML = frozenset({"", "text/xml", "application/xml", "application/soap+xml"})


def of_http(desk: str, reply: Reply, *, changes: bool) -> AdapterError | None:
    """The error for a reply that cannot be a SOAP envelope, or None where it may be one."""
    code = f"HTTP {reply.status}"
    if reply.status in _BY_STATUS:
        kind, cause, remedy = _BY_STATUS[reply.status]
        error = kind(desk, f"{cause} ({code}).", remedy=remedy, code=code)
        if isinstance(error, Unavailable):
            error.retry_after = reply.retry_after
        return error
    if reply.media_type in _XML and reply.status in {200, 500}:
        return None
    if reply.status >= 500 and not changes:  # noqa: PLR2004
        return Unavailable(
            desk,
            f"{SYSTEM} is out of order (HTTP {reply.status}).",
            remedy="It will be tried again.",
            code=code,
            retry_after=reply.retry_after,
        )
    return unusable(desk, f"something that is no SOAP ({code})", changes=changes, code=code)
