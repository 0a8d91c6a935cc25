"""SuperOffice's extra fields: which kinds there are, and how a value of ours is written in theirs."""

from collections.abc import Callable, Mapping
from datetime import datetime, time as clock
from functools import partial
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo

from adapters.model import Field, FieldKind
from adapters.superoffice_soap.reading import structs

_KINDS: Mapping[str, tuple[FieldKind, str]] = {
    "TypeInteger": (FieldKind.INTEGER, ""),
    "TypeClob": (FieldKind.LONG_TEXT, ""),
    "TypeDate": (FieldKind.DATE, ""),
    "TypeDateTime": (FieldKind.DATETIME, ""),
    "TypeTime": (FieldKind.TEXT, "A time such as 14:30"),
    "TypeBool": (FieldKind.YES_NO, ""),
    "TypeVarchar": (FieldKind.TEXT, ""),
    "TypeForeignKey": (FieldKind.INTEGER, "The id of an entry in SuperOffice"),
    "TypeFloat": (FieldKind.NUMBER, ""),
    "TypeCustomerId": (FieldKind.INTEGER, "The id of a customer"),
    "TypeCompanyId": (FieldKind.INTEGER, "The id of a company"),
    "TypeRequestId": (FieldKind.INTEGER, "The number of a request"),
    "TypeUserId": (FieldKind.INTEGER, "The id of a user"),
}
"""The manual's field types. The port tells no choices, no lengths and no duties."""


def key_of(name: str) -> str:
    """An extra field's key, ``x_10`` for ``ticket.x_10``."""
    return name.removeprefix("ticket.")


def offered(value: Any, *, without: str, required: frozenset[str]) -> tuple[Field, ...]:
    """A decoded list of ExtraFieldsStructs as fields of a form, but the one of our marker."""
    return tuple(
        Field(
            key=key,
            label=one.get("displayfield") or key,
            kind=_kind(one)[0],
            hint=_kind(one)[1],
            required=key in required,
        )
        for one in structs(value)
        if (key := key_of(one.get("fieldname", ""))) and key != key_of(without)
    )


def types(value: Any) -> dict[str, str]:
    """The vendor's type of each extra field, by key."""
    return {key_of(one.get("fieldname", "")): one.get("fieldtype", "") for one in structs(value)}


def _kind(one: Mapping[str, str]) -> tuple[FieldKind, str]:
    return _KINDS.get(one.get("fieldtype", ""), (FieldKind.TEXT, ""))


def written(text: str, kind: str, zone: ZoneInfo) -> str:
    """*text*, a value in our form, as SuperOffice wants a field of its type *kind*.

    Raises:
        ValueError: it is no such value; the words say what one looks like.
    """
    write = _WRITERS.get(kind)
    return write(text.strip(), zone) if write and text.strip() else text.strip()


def _whole(text: str, zone: ZoneInfo) -> str:  # noqa: ARG001 # all writers are called alike
    return str(_made(int, text, "a whole number"))


def _number(text: str, zone: ZoneInfo) -> str:  # noqa: ARG001
    number: float = _made(float, text, "a number such as 1.5")
    if not isfinite(number):
        raise ValueError("a number such as 1.5")
    return str(number)


def _date(text: str, zone: ZoneInfo) -> str:  # noqa: ARG001
    return f"{_made(datetime.fromisoformat, text, 'a date such as 2025-01-31'):%Y-%m-%d}"


def _moment(text: str, zone: ZoneInfo) -> str:
    at = _made(partial(_there, zone=zone), text, "a time such as 2025-01-31T14:30:00+01:00")
    return f"{at:%Y-%m-%d %H-%M-%S}.000"  # with dashes, as the manual has it


def _there(text: str, zone: ZoneInfo) -> datetime:
    at = datetime.fromisoformat(text)
    return at.astimezone(zone) if at.tzinfo else at


def _time(text: str, zone: ZoneInfo) -> str:  # noqa: ARG001
    return f"{_made(clock.fromisoformat, text, 'a time such as 14:30'):%H-%M-%S}.000"


def _yes_no(text: str, zone: ZoneInfo) -> str:  # noqa: ARG001
    if text.lower() not in _BOOLEANS:
        raise ValueError("yes or no")
    return _BOOLEANS[text.lower()]


def _made(make: Any, text: str, form: str) -> Any:
    try:
        return make(text)
    except (ValueError, OverflowError):  # the second at either end of the calendar
        raise ValueError(form) from None


_BOOLEANS = {"yes": "1", "true": "1", "1": "1", "no": "0", "false": "0", "0": "0"}
_INTEGERS = ("Integer", "ForeignKey", "CustomerId", "CompanyId", "RequestId", "UserId")
_WRITERS: Mapping[str, Callable[[str, ZoneInfo], str]] = {
    **{f"Type{one}": _whole for one in _INTEGERS},
    "TypeFloat": _number,
    "TypeDate": _date,
    "TypeDateTime": _moment,
    "TypeTime": _time,
    "TypeBool": _yes_no,
}
