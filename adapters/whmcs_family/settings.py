"""Settings that every desk of WHMCS's family has: its clock, its sizes, its texts, its statuses, its custom fields."""

from typing import Self
from zoneinfo import ZoneInfo

from pydantic import Field as Setting, field_validator, model_validator

from adapters.http import HttpSettings
from adapters.model import Status, TicketRef
from adapters.settings import FieldSetting, TimeZone, must_be_among
from adapters.whmcs_family.letters import spelled

PRIORITIES = ("Low", "Medium", "High")
"""WHMCS documents these three and has no call that lists them."""


class FamilySettings(HttpSettings):
    """What cannot be asked of the API and has to be told."""

    timezone: TimeZone = Setting("UTC", description="The time zone of the server; its dates carry none.")
    post_max_size: int = Setting(
        8_388_608, gt=100_000, description="PHP's post_max_size there, in bytes. PHP empties a larger request silently."
    )
    max_message: int = Setting(65_000, ge=4000, description="Bytes of a message that its database column keeps.")
    four_bytes: bool = Setting(
        False,
        description="Whether its database keeps letters of four bytes, such as emoji (MySQL's utf8mb4). Else they are"
        " sent by their names, since MySQL's utf8 cuts a text at the first of them, without a word.",
    )
    markdown: bool = Setting(True, description="Send Markdown; else plain text.")
    closed_statuses: frozenset[str] = Setting(frozenset({"Closed"}), description="Statuses that mean closed.")
    pending_statuses: frozenset[str] = Setting(
        frozenset({"Answered", "On Hold"}), description="Statuses that mean that the requester is waited for."
    )
    fields: tuple[FieldSetting, ...] = Setting(
        (), description="Custom fields, since the API cannot list them; id is the desk's number of the field."
    )

    @field_validator("url")
    @classmethod
    def _is_root(cls, url: str) -> str:
        if "?" in url:
            raise ValueError("must end before a ?, since paths are put behind it")
        return url

    @model_validator(mode="after")
    def _has_room(self) -> Self:
        if self.post_max_size <= 2 * self.max_message:
            raise ValueError("post_max_size: must be more than twice max_message, or no message can be sent")
        return self

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        must_be_among(PRIORITIES, "priority", (self.priority,))
        asked = (*[field.key for field in self.fields], *self.ask_options)
        must_be_among(asked, "required_fields", self.required_fields)
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The server's time zone."""
        return ZoneInfo(self.timezone)

    def kept(self, text: str) -> str:
        """*text* as its database can keep it."""
        return text if self.four_bytes else spelled(text)

    def meaning(self, status: str) -> Status:
        """What a status of this desk means."""
        if status in self.closed_statuses:
            return Status.CLOSED
        return Status.PENDING if status in self.pending_statuses else Status.OPEN

    def ticket_url(self, ticket: TicketRef) -> str | None:
        """The address that opens a ticket for people, without the secret code ``c`` of the client's link."""
        return self.ticket_address.replace("{id}", ticket.id).replace("{number}", ticket.number) or None
