"""Settings of a desk of Keliweb's API and its siblings."""

import re
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field as Setting, SecretStr, field_validator, model_validator
from typing_extensions import override

from adapters.model import Person
from adapters.whmcs_family.settings import FamilySettings

TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""What a Bearer token may hold (RFC 6750); anything else is no header."""


class KeliwebSettings(FamilySettings):
    """How to reach the API and what it cannot tell. ``url`` is the address of its host, without api_path."""

    client_id: str = Setting("", description="Id of the OAuth client.")
    client_secret: SecretStr = Setting(SecretStr(""), description="Secret of the OAuth client.")
    username: str = Setting("", description="E-mail address of the account.")
    password: SecretStr = Setting(SecretStr(""), description="Password of the account.")
    token: SecretStr = Setting(
        SecretStr(""), description="A token that was made by hand, instead of the four above; nothing renews it."
    )
    api_path: str = Setting("api/v2/keliweb", description="Where the methods are below url.")
    token_path: str = Setting("oauth/token", description="Where tokens are given out, below url.")
    open_path: str = Setting("open-ticket", description="Name of the method that opens a ticket.")
    reply_path: str = Setting("add-ticket-reply", description="Name of the method that adds a reply.")
    read_path: str = Setting("get-ticket", description="Name of the method that reads a ticket.")
    departments: Mapping[str, str] = Setting(
        {}, description='The departments, since the API cannot list them: names by number, such as {1 = "Support"}.'
    )
    contacts: Mapping[str, str] = Setting(
        {}, description="Numbers of the account's contacts by e-mail address, sent as contactid for these people."
    )
    send_names: bool = Setting(True, description="Send the name and e-mail address of people who are no contacts.")
    client: str = Setting(
        "", description="Number of the client, sent as clientid. The examples send it, the list of parameters lacks it."
    )
    send_priority: bool = Setting(
        False, description="Offer and send a priority. The examples send it, the list of parameters lacks it."
    )
    markdown_names: tuple[Literal["markdown", "useMarkdown"], ...] = Setting(
        ("markdown",), description="What a reply calls the parameter that says that its text is Markdown."
    )
    link: str = Setting(
        "", description="Address that opens a ticket for people, with {id} or {number} in it; empty: no link."
    )

    @field_validator("token")
    @classmethod
    def _is_token(cls, token: SecretStr) -> SecretStr:
        if token.get_secret_value() and not TOKEN.fullmatch(token.get_secret_value()):
            raise ValueError("holds what no token holds, such as a space or the end of a line")
        return token

    @model_validator(mode="after")
    def _has_credentials(self) -> Self:
        names = (self.client_id, self.username)
        secrets = (self.client_secret.get_secret_value(), self.password.get_secret_value())
        given = [bool(one) for one in (*names, *secrets)]
        if bool(self.token.get_secret_value()) == all(given) or (any(given) and not all(given)):
            raise ValueError("give client_id, client_secret, username and password, or else a token")
        return self

    @model_validator(mode="after")
    def _is_sendable(self) -> Self:
        if self.priority and not self.send_priority:
            raise ValueError("priority: it is only sent where send_priority is true")
        wrong = [number for number in (*self.departments, *self.contacts.values()) if not number.isdecimal()]
        if wrong:
            raise ValueError(f"departments and contacts: {wrong[0]!r} is no number")
        return self

    @property
    @override
    def ticket_address(self) -> str:
        return self.link

    def contact(self, person: Person) -> str:
        """The number of the contact who this person is; empty where they surely are none."""
        known = {address.casefold(): number for address, number in self.contacts.items()}
        return known.get((person.email or "").casefold(), "") if person.trusted_email else ""

    def is_account(self, person: Person) -> bool:
        """Whether this person is whose account it is."""
        own = self.username.casefold()
        return bool(own) and person.trusted_email and (person.email or "").casefold() == own
