"""Our drafts as parameters of Keliweb's methods: people, texts, files and custom fields."""

from collections.abc import Mapping, Sequence

from adapters.contract import with_marker
from adapters.errors import Rejected
from adapters.keliweb.settings import KeliwebSettings
from adapters.model import Body, MessageDraft, Person, TicketDraft
from adapters.whmcs_family.desk import by_number, escaped, message_of
from adapters.whmcs_family.php import attached, serialized

TRUE = "true"
"""What a browser's FormData makes of true; what is false is left out, since PHP takes "false" for true."""
OPTIONS = frozenset({"serviceid", "domainid", "contactid"})

Params = dict[str, str]


def ticket(desk: str, draft: TicketDraft, files: Sequence[tuple[str, bytes]], settings: KeliwebSettings) -> Params:
    """Parameters of open-ticket.

    Raises:
        Rejected: something is missing, or cannot be told to this API.
    """
    department = draft.department or settings.department
    if not department:
        raise Rejected(desk, "Keliweb needs a department.", remedy="Choose one.", field="department")
    if draft.owner:
        raise Rejected(desk, "Keliweb cannot assign a ticket.", remedy="Leave the owner empty.", field="owner")
    options = _options(desk, draft.options)
    contact = options.pop("contactid", "") or settings.contact(draft.requester)
    named = bool(contact) or settings.is_account(draft.requester)
    body = draft.first.body if named else _headed(draft.first.body, draft.requester)
    params = {
        "deptid": department,
        "subject": settings.kept(draft.subject),
        **_who(draft.requester, settings, contact=contact),
        **_content(desk, draft.first, files, settings, body=body, markdown=("markdown",)),
        **options,
    }
    if settings.client:
        params["clientid"] = settings.client
    priority = draft.priority or settings.priority
    if priority and not settings.send_priority:
        remedy = "Leave it empty, or let the operator set send_priority."
        raise Rejected(desk, "Keliweb is told no priority.", remedy=remedy, field="priority")
    if priority:
        params["priority"] = priority
    if draft.fields:
        params["customfields"] = serialized(by_number(draft.fields, settings, desk=desk))
    return params


def reply(desk: str, draft: MessageDraft, files: Sequence[tuple[str, bytes]], settings: KeliwebSettings) -> Params:
    """Parameters of add-ticket-reply but the ticket."""
    who = _who(draft.author, settings, contact=settings.contact(draft.author))
    return {**who, **_content(desk, draft, files, settings, body=draft.body, markdown=settings.markdown_names)}


def _who(person: Person, settings: KeliwebSettings, *, contact: str) -> Params:
    """Whose it is: the account's own or a contact's, else a name with an address that can be trusted."""
    if contact:
        return {"contactid": contact}
    if settings.is_account(person) or not settings.send_names:
        return {}
    email = {"email": person.email} if person.email and person.trusted_email else {}
    return {"name": settings.kept(person.name), **email} if person.name else email


def _content(
    desk: str,
    draft: MessageDraft,
    files: Sequence[tuple[str, bytes]],
    settings: KeliwebSettings,
    *,
    body: Body,
    markdown: Sequence[str],
) -> Params:
    message, is_markdown = message_of(with_marker(body, draft.marker), settings, desk=desk, system="Keliweb")
    params = {"message": message, **dict.fromkeys(markdown if is_markdown else (), TRUE)}
    return {**params, "attachments": attached(files)} if files else params


def _headed(body: Body, requester: Person) -> Body:
    """*body* below a line that names the requester: the documents do not say that an account's ticket shows names."""
    if not requester.name:
        return body
    address = f", {requester.email}" if requester.email else ""
    return Body(
        plain=f"Requester: {requester.name}{address}\n\n{body.plain}",
        markdown=None
        if body.markdown is None
        else f"Requester: {escaped(requester.name + address)}\n\n{body.markdown}",
    )


def _options(desk: str, options: Mapping[str, str]) -> Params:
    """The parameters of open-ticket that only the form asks for."""
    given = {key: value.strip() for key, value in options.items() if value.strip()}
    for name in given.keys() - OPTIONS:
        raise Rejected(desk, f"Keliweb has no option {name!r}.", remedy="Leave it away.", field=name)
    for name, value in given.items():
        if not value.isdecimal():
            raise Rejected(desk, f"{name} must be a number.", remedy="Write digits only.", field=name)
    if {"serviceid", "domainid"} <= given.keys():
        cause = "Keliweb takes a service or a domain, not both."
        raise Rejected(desk, cause, remedy="Leave one empty.", field="domainid")
    return given
