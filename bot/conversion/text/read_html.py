"""Reads the HTML of desks and mail programs into the tree: structure where it is known, and always the words."""

import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Literal

from typing_extensions import override

from bot.conversion.text.clean import clean_text
from bot.conversion.text.inlines import autolink, merged, paragraphs, safe_url, words
from bot.conversion.text.table import as_blocks
from bot.conversion.text.tree import (
    Block,
    Code,
    Document,
    Heading,
    Inline,
    Item,
    Link,
    List,
    Quote,
    Rule,
    Run,
    Style,
    paragraph,
)
from bot.words import N_, _

LIMIT = 300_000  # characters of HTML, pictures inside it not counted
DEPTH = 12  # lists, quotes and tables inside each other
TOO_LONG = N_("[The rest of this message is too long to show.]")

_STYLES = {"b": "bold", "strong": "bold", "i": "italic", "em": "italic"}
_STYLES |= dict.fromkeys(("s", "strike", "del"), "strike") | dict.fromkeys(("code", "tt", "kbd", "samp"), "code")
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BREAKS = frozenset((
    "address", "article", "aside", "body", "caption", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "head", "header", "hr", "html", "legend", "main", "nav", "option", "p",
    "pre", "section", "summary", "tbody", "tfoot", "thead", "tr", *_HEADINGS,
))  # fmt: skip
_SHIFTED = {"sup": "^", "sub": "_"}  # without a sign, ten to the sixth would be 106
_NUMBER = re.compile(r"\s*[\d(+\u2212-]")
_UNSEEN = frozenset(("script", "style", "title", "template", "svg", "iframe"))
_PICTURES = re.compile(r"(<[a-z][^<>]*?[=\"'(]\s*)data:[\w/+.-]*;base64,[\w+/=%\s-]*", re.IGNORECASE)
_COMMENTS = re.compile(r"<!--(?:-?>|.*?--!?>|.*\Z)", re.DOTALL)
_SAYS_NOTHING = re.compile(r"#|(?:javascript|vbscript|data):|\Z", re.IGNORECASE)
_START = re.compile(r"[0-9]{1,6}")
_FOLDED = re.compile(r"[ \t\n\r\f]+")

Kind = Literal["document", "quote", "list", "item", "table", "cell"]
_CONTAINERS: dict[str, Kind] = {
    "blockquote": "quote", "ul": "list", "ol": "list", "menu": "list", "li": "item",
    "table": "table", "td": "cell", "th": "cell",
}  # fmt: skip


def from_html(html: str) -> Document:
    """The tree of an HTML text. Never raises and takes time in proportion to the text.

    Scripts, styles and comments are dropped with their content. Entities are read once. Only http, https and mailto
    links stay links; any other address stands behind its words. A small table becomes `Code` in columns; a table made
    for layout becomes its paragraphs. What is longer than `LIMIT` ends with a note that says so.
    """
    seen = _COMMENTS.sub("", _PICTURES.sub(r"\1", clean_text(html))).replace("<![", "<?[")
    markup, end, rest = seen[:LIMIT].rpartition(">")  # the parser is slow on tags that never end: there are none
    reader = _Reader()
    reader.feed(markup + end + rest.replace("<", "&lt;"))
    reader.close()
    note = (paragraph(_(TOO_LONG)),) if len(seen) > LIMIT else ()
    return Document((*reader.finished(), *note))


@dataclass(slots=True)
class _Open:
    """An element that is not closed yet, and what is in it so far."""

    kind: Kind
    blocks: list[Block] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    rows: list[list[tuple[Block, ...]]] = field(default_factory=list)
    ordered: bool = False
    start: int = 1

    def add(self, block: Block) -> None:
        if self.kind != "list":
            self.blocks.append(block)
        elif isinstance(block, List) and self.items:  # a list directly in a list belongs to the entry before it
            self.items[-1] = Item((*self.items[-1].blocks, block))
        else:
            self.items.append(Item((block,)))


