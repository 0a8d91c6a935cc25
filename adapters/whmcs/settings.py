"""Settings of a WHMCS desk."""

from collections.abc import Mapping
from typing import Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field as Setting, SecretStr, field_validator, model_validator

from adapters.contract import FieldSetting
from adapters.http import HttpSettings
from adapters.model import Status


class WhmcsSettings(HttpSettings):
    """How to reach a WHMCS and how it is set up. ``url`` is the address of its root, without includes/api.php."""

    identifier: str = Setting("", description="Identifier of the API credentials.")
    secret: SecretStr = Setting(SecretStr(""), description="Secret of the API credentials.")
    username: str = Setting("", description="Login name of an admin, for WHMCS before 7.2 instead of an identifier.")
    password: SecretStr = Setting(SecretStr(""), description="That admin's password; its MD5 is sent.")
    accesskey: SecretStr = Setting(
        SecretStr(""), description="The $api_access_key of configuration.php, where our address is not allow-listed."
    )
    http_user: str = Setting("", description="Name for HTTP Basic authentication, where a site asks for it.")
    http_password: SecretStr = Setting(SecretStr(""), description="Password for HTTP Basic authentication.")
    api_path: str = Setting("includes/api.php", description="Where the API is below url.")
    admin_path: str = Setting("admin", description="The admin folder, for links that open a ticket for agents.")
    timezone: str = Setting("UTC", description="The time zone of the WHMCS server; its dates carry none.")
    post_max_size: int = Setting(
        8_388_608, gt=100_000, description="PHP's post_max_size there, in bytes. PHP empties a larger request silently."
    )
    max_message: int = Setting(65_000, gt=1000, description="Bytes of a message that its database column keeps.")
    markdown: bool = Setting(True, description="Send Markdown; else plain text.")
    send_times: bool = Setting(
        False, description="Send when a message was written (8.0 or newer). Needs the right timezone and clocks."
    )
    reply_as: Literal["person", "staff"] = Setting(
        "person",
        description="Whether replies appear as their authors (client, contact, or name) or as staff.",
    )
    admin_username: str = Setting("", description="Admin under whom staff replies appear; empty: the author's name.")
    reply_status: str = Setting("", description="Status after a reply of ours; empty leaves it to WHMCS.")
    default_client: str = Setting("", description="Id of the client who gets the tickets of unknown people.")
    guest_email: str = Setting("", description="E-mail address for requesters who have none that can be trusted.")
    look_up: tuple[Literal["clients", "contacts", "users"], ...] = Setting(
        ("clients", "contacts", "users"), description="Where requesters are looked for by e-mail, in order."
    )
    open_status: str = Setting("Open", description="The status that reopening sets.")
    closed_status: str = Setting("Closed", description="The status that closing sets.")
    closed_statuses: frozenset[str] = Setting(frozenset({"Closed"}), description="Statuses that mean closed.")
    pending_statuses: frozenset[str] = Setting(
        frozenset({"Answered", "On Hold"}), description="Statuses that mean that the requester is waited for."
    )
    fields: tuple[FieldSetting, ...] = Setting(
        (), description="Custom fields, since the API cannot list them; id is WHMCS's number of the field."
    )
    webhook_secret: SecretStr = Setting(SecretStr(""), description="Shared with the hook file, to sign what it sends.")
    extra: Mapping[str, Mapping[str, str]] = Setting(
        {}, description='Further parameters by action, such as {AddTicketReply = {useMarkdown = "1"}} for old versions.'
    )

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("is no time zone; use a name such as Europe/Rome") from error
        return name

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        new = bool(self.identifier and self.secret.get_secret_value())
        old = bool(self.username and self.password.get_secret_value())
        if new == old:
            raise ValueError("give identifier and secret, or (before WHMCS 7.2) username and password")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The server's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def api(self) -> str:
        """The address of the API."""
        return f"{self.url}/{self.api_path.strip('/')}"

    def ticket_url(self, ticket: str) -> str:
        """The address that opens a ticket for an agent; the client's, with its secret code, is never used."""
        return f"{self.url}/{self.admin_path.strip('/')}/supporttickets.php?action=view&id={ticket}"

    def meaning(self, status: str) -> Status:
        """What a status of this WHMCS means."""
        if status in self.closed_statuses:
            return Status.CLOSED
        return Status.PENDING if status in self.pending_statuses else Status.OPEN
