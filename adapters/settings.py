"""The settings that every desk has, and the custom fields that an operator describes."""

import os
from collections.abc import Collection, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field as Setting, SecretStr
from pydantic_core import ErrorDetails

from adapters.model import Choice, Field, FieldKind, MessageDraft, Visibility

_AROUND = 5.0
"""Seconds that a call may take beyond its own time-out, on a busy machine."""

_YEAR = 365 * 24
"""Hours of one, the most that a timer has: what is endless has no time at which it is due."""

MirrorMode = Literal["everything", "marked", "nothing"]
"""What of a linked thread goes to its ticket by itself."""


def _for_a_header(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value().strip()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("holds what no header can, such as the end of a line or a letter beyond ASCII")
    return SecretStr(text)


Token = Annotated[SecretStr, AfterValidator(_for_a_header)]
"""A secret that goes in a header, without the blanks and ends of lines that came along when it was copied."""


def _of_a_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError) as error:
        raise ValueError("is no time zone; use a name such as Europe/Rome") from error
    return name


TimeZone = Annotated[str, AfterValidator(_of_a_zone)]
"""The name of a time zone."""


def _from_home(path: Path) -> Path:
    return Path(os.path.expanduser(path))  # noqa: PTH111 - pathlib's own breaks off where there is no such user


File = Annotated[Path, AfterValidator(_from_home)]
"""The path of a file; ~ is the home directory."""


_WORDS = {
    "extra_forbidden": "there is no such key",
    "missing": "is missing",
    **dict.fromkeys(("tuple_type", "frozen_set_type"), "must be a list, in [ ]"),
    **dict.fromkeys(("model_type", "dict_type", "mapping_type"), "must be a table"),
}


def in_words(problem: ErrorDetails) -> str:
    """What is wrong with a value, from one of pydantic's problems; it does not say where."""
    return _WORDS.get(problem["type"]) or problem["msg"].removeprefix("Value error, ")


def must_be_among(known: Collection[str], key: str, given: Collection[str]) -> None:
    """Raise ValueError where the setting *key* names what the desk does not have; an empty name is none."""
    if wrong := [one for one in given if one and one not in known]:
        raise ValueError(f"{key}: the desk has no {wrong[0]!r}; it has {', '.join(known) or 'none'}")


class ChannelSetting(BaseModel):
    """What is otherwise in one channel than the desk's settings say; what is left out is as they say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mirror: MirrorMode | None = Setting(None, description="As `mirror` of the desk.")
    apps: bool | None = Setting(None, description="As `apps` of the desk.")


class AgentsChannel(BaseModel):
    """Where the agents of a desk see its tickets in Slack, and of what they are reminded there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Setting("", description="Id of the Slack channel in which agents see each new ticket; empty: none.")
    departments: Mapping[str, str] = Setting(
        {},
        description="Channels for the tickets of single departments: id or name of the department = id of the channel.",
    )
    notes: bool = Setting(
        False, description="Whether internal notes are shown below the ticket there, and replies to it become notes."
    )
    first_reply: float = Setting(
        0,
        ge=0,
        le=_YEAR * 60,
        description="Minutes until a new ticket should have its first reply; then agents are reminded. 0: no timer.",
    )
    remind: float = Setting(
        30,
        ge=0,
        le=_YEAR * 60,
        description="Minutes before a ticket's deadline at which agents are reminded, besides when it is over.",
    )
    within: float = Setting(
        0,
        ge=0,
        le=_YEAR,
        description="Hours that make the deadline of a new ticket, where the desk tells none. 0: no deadline.",
    )

    def channel_for(self, *departments: str | None) -> str:
        """The channel for a ticket of a department, by its id or its name; empty where there is none."""
        known = {name.casefold(): channel for name, channel in self.departments.items()}
        found = (known.get(one.casefold()) for one in departments if one)
        return next((channel for channel in found if channel), self.id)

    @property
    def channels(self) -> tuple[str, ...]:
        """All of them, each once."""
        named = (self.id, *self.departments.values())
        return tuple(dict.fromkeys(channel for channel in named if channel))


