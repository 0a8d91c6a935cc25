"""The documented parameters of WHMCS's actions, and the reading of a form by them; nothing else is taken."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.sandbox.desks.whmcs_php import Form, truthy, unserialize

INT, TEXT, BOOL, DATE, FIELDS, FILES = "int", "string", "bool", "date", "custom fields", "attachments"
COMMON = frozenset({"action", "identifier", "secret", "username", "password", "accesskey", "responsetype"})

_FOUR_BYTES = re.compile("[\U00010000-\U0010ffff]")
_WRITTEN = {"message": TEXT, "markdown": BOOL, "created": DATE}
_PAGE = {"limitstart": INT, "limitnum": INT}
PARAMETERS: Mapping[str, Mapping[str, str]] = {
    "OpenTicket": {
        **_WRITTEN,
        **dict.fromkeys(("deptid", "clientid", "userid", "contactid", "serviceid", "domainid"), INT),
        **dict.fromkeys(("subject", "name", "email", "priority"), TEXT),
        **dict.fromkeys(("admin", "noemail", "preventClientClosure"), BOOL),
        "customfields": FIELDS,
        "attachments": FILES,
    },
    "AddTicketReply": {
        **_WRITTEN,
        **dict.fromkeys(("ticketid", "clientid", "contactid"), INT),
        **dict.fromkeys(("adminusername", "name", "email", "status"), TEXT),
        "noemail": BOOL,
        "customfields": FIELDS,
        "attachments": FILES,
    },
    "AddTicketNote": {**_WRITTEN, "ticketnum": TEXT, "ticketid": INT, "attachments": FILES},
    "UpdateTicket": {
        **_WRITTEN,
        **dict.fromkeys(("ticketid", "deptid", "userid", "flag"), INT),
        **dict.fromkeys(("status", "subject", "name", "email", "cc", "priority"), TEXT),
        **dict.fromkeys(("removeFlag", "preventClientClosure"), BOOL),
        "customfields": FIELDS,
    },
    "UpdateTicketReply": {**_WRITTEN, "replyid": INT},
    "DeleteTicketReply": {"ticketid": INT, "replyid": INT},
    "DeleteTicketNote": {"noteid": INT},
    "GetTicket": {"ticketnum": TEXT, "ticketid": INT, "repliessort": TEXT},
    "GetTickets": {
        **_PAGE,
        "deptid": INT,
        "clientid": INT,
        **dict.fromkeys(("email", "status", "subject"), TEXT),
        "ignore_dept_assignments": BOOL,
    },
    "GetTicketNotes": {"ticketid": INT},
    "GetTicketAttachment": {"relatedid": INT, "type": TEXT, "index": INT},
    "GetSupportDepartments": {"ignore_dept_assignments": BOOL},
    "GetSupportStatuses": {"deptid": INT},
    "GetClientsDetails": {"clientid": INT, "email": TEXT, "stats": BOOL},
    "GetContacts": {
        **_PAGE,
        "userid": INT,
        **dict.fromkeys(
            [
                "firstname",
                "lastname",
                "companyname",
                "email",
                "address1",
                "address2",
                "city",
                "state",
                "postcode",
                "country",
                "phonenumber",
            ],
            TEXT,
        ),
    },
    "GetUsers": {**_PAGE, "sorting": TEXT, "search": TEXT},
    "GetAdminUsers": {"roleid": INT, "email": TEXT, "include_disabled": BOOL},
}


@dataclass
class Call:
    """One action with its parameters read; ``wrong`` says what the documents do not allow about it."""

    action: str
    given: dict[str, str] = field(default_factory=dict)
    fields: dict[str, str] = field(default_factory=dict)
    files: list[tuple[str, bytes]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        """A parameter, stripped; empty where it was not given."""
        return self.given.get(name, "").strip()

    def flag(self, name: str) -> bool:
        """A bool as PHP takes it."""
        return truthy(self[name])


def read_call(action: str, form: Form) -> Call:
    """The call in *form*, held against the documents."""
    documented = PARAMETERS[action]
    call = Call(action)
    for name, value in form.values.items():
        kind = documented.get(name)
        if name in COMMON:
            continue
        if kind is None:
            call.wrong.append(f"{action} has no parameter {name}")
        elif not isinstance(value, str):
            call.wrong.append(f"{action}: {name} is an array")
        else:
            call.given[name] = value
            _read_value(call, name, kind, value)
    for field_name, filename, data in form.files:
        if documented.get("attachments") and field_name in {"attachments[]", "attachments"}:
            call.files.append((filename, data))
        else:
            call.wrong.append(f"{action} takes no file {field_name}")
    return call


def cut(call: Call) -> None:
    """Cut each text of *call* before its first letter of four bytes, as MySQL's utf8 does where it is not strict."""
    call.given = {name: _FOUR_BYTES.split(value)[0] for name, value in call.given.items()}
    call.fields = {name: _FOUR_BYTES.split(value)[0] for name, value in call.fields.items()}
    call.files = [(_FOUR_BYTES.split(name)[0], data) for name, data in call.files]


def read_date(value: str, *, now: datetime) -> str:
    """A date parameter as the server keeps it.

    Raises:
        ValueError: with WHMCS's message.
    """
    try:
        date = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError("Invalid Date Format") from error
    local = date.astimezone(now.tzinfo) if date.tzinfo else date.replace(tzinfo=now.tzinfo)
    if local > now:
        raise ValueError("creation date cannot be in the future")
    return f"{local:%Y-%m-%d %H:%M:%S}"


def _read_value(call: Call, name: str, kind: str, value: str) -> None:
    where = f"{call.action}: {name}"
    if kind == INT and not value.strip().isdecimal():
        call.wrong.append(f"{where} is no number")
    elif kind == BOOL and value not in {"1", "0", "true"}:
        call.wrong.append(f"{where} is {value!r}, which PHP takes for {truthy(value)}")
    elif kind == FIELDS:
        try:
            call.fields = unserialize(base64.b64decode(value, validate=True))
        except (ValueError, binascii.Error) as error:
            call.wrong.append(f"{where} cannot be unserialised: {error}")
    elif kind == FILES:
        try:
            listed = json.loads(base64.b64decode(value, validate=True))
            call.files = [(file["name"], base64.b64decode(file["data"], validate=True)) for file in listed]
        except (ValueError, binascii.Error, KeyError, TypeError) as error:
            call.wrong.append(f"{where} cannot be read: {error}")
