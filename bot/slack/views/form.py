"""The form for a new ticket. An input keeps its block id through every drawing, so nothing typed is lost."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import Choice, Field, FieldKind, Visibility
from bot.conversion.catalogue import Choices, Fields, Listing
from bot.slack.ids import Action, Block, Modal, Scope
from bot.slack.limits import FILE_INPUT, ID, INPUT_TEXT, MODAL_BLOCKS, OPTIONS
from bot.slack.views.elements import Json, context, entry, modal, option, options_of, plain, section, usable
from bot.words import _, ngettext, size_words

Typed = Mapping[str, Mapping[str, Any]]
"""What was typed so far: block id -> the element's state, in the shape of Slack's ``view.state.values``."""

_MOST_FIELDS = 80  # of 100 blocks
_MOST_OPTIONS = 400  # of all custom fields together; a view may have 250 KB, and longer lists are searched instead
_UNKNOWN: Choices = Listing((), known=False)
_NO_FIELDS_YET: Fields = Listing((), known=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadSummary:
    """What would go to the ticket. ``cannot_read`` says in words why only the chosen message can."""

    messages: int = 1
    from_here: int = 1
    people: int = 1
    files: int = 0
    size: int = 0  # bytes of all files
    cannot_read: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """All that the form shows. ``typed`` also carries what it starts with."""

    desk: TicketAdapter[Any]
    desks: tuple[Choice, ...]
    metadata: str
    typed: Typed = field(default_factory=dict)
    departments: Choices = _UNKNOWN
    priorities: Choices = _UNKNOWN
    fields: Fields = _NO_FIELDS_YET
    about_thread: bool = False
    behalf: bool = True  # whether the ticket may be for somebody else
    summary: ThreadSummary | None = None
    loading: bool = False
    notice: str = ""


def form(shown: Form) -> Json:
    """The modal."""
    blocks = [section(shown.notice)] if shown.notice else []
    blocks += desk_asked(shown.desk, shown.desks, shown.typed, Action.DESK)
    if shown.about_thread:
        blocks += _thread(shown)
    blocks += [
        *_listed(shown, Block.DEPARTMENT, shown.departments, Capability.DEPARTMENTS, shown.desk.settings.department),
        *_listed(shown, Block.PRIORITY, shown.priorities, Capability.PRIORITIES, shown.desk.settings.priority),
        *_texts(shown),
        *_people(shown),
        *_delivery(shown),
        *_custom(shown),
    ]
    if shown.loading:
        blocks.append(context(_("Asking {desk} for its lists. You can begin to type.", desk=shown.desk.title)))
    return modal(Modal.TICKET, _("New ticket"), _("Create"), shown.metadata, blocks[:MODAL_BLOCKS])


def desk_asked(desk: TicketAdapter[Any], desks: Sequence[Choice], typed: Typed, action: Action) -> list[Json]:
    """The select of a helpdesk, where there is more than one."""
    if len(desks) <= 1:
        return []
    held = typed.get(Block.DESK) or chosen(Choice(id=desk.name, label=desk.title))
    element = {"type": "static_select", "action_id": action, **options_of(usable(desks)[:OPTIONS])}
    return [entry(_("Helpdesk"), element, Block.DESK, dispatch=True, typed=held)]


def _thread(shown: Form) -> list[Json]:
    summary = shown.summary
    if summary is None and Block.SCOPE in shown.typed:  # what was chosen holds although the numbers are gone
        return [_scope(shown, _uncounted())]
    if summary is None:
        return [context(_("Reading the thread."))] if shown.loading else []
    if summary.cannot_read:
        return [section(summary.cannot_read), context(_("Only the message that you chose will go to the ticket."))]
    blocks = [context(summary_words(summary))]
    if summary.messages > 1:
        blocks.append(_scope(shown, _scopes(summary)))
    return blocks


def _scope(shown: Form, scopes: list[Choice]) -> Json:
    options = [option(choice) for choice in scopes]
    element = {"type": "radio_buttons", "action_id": Action.VALUE, "options": options}
    typed = shown.typed.get(Block.SCOPE) or {"selected_option": {"value": Scope.WHOLE}}
    return entry(_("What goes to the ticket"), element, Block.SCOPE, typed=typed)


def _uncounted() -> list[Choice]:
    return [
        Choice(id=Scope.WHOLE, label=_("The whole thread")),
        Choice(id=Scope.FROM_HERE, label=_("From this message on")),
        Choice(id=Scope.ONLY_THIS, label=_("Only this message")),
    ]


def _scopes(summary: ThreadSummary) -> list[Choice]:
    scopes = [Choice(id=Scope.WHOLE, label=_("The whole thread ({messages})", messages=_messages(summary.messages)))]
    if 1 < summary.from_here < summary.messages:
        label = _("From this message on ({messages})", messages=_messages(summary.from_here))
        scopes.append(Choice(id=Scope.FROM_HERE, label=label))
    return [*scopes, Choice(id=Scope.ONLY_THIS, label=_("Only this message"))]


def summary_words(summary: ThreadSummary) -> str:
    """What would go, as in: 12 messages by 4 people, 2 files (340 KB)."""
    people = ngettext("{number} person", "{number} people", summary.people)
    if not summary.files:
        return _("{messages} by {people}", messages=_messages(summary.messages), people=people)
    return _(
        "{messages} by {people}, {files} ({size})",
        messages=_messages(summary.messages),
        people=people,
        files=files_words(summary.files),
        size=size_words(summary.size),
    )


def _messages(number: int) -> str:
    return ngettext("{number} message", "{number} messages", number)


def files_words(number: int) -> str:
    """A number of files, as in: 2 files."""
    return ngettext("{number} file", "{number} files", number)


def yes_no() -> tuple[Choice, Choice]:
    """The choices of a field that is true or not."""
    return Choice(id="yes", label=_("Yes")), Choice(id="no", label=_("No"))


def _listed(shown: Form, block: Block, listing: Choices, needs: Capability, start: str) -> list[Json]:
    """A select for one of the desk's lists; nothing where the desk has none."""
    choices = usable(listing.items)
    if not shown.desk.has(needs) or (listing.known and not choices):
        return []
    element: Json = {"action_id": Action(block.value)}
    hint = ""
    if listing.known and len(choices) <= OPTIONS:
        element |= {"type": "static_select", **options_of(choices)}
    else:
        element |= {"type": "external_select", "min_query_length": 0}
    if not listing.known and not shown.loading:
        hint = _("{desk} does not answer just now. Leave this as it is, or try the list again.", desk=shown.desk.title)
    block_id = block.of(shown.desk.name)
    typed = shown.typed.get(block_id) or _start(choices, start)
    label = _("Department") if block is Block.DEPARTMENT else _("Priority")
    optional = (block is Block.PRIORITY and not start) or not listing.known  # cleared would mean the settings' own
    dispatch = block is Block.DEPARTMENT and shown.desk.has(Capability.CUSTOM_FIELDS)
    return [entry(label, element, block_id, optional=optional, hint=hint, dispatch=dispatch, typed=typed)]