class DeskSettings(BaseModel):
    """The settings that every desk has; each adapter adds its own. Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str = Setting(description="Which adapter speaks to this desk; `threadline adapters` lists them.")
    title: str = Setting("", description="What people see instead of the desk's name.")
    channels: tuple[str, ...] = Setting(
        (), description="Ids of the Slack channels whose tickets go here unless the form says otherwise."
    )
    default: bool = Setting(False, description="The desk for channels that no desk names.")
    department: str = Setting("", description="The department (category) that the form starts with.")
    priority: str = Setting("", description="The priority that the form starts with.")
    visibility: Visibility = Setting(
        Visibility.PUBLIC, description="Whether messages start as public replies or internal notes."
    )
    mirror: MirrorMode = Setting(
        "everything",
        description="What of a newly linked thread goes to its ticket: all replies, those that begin with `reply:` or "
        "`note:` (or a lock), or none. `@Threadline mirror` changes it for a thread.",
    )
    apps: bool = Setting(
        False,
        description="Whether other apps' posts go too. `@Threadline mirror apps on` or `off` changes it for a thread.",
    )
    in_channels: dict[str, ChannelSetting] = Setting(
        {}, description="Tables with `mirror` and `apps` for threads of single channels, by the channel's id."
    )
    closed: Literal["reopen", "new", "ask"] = Setting(
        "reopen",
        description="What a reply in the thread of a closed ticket does: it opens the ticket again, opens a new one "
        "that names the old, or waits until somebody in the thread has chosen.",
    )
    notify: bool = Setting(True, description="Whether the desk sends its own mail about what we write.")
    timeout: float = Setting(30.0, gt=0, le=300, description="Seconds to wait for an answer of the desk.")
    deletions: Literal["note", "redact"] = Setting(
        "note",
        description="What a deletion in Slack does: a note with its text on the ticket; or (redact) the message goes, "
        "and where the desk cannot do that, a note without the text asks for it.",
    )
    poll: float = Setting(
        10.0, ge=1, le=3600, description="Seconds until a busy ticket, or the desk, is looked at again."
    )
    polls_per_minute: float = Setting(
        60.0, gt=0, le=6000, description="Tickets looked at in a minute, for desks that cannot tell what changed."
    )
    required_fields: tuple[str, ...] = Setting((), description="Keys of custom fields that the form insists on.")
    ask_options: tuple[str, ...] = Setting(
        (), description="Keys of the desk's own extra parameters, from the list below, that the form asks for."
    )
    agents_channel: AgentsChannel = Setting(
        AgentsChannel(),
        description="A table of its own, [desks.NAME.agents_channel]: where its agents see the tickets.",
    )

    @property
    def ticket_address(self) -> str:
        """The pattern of the addresses of tickets, with {id} or {number} in it; empty where cards have no link."""
        return ""

    def notifies(self, draft: MessageDraft) -> bool:
        """Whether the desk may send its own mail about *draft*."""
        return self.notify if draft.notify is None else draft.notify

    def longest(self, calls: int = 1) -> timedelta:
        """How long so many calls may take, one after the other; who holds a lock for longer died with it."""
        return timedelta(seconds=calls * (self.timeout + _AROUND))

    def mirrored_in(self, channel: str) -> tuple[MirrorMode, bool]:
        """What of a newly linked thread of *channel* goes to its ticket, and whether other apps' posts do."""
        there = self.in_channels.get(channel, ChannelSetting())
        return there.mirror or self.mirror, self.apps if there.apps is None else there.apps


class FieldSetting(BaseModel):
    """A custom field as the operator describes it, for desks whose API does not list them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str = Setting(min_length=1, description="Its name in settings and records.")
    id: str = Setting("", description="What the desk calls it; the key where it is empty.")
    label: str = Setting(min_length=1, description="What the form calls it.")
    kind: FieldKind = Setting(FieldKind.TEXT, description="How it is asked for.")
    choices: tuple[str, ...] = Setting((), description="The values of a choice.")
    required: bool = Setting(False, description="Whether the form insists on it.")
    hint: str = Setting("", description="A line of help below it.")
    departments: frozenset[str] = Setting(frozenset(), description="Ids of departments; asked only there.")

    @property
    def at_desk(self) -> str:
        """What the desk calls it."""
        return self.id or self.key

    def field(self) -> Field:
        """The field as the form asks for it."""
        return Field(
            key=self.key,
            label=self.label,
            kind=FieldKind.CHOICE if self.choices else self.kind,
            required=self.required,
            hint=self.hint,
            choices=tuple(Choice(id=value, label=value) for value in self.choices),
            departments=self.departments,
        )


def fields_in(settings: tuple[FieldSetting, ...], department: str | None) -> tuple[Field, ...]:
    """The fields that a form asks for in *department*; all of them where it is None."""
    fields = tuple(setting.field() for setting in settings)
    return tuple(one for one in fields if not one.departments or department is None or department in one.departments)
