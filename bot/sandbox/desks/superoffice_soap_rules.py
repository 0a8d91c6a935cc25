"""What the SuperOffice stand-in takes: the manual's fields, operators and forms of values."""

import re
from collections.abc import Mapping, Sequence


def _fields(prefix: str, names: str) -> frozenset[str]:
    return frozenset(f"{prefix}{name}" for name in names.split())


_TICKET = _fields(
    "ticket.",
    "id title created_at category status replied_at closed_at priority read_by_customer has_attachment last_changed",
)
GET_TICKET = _TICKET | {"ticket.cust_id"}
FIND_TICKET = _TICKET | _fields("ticket.", "author created_by owned_by") | _fields("customer.", "id firstname lastname")
SET_TICKET = _fields(
    "ticket.",
    "category owner title status customerId filterAddress createdAt slevel dbiAgentId dbiKey dbiLastSynchronized",
)
GET_MESSAGE = _fields("message.", "id body header md_body created_at author slevel")
SET_CUSTOMER = _fields(
    "", "name display_name firstname lastname phone cellphone note password username email language company"
)
EMAIL = "person.(Email->person_id).email_address"
PERSON = frozenset({"person.person_id", "person.firstname", "person.lastname", EMAIL})
_INTEGERS = frozenset(
    {"ticket.id", "ticket.category", "ticket.status", "ticket.priority", "ticket.owned_by", "customer.id"}
)
VALUES = {
    "TypeInteger": re.compile(r"-?\d+"),
    "TypeDate": re.compile(r"\d{4}-\d\d-\d\d"),
    "TypeDateTime": re.compile(r"\d{4}-\d\d-\d\d \d\d-\d\d-\d\d\.\d{3}"),
    "TypeBool": re.compile(r"true|false|0|1"),
}


class Refused(Exception):
    """The operation answers with this error code and does nothing."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = str(code)


def meets(row: Mapping[str, str], criteria: Sequence[Mapping[str, str]], legal: frozenset[str] | set[str]) -> bool:
    """Whether *row* meets all *criteria*, whose fields must be *legal*."""
    for one in criteria:
        if one["field"] not in legal:
            raise Refused(28)
        if not _compare(one["op"], one["field"], row.get(one["field"], ""), one["value"]):
            return False
    return True


def one_of(value: str | None, known: set[str], code: int) -> str:
    """*value*, which must be one of *known*; *code* says that it is not."""
    if value is None or value not in known:
        raise Refused(code)
    return value


def results(row: Mapping[str, str], wanted: Sequence[str]) -> list[dict[str, str]]:
    """ResultStructs of *wanted*."""
    return [
        {"field": name, "type": "TypeInteger" if name in _INTEGERS else "TypeVarchar", "value": row.get(name, "")}
        for name in wanted
    ]


def comparable(name: str, value: str) -> tuple[int, str]:
    """*value* in the form in which values of the field *name* are in order."""
    return (int(value), "") if name in _INTEGERS and value.lstrip("-").isdecimal() else (0, value)


def _compare(operator: str, name: str, left: str, right: str) -> bool:
    a, b = comparable(name, left), comparable(name, right)
    plain = {
        "OperatorContains": lambda: right.casefold() in left.casefold(),
        "OperatorBeginsWith": lambda: left.casefold().startswith(right.casefold()),
        "OperatorEquals": lambda: left.casefold() == right.casefold(),
        "OperatorNotEquals": lambda: left.casefold() != right.casefold(),
        "OperatorGt": lambda: a > b,
        "OperatorLt": lambda: a < b,
        "OperatorGte": lambda: a >= b,
        "OperatorLte": lambda: a <= b,
    }
    if operator not in plain:
        raise Refused(28)
    return plain[operator]()
