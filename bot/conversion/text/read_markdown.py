"""Reads the Markdown of desks into the tree: structure where nothing is lost by it, and always the words."""

import re
from collections.abc import Callable, Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block, table
from markdown_it.token import Token

from bot.conversion.text.clean import clean_text
from bot.conversion.text.plain import from_plain
from bot.conversion.text.read_html import from_html
from bot.conversion.text.tree import Document

LIMIT = 50_000  # characters; what is longer is read as plain text

_DEEPEST = 18  # levels of lists and quotes, of which a list makes two; the parser drops what lies deeper than 20
_LANGUAGE = re.compile(r"[a-z][\w+#.-]*")
_GRID = re.compile(r"[\s|:\\-]+")

_Rule = Callable[[StateBlock, int, int, bool], bool]


def from_markdown(text: str) -> Document:
    """The tree of a Markdown text; a line break in it is one. HTML in it is literal text. Never raises."""
    if len(text) > LIMIT:
        return from_plain(text)
    return from_html(_markdown.render(clean_text(text)))


def _shallow(rule: _Rule) -> _Rule:
    """*rule* for what is not too deep; what is stays text."""
    return lambda state, start, end, silent: state.level < _DEEPEST and rule(state, start, end, silent)


def _table(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """A table, unless the parser would drop cells of it: those that its head has not."""
    before = len(state.tokens)
    if start < state.env.get("no_table_before", 0) or not table(state, start, end, silent):
        return False
    cells = "".join(token.content for token in state.tokens[before:])
    if silent or _GRID.sub("", cells) == _GRID.sub("", state.getLines(start, state.line, 0, keepLastLF=False)):
        return True
    state.env["no_table_before"] = state.line
    state.line = start
    del state.tokens[before:]
    return False


def _fence(_renderer: Any, tokens: Sequence[Token], at: int, *_: Any) -> str:
    """Code, and before it what stands behind its ticks and is not the name of a language."""
    said = tokens[at].info.strip()
    first = "" if not said or _LANGUAGE.fullmatch(said) else f"{said}\n"
    return f"<pre>\n{escape(first + tokens[at].content)}</pre>"


_markdown = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["strikethrough", "table"])
_markdown.disable("reference")  # "[ERROR]: timeout" would be one, and unseen
_markdown.block.ruler.at("table", _table, {"alt": ["paragraph"]})
_markdown.block.ruler.at("blockquote", _shallow(blockquote), {"alt": ["paragraph", "blockquote", "list"]})
_markdown.block.ruler.at("list", _shallow(list_block), {"alt": ["paragraph", "blockquote"]})
_markdown.add_render_rule("fence", _fence)
