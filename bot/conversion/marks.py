"""The marks with which people make a reply in a thread an internal note. Pure."""

import re

from bot.conversion.text.plain import to_plain
from bot.conversion.text.tree import Document

_MARK = re.compile(r"\s*(?:note\s*:|:lock:|\N{LOCK})", re.IGNORECASE)


def is_note(document: Document) -> bool:
    """Whether a message begins with ``note:`` or a lock, and so is for the agents alone."""
    return _MARK.match(to_plain(Document(document.blocks[:1]))) is not None
