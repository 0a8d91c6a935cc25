"""The tree as Markdown that means the same in CommonMark and in older dialects. Its text is literal."""

import re
from collections.abc import Iterable, Iterator
from itertools import takewhile

from bot.conversion.text.inlines import caption, lines, merged, paragraphs, words
from bot.conversion.text.tree import (
    PLAIN,
    Block,
    Code,
    Document,
    Emoji,
    Heading,
    Inline,
    Link,
    List,
    Paragraph,
    Quote,
    Rule,
    Run,
    Style,
)

_SPECIAL = re.compile(r"[\\`*_\[\]~|]|<|&(?=[#\w])|!\Z")
_LINE_START = re.compile(r"[#+\-=>:]|\d+[.)](?=\s|\Z)")
_WORD = re.compile(r"[^\s!-/:-@\[-`{-~]")  # neither a space nor ASCII punctuation
_ENTITY = re.compile(r"&(?=#?\w+;)")
_MARKS = (("bold", "**"), ("strike", "~~"), ("italic", "_"))  # from the outside in
_IN_ADDRESS = str.maketrans({"(": "%28", ")": "%29"})


def to_markdown(document: Document) -> str:
    """*document* as Markdown. Nothing in a `Run` can format, link, or begin a list, heading, quote, table or HTML."""
    return "\n".join(_lines(document.blocks))


def _lines(blocks: Iterable[Block], *, in_item: bool = False) -> Iterator[str]:
    before: Block | None = None
    other = False  # a list right after a list takes the other marker; with the same one they would be one list
    for block in blocks:
        other = isinstance(block, List) and isinstance(before, List) and before.ordered == block.ordered and not other
        rendered = list(_block(block, other=other))
        if not any(rendered):
            continue
        nested = isinstance(block, List) and (not block.ordered or block.start == 1)
        if before is not None and not (in_item and nested and isinstance(before, Paragraph)):
            yield ""
        yield from rendered
        before = block


def _block(block: Block, *, other: bool) -> Iterator[str]:
    match block:
        case Paragraph(content):
            for index, part in enumerate(paragraphs(_as_runs(content))):
                yield from [""] * bool(index)
                yield from "  \n".join(map(_line, lines(part.content))).split("\n")  # two spaces: a line break
        case Heading(content, level):
            text = " ".join(_line(line) for line in lines(_as_runs(content)) if line)
            yield f"{'#' * level} " + re.sub(r"(?<=\s)(?=#+$)", r"\\", text) if text else ""
        case Code(text):
            fence = "`" * max(3, _longest_ticks(text) + 1)
            yield from (fence, *text.split("\n"), fence)
        case Quote(blocks):
            yield from (f"> {line}" if line else ">" for line in _lines(blocks))
        case List():
            yield from _list(block, other=other)
        case Rule():
            yield "___"  # dashes after a list's dash would be one rule


def _list(block: List, *, other: bool) -> Iterator[str]:
    for number, item in enumerate(block.items, block.start):
        marker = f"{number}{')' if other else '.'} " if block.ordered else "* " if other else "- "
        for index, line in enumerate(list(_lines(item.blocks, in_item=True)) or ["&nbsp;"]):
            indented = " " * len(marker) + line if line else ""
            yield indented if index else marker + line


def _as_runs(content: Iterable[Inline]) -> list[Inline]:
    """*content* of runs and links only."""

    def run(inline: Inline) -> Inline:
        match inline:
            case Link():
                return inline
            case Emoji():
                return Run(words(inline))
            case _:
                return Run(words(inline), inline.style)

    return merged(map(run, content))


def _line(content: Iterable[Inline]) -> str:
    """One line. Marks count only beside the right neighbours, so letters that stand in the way become entities."""
    line = ""
    opened: list[str] = []
    for style, text in (*((style, text) for style, text in _pieces(content) if text), (PLAIN, "")):
        markup = text
        wanted = [mark for name, mark in _MARKS if getattr(style, name)]
        kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(opened, wanted, strict=False)))
        closing, opening = "".join(reversed(opened[kept:])), "".join(wanted[kept:])
        if opening and not closing and _in_the_way(line[-1:], opening, markup[:1]):
            line = line[:-1] + f"&#{ord(line[-1])};"
        if closing and not opening and _in_the_way(markup[:1], closing, line[-1:]):
            markup = f"&#{ord(markup[0])};{markup[1:]}"
        line += closing + opening + markup
        opened = wanted
    return _unambiguous(line)


def _in_the_way(outside: str, marks: str, inside: str) -> bool:
    plain_bold = marks in ("**", "~~") and bool(_WORD.match(inside))
    return bool(_WORD.match(outside)) and not plain_bold


def _pieces(content: Iterable[Inline]) -> Iterator[tuple[Style, str]]:
    """Styles and finished markup; blanks at the ends of a run stand outside its marks."""
    for inline in content:
        if isinstance(inline, Link):
            yield inline.style, _link(inline)
            continue
        text = words(inline)
        core = text.strip()
        start = text.find(core) if core else len(text)
        yield PLAIN, text[:start]
        if core and isinstance(inline, Run):
            yield inline.style, _code(core) if inline.style.code else _escaped(core)
            yield PLAIN, text[start + len(core) :]


def _link(link: Link) -> str:
    shown = " ".join(caption(link).split())
    if shown == link.url and not link.style.code:
        return f"<{link.url}>"
    target = _ENTITY.sub("&amp;", link.url.translate(_IN_ADDRESS))
    return f"[{_code(shown) if link.style.code else _escaped(shown)}]({target})"


def _code(text: str) -> str:
    fence = "`" * (_longest_ticks(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _longest_ticks(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: {"<": "&lt;", "&": "&amp;"}.get(match.group(), f"\\{match.group()}"), text)


def _unambiguous(line: str) -> str:
    """*line* with its indentation kept by no-break spaces, and not beginning like a heading, list, quote or rule."""
    text = line.lstrip(" \t")
    indent = line[: len(line) - len(text)].replace("\t", " " * 4).replace(" ", "\N{NO-BREAK SPACE}")
    if start := _LINE_START.match(text):
        text = text[: start.end() - 1] + "\\" + text[start.end() - 1 :]
    return indent + text
