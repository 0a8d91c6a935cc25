"""Reads Slack's messages into the tree: rich_text where there is some, else mrkdwn, and what bots attach."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from bot.conversion.text.clean import clean_text
from bot.conversion.text.inlines import link, merged, paragraphs, words
from bot.conversion.text.plain import from_plain, to_plain
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
from bot.slack.text.names import ID_KEYS, WITH_WORDS, Names, mention
from bot.slack.text.read_mrkdwn import emoji, from_mrkdwn

Json = Mapping[str, Any]

_DEEPEST = 8  # indents that Slack's composer makes
_YEAR_5000 = 95_617_584_000  # seconds since the epoch
_BOLD = Style(bold=True)
_KINDS = frozenset((
    "actions", "alert", "card", "carousel", "container", "context", "context_actions", "data_table", "divider", "file",
    "header", "image", "markdown", "plan", "rich_text", "section", "table", "task_card", "video",
    "rich_text_list", "rich_text_preformatted", "rich_text_quote", "rich_text_section",
    "broadcast", "channel", "color", "date", "emoji", "link", "team", "text", "user", "usergroup",
))  # fmt: skip
"""The blocks, and the elements of rich text, of which we know where their words are."""


def from_message(message: Json, names: Names) -> Document:
    """The tree of a Slack message of any kind: its blocks, or else its text; then its attachments as quotes.

    Never raises for what Slack sends; parts of an unknown kind give their text, and the message's, too.
    """
    blocks = _said(message.get("blocks"), _string(message, "text"), names)
    return Document((*blocks, *_attached(message, names)))


def from_rich_text(block: Json, names: Names) -> Document:
    """The tree of a rich_text block, as messages hold it and as a rich_text_input gives it."""
    blocks: list[Block] = []
    for (lists, border), group in groupby(dicts(block.get("elements")), key=_sort):
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
    inner = dicts(element.get("elements"))
    if element.get("type") == "rich_text_list":
        return tuple(_nested([_flat(element, names)]))
    if any(_string(one, "type").startswith("rich_text") for one in inner):
        return from_rich_text(element, names).blocks
    content = [_inline(one, names) for one in inner]
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
        items=tuple(Item(_element(item, names)) for item in dicts(element.get("elements"))),
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
    found = (_string(element, key) for key in ("text", "fallback", "title", "label", "value", "name", "url", "team_id"))
    words = clean_text(next(filter(None, found), _moment(element.get("timestamp"))))
    url = clean_text(_string(element, "url"))
    return link(url, words, style) if url else Run(words, style)


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


def _said(blocks: Any, text: str, names: Names) -> tuple[Block, ...]:
    """What *blocks* say; and *text* where they say nothing, or one is of a kind that may say more than we find."""
    found = tuple(_words(blocks, names))
    silent = all(isinstance(block, Rule) for block in found)
    if not (silent or any(map(_is_strange, dicts(blocks)))):
        return found
    words = from_mrkdwn(text, names).blocks
    return (*found, *words) if silent or _letters(words) not in _letters(found) else found


def _is_strange(block: Json) -> bool:
    kind = _string(block, "type")
    inner = block.get("elements" if kind.startswith("rich_text") else "child_blocks")
    return kind not in _KINDS or any(map(_is_strange, dicts(inner)))


def _letters(blocks: tuple[Block, ...]) -> str:
    return "".join(filter(str.isalnum, to_plain(Document(blocks))))


def _words(found: Any, names: Names) -> Iterator[Block]:
    """All that a block, an element, a text object or a row of them says."""
    match found:
        case str():
            yield from from_plain(found).blocks
        case list():
            yield from (block for one in found for block in _words(one, names))
        case {"type": "rich_text"}:
            yield from from_rich_text(found, names).blocks
        case {"type": "markdown", "text": str(text)}:
            yield from from_markdown(text).blocks
        case {"type": "mrkdwn", "text": str(text)}:
            yield from from_mrkdwn(text, names).blocks
        case {"type": "divider"}:
            yield Rule()
        case {"type": "table" | "data_table", "rows": list(rows)}:
            yield from _words(found.get("caption"), names)
            yield from as_blocks(
                [[tuple(_words(cell, names)) for cell in row] for row in rows if isinstance(row, list)]
            )
        case {"type": "raw_number", "value": int() | float() as value}:
            yield from from_plain(_string(found, "text") or str(value)).blocks
        case {"type": "button" | "url", "text": {"text": str(label)} | str(label), "url": str(url)}:
            yield from paragraphs([link(clean_text(url), clean_text(label))])
        case {"type": "button" | "icon_button" | "workflow_button"}:
            return  # what it does, it does in Slack
        case dict():
            yield from _parts(found, names)


def _parts(found: Json, names: Names) -> Iterator[Block]:
    """The words of a block in their order, and where its film or picture is."""
    is_header = found.get("type") == "header"
    for part in (part for key in WITH_WORDS for part in _words(found.get(key), names)):
        yield Heading(part.content) if is_header and isinstance(part, Paragraph) else part
    address = _string(found, "title_url") or _string(found, "video_url")
    if found.get("type") == "image" and "block_id" in found:  # a picture within a text has none
        address = _string(found, "image_url")
    yield from paragraphs([link(clean_text(address), "")])


def _attached(holder: Json, names: Names) -> Iterator[Block]:
    """What is attached to a message, or to another attachment, each as a quote."""
    found = (_attachment(attachment, names) for attachment in dicts(holder.get("attachments")))
    return (Quote(blocks) for blocks in found if blocks)


def _attachment(attachment: Json, names: Names) -> tuple[Block, ...]:
    """What a bot attached or a person shared; the preview of a link says nothing that the link does not."""
    shared = is_shared(attachment)
    if (attachment.get("from_url") or attachment.get("original_url")) and not shared:
        return ()
    wrapped = [message.get("message") for message in dicts(attachment.get("message_blocks"))]
    holders = [attachment, *dicts(wrapped)]
    blocks = [block for one in holders for block in dicts(one.get("blocks"))]
    text = next(filter(None, (_string(one, "text") for one in holders)), "")
    title = link(clean_text(_string(attachment, "title_link")), clean_text(_string(attachment, "title")), _BOLD)
    pretext = from_mrkdwn(_string(attachment, "pretext"), names).blocks
    head = (*paragraphs([Run(clean_text(_string(attachment, "author_name")), _BOLD)]), *paragraphs([title]))
    body = (
        *_said(blocks, text, names),
        *(block for field in dicts(attachment.get("fields")) for block in _field(field, names)),
        *paragraphs([link(clean_text(_string(attachment, "image_url")), "")]),
        *_words(attachment.get("actions"), names),
        *(block for one in holders for block in _attached(one, names)),
    )
    instead = () if pretext or body else from_plain(_string(attachment, "fallback")).blocks
    more = () if _letters(instead) in _letters(head) else instead
    foot = () if shared else from_plain(_string(attachment, "footer")).blocks  # of one that is shared it is Slack's own
    return (*pretext, *head, *body, *more, *foot)


def is_shared(attachment: Json) -> bool:
    """Whether an attachment is another message of Slack's, which somebody forwarded."""
    return bool(attachment.get("is_msg_unfurl") or attachment.get("is_share"))


def _field(field: Json, names: Names) -> tuple[Block, ...]:
    """A title and its value, in one paragraph where the value allows."""
    title = clean_text(_string(field, "title"))
    start = (Run(title, _BOLD), Run(": ")) if title else ()
    match from_mrkdwn(_string(field, "value"), names).blocks:
        case (Paragraph(content), *rest):
            return (Paragraph(tuple(merged([*start, *content]))), *rest)
        case blocks:
            return (*paragraphs(start), *blocks)


def dicts(found: Any) -> list[Json]:
    """The objects in a list of Slack's JSON."""
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _string(found: Json, key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""
