"""Settings of a WHMCS desk."""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field as Setting, SecretStr, model_validator
from typing_extensions import override

from adapters.whmcs_family.settings import FamilySettings


class WhmcsSettings(FamilySettings):
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
    webhook_secret: SecretStr = Setting(SecretStr(""), description="Shared with the hook file, to sign what it sends.")
    extra: Mapping[str, Mapping[str, str]] = Setting(
        {}, description='Further parameters by action, such as {AddTicketReply = {useMarkdown = "1"}} for old versions.'
    )

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        new = bool(self.identifier and self.secret.get_secret_value())
        old = bool(self.username and self.password.get_secret_value())
        if new == old:
            raise ValueError("give identifier and secret, or (before WHMCS 7.2) username and password")
        return self

    @property
    def api(self) -> str:
        """The address of the API."""
        return f"{self.url}/{self.api_path.strip('/')}"

    @property
    @override
    def ticket_address(self) -> str:
        return f"{self.url}/{self.admin_path.strip('/')}/supporttickets.php?action=view&id={{id}}"