def _start(choices: list[Choice], start: str) -> Json:
    """What a select starts with by the desk's settings, under the desk's own label where that is known."""
    if not start:
        return {}
    return chosen(next((choice for choice in choices if choice.id == start), Choice(id=start, label=start)))


def chosen(choice: Choice) -> Json:
    """The state of a select in which *choice* is chosen."""
    return {"selected_option": option(choice)}


def _texts(shown: Form) -> list[Json]:
    most = min(shown.desk.limits.subject or INPUT_TEXT, INPUT_TEXT)
    subject = {"type": "plain_text_input", "action_id": Action.VALUE, "max_length": most}
    text = {"type": "plain_text_input", "action_id": Action.VALUE, "multiline": True, "max_length": INPUT_TEXT}
    described = shown.typed.get(Block.DESCRIPTION)
    hint = _("The messages of the thread follow below it.") if shown.about_thread else ""
    return [
        entry(_("Subject"), subject, Block.SUBJECT, typed=shown.typed.get(Block.SUBJECT)),
        entry(
            _("Description"),
            text,
            Block.DESCRIPTION,
            optional=shown.about_thread,
            hint=left_out(str((described or {}).get("value") or "")) or hint,
            typed=described,
        ),
    ]


def left_out(text: str) -> str:
    """What is said of a text that a form cannot hold whole; empty where it can."""
    left = len(text) - INPUT_TEXT
    if left <= 0:
        return ""
    return ngettext(
        "A form holds {most} characters: the last one of your text is not in it. Send it in the ticket's thread.",
        "A form holds {most} characters: the last {number} of your text are not in it. Send them in the ticket's "
        "thread.",
        left,
        most=INPUT_TEXT,
    )


def _people(shown: Form) -> list[Json]:
    if not shown.behalf:
        return []
    user = {"type": "users_select", "action_id": Action.VALUE}
    outsider = {
        "type": "plain_text_input",
        "action_id": Action.VALUE,
        "max_length": 320,
        "placeholder": plain("Grace Hopper <grace@example.com>", 150),
    }
    return [
        entry(_("Requester"), user, Block.REQUESTER, optional=True, typed=shown.typed.get(Block.REQUESTER)),
        entry(
            _("Or a requester who is not on Slack"),
            outsider,
            Block.OUTSIDER,
            optional=True,
            hint=_("An e-mail address, with a name before it if you like. It goes before the choice above."),
            typed=shown.typed.get(Block.OUTSIDER),
        ),
    ]


