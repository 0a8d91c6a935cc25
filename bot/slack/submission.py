"""Reads what was typed into the form: the ticket to open, or what is wrong beside each field. Pure."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.contract import Capability, TicketAdapter
from adapters.model import Field, FieldKind, Visibility
from bot.conversion.catalogue import Fields
from bot.conversion.people import addressed
from bot.conversion.records import FormFile, OpenTicket
from bot.slack.ids import Block, Scope
from bot.slack.seal import Memory
from bot.slack.views.form import Typed, files_words, inputs_of, is_required, most_files
from bot.words import N_, _, size_words

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(slots=True)
class Submission:
    """What the form holds. ``problems``: block id -> what is wrong; empty means that ``work`` may go ahead."""

    work: OpenTicket | None = None
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def for_another(self) -> bool:
        """Whether the ticket's requester is somebody else than who asks for it."""
        work = self.work
        return work is not None and (bool(work.requester_email) or work.requester not in {"", work.actor})


def typed_in(view: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The state of a view as block id -> state of its one element."""
    values = (view.get("state") or {}).get("values") or {}
    return {block_id: next(iter(states.values()), {}) for block_id, states in values.items()}


def value_of(state: Mapping[str, Any]) -> str:
    """What was typed or chosen in one element, in the form that `FieldKind` says; empty for nothing."""
    if "selected_option" in state:
        return str((state["selected_option"] or {}).get("value", ""))
    if state.get("selected_date_time"):
        return datetime.fromtimestamp(int(state["selected_date_time"]), UTC).isoformat()
    for name in ("selected_user", "selected_date", "value"):
        if name in state:
            return str(state[name] or "").strip()
    return ""


def chosen_desk(typed: Typed, memory: Memory) -> str:
    """The desk that the form says now, which it may not have been drawn for yet."""
    return value_of(typed.get(Block.DESK, {})) or memory.desk


def chosen_department(typed: Typed, desk: TicketAdapter[Any]) -> str:
    """The department that the form says now, or the one that the settings start with."""
    return value_of(typed.get(Block.DEPARTMENT.of(desk.name), {})) or desk.settings.department


def read(memory: Memory, desk: TicketAdapter[Any], typed: Typed, fields: Fields) -> Submission:
    """The ticket that the form asks for, without what only the thread's reader knows (``offered``)."""
    problems: dict[str, str] = {}
    subject = _text(typed, Block.SUBJECT)
    description = _text(typed, Block.DESCRIPTION)
    _check_texts(memory, desk, subject, description, problems)
    name, address = _outsider(typed, problems)
    files = _files(desk, typed, problems)
    given = _given(desk, typed, inputs_of(desk, fields), problems)
    if problems:
        return Submission(problems=problems)
    work = OpenTicket(
        desk=desk.name,
        actor=memory.user,
        channel=memory.channel,
        thread_ts=memory.thread_ts,
        subject=subject,
        description=description,
        requester="" if address else value_of(typed.get(Block.REQUESTER, {})) or memory.user,
        requester_email=address,
        requester_name=name,
        department=chosen_department(typed, desk),
        priority=value_of(typed.get(Block.PRIORITY.of(desk.name), {})) or desk.settings.priority,
        visibility=_visibility(desk, typed),
        notify=_notify(desk, typed),
        fields=given[Block.FIELD],
        options=given[Block.OPTION],
        files=files,
        **_scope(memory, typed),
    )
    return Submission(work=work)


def _scope(memory: Memory, typed: Typed) -> dict[str, Any]:
    match value_of(typed.get(Block.SCOPE, {})):
        case Scope.FROM_HERE:
            return {"from_ts": memory.message_ts}
        case Scope.ONLY_THIS:
            return {"chosen": (memory.message_ts,)}
    return {}


def _text(typed: Typed, block: Block) -> str:
    return value_of(typed.get(block, {}))


def _check_texts(
    memory: Memory, desk: TicketAdapter[Any], subject: str, description: str, problems: dict[str, str]
) -> None:
    most = desk.limits.subject
    if not subject:
        problems[Block.SUBJECT] = _("Give the ticket a subject.")
    elif "\n" in subject:
        problems[Block.SUBJECT] = _("A subject is one line.")
    elif most and len(subject) > most:
        problems[Block.SUBJECT] = _(
            "{desk} takes {most} characters at most; these are {length}.",
            desk=desk.title,
            most=most,
            length=len(subject),
        )
    if not description and not memory.thread_ts:
        problems[Block.DESCRIPTION] = _("Say what the ticket is about.")
    most = desk.limits.body
    if most and len(description) > most:
        problems[Block.DESCRIPTION] = _(
            "{desk} takes {most} characters at most; these are {length}.",
            desk=desk.title,
            most=most,
            length=len(description),
        )


def _outsider(typed: Typed, problems: dict[str, str]) -> tuple[str, str]:
    """Name and address of a requester who is not on Slack."""
    text = _text(typed, Block.OUTSIDER)
    if not text:
        return "", ""
    found = addressed(text)
    if found is None:
        problems[Block.OUTSIDER] = _(
            "Write one e-mail address, such as grace@example.com. A name goes before it like this: "
            "Grace Hopper <grace@example.com>."
        )
    return found or ("", "")


def _files(desk: TicketAdapter[Any], typed: Typed, problems: dict[str, str]) -> tuple[FormFile, ...]:
    files = typed.get(Block.FILES, {}).get("files") or []
    most, largest = most_files(desk), desk.limits.file
    too_large = [one for one in files if largest and int(one.get("size") or 0) > largest]
    if files and not desk.has(Capability.FILES):
        problems[Block.FILES] = _(
            "{desk} takes no files. Take them out; a link can go into the description.", desk=desk.title
        )
    elif len(files) > most:
        problems[Block.FILES] = _(
            "{desk} takes {files} at most; these are {count}.",
            desk=desk.title,
            files=files_words(most),
            count=len(files),
        )
    elif too_large and largest:
        names = ", ".join(str(one.get("name", _("a file"))) for one in too_large)
        problems[Block.FILES] = _(
            "{desk} takes files of {size} at most. Too large: {names}.",
            desk=desk.title,
            size=size_words(largest),
            names=names,
        )[:2000]
    return tuple(FormFile(id=str(one["id"]), name=str(one.get("name") or "")) for one in files)


def _visibility(desk: TicketAdapter[Any], typed: Typed) -> Visibility:
    if not desk.has(Capability.INTERNAL_TICKET):
        return Visibility.PUBLIC
    chosen = value_of(typed.get(Block.VISIBILITY.of(desk.name), {}))
    return Visibility(chosen) if chosen in list(Visibility) else desk.settings.visibility


def _notify(desk: TicketAdapter[Any], typed: Typed) -> bool:
    state = typed.get(Block.NOTIFY.of(desk.name))
    return desk.settings.notify if state is None else bool(state.get("selected_options"))


def _given(
    desk: TicketAdapter[Any], typed: Typed, asked: list[tuple[Block, Field]], problems: dict[str, str]
) -> dict[Block, dict[str, str]]:
    """The custom fields and extra parameters: those drawn, even where the desk does not tell its fields any more."""
    known = {block.of(desk.name, one.key): one for block, one in asked}
    given: dict[Block, dict[str, str]] = {Block.FIELD: {}, Block.OPTION: {}}
    for block, values in given.items():
        prefix = block.of(desk.name, "")
        for block_id, state in typed.items():
            if not block_id.startswith(prefix):
                continue
            value = value_of(state)
            if block_id in known and (problem := wrong_with(known[block_id], value)):
                problems[block_id] = problem
            if value:
                values[block_id.removeprefix(prefix)] = value
    for block_id, one in known.items():
        if is_required(desk, one) and not value_of(typed.get(block_id, {})):
            problems[block_id] = _("This is needed.")
    return given


def wrong_with(asked: Field, value: str) -> str:
    """What is wrong with a value of a field, in words; empty where nothing is."""
    if not value:
        return ""
    if asked.max_length and len(value) > asked.max_length:
        return _("At most {max_length} characters; these are {length}.", max_length=asked.max_length, length=len(value))
    return _(_WORDS[asked.kind]) if asked.kind in _WORDS and not _is_formed(asked.kind, value) else ""


_WORDS: Mapping[FieldKind, str] = {
    FieldKind.INTEGER: N_("Write a whole number, such as 42."),
    FieldKind.NUMBER: N_("Write a number, such as 3.5."),
    FieldKind.DATE: N_("Write a date as year-month-day, such as 2026-11-22."),
    FieldKind.DATETIME: N_("Choose a day and a time."),
    FieldKind.YES_NO: N_("Choose yes or no."),
}


def _is_formed(kind: FieldKind, value: str) -> bool:
    try:
        return _FORMED.get(kind, bool)(value)
    except (ValueError, InvalidOperation):
        return False


_FORMED: Mapping[FieldKind, Callable[[str], bool]] = {
    FieldKind.INTEGER: lambda value: _INTEGER.fullmatch(value) is not None,
    FieldKind.NUMBER: lambda value: Decimal(value).is_finite(),
    FieldKind.DATE: lambda value: date.fromisoformat(value).isoformat() == value,
    FieldKind.DATETIME: lambda value: datetime.fromisoformat(value).tzinfo is not None,
    FieldKind.YES_NO: lambda value: value in {"yes", "no"},
}
