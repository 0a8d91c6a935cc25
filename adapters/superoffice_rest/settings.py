"""The settings of a SuperOffice desk that is reached by its REST WebAPI."""

import hashlib
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field as Setting, SecretStr, StringConstraints, model_validator
from typing_extensions import override

from adapters.http import HttpSettings, is_loopback
from adapters.model import Visibility
from adapters.settings import File, Token

IN_TITLE = "title"
"""The value of ``marker_field`` that puts the marker at the end of the title."""

OptionalId = Annotated[str, StringConstraints(pattern=r"^\d*$")]

_NEEDED = {
    "basic": ("username", "password"),
    "soticket": ("ticket",),
    "bearer": (),
    "system_user": ("tenant", "app_token", "system_user_token"),
}
"""What each way of signing in cannot do without; bearer and the key have rules of their own."""


class SuperOfficeRestSettings(HttpSettings):
    """What `SuperOfficeRestDesk` needs to know: ``url`` on site, ``tenant`` online, and one way of signing in."""

    url: str = Setting(
        "",
        description="On site: the address below which the API is found at api/v1, such as"
        " https://crm.example.com/SuperOffice. Online, set tenant instead.",
    )
    tenant: str = Setting(
        "", pattern=r"^[A-Za-z0-9]*$", description="Online: the customer's identifier, such as Cust12345."
    )
    environment: Literal["online", "qaonline", "sod"] = Setting(
        "online", description="Online: production (online), stage (qaonline) or development (sod)."
    )
    login_url: str = Setting(
        "",
        pattern=r"^(https?://[^\s/@]+)?$",
        description="Address of SuperOffice's sign-in and tenant service, where it is not that of the environment.",
    )
    auth: Literal["basic", "soticket", "bearer", "system_user"] = Setting(
        description="How we sign in: basic and soticket on site, bearer or system_user online."
    )
    username: str = Setting("", description="basic: login name of a SuperOffice user with access to Service.")
    password: SecretStr = Setting(SecretStr(""), description="basic: that user's password.")
    ticket: Token = Setting(SecretStr(""), description="soticket: the ticket, such as 7T:...")
    app_token: Token = Setting(
        SecretStr(""), description="Client secret of the app: sent with tickets online, and needed for system_user."
    )
    access_token: Token = Setting(SecretStr(""), description="bearer: an access token; it ends after an hour.")
    refresh_token: Token = Setting(SecretStr(""), description="bearer: the token that new access tokens come from.")
    client_id: str = Setting("", description="bearer: client id of the app, to refresh.")
    client_secret: Token = Setting(SecretStr(""), description="bearer: client secret of the app, to refresh.")
    system_user_token: Token = Setting(
        SecretStr(""), description="system_user: the token that the customer's approval of the app gave."
    )
    private_key: SecretStr = Setting(SecretStr(""), description="system_user: the app's RSA private key, as PEM.")
    private_key_file: File | None = Setting(None, description="system_user: a file with that key instead.")
    calls_per_second: float = Setting(
        10.0, gt=0, le=1000, description="Calls a second at most, by all processes together; SuperOffice allows ten."
    )
    language: str = Setting("en", pattern=r"^[A-Za-z-]{2,5}$", description="Language of names in lists (iso2).")
    culture: str = Setting(
        "", pattern=r"^[A-Za-z-]{0,5}$", description="Culture of numbers and dates in names (iso2), if it differs."
    )
    visibility: Visibility = Setting(
        Visibility.INTERNAL, description="Whether messages start as public replies or internal notes."
    )
    marker_field: str = Setting(
        IN_TITLE,
        pattern=r"^(title|x_\w+)$",
        description="Where a ticket carries Threadline's reference: an extra field of text, such as x_threadline, or"
        " title for the end of the title.",
    )
    agents_calls: bool = Setting(
        True,
        description="Write a message together with its files, and read all messages at once (SuperOffice 10.1.9 or"
        " newer). Without it files appear a moment after their message.",
    )
    agent_list: Literal["associate", "serviceassociate"] = Setting(
        "associate", description="The list of people who can own tickets."
    )
    owner: OptionalId = Setting(
        "",
        description="Associate id of the owner of new tickets: 0 for nobody, 2147483647 for the category's rules; empty"
        " leaves it to SuperOffice's defaults.",
    )
    origin: Literal["API", "Internal", "Form", "Chat", "Unknown"] = Setting(
        "API", description="What new tickets say about where they came from."
    )
    person: OptionalId = Setting(
        "", description="Id of the contact of tickets whose requester SuperOffice does not know; else they have none."
    )
    create_requesters: bool = Setting(
        False, description="Whether a requester whom SuperOffice does not know becomes a contact there."
    )
    company: OptionalId = Setting("", description="Id of the company of contacts that are made.")
    open_status: OptionalId = Setting("", description="Id of the status that reopening sets; empty: the first one.")
    closed_status: OptionalId = Setting("", description="Id of the status that closing sets; empty: the first one.")
    update_replied_at: bool = Setting(
        True, description="Whether a public message of an agent counts as a reply in SuperOffice's figures."
    )
    ticket_url: str = Setting(
        "", description="Address that opens a ticket for an agent, with {id} for its number; empty: cards have no link."
    )
    max_file: int = Setting(20_000_000, gt=0, description="Bytes of the largest file that is sent.")
    webhook_secret: SecretStr = Setting(SecretStr(""), description="The secret of SuperOffice's webhook.")

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if bool(self.url) == bool(self.tenant):
            raise ValueError("give url (on site) or tenant (online), one of them")
        if self.login_url.startswith("http:") and not self.allow_http and not is_loopback(self.login_url):
            raise ValueError("login_url: use https")
        return self

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        lacking = [name for name in _NEEDED[self.auth] if not self.plain(name)]
        if self.auth == "bearer" and not (self.access_token.get_secret_value() or self.can_refresh):
            lacking.append("access_token, or refresh_token with client_id and client_secret")
        if self.auth == "system_user" and not (self.private_key.get_secret_value() or self.private_key_file):
            lacking.append("private_key or private_key_file")
        if lacking:
            raise ValueError(f"auth = {self.auth} needs {', '.join(lacking)}")
        return self

    @property
    @override
    def ticket_address(self) -> str:
        return self.ticket_url

    @property
    def can_refresh(self) -> bool:
        """Whether an access token can be replaced when its time is over."""
        return all(map(self.plain, ("refresh_token", "client_id", "client_secret")))

    @property
    def login(self) -> str:
        """The address of the sign-in and tenant service."""
        return self.login_url or f"https://{self.environment}.superoffice.com"

    @property
    def fingerprint(self) -> str:
        """Tells sets of credentials apart without saying anything about them."""
        names = ("auth", "tenant", "url", "refresh_token", "system_user_token", "app_token", "access_token")
        return hashlib.sha256("\n".join(map(self.plain, names)).encode()).hexdigest()[:16]

    def plain(self, name: str) -> str:
        """A setting as text, secret or not."""
        value = getattr(self, name)
        return value.get_secret_value() if isinstance(value, SecretStr) else str(value)

    def trusts(self, url: str) -> bool:
        """Whether credentials may go to *url*: the host that was configured, or SuperOffice's own."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        ours = urlsplit(self.url or self.login)
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and host.endswith(".superoffice.com") and parts.username is None