def _delivery(shown: Form) -> list[Json]:
    desk, blocks = shown.desk, []
    if desk.has(Capability.INTERNAL_TICKET):
        choices = [
            Choice(id=Visibility.PUBLIC, label=_("Public: the requester can read it")),
            Choice(id=Visibility.INTERNAL, label=_("Internal: only agents can read it")),
        ]
        element = {"type": "radio_buttons", "action_id": Action.VALUE, "options": [option(one) for one in choices]}
        block_id = Block.VISIBILITY.of(desk.name)
        typed = shown.typed.get(block_id) or {"selected_option": {"value": desk.settings.visibility}}
        blocks.append(entry(_("Who can read it"), element, block_id, typed=typed))
    if desk.has(Capability.QUIET):
        choice = option(Choice(id="yes", label=_("{desk} may send its own e-mail about this ticket", desk=desk.title)))
        element = {"type": "checkboxes", "action_id": Action.VALUE, "options": [choice]}
        block_id = Block.NOTIFY.of(desk.name)
        typed = shown.typed.get(block_id, {"selected_options": [choice] if desk.settings.notify else []})
        blocks.append(entry(_("E-mail"), element, block_id, optional=True, typed=typed))
    if desk.has(Capability.FILES) and desk.limits.files != 0:
        files: Json = {"type": "file_input", "action_id": Action.VALUE, "max_files": most_files(desk)}
        blocks.append(entry(_("Files"), files, Block.FILES, optional=True))
    return blocks


def most_files(desk: TicketAdapter[Any]) -> int:
    """How many files the form takes for this desk."""
    return min(desk.limits.files or FILE_INPUT, FILE_INPUT)


def _custom(shown: Form) -> list[Json]:
    blocks, room = [], _MOST_OPTIONS
    for block, one in inputs_of(shown.desk, shown.fields):
        blocks.append(_field(shown, block, one, room=room))
        room -= len(blocks[-1]["element"].get("options", ()))
    if (left := len(_wanted(shown.desk, shown.fields)) - len(blocks)) > 0:
        words = ngettext(
            "{desk} has {number} more field than a form holds. Fill it in there.",
            "{desk} has {number} more fields than a form holds. Fill them in there.",
            left,
            desk=shown.desk.title,
        )
        blocks.append(context(words))
    if not shown.fields.known and not shown.loading and shown.desk.has(Capability.CUSTOM_FIELDS):
        words = _("{desk} does not tell its further fields just now; it may ask for them later.", desk=shown.desk.title)
        blocks.append(context(words))
    return blocks


def inputs_of(desk: TicketAdapter[Any], fields: Fields) -> list[tuple[Block, Field]]:
    """The custom fields and extra parameters that the form asks for; where it cannot hold all, the required first."""
    wanted = _wanted(desk, fields)
    if len(wanted) > _MOST_FIELDS:
        wanted.sort(key=lambda one: not is_required(desk, one[1]))
    return wanted[:_MOST_FIELDS]


def _wanted(desk: TicketAdapter[Any], fields: Fields) -> list[tuple[Block, Field]]:
    """The custom fields, and the extra parameters that the settings name, as far as Slack can carry them."""
    options = [one for one in desk.options if one.key in desk.settings.ask_options]
    wanted = [(Block.FIELD, one) for one in fields.items] + [(Block.OPTION, one) for one in options]
    return [(block, one) for block, one in wanted if _fits(desk, one)]


def _fits(desk: TicketAdapter[Any], asked: Field) -> bool:
    return len(Block.OPTION.of(desk.name, asked.key)) <= ID


def is_required(desk: TicketAdapter[Any], asked: Field) -> bool:
    """Whether the form insists on a field."""
    return asked.required or asked.key in desk.settings.required_fields


def _field(shown: Form, block: Block, asked: Field, *, room: int) -> Json:
    block_id = block.of(shown.desk.name, asked.key)
    return entry(
        asked.label if asked.label.strip() else asked.key,
        _element(asked, room),
        block_id,
        optional=not is_required(shown.desk, asked),
        hint=asked.hint.strip(),
        typed=shown.typed.get(block_id),
    )


def _element(asked: Field, room: int) -> Json:
    if asked.kind is FieldKind.CHOICE:
        return {"action_id": Action.FIELD, **_choice_element(asked, room)}
    return {"action_id": Action.FIELD, **_ELEMENTS.get(asked.kind, _text_element)(asked)}


def _choice_element(asked: Field, room: int) -> Json:
    choices = usable(asked.choices)
    if 0 < len(choices) <= min(OPTIONS, room):
        return {"type": "static_select", **options_of(choices)}
    return {"type": "external_select", "min_query_length": 0}


def _text_element(asked: Field) -> Json:
    most = max(1, min(asked.max_length or INPUT_TEXT, INPUT_TEXT))
    return {"type": "plain_text_input", "multiline": asked.kind is FieldKind.LONG_TEXT, "max_length": most}


_ELEMENTS: Mapping[FieldKind, Callable[[Field], Json]] = MappingProxyType(
    {
        FieldKind.INTEGER: lambda _asked: {"type": "number_input", "is_decimal_allowed": False},
        FieldKind.NUMBER: lambda _asked: {"type": "number_input", "is_decimal_allowed": True},
        FieldKind.DATE: lambda _asked: {"type": "datepicker"},
        FieldKind.DATETIME: lambda _asked: {"type": "datetimepicker"},
        FieldKind.YES_NO: lambda _asked: {"type": "static_select", **options_of(yes_no())},
    }
)
