"""The tree as plain text for people, and plain text as a tree."""

from collections.abc import Iterable, Iterator

from bot.conversion.text.clean import clean_text
from bot.conversion.text.inlines import autolink, paragraphs, words
from bot.conversion.text.tree import Block, Code, Document, Heading, List, Paragraph, Quote, Rule


def from_plain(text: str) -> Document:
    """Plain text as paragraphs, parted by blank lines, with its web addresses as links. Never raises."""
    return Document(paragraphs(autolink(clean_text(text))))


def to_plain(document: Document) -> str:
    """*document* for places that know no formatting. Every word of it is there."""
    return "\n".join(_lines(document.blocks, tight=False))


def _lines(blocks: Iterable[Block], *, tight: bool) -> Iterator[str]:
    for index, block in enumerate(blocks):
        if index and not tight:
            yield ""
        match block:
            case Paragraph(content) | Heading(content):
                yield from "".join(map(words, content)).split("\n")
            case Code(text):
                yield from text.split("\n")
            case Quote(inner):
                yield from (f"> {line}".rstrip() for line in _lines(inner, tight=False))
            case Rule():
                yield "---"
            case List():
                yield from _list_lines(block)


def _list_lines(block: List) -> Iterator[str]:
    for number, item in enumerate(block.items, block.start):
        marker = f"{number}. " if block.ordered else "• "
        for index, line in enumerate(_lines(item.blocks, tight=True)):
            yield (" " * len(marker) if index else marker) + line
