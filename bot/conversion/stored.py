"""How records are stored: as JSON with a version, of which releases that run side by side spoil nothing.

A field that is as always is not written, one that we do not know is kept as it is where the record is changed in place,
and a record that says anything else that we do not know is left alone (`UnknownVersion`).
docs/decisions.md has the rules.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

VERSION = 1
LEFT_ALONE = "a record of a newer version is left alone"
"""What the log says of one."""


class Versioned(Protocol):
    """What says of itself which version wrote it."""

    @property
    def v(self) -> int:
        """The version."""
        ...


V = TypeVar("V", bound=Versioned)


class UnknownVersion(Exception):
    """The record was written by a newer Threadline; this process must leave it to one that knows it."""


class Record(BaseModel):
    """A stored thing: immutable, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KeptRecord(Record):
    """A stored thing that is changed in place: what a newer Threadline added is kept as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")

    v: int = VERSION


def tagged(tag: str, record: BaseModel, *without: str) -> str:
    """An object that says *tag*, and of *record* what is not as always."""
    said = record.model_dump_json(exclude_defaults=True, exclude=set(without))
    return f"{{{tag}}}" if said == "{}" else f"{{{tag},{said[1:]}"


def known(read: Callable[[], V]) -> V:
    """What *read* gives, unless a newer Threadline wrote it."""
    try:
        record = read()
    except ValidationError as error:
        raise UnknownVersion(f"a record that this version cannot read ({error.error_count()} problems)") from None
    if record.v > VERSION:
        raise UnknownVersion(f"a record of version {record.v}")
    return record
