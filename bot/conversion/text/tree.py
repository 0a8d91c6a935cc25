"""The neutral tree that every text passes through. All strings in it are literal: no markup, no escapes."""

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Style:
    """How a run of text looks."""

    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False


PLAIN = Style()


@dataclass(frozen=True, slots=True)
class Run:
    """A run of literal text in one style. It may hold line breaks."""

    text: str
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Link:
    """A link; ``label`` is literal and may equal ``url``. Only http, https and mailto addresses get here."""

    url: str
    label: str
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Mention:
    """A person, channel or group by the name that people see ("@Ada", "#general", "@channel"); never an id alone."""

    name: str
    style: Style = PLAIN


@dataclass(frozen=True, slots=True)
class Emoji:
    """An emoji: its short name, and its characters where they are known (custom emoji have none)."""

    name: str
    characters: str = ""


Inline: TypeAlias = Run | Link | Mention | Emoji


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line or several lines of text."""

    content: tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 to 6."""

    content: tuple[Inline, ...]
    level: int = 1


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a list; ``blocks`` may hold further lists."""

    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class List:
    """A bulleted or numbered list; ``start`` is the first number."""

    items: tuple[Item, ...]
    ordered: bool = False
    start: int = 1


@dataclass(frozen=True, slots=True)
class Quote:
    """Something quoted."""

    blocks: tuple["Block", ...]


@dataclass(frozen=True, slots=True)
class Code:
    """Preformatted text, to be shown to the letter."""

    text: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


Block: TypeAlias = Paragraph | Heading | List | Quote | Code | Rule


@dataclass(frozen=True, slots=True)
class Document:
    """A whole text: blocks in order."""

    blocks: tuple[Block, ...] = field(default=())

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.blocks)


def paragraph(text: str) -> Paragraph:
    """A paragraph of one plain run."""
    return Paragraph((Run(text),))