class _Reader(HTMLParser):
    """Keeps the open elements, and the inline content that waits for the end of its paragraph."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._open = [_Open("document")]
        self._too_deep: Counter[str] = Counter()
        self._waiting: list[Inline] = []
        self._styles: Counter[str] = Counter()
        self._href = ""  # of the open link, fit for one or not
        self._url = ""  # the same, where people can follow it
        self._label: list[str] = []  # what stands in the open link
        self._sign = ""  # what stands before the next number, which is raised or lowered
        self._heading = 0
        self._pre = False
        self._unseen: list[str] = []  # open elements whose content nobody sees, all of one name

    def finished(self) -> tuple[Block, ...]:
        """All blocks, after the end of the text."""
        self._end_link()
        self._end_paragraph()
        while len(self._open) > 1:
            self._close_innermost()
        return tuple(self._open[0].blocks)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN or self._unseen:
            self._unseen += [tag] if tag in self._unseen or not self._unseen else []
        elif tag in _STYLES:
            self._styles[_STYLES[tag]] += 1
        elif tag in _SHIFTED:
            self._sign = _SHIFTED[tag]
        elif tag == "br":
            self._waiting.append(Run("\n", self._style()))
        elif tag == "a":
            self._end_link()
            self._href = dict(attrs).get("href") or ""
            self._url = safe_url(self._href) or ""
        elif tag == "img":
            self._picture(dict(attrs))
        elif self._pre:
            self._break_line(tag)
        else:
            self._start_block(tag, dict(attrs))

    @override
    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            self._unseen = self._unseen[1:] if tag in self._unseen else self._unseen
        elif tag in _STYLES:
            self._styles[_STYLES[tag]] -= self._styles[_STYLES[tag]] > 0
        elif tag == "a":
            self._end_link()
        elif tag in _SHIFTED:
            self._sign = ""
        elif self._pre and tag != "pre":
            self._break_line(tag)
        else:
            self._end_block(tag)

    @override
    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        data, self._sign = self._sign * bool(_NUMBER.match(data)) + data, ""
        self._label.append(data)
        if self._pre:
            self._waiting.append(Run(data))
            return
        text = _FOLDED.sub(" ", data)
        if not self._waiting or words(self._waiting[-1]).endswith((" ", "\n")):
            text = text.removeprefix(" ")
        text = text.replace("\N{NO-BREAK SPACE}", " ")
        if not text:
            return
        style = self._style()
        if self._url and (label := text.strip()):
            before, after = text.split(label)
            self._waiting += [Run(before, style), Link(self._url, label, style), Run(after, style)]
        else:
            self._waiting += [Run(text, style)] if style.code else autolink(text, style)

    def _picture(self, attrs: dict[str, str | None]) -> None:
        """A picture by its name, and its address where people can follow it."""
        if {attrs.get("width"), attrs.get("height")} & {"0", "1"}:
            return  # nobody sees it: it counts who reads the mail
        name = " ".join((attrs.get("alt") or "").split()) or _("picture")
        url = safe_url(attrs.get("src") or "")
        if url and not self._url:
            self._label.append(name)
            self._waiting.append(Link(url, f"[{name}]", self._style()))
        else:
            self.handle_data(f"[{name}]")

    def _end_link(self) -> None:
        """The address behind what stood in the link, where it says something and cannot be the link's."""
        href, label = (" ".join(text.split()) for text in (self._href, "".join(self._label)))
        linked = self._url and not self._pre
        if label and not linked and label not in {href, href.partition(":")[2]} and not _SAYS_NOTHING.match(href):
            self._waiting.append(Run(f" ({href})"))
        self._href, self._url, self._label = "", "", []

    def _break_line(self, tag: str) -> None:
        """Within preformatted text a block begins and ends a line."""
        if (tag in _BREAKS or tag in _CONTAINERS) and self._waiting and not words(self._waiting[-1]).endswith("\n"):
            self._waiting.append(Run("\n"))

    def _style(self) -> Style:
        return Style(**{name: self._styles[name] > 0 for name in ("bold", "italic", "strike", "code")})

    def _start_block(self, tag: str, attrs: dict[str, str | None]) -> None:
        kind = _CONTAINERS.get(tag)
        if kind or tag in _BREAKS:
            self._end_paragraph()
        if tag == "hr":
            self._open[-1].add(Rule())
        elif tag == "pre":
            self._pre = True
        elif tag == "tr":
            self._close_to("table", within=True)
            self._open[-1].rows.append([])
        elif kind:
            self._start_container(tag, kind, attrs)
        self._heading = _HEADINGS.get(tag, self._heading)

    def _start_container(self, tag: str, kind: Kind, attrs: dict[str, str | None]) -> None:
        if kind in {"item", "cell"}:
            self._close_to("list" if kind == "item" else "table", within=True)
        if kind == "item" and self._open[-1].kind != "list":
            self._start_container("ul", "list", {})
        if len(self._open) > DEPTH or (kind == "cell" and self._open[-1].kind != "table"):
            self._too_deep[tag] += 1
            return
        start = _START.fullmatch(attrs.get("start") or "")
        self._open.append(_Open(kind, ordered=tag == "ol", start=int(start.group()) if start else 1))

    def _end_block(self, tag: str) -> None:
        if tag == "pre":
            self._end_preformatted()
        elif tag in _BREAKS:
            self._end_paragraph()
            self._heading = 0
        elif kind := _CONTAINERS.get(tag):
            self._end_paragraph()
            if self._too_deep[tag]:
                self._too_deep[tag] -= 1
            else:
                self._close_to(kind)

    def _close_to(self, kind: Kind, *, within: bool = False) -> None:
        """Close the innermost open element of *kind*, or only what is open *within* it; a cell keeps its own."""
        for at in range(len(self._open) - 1, 0, -1):
            if self._open[at].kind == kind:
                while len(self._open) > at + within:
                    self._close_innermost()
                return
            if self._open[at].kind in {"cell", "table"} and kind not in {"cell", "table"}:
                return

    def _close_innermost(self) -> None:
        closed = self._open.pop()
        parent = self._open[-1]
        blocks = tuple(closed.blocks)
        match closed.kind:
            case "quote" if blocks:
                parent.add(Quote(blocks))
            case "item" if blocks:
                parent.items.append(Item(blocks))
            case "list" if closed.items:
                parent.add(List(tuple(closed.items), closed.ordered, closed.start))
            case "cell":
                parent.rows = parent.rows or [[]]
                parent.rows[-1].append(blocks)
            case "table":
                for block in (*blocks, *as_blocks(closed.rows)):
                    parent.add(block)

    def _end_paragraph(self) -> None:
        for part in paragraphs(_joined(self._waiting)):
            self._open[-1].add(Heading(part.content, self._heading) if self._heading else part)
        self._waiting = []

    def _end_preformatted(self) -> None:
        text = "".join(map(words, self._waiting)).removeprefix("\n").rstrip("\n")
        if text.strip():
            self._open[-1].add(Code(text))
        self._waiting, self._pre = [], False


def _joined(content: list[Inline]) -> list[Inline]:
    """*content* with links of one address, in pieces because of the styles in them, made one."""
    result: list[Inline] = []
    for inline in merged(content):
        match (result[-2:], inline):
            case ([*_, Link(url, label, style)], Link(same, more)) if url == same:
                result[-1] = Link(url, label + more, style)
            case ([Link(url, label, style), Run(" ")], Link(same, more)) if url == same:
                result[-2:] = [Link(url, f"{label} {more}", style)]
            case _:
                result.append(inline)
    return result
