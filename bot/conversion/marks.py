"""The marks with which people say who is to read a reply, and what of a thread goes to its ticket. Pure."""

import re
from enum import StrEnum

from adapters.model import Visibility
from bot.conversion.ports import ThreadMessage
from bot.conversion.records import Link, Switch
from bot.conversion.text.plain import to_plain
from bot.conversion.text.tree import Document
from bot.words import _


class Mark(StrEnum):
    """What a message begins with."""

    NOTE = "note"  # ``note:`` or a lock: for the agents alone
    REPLY = "reply"  # ``reply:``: for the ticket, where only marked messages go there


_MARK = re.compile(r"\s*(?:(?P<note>note\s*[:\uff1a]|:lock:|\N{LOCK})|(?P<reply>reply\s*[:\uff1a]))", re.IGNORECASE)
INVISIBLE = str.maketrans("", "", "\xad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
"""Characters without width, which come along when a text is pasted."""


def mark_of(document: Document) -> Mark | None:
    """The mark that a message begins with."""
    found = _MARK.match(to_plain(Document(document.blocks[:1])).translate(INVISIBLE))
    return Mark(str(found.lastgroup)) if found else None


def is_note(document: Document) -> bool:
    """Whether a message begins with ``note:`` or a lock, and so is for the agents alone."""
    return mark_of(document) is Mark.NOTE


def for_agents(message: ThreadMessage) -> bool:
    """Whether a message is for the agents alone: the verb behind our name says so, or without one its mark."""
    return message.visibility is Visibility.INTERNAL if message.visibility else is_note(message.document)


def goes(link: Link, message: ThreadMessage) -> bool:
    """Whether a message that was simply said in the thread of *link* goes to its ticket."""
    switch = link.at(message.ts)
    if message.author.bot and not switch.apps:
        return False
    return switch.mirror == "everything" or (switch.mirror == "marked" and mark_of(message.document) is not None)


def goes_words(switch: Switch, number: str) -> str:
    """What goes to ticket *number*, in words for everybody in its thread."""
    if switch.mirror == "nothing":
        return _("From here on nothing of this thread goes to ticket {number} by itself.", number=number)
    if switch.mirror == "marked":
        words = _(
            "From here on only replies that begin with reply: or note: go from this thread to ticket {number}.",
            number=number,
        )
    else:
        words = _("From here on every reply in this thread goes to ticket {number}.", number=number)
    apps = _("Posts of other apps go too.")
    return f"{words} {apps}" if switch.apps else words
