"""Settings of the local desk."""

from collections.abc import Mapping
from typing import Self

from pydantic import Field as Setting, field_validator, model_validator

from adapters.model import Status
from adapters.settings import DeskSettings, FieldSetting, File, must_be_among


class LocalSettings(DeskSettings):
    """A desk that is one file. Everything but the path has a default that works."""

    path: File = Setting(
        description="The SQLite file; it is made where it is not there. A relative path is from where Threadline is "
        "started, ~ is the home directory."
    )
    departments: tuple[str, ...] = Setting(("Support", "IT", "Facilities"), description="Departments, in order.")
    priorities: tuple[str, ...] = Setting(("Low", "Normal", "High", "Urgent"), description="Priorities, in order.")
    statuses: Mapping[str, Status] = Setting(
        {"Open": Status.OPEN, "Waiting": Status.PENDING, "Closed": Status.CLOSED},
        description="Statuses, in order, and what each means: open, pending or closed.",
    )
    agents: tuple[str, ...] = Setting(("Alex Agent", "Sam Agent"), description="Names of those who work tickets.")
    fields: tuple[FieldSetting, ...] = Setting((), description="Custom fields of a ticket.")
    max_file: int = Setting(100_000_000, gt=0, description="Bytes of the largest file that is kept.")

    @model_validator(mode="after")
    def _can_open_and_close(self) -> Self:
        if not {Status.OPEN, Status.CLOSED} <= set(self.statuses.values()):
            raise ValueError("statuses: at least one must mean open, and one closed")
        if not self.departments or not self.priorities:
            raise ValueError("departments and priorities: name at least one of each")
        return self

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        must_be_among(self.departments, "department", (self.department,))
        must_be_among(self.priorities, "priority", (self.priority,))
        must_be_among([field.key for field in self.fields], "required_fields", self.required_fields)
        return self

    @field_validator("departments", "priorities", "agents")
    @classmethod
    def _are_there_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"has {twice[0]!r} more than once")
        return names

    @property
    def usual_priority(self) -> str:
        """The priority of a ticket that asks for none: the one that is set, else the lower middle of the list."""
        return self.priority or self.priorities[(len(self.priorities) - 1) // 2]

    def status_for(self, meaning: Status) -> str:
        """The first status with that meaning."""
        return next(name for name, means in self.statuses.items() if means is meaning)
