"""The operations of the ticket port that Threadline uses, with the parts that SuperOffice's manual names for each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its parts in and out, in the manual's order and spelling.

    ``changes``: a person could see what it does, so a lost answer leaves its outcome unknown.
    """

    name: str
    ins: tuple[str, ...]
    outs: tuple[str, ...]
    changes: bool = False


_MESSAGE = ("replyTemplateId", "ticketId", "sLevel", "attachmentIds", "sendNotification")
_FIND = ("sessionKey", "searchCriteria", "searchFields", "maxRows", "orderBy", "ascending")

_ALL = (
    Operation("login", ("userName", "password"), ("errorCode", "sessionKey")),
    Operation("loginAsUser", ("userId", "username", "password"), ("errorCode", "sessionKey")),
    Operation("logout", ("sessionKey",), ("errorCode",)),
    Operation(
        "newTicket",
        (
            "sessionKey",
            "title",
            "sLevel",
            "categoryId",
            "priorityId",
            "owner",
            "customers",
            "extraFields",
            "sendNotification",
        ),
        ("errorCode", "ticketId"),
        changes=True,
    ),
    Operation(
        "addMessage",
        ("sessionKey", "messageBody", *_MESSAGE[1:]),
        ("errorCode", "messageID"),
        changes=True,
    ),
    Operation(
        "addMessage2",
        ("sessionKey", "messageBody", *_MESSAGE, "To", "Cc", "Bcc"),
        ("errorCode", "messageID"),
        changes=True,
    ),
    Operation(
        "addMessage3",
        ("sessionKey", "messageBody", "htmlMessageBody", *_MESSAGE, "To", "Cc", "Bcc"),
        ("errorCode", "messageID"),
        changes=True,
    ),
    Operation("addAttachment", ("sessionKey", "attachmentName", "contentType", "data"), ("errorCode", "attachmentId")),
    Operation(
        "getAttachment",
        ("sessionKey", "attachmentId", "attachmentKey"),
        ("errorCode", "attachmentName", "contentType", "data"),
    ),
    Operation(
        "getMessage", ("sessionKey", "messageId", "messageField"), ("errorCode", "messageResult", "attachmentInfo")
    ),
    Operation("getTicket", ("sessionKey", "ticketId", "ticketFields"), ("errorCode", "ticketResult", "messageIds")),
    Operation("setTicket", ("sessionKey", "ticketId", "ticketValues"), ("errorCode",), changes=True),
    Operation("findTickets", _FIND, ("errorCode", "searchResult")),
    Operation("findCustomers", _FIND, ("errorCode", "searchResult")),
    Operation("newCustomer", ("sessionKey",), ("errorCode", "customerId"), changes=True),
    Operation("setCustomer", ("sessionKey", "customerId", "customerValues"), ("errorCode",), changes=True),
    Operation("getCategories", ("sessionKey",), ("errorCode", "categoryIds")),
    Operation("getPriorities", ("sessionKey",), ("errorCode", "priorities")),
    Operation("getExtraFields", ("sessionKey", "domain"), ("errorCode", "extraFields")),
    # The manual leaves out the name of findUser's third part, the value to look for: see Port.encode.
    Operation("findUser", ("sessionKey", "field"), ("errorCode", "userId")),
    Operation("getActiveTicketsStatus", ("sessionKey",), ("errorCode", "ticketStatusResult")),
)

OPERATIONS: Mapping[str, Operation] = MappingProxyType({operation.name: operation for operation in _ALL})

MESSAGES = ("addMessage3", "addMessage2", "addMessage")
"""The operations that add a message, newest first; the first that the WSDL has is used."""

_OPTIONAL = frozenset(
    {*MESSAGES, "loginAsUser", "logout", "newCustomer", "setCustomer", "findUser", "getActiveTicketsStatus"}
)


def needed(*, impersonate: bool, create_requesters: bool, message: str) -> Iterable[Operation]:
    """The operations that a WSDL must have for a desk set up like this."""
    wanted = {message} | set(OPERATIONS) - _OPTIONAL
    if impersonate:
        wanted |= {"loginAsUser", "findUser"}
    if create_requesters:
        wanted |= {"newCustomer", "setCustomer"}
    return tuple(operation for operation in _ALL if operation.name in wanted)
