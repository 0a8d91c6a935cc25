"""Our drafts as SuperOffice's entities: what we set of a ticket and of a message, on top of its defaults."""

from collections.abc import Callable, Mapping
from typing import Any

from adapters.contract import with_marker
from adapters.errors import Rejected
from adapters.model import Body, Field, FieldKind, MessageDraft, Role, TicketDraft, Visibility
from adapters.superoffice_rest import fields, reading
from adapters.superoffice_rest.reading import Row, ident, part, text
from adapters.superoffice_rest.settings import IN_TITLE, SuperOfficeRestSettings

Entity = dict[str, Any]

OPTIONS = (
    Field(key="secondary_persons", label="Further contacts", hint="Ids of contacts, with commas between."),
    Field(key="deadline", label="Deadline", kind=FieldKind.DATETIME),
    Field(key="status", label="Status number", kind=FieldKind.INTEGER, hint="A status other than the usual first one."),
    Field(key="tags", label="Tags", hint="Ids of tags, with commas between."),
    Field(key="sale", label="Sale number", kind=FieldKind.INTEGER),
    Field(key="project", label="Project number", kind=FieldKind.INTEGER),
    Field(key="language", label="Language", hint="Language of the request (iso2), such as en."),
)
"""What only the form asks for."""

_ASKED_FOR = {"Title": "subject", "Category": "department", "Priority": "priority", "Person": "requester"}
_ASKED_FOR |= {"OwnedBy": "owner", "Status": "status", "Deadline": "deadline", "Sale": "sale", "Project": "project"}
"""Properties that a site may insist on, by what the form calls them."""
_ONLY_TOLD = frozenset({"TableRight", "FieldProperties", "_Links"})
"""What an entity says about itself, and is not told."""


def level(visibility: Visibility) -> str:
    """SuperOffice's name of a visibility."""
    return "External" if visibility is Visibility.PUBLIC else "Internal"


def ticket(
    desk: str, draft: TicketDraft, defaults: Row, custom: Mapping[str, Field], settings: SuperOfficeRestSettings
) -> Entity:
    """The entity that POST Ticket takes: the defaults with what the draft and the settings say.

    Raises:
        Rejected: something is missing or of the wrong form.
    """
    category = draft.department or settings.department
    if not category and not ident(part(defaults, "Category").get("TicketCategoryId")):
        raise Rejected(
            desk, "SuperOffice opens no ticket without a category.", remedy="Choose one.", field="department"
        )
    in_title = settings.marker_field == IN_TITLE
    mark = draft.first.marker
    entity: Entity = {
        **{name: value for name, value in defaults.items() if name not in _ONLY_TOLD},
        "Title": reading.TITLES.marked(draft.subject, mark) if in_title else draft.subject,
        "Slevel": level(draft.first.visibility),
        "Author": draft.first.author.name,
        "Origin": settings.origin,
        **_references(desk, draft, settings),
        **_options(desk, draft.options),
    }
    values = _custom(desk, draft.fields, custom)
    if not in_title:
        values[settings.marker_field] = mark
    if values:
        entity["CustomFields"] = {**part(defaults, "CustomFields"), **values}
    _insisted_on(desk, entity, part(defaults, "FieldProperties"))
    return entity


def _references(desk: str, draft: TicketDraft, settings: SuperOfficeRestSettings) -> Entity:
    """The entities that a ticket points at. An owner of 0 is nobody, of 2147483647 whoever the category's rules say."""
    wanted = {
        "Category": ("TicketCategoryId", draft.department or settings.department, "department"),
        "Priority": ("TicketPriorityId", draft.priority or settings.priority, "priority"),
        "OwnedBy": ("AssociateId", draft.owner or settings.owner, "owner"),
        "Person": ("PersonId", draft.requester.desk_id or settings.person, "requester"),
    }
    return {name: {key: _number(desk, value, field)} for name, (key, value, field) in wanted.items() if value}


