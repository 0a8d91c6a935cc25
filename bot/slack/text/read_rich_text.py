"""Reads Slack's messages into the tree: rich_text where there is some, else mrkdwn, and what bots attach."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from bot.conversion.text.clean import clean_text
from bot.conversion.text.inlines import link, merged, paragraphs, words
from bot.conversion.text.plain import from_plain
from bot.conversion.text.read_markdown import from_markdown
from bot.conversion.text.table import as_blocks
from bot.conversion.text.tree import (
    Block,
    Code,
    Document,
    Heading,
    Inline,
    Item,
    List,
    Mention,
    Paragraph,
    Quote,
    Rule,
    Run,
    Style,
)
from bot.slack.text.names import ID_KEYS, Names, mention
from bot.slack.text.read_mrkdwn import emoji, from_mrkdwn

Json = Mapping[str, Any]

_DEEPEST = 8  # indents that Slack's composer makes
_YEAR_5000 = 95_617_584_000  # seconds since the epoch
_BOLD = Style(bold=True)


def from_message(message: Json, names: Names) -> Document:
    """The tree of a Slack message of any kind: its blocks, or else its text; then its attachments as quotes.

    Never raises for what Slack sends; parts of an unknown kind give their text.
    """
    blocks = tuple(_blocks(message.get("blocks"), names)) or from_mrkdwn(_string(message, "text"), names).blocks
    attached = (_attachment(attachment, names) for attachment in _dicts(message.get("attachments")))
    return Document((*blocks, *(Quote(found) for found in attached if found)))


def from_rich_text(block: Json, names: Names) -> Document:
    """The tree of a rich_text block, as messages hold it and as a rich_text_input gives it."""
    blocks: list[Block] = []
    for (lists, border), group in groupby(_dicts(block.get("elements")), key=_sort):
        row = list(group)
        found = _nested([_flat(element, names) for element in row]) if lists else _elements(row, names)
        quotes = [Quote(tuple(found))] if border and found else found
        match (blocks[-1:], quotes):
            case ([Quote(before)], [Quote(after), *rest]):  # a quote that holds a list comes as a row of bordered parts
                blocks[-1:] = [Quote((*before, *after)), *rest]
            case _:
                blocks += quotes
    return Document(tuple(blocks))


def _sort(element: Json) -> tuple[bool, bool]:
    """Whether an element is a list, and whether it stands in a quote."""
    kind = element.get("type")
    return kind == "rich_text_list", bool(element.get("border")) or kind == "rich_text_quote"


def _elements(elements: Iterable[Json], names: Names) -> list[Block]:
    return [block for element in elements for block in _element(element, names)]


def _element(element: Json, names: Names) -> tuple[Block, ...]:
    content = [_inline(inner, names) for inner in _dicts(element.get("elements"))]
    if element.get("type") == "rich_text_preformatted":
        text = "".join(map(words, content)).rstrip("\n")
        return (Code(text),) if text.strip() else ()
    return paragraphs(content or [_inline(element, names)])


@dataclass(frozen=True, slots=True)
class _Flat:
    """One of the flat lists that Slack sends in a row, with indents, for a nested one."""

    indent: int
    ordered: bool
    start: int | None  # None: Slack did not say
    items: tuple[Item, ...]


def _flat(element: Json, names: Names) -> _Flat:
    offset, indent = element.get("offset"), element.get("indent")
    return _Flat(
        indent=min(indent, _DEEPEST) if isinstance(indent, int) else 0,
        ordered=element.get("style") == "ordered",
        start=offset + 1 if isinstance(offset, int) else None,
        items=tuple(Item(_element(item, names)) for item in _dicts(element.get("elements"))),
    )


def _nested(row: Sequence[_Flat]) -> list[Block]:
    """The tree of flat lists: what is indented deeper belongs to the last entry before it."""
    result: list[List] = []
    at = 0
    while at < len(row):
        flat = row[at]
        end = next((at for at in range(at + 1, len(row)) if row[at].indent <= row[0].indent), len(row))
        items = flat.items
        if inner := _nested(row[at + 1 : end]):
            last = items[-1].blocks if items else ()
            items = (*items[:-1], Item((*last, *inner)))
        previous = result[-1] if result else None
        if previous and previous.ordered == flat.ordered and _goes_on(previous, flat):
            result[-1] = List((*previous.items, *items), previous.ordered, previous.start)
        elif items:
            result.append(List(items, flat.ordered, flat.start or 1))
        at = end
    return list(result)


def _goes_on(previous: List, flat: _Flat) -> bool:
    return not flat.ordered or flat.start in {None, previous.start + len(previous.items)}


def _inline(element: Json, names: Names) -> Inline:
    style = _style(element.get("style"))
    match element:
        case {"type": "text", "text": str(text)}:
            return Run(clean_text(text), style)
        case {"type": "link", "url": str(url)}:
            return link(clean_text(url), clean_text(_string(element, "text")), style)
        case {"type": "user" | "channel" | "usergroup" as kind}:
            return mention(kind, clean_text(_string(element, ID_KEYS[kind])), names, style=style)
        case {"type": "broadcast", "range": str(whom)}:
            return Mention(f"@{clean_text(whom)}", style)
        case {"type": "emoji", "name": str(name)}:
            return emoji(clean_text(name), _characters(_string(element, "unicode")))
        case _:
            found = (_string(element, key) for key in ("text", "fallback", "value", "name", "url", "team_id"))
            return Run(clean_text(next(filter(None, found), _moment(element.get("timestamp")))), style)


def _moment(timestamp: Any) -> str:
    """A date without words of its own."""
    sane = isinstance(timestamp, int) and 0 <= timestamp < _YEAR_5000
    return f"{datetime.fromtimestamp(timestamp, UTC):%Y-%m-%d %H:%M} UTC" if sane else ""


def _style(found: Any) -> Style:
    styles = found if isinstance(found, dict) else {}
    return Style(**{name: bool(styles.get(name)) for name in ("bold", "italic", "strike", "code")})


def _characters(code_points: str) -> str:
    """``1f44b-1f3fd`` as characters; empty where it is none."""
    try:
        return clean_text("".join(chr(int(point, 16)) for point in code_points.split("-") if point))
    except (ValueError, OverflowError):
        return ""


def _blocks(found: Any, names: Names) -> Iterator[Block]:
    for block in _dicts(found):
        yield from _block(block, names)


def _block(block: Json, names: Names) -> tuple[Block, ...]:
    match block:
        case {"type": "rich_text"}:
            return from_rich_text(block, names).blocks
        case {"type": "markdown", "text": str(text)}:
            return from_markdown(text).blocks
        case {"type": "divider"}:
            return (Rule(),)
        case {"type": "table", "rows": list(rows)}:
            return tuple(as_blocks([[_block(cell, names) for cell in _dicts(row)] for row in rows]))
    objects = (
        *(block.get("title"), block.get("text") or block),
        *(inner for key in ("fields", "elements") for inner in _dicts(block.get(key))),
    )
    parts = tuple(part for found in objects for part in _text(found, names))
    if block.get("type") != "header":
        return parts
    return tuple(Heading(part.content) if isinstance(part, Paragraph) else part for part in parts)


def _text(found: Any, names: Names) -> tuple[Block, ...]:
    """A text object, or the words for a picture."""
    match found:
        case {"type": "mrkdwn", "text": str(text)}:
            return from_mrkdwn(text, names).blocks
        case {"text": str(text)} | {"alt_text": str(text)} | str(text):
            return from_plain(text).blocks
        case _:
            return ()


def _attachment(attachment: Json, names: Names) -> tuple[Block, ...]:
    """What a bot attached or a person shared; the preview of a link says nothing that the link does not."""
    shared = attachment.get("is_msg_unfurl") or attachment.get("is_share")
    if (attachment.get("from_url") or attachment.get("original_url")) and not shared:
        return ()
    title = link(clean_text(_string(attachment, "title_link")), clean_text(_string(attachment, "title")), _BOLD)
    inner = tuple(_blocks(attachment.get("blocks"), names))
    for message in _dicts(attachment.get("message_blocks")):
        wrapped = message.get("message")
        inner += tuple(_blocks(wrapped.get("blocks"), names)) if isinstance(wrapped, dict) else ()
    found = (
        *from_mrkdwn(_string(attachment, "pretext"), names).blocks,
        *paragraphs([Run(clean_text(_string(attachment, "author_name")), _BOLD)]),
        *paragraphs([title]),
        *(inner or from_mrkdwn(_string(attachment, "text"), names).blocks),
        *(block for field in _dicts(attachment.get("fields")) for block in _field(field, names)),
    )
    return found or from_plain(_string(attachment, "fallback")).blocks


def _field(field: Json, names: Names) -> tuple[Block, ...]:
    """A title and its value, in one paragraph where the value allows."""
    title = clean_text(_string(field, "title"))
    start = (Run(title, _BOLD), Run(": ")) if title else ()
    match from_mrkdwn(_string(field, "value"), names).blocks:
        case (Paragraph(content), *rest):
            return (Paragraph(tuple(merged([*start, *content]))), *rest)
        case blocks:
            return (*paragraphs(start), *blocks)


def _dicts(found: Any) -> list[Json]:
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _string(found: Json, key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""
