"""Names of the people, channels and groups that a Slack message mentions by id."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.conversion.text.clean import clean_subject
from bot.conversion.text.tree import PLAIN, Mention, Style

NAME_LIMIT = 80  # characters, as Slack's own limit for display names

_IN_MRKDWN = re.compile(r"<(?:@|#|!subteam\^)([A-Z0-9]{2,})[|>]")
WITH_WORDS = (
    "title", "subtitle", "text", "body", "description", "fields", "details", "output", "elements", "child_blocks",
    "tasks", "sources", "alt_text", "accessory", "actions",
)  # fmt: skip
"""Where blocks and their elements hold what people read, in its order."""
_WITH_IDS = frozenset((*WITH_WORDS, "blocks", "attachments", "message_blocks", "message", "rows", "pretext", "value"))
ID_KEYS = {"user": "user_id", "channel": "channel_id", "usergroup": "usergroup_id"}


class Names(Protocol):
    """Knows names that were looked up beforehand (see `ids_in`). An empty answer means that the name is not known."""

    def user(self, user_id: str) -> str:
        """The name that people see for a person, without the @."""
        ...

    def channel(self, channel_id: str) -> str:
        """A channel's name, without the #."""
        ...

    def usergroup(self, usergroup_id: str) -> str:
        """A group's handle, without the @."""
        ...


@dataclass(frozen=True, slots=True)
class KnownNames:
    """`Names` from one table of ids; Slack's ids say by their first letter what they name."""

    by_id: Mapping[str, str] = field(default_factory=dict)

    def user(self, user_id: str) -> str:
        """A person's name."""
        return self.by_id.get(user_id, "")

    channel = usergroup = user


def ids_in(message: Mapping[str, Any]) -> set[str]:
    """The ids of the people (U, W), channels (C, G, D) and groups (S) that a message or a block mentions."""
    return set(_ids(dict(message)))


def _ids(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield from _IN_MRKDWN.findall(value)
        case list():
            for entry in value:
                yield from _ids(entry)
        case dict():
            found = value.get(ID_KEYS.get(str(value.get("type")), ""))
            yield from [found] if isinstance(found, str) else []
            yield from _ids([inner for key, inner in value.items() if key in _WITH_IDS])


def mention(kind: str, ident: str, names: Names, *, label: str = "", style: Style = PLAIN) -> Mention:
    """The mention of a ``user``, ``channel`` or ``usergroup``, by its name or else by the *label* that Slack sent."""
    sign = "#" if kind == "channel" else "@"
    known = {"user": names.user, "channel": names.channel, "usergroup": names.usergroup}[kind](ident)
    name = clean_subject(known or label, NAME_LIMIT).removeprefix(sign)
    return Mention(sign + (name or f"unknown ({ident})"), style)
