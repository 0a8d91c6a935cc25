"""SuperOffice's extra fields: which kinds there are, and how a value of ours is written in theirs."""

from collections.abc import Mapping
from datetime import datetime
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
    text = text.strip()
    if not text:
        return text
    match kind:
        case "TypeInteger" | "TypeForeignKey" | "TypeCustomerId" | "TypeCompanyId" | "TypeRequestId" | "TypeUserId":
            return str(_made(int, text, "a whole number"))
        case "TypeFloat":
            return str(_made(float, text, "a number such as 1.5"))
        case "TypeDate":
            return _made(datetime.fromisoformat, text, "a date such as 2025-01-31").strftime("%Y-%m-%d")
        case "TypeDateTime":
            at = _made(datetime.fromisoformat, text, "a time such as 2025-01-31T14:30:00+01:00")
            return (at.astimezone(zone) if at.tzinfo else at).strftime("%Y-%m-%d %H-%M-%S.000")
        case "TypeTime":
            at = _made(lambda value: datetime.strptime(f"{value}:00"[:8], "%H:%M:%S"), text, "a time such as 14:30")  # noqa: DTZ007 # it has no date
            return at.strftime("%H-%M-%S.000")
        case "TypeBool":
            if text.lower() not in _BOOLEANS:
                raise ValueError("yes or no")
            return _BOOLEANS[text.lower()]
        case _:
            return text


_BOOLEANS = {"yes": "1", "true": "1", "1": "1", "no": "0", "false": "0", "0": "0"}


def _made(make: Any, text: str, form: str) -> Any:
    try:
        return make(text)
    except ValueError:
        raise ValueError(form) from None
