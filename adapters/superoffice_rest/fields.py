"""Custom fields of tickets: which kinds there are, and how a value of ours is written in SuperOffice's encoding."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from math import isfinite

from adapters.model import Choice, Field, FieldKind
from adapters.superoffice_rest.reading import Row, text

KINDS: Mapping[str, FieldKind] = {
    "number": FieldKind.INTEGER,
    "integer": FieldKind.INTEGER,
    "int": FieldKind.INTEGER,
    "decimal": FieldKind.NUMBER,
    "float": FieldKind.NUMBER,
    "double": FieldKind.NUMBER,
    "shorttext": FieldKind.TEXT,
    "text": FieldKind.TEXT,
    "string": FieldKind.TEXT,
    "longtext": FieldKind.LONG_TEXT,
    "date": FieldKind.DATE,
    "unlimiteddate": FieldKind.DATE,
    "datetime": FieldKind.DATETIME,
    "checkbox": FieldKind.YES_NO,
    "bool": FieldKind.YES_NO,
    "boolean": FieldKind.YES_NO,
    "list": FieldKind.INTEGER,
}
"""By SuperOffice's FieldType in small letters. Fields of other types (files, links to rows) are not offered."""


def offered(item: Row, choices: tuple[Choice, ...], *, required: frozenset[str]) -> Field | None:
    """A field of GET Ticket/CustomField as a form asks for it, or None where a form cannot."""
    key = text(item.get("FieldName"))
    kind = KINDS.get(text(item.get("FieldType")).lower())
    if not key or kind is None or item.get("HideField") or item.get("IsReadOnly"):
        return None
    is_list = text(item.get("FieldType")).lower() == "list"
    hint = text(item.get("Description"))
    return Field(
        key=key,
        label=text(item.get("DisplayName")) or key,
        kind=FieldKind.CHOICE if is_list and choices else kind,
        required=bool(item.get("IsMandatory")) or key in required,
        hint=hint or ("The id of an entry of its list." if is_list and not choices else ""),
        max_length=_length(item),
        choices=choices,
    )


def written(value: str, kind: FieldKind) -> str:
    """*value*, in our form, as SuperOffice encodes values of that kind whatever its culture.

    Raises:
        ValueError: with words for what it must be.
    """
    try:
        return _WRITERS.get(kind, str)(value.strip() if kind is not FieldKind.LONG_TEXT else value)
    except (ValueError, KeyError):
        raise ValueError(_MUST_BE[kind]) from None


def in_utc(value: str) -> datetime:
    """A time with an offset, in UTC.

    Raises:
        ValueError: it is none, has no offset, or is none in UTC any more, at either end of the calendar.
    """
    at = datetime.fromisoformat(value)
    if not at.tzinfo:
        raise ValueError("no offset")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise ValueError("before the first year or after the last") from None


def _number(value: str) -> str:
    number = float(value)
    if not isfinite(number):
        raise ValueError("no number")
    return f"[F:{number:.15g}]"


_WRITERS: Mapping[FieldKind, Callable[[str], str]] = {
    FieldKind.INTEGER: lambda value: f"[I:{int(value)}]",
    FieldKind.CHOICE: lambda value: f"[I:{int(value)}]",
    FieldKind.NUMBER: _number,
    FieldKind.DATE: lambda value: f"[D:{date.fromisoformat(value):%m/%d/%Y}]",
    FieldKind.DATETIME: lambda value: f"[DT:{in_utc(value):%m/%d/%Y %H:%M:%S}]",
    FieldKind.YES_NO: lambda value: {"yes": "[I:1]", "no": "[I:0]"}[value],
}
_MUST_BE: Mapping[FieldKind, str] = {
    FieldKind.INTEGER: "a whole number",
    FieldKind.CHOICE: "one of the list",
    FieldKind.NUMBER: "a number",
    FieldKind.DATE: "a date such as 2025-01-31",
    FieldKind.DATETIME: "a time such as 2025-01-31T14:30:00+01:00",
    FieldKind.YES_NO: "yes or no",
}


def _length(item: Row) -> int | None:
    length = item.get("TextLength")
    return length if isinstance(length, int) and length > 0 else None