def _options(desk: str, given: Mapping[str, str]) -> Entity:
    known = {option.key for option in OPTIONS}
    for name in given.keys() - known:
        raise Rejected(desk, f"SuperOffice has no option {name[:40]!r}.", remedy="Leave it away.", field=name)
    makers: Mapping[str, Callable[[str], Entity]] = {
        "secondary_persons": lambda value: {
            "SecondaryPersons": [{"PersonId": one} for one in _numbers(desk, value, "secondary_persons")]
        },
        "deadline": lambda value: {"Deadline": _moment(desk, value)},
        "tags": lambda value: {"Tags": [{"Id": one} for one in _numbers(desk, value, "tags")]},
        "sale": lambda value: {"Sale": {"SaleId": _number(desk, value, "sale")}},
        "project": lambda value: {"Project": {"ProjectId": _number(desk, value, "project")}},
        "language": lambda value: {"Language": value},
    }
    entity: Entity = {}
    for name, value in given.items():
        if value.strip() and name in makers:
            entity |= makers[name](value.strip())
    return entity


def _custom(desk: str, values: Mapping[str, str], known: Mapping[str, Field]) -> dict[str, str]:
    """Values of custom fields in SuperOffice's encoding."""
    found = {}
    for key, value in values.items():
        if not value.strip():
            continue
        if key not in known:
            raise Rejected(desk, f"SuperOffice has no field {key[:40]!r} for tickets.", field=key)
        try:
            found[key] = fields.written(value, known[key].kind)
        except ValueError as error:
            raise Rejected(desk, f"the value of {known[key].label[:40]} must be {error}.", field=key) from None
    return found


def _insisted_on(desk: str, entity: Entity, properties: Row) -> None:
    """What this SuperOffice has marked as mandatory must have a value; the defaults' FieldProperties tell.

    Raises:
        Rejected: it has none.
    """
    for name, field in _ASKED_FOR.items():
        right = part(part(properties, name), "FieldRight")
        if "UIHintMandatory" in text(right.get("Mask")) and not _filled(entity.get(name)):
            raise Rejected(desk, f"SuperOffice insists on {field} here.", remedy="Fill it in.", field=field)


def _filled(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(ident(one) for key, one in value.items() if str(key).endswith("Id"))
    return bool(value) and not str(value).startswith("0001-01-01")


def message(desk: str, ticket: int, draft: MessageDraft, *, contact: bool) -> Entity:
    """The entity of a new message; every property that SuperOffice documents is there, most of them neutral.

    *contact* says whether its author is known to SuperOffice by id.
    """
    body = with_marker(draft.body, draft.marker)
    person = {"PersonId": _number(desk, draft.author.desk_id or "", "requester")} if contact else None
    return {
        "EjMessageId": 0,
        "Ticket": {"TicketId": ticket},
        "Author": draft.author.name,
        "Slevel": level(draft.visibility),
        "Type": "Html" if body.html else "Plain",
        "Body": body.plain,
        "HtmlBody": body.html or "",
        "MessageCategory": "Message",
        "Person": person,
        "Important": False,
        "TimeSpent": 0,
        "MessageHeaders": [],
        "CustomFields": {},
    }


def is_contact(draft: MessageDraft) -> bool:
    """Whether a message is by somebody whom SuperOffice knows as a contact."""
    return draft.author.role is Role.REQUESTER and bool(ident(draft.author.desk_id))


def edited(body: Body, marker: str) -> list[Entity]:
    """Changes that replace a text and keep its marker."""
    whole = with_marker(body, marker)
    return [replaced("Body", whole.plain), replaced("HtmlBody", whole.html or "")]


def replaced(name: str, value: object) -> Entity:
    """One change of a JSON patch."""
    return {"op": "replace", "path": f"/{name}", "value": value}


def unless_changed(name: str, value: object) -> Entity:
    """A step of a JSON patch that stops it where the property is not *value* any more."""
    return {"op": "test", "path": f"/{name}", "value": value}


def _number(desk: str, value: str, field: str) -> int:
    if not reading.is_number(value):
        raise Rejected(desk, f"{field} must be a number of SuperOffice's.", remedy="Choose another one.", field=field)
    return int(value)


def _numbers(desk: str, value: str, field: str) -> list[int]:
    return [_number(desk, one.strip(), field) for one in value.split(",") if one.strip()]


def _moment(desk: str, value: str) -> str:
    try:
        return f"{fields.in_utc(value):%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        raise Rejected(desk, "the deadline must be a time with an offset.", field="deadline") from None
