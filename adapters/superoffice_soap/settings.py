"""The settings of a SuperOffice desk that is reached by SOAP."""

from typing import Annotated, Self

from pydantic import Field as Setting, SecretStr, StringConstraints, model_validator
from typing_extensions import override

from adapters.http import HttpSettings
from adapters.model import Visibility
from adapters.settings import File, TimeZone

IN_TITLE = "title"
"""The value of ``marker_field`` that puts the marker at the end of the title."""

NAMESPACE = "urn:ticket"
"""The namespace of the WSDL that comes with Threadline."""

Id = Annotated[str, StringConstraints(pattern=r"^-?\d+$")]


class SuperOfficeSoapSettings(HttpSettings):
    """What `SuperOfficeSoapDesk` needs to know."""

    url: str = Setting(
        description="Where the ticket port takes calls: https://host/scripts/soap.exe?action=ticket, or soap without"
        " .exe where SuperOffice does not run on IIS."
    )
    username: str = Setting(min_length=1, description="Login name of a SuperOffice Service user with admin rights.")
    password: SecretStr = Setting(min_length=1, description="That user's password; better kept in the environment.")
    wsdl: File | None = Setting(
        None, description="A copy of the WSDL that your installation serves; without it, the one that Threadline has."
    )
    namespace: str = Setting(
        NAMESPACE,
        pattern=r"^[^\s<>&\"']+$",
        description="The namespace of the ticket port, where it is not that of Threadline's own WSDL.",
    )
    visibility: Visibility = Setting(
        Visibility.INTERNAL, description="Whether messages start as public replies or internal notes."
    )
    marker_field: str = Setting(
        IN_TITLE,
        pattern=r"^(title|(ticket\.)?x_\w+)$",
        description="Where a ticket carries Threadline's reference: an extra field of text, such as x_10, or title for"
        " the end of the title.",
    )
    owner: Id = Setting(
        "-1",
        description="Who owns a new ticket: -1 lets the category's delegation rules decide, 1 leaves it unassigned.",
    )
    customer: Id | None = Setting(
        None,
        description="Id of the customer of tickets whose requester SuperOffice does not know; else they have none.",
    )
    create_requesters: bool = Setting(
        False, description="Whether a requester whom SuperOffice does not know becomes a customer there."
    )
    agents: dict[Id, str] = Setting(
        {}, description="Users who can be given tickets: id = name. The ticket port cannot list them."
    )
    impersonate: bool = Setting(
        False,
        description="Whether messages of people who are SuperOffice users (by e-mail) are written in their name, by"
        " loginAsUser.",
    )
    mail_to: tuple[str, ...] = Setting((), description="Addresses that SuperOffice mails every public reply to (To).")
    mail_cc: tuple[str, ...] = Setting((), description="The same as copies (Cc).")
    mail_bcc: tuple[str, ...] = Setting((), description="The same as blind copies (Bcc).")
    reply_template: int = Setting(
        -1,
        ge=-1,
        description="Id of the reply template for public replies, which must hold %message.body%; -1 sends the text as"
        " it is.",
    )
    time_zone: TimeZone = Setting("UTC", description="Time zone of SuperOffice's server, such as Europe/Oslo.")
    ticket_url: str = Setting(
        "", description="Address that opens a ticket for an agent, with {id} for its number; empty: cards have no link."
    )
    max_file: int = Setting(20_000_000, gt=0, description="Bytes of the largest file that is sent.")
    connections: int = Setting(4, ge=1, le=10, description="Calls at the same time, at most.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.wsdl is not None and self.namespace != NAMESPACE:
            raise ValueError("namespace: leave it out, it is taken from the file that wsdl names")
        if self.ticket_url and "{id}" not in self.ticket_url:
            raise ValueError("ticket_url: must hold {id}")
        return self

    @property
    @override
    def ticket_address(self) -> str:
        return self.ticket_url

    @property
    def marker_column(self) -> str:
        """The ticket's field that holds the marker, as the API calls it."""
        return f"ticket.{self.marker_field.removeprefix('ticket.')}"

    @property
    def mails(self) -> bool:
        """Whether public replies are to be mailed to anybody."""
        return bool(self.mail_to or self.mail_cc or self.mail_bcc)
