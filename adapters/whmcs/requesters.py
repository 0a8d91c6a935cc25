"""Who at WHMCS has an e-mail address: clients, their contacts, and users."""

from collections.abc import Awaitable, Callable, Mapping

from adapters.errors import Misconfigured, Rejected
from adapters.whmcs.refusals import is_unknown
from adapters.whmcs.wire import WhmcsWire
from adapters.whmcs_family.reading import Row, ident, rows, text

Found = list[tuple[Row, str]]
"""Rows with the ids that `adapters.whmcs.writing.opener` understands. The caller compares the addresses."""


async def clients(desk: WhmcsWire, email: str) -> Found:
    """The client with that address, in either place of the answer where versions put it."""
    try:
        answer = await desk.call("GetClientsDetails", {"email": email}, changes=False)
    except Rejected:
        return []
    told = answer.get("client")
    client = told if isinstance(told, dict) else answer
    number = ident(client.get("id") or client.get("client_id") or client.get("userid"))
    return [(client, f"client:{number}")] if number else []


async def contacts(desk: WhmcsWire, email: str) -> Found:
    """Contacts with that address; their ``userid`` is the client's id."""
    answer = await desk.call("GetContacts", {"email": email}, changes=False)
    listed = rows(answer.get("contacts"), "contact")
    return [(row, f"contact:{ident(row.get('userid'))}:{ident(row.get('id'))}") for row in listed]


async def users(desk: WhmcsWire, email: str) -> Found:
    """Users whose address, or name, begins so, once for each client that they belong to; none before WHMCS 8.1."""
    try:
        answer = await desk.call("GetUsers", {"search": email}, changes=False)
    except Misconfigured as error:
        if is_unknown(error):
            return []
        raise
    return [
        (row, f"user:{ident(client.get('id'))}:{ident(row.get('id'))}")
        for row in rows(answer.get("users"), "user")
        for client in rows(row.get("clients"), "client")
    ]


LOOK_UPS: Mapping[str, Callable[[WhmcsWire, str], Awaitable[Found]]] = {
    "clients": clients,
    "contacts": contacts,
    "users": users,
}
"""By the names of the setting ``look_up``."""


def full_name(row: Row) -> str:
    """A person's whole name, which WHMCS spells in three ways."""
    given = text(row.get("fullname") or row.get("fullName"))
    return given or f"{text(row.get('firstname'))} {text(row.get('lastname'))}".strip()
