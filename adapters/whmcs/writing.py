"""Our drafts as parameters of WHMCS's calls: identities, texts, times, files and custom fields."""

from collections.abc import Sequence

from adapters.contract import with_marker
from adapters.errors import Rejected
from adapters.model import Body, MessageDraft, Person, Role, TicketDraft, Visibility
from adapters.whmcs.settings import WhmcsSettings
from adapters.whmcs_family.desk import by_number, escaped, message_of
from adapters.whmcs_family.php import attached, serialized

NOBODY = "no-reply@threadline.invalid"
"""Stands where WHMCS insists on an address for the label of a reply; no mail is sent to it."""

Params = dict[str, str]


def opener(desk: str, requester: Person, settings: WhmcsSettings) -> Params:
    """Whose ticket it is: a client (with user or contact), else a name with an e-mail address.

    Raises:
        Rejected: there is no address, or their id is none of WHMCS's.
    """
    known = _known(desk, requester)
    if known:
        return known
    if settings.default_client:
        return {"clientid": settings.default_client}
    email = _address(requester, settings) or requester.email
    if not email:
        cause = f"WHMCS needs an e-mail address for {requester.name or 'the requester'}."
        remedy = "Choose another requester, or let the operator set guest_email or default_client."
        raise Rejected(desk, cause, remedy=remedy, field="requester")
    return {"name": settings.kept(requester.name) or email, "email": email}


def _known(desk: str, person: Person) -> Params:
    """The client whom a person's id names, with the contact or user of theirs; empty where they have no id."""
    match (person.desk_id or "").split(":"):
        case [""]:
            return {}
        case ["client", client] if client.isdecimal():
            return {"clientid": client}
        case ["contact" | "user" as kind, client, other] if client.isdecimal() and other.isdecimal():
            return {"clientid": client, f"{kind}id": other}
    cause = f"WHMCS has no person {person.desk_id!r}."
    remedy = "Choose another requester, or correct the id (threadline people map): client:7, contact:7:2 or user:7:3."
    raise Rejected(desk, cause, remedy=remedy, field="requester")


def ticket(desk: str, draft: TicketDraft, files: Sequence[tuple[str, bytes]], settings: WhmcsSettings) -> Params:
    """Parameters of OpenTicket.

    Raises:
        Rejected: something that WHMCS needs is missing.
    """
    department = draft.department or settings.department
    if not department:
        raise Rejected(desk, "WHMCS needs a department.", remedy="Choose one.", field="department")
    if draft.owner:
        cause = "WHMCS cannot assign a ticket while it is opened."
        raise Rejected(desk, cause, remedy="Assign it once it is open.", field="owner")
    who = opener(desk, draft.requester, settings)
    sign = signature(draft.requester, settings, opening=True)
    params = {
        "deptid": department,
        "subject": settings.kept(draft.subject),
        **who,
        **_content(desk, draft.first, files, settings, sign=sign),
        **_options(desk, draft),
    }
    priority = draft.priority or settings.priority
    if priority:
        params["priority"] = priority
    if quiet(draft.first, settings):
        params["noemail"] = "1"
    if draft.fields:
        params["customfields"] = serialized(by_number(draft.fields, settings, desk=desk))
    return params


def reply(desk: str, draft: MessageDraft, files: Sequence[tuple[str, bytes]], settings: WhmcsSettings) -> Params:
    """Parameters of AddTicketReply but the ticket: exactly one identity, and the author's name where that hides it.

    Raises:
        Rejected: the author's id is none of WHMCS's, or the text is too long.
    """
    author = draft.author
    if _is_staff(author, settings):
        who = {"adminusername": settings.admin_username or settings.kept(author.name)}
    elif known := _known(desk, author):
        who = {name: number for name, number in known.items() if name != "userid"}
    else:
        who = {"name": settings.kept(author.name), "email": _address(author, settings) or NOBODY}
    sign = signature(author, settings, opening=False)
    params = {**who, **_content(desk, draft, files, settings, sign=sign)}
    if settings.reply_status:
        params["status"] = settings.reply_status
    if quiet(draft, settings):
        params["noemail"] = "1"
    return params


def note(desk: str, draft: MessageDraft, files: Sequence[tuple[str, bytes]], settings: WhmcsSettings) -> Params:
    """Parameters of AddTicketNote but the ticket. A note is always by the admin of the credentials, so it is signed."""
    return _content(desk, draft, files, settings, sign=draft.author.name)


def edited(desk: str, body: Body, marker: str, settings: WhmcsSettings, *, sign: str) -> Params:
    """Parameters that replace a text."""
    return _text(desk, with_marker(signed(body, sign), marker), settings)


def signature(author: Person, settings: WhmcsSettings, *, opening: bool) -> str:
    """The name that stands in a public text, since WHMCS shows another as its author; empty where it shows theirs.

    *opening*: the text is a ticket's first message, and *author* its requester.
    """
    if opening:
        hidden = bool(settings.default_client) and not author.desk_id
    elif _is_staff(author, settings):
        hidden = bool(settings.admin_username)
    else:
        hidden = (author.desk_id or "").startswith("user:")
    return author.name if hidden else ""


def _is_staff(author: Person, settings: WhmcsSettings) -> bool:
    """Whether they reply as one of WHMCS's admins."""
    return settings.reply_as == "staff" or author.role is Role.AGENT


def quiet(draft: MessageDraft, settings: WhmcsSettings) -> bool:
    """Whether WHMCS is asked to send no mail about it."""
    return draft.visibility is Visibility.PUBLIC and not settings.notifies(draft)


def _content(
    desk: str, draft: MessageDraft, files: Sequence[tuple[str, bytes]], settings: WhmcsSettings, *, sign: str
) -> Params:
    params = _text(desk, with_marker(signed(draft.body, sign), draft.marker), settings)
    if draft.sent_at and settings.send_times:
        params["created"] = f"{draft.sent_at.astimezone(settings.zone):%Y-%m-%d %H:%M:%S}"
    if files:
        params["attachments"] = attached(files)
    return params


def _text(desk: str, body: Body, settings: WhmcsSettings) -> Params:
    message, markdown = message_of(body, settings, desk=desk, system="WHMCS")
    return {"message": message, "markdown": "1"} if markdown else {"message": message}


def signed(body: Body, name: str) -> Body:
    """*body* with its author's name as the first line, where the call has no place for it; as it is without a name."""
    if not name:
        return body
    return Body(
        plain=f"{name} wrote:\n\n{body.plain}",
        markdown=None if body.markdown is None else f"**{escaped(name)}** wrote:\n\n{body.markdown}",
    )


def _address(person: Person, settings: WhmcsSettings) -> str:
    """The address that a person's words go under; one that cannot be trusted only where there is no guest_email."""
    if person.email and person.trusted_email:
        return person.email
    return settings.guest_email or person.email or ""


def _options(desk: str, draft: TicketDraft) -> Params:
    """The parameters of OpenTicket that only the form asks for."""
    given = {key: value.strip() for key, value in draft.options.items() if value.strip()}
    for name in given.keys() - {"serviceid", "domainid", "preventClientClosure"}:
        raise Rejected(desk, f"WHMCS has no option {name!r}.", remedy="Leave it away.", field=name)
    if {"serviceid", "domainid"} <= given.keys():
        cause = "WHMCS takes a service or a domain, not both."
        raise Rejected(desk, cause, remedy="Leave one empty.", field="domainid")
    if "preventClientClosure" in given:
        # PHP takes "false" for true, and "0" for false
        given["preventClientClosure"] = "1" if given["preventClientClosure"] == "yes" else "0"
    return given
