"""Writes the tree as Slack's rich_text. Its text is literal there: nothing in it can mention, link or format."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.conversion.text.clean import parts
from bot.conversion.text.inlines import portions, words
from bot.conversion.text.tree import (
    Block,
    Code,
    Document,
    Emoji,
    Heading,
    Inline,
    Item,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Run,
)

BLOCKS = 50  # blocks in a message
BLOCK_TEXT = 3_000  # characters in one text, and about as many in one block
MESSAGE_TEXT = 10_000  # characters in one message, so that Slack neither refuses nor cuts it

_DEEPEST = 8  # indents that Slack draws
_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")
_STYLES = ("bold", "italic", "strike", "code")

Json = dict[str, Any]


def to_rich_text(document: Document) -> list[list[Json]]:
    """*document* as the blocks of one message, or of several in order where it is too long for one.

    Every message has blocks; an empty document has no message. Long texts are parted between paragraphs, entries of
    lists and lines of code; a longer paragraph between its words.
    """
    messages: list[list[Json]] = []
    in_message = in_block = 0
    for element, size in _pieces(document.blocks, _TOP):
        if not messages or in_message + size > MESSAGE_TEXT or len(messages[-1]) == BLOCKS:
            messages.append([])
            in_message = 0
        message = messages[-1]
        in_message += size
        in_block += size
        if element["type"] == "divider":
            message.append(element)
        elif message and message[-1]["type"] == "rich_text" and in_block <= BLOCK_TEXT:
            message[-1]["elements"] = _joined(message[-1]["elements"], element)
        else:
            message.append({"type": "rich_text", "elements": [element]})
            in_block = size
    return messages


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a block stands: in a quote, and how deep in lists."""

    border: bool = False
    indent: int = -1

    def element(self, kind: str, elements: list[Json], **more: Any) -> Json:
        """A list or code there."""
        border = {"border": 1} if self.border else {}
        return {"type": kind, "elements": elements, **more, **border}

    def text(self, elements: list[Json]) -> Json:
        """A paragraph there; Slack knows no border around one."""
        return {"type": "rich_text_quote" if self.border else "rich_text_section", "elements": elements}


_TOP = _Place()


def _pieces(blocks: Iterable[Block], place: _Place) -> Iterator[tuple[Json, int]]:
    """Elements that are small enough for any block, and their sizes in characters."""
    for block in blocks:
        match block:
            case Paragraph(content):
                yield from _texts(content, place)
            case Heading(content):
                yield from _texts(map(_bold, content), place)
            case Quote(inner):
                yield from _pieces(inner, replace(place, border=True))
            case List():
                yield from _list(block, replace(place, indent=place.indent + 1))
            case Code(text):
                for part in parts(text, BLOCK_TEXT):
                    code = [{"type": "text", "text": part.removesuffix("\n") or " "}]
                    yield place.element("rich_text_preformatted", code), len(part)
            case Rule():
                yield {"type": "divider"}, 0


def _texts(content: Iterable[Inline], place: _Place) -> Iterator[tuple[Json, int]]:
    for elements, size in _chunks(content):
        yield place.text(elements), size


def _list(block: List, place: _Place) -> Iterator[tuple[Json, int]]:
    """Each entry as a list of its own; `_joined` makes them one. What an entry cannot hold stands below it."""
    for offset, item in enumerate(block.items, block.start - 1):
        lines, rest = _lines_of(item)
        (elements, size), *more = list(_chunks(lines)) or [([{"type": "text", "text": " "}], 1)]
        ordered: Json = {"style": "ordered"} | ({"offset": offset} if offset > 0 else {})
        style = ordered if block.ordered else {"style": "bullet"}
        section = {"type": "rich_text_section", "elements": elements}
        yield place.element("rich_text_list", [section], indent=min(place.indent, _DEEPEST), **style), size
        yield from ((place.text(elements), size) for elements, size in more)
        yield from _pieces(rest, place)


def _lines_of(item: Item) -> tuple[list[Inline], Sequence[Block]]:
    """The paragraphs that an entry begins with, as lines of one, and the blocks after them."""
    lines: list[Inline] = []
    for at, block in enumerate(item.blocks):
        if not isinstance(block, Paragraph | Heading):
            return lines, item.blocks[at:]
        content = block.content if isinstance(block, Paragraph) else map(_bold, block.content)
        lines += [*([Run("\n")] if lines else []), *content]
    return lines, ()


def _chunks(content: Iterable[Inline]) -> Iterator[tuple[list[Json], int]]:
    """Elements of text for *content*, in portions of about `BLOCK_TEXT` characters, and how many each has."""
    for portion in portions(content, BLOCK_TEXT):
        yield list(map(_element, portion)), sum(len(words(inline)) for inline in portion)


def _element(inline: Inline) -> Json:
    if isinstance(inline, Emoji) and _NAME.fullmatch(inline.name):
        return {"type": "emoji", "name": inline.name}
    found: Json = {"type": "text", "text": words(inline)}
    if isinstance(inline, Link):
        found = {"type": "link", "url": inline.url, "text": inline.label}
    style = {name: True for name in _STYLES if getattr(getattr(inline, "style", None), name, False)}
    return found | ({"style": style} if style else {})


def _bold(inline: Inline) -> Inline:
    return inline if isinstance(inline, Emoji) else replace(inline, style=replace(inline.style, bold=True))


def _joined(elements: list[Json], element: Json) -> list[Json]:
    """*elements* with one more; paragraphs and entries of one list that follow each other become one element."""
    last = elements[-1]
    if any(last.get(key) != element.get(key) for key in ("type", "style", "indent", "border")):
        return [*elements, element]
    between: list[Json] = []
    if element["type"] in {"rich_text_section", "rich_text_quote"}:
        between = [{"type": "text", "text": "\n\n"}]
    elif element.get("style") == "ordered":
        if element.get("offset", 0) != last.get("offset", 0) + len(last["elements"]):
            return [*elements, element]
    elif element["type"] != "rich_text_list":
        return [*elements, element]
    return [*elements[:-1], last | {"elements": [*last["elements"], *between, *element["elements"]]}]
