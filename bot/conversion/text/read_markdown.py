"""Reads the Markdown of desks into the tree."""

from markdown_it import MarkdownIt

from bot.conversion.text.clean import clean_text
from bot.conversion.text.plain import from_plain
from bot.conversion.text.read_html import from_html
from bot.conversion.text.tree import Document

LIMIT = 50_000  # characters; what is longer is read as plain text

_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough", "table"])


def from_markdown(text: str) -> Document:
    """The tree of a Markdown text; a line break in it is one. HTML in it is literal text. Never raises."""
    if len(text) > LIMIT:
        return from_plain(text)
    return from_html(_markdown.render(clean_text(text)))
