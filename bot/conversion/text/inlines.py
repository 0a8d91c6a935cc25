"""What all readers and writers share about the text inside paragraphs: paragraphs, addresses and honest link labels."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import groupby

from bot.conversion.text.clean import parts
from bot.conversion.text.tree import PLAIN, Emoji, Inline, Link, Mention, Paragraph, Run, Style

ADDRESS_LIMIT = 2000  # characters; Slack refuses links above 3000, browsers differ

_BARE_ADDRESS = re.compile(r"\bhttps?://[^\s<>\"]+", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s/?#]\S*|mailto:[^\s@]+@[^\s@]+", re.IGNORECASE)
_ENCODED = str.maketrans({character: f"%{ord(character):02X}" for character in ' <>"\\`{|}^'})
_LIKE_ADDRESS = re.compile(
    r"(?<!\w)\w+://[^\s<>\"]+"  # what may stand before each keeps the search from beginning anew at each letter
    r"|(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
    r"|(?:(?<![^\W_])\d+(?:\.\d+){3}|(?<![\w-])(?<![\w-]\.)[\w-]+(?:\.[\w-]+)*\.[^\W\d_][\w-]+)"
    r"(?::\d+)?(?:[/?#]\S*)?"
)
_DOTS = str.maketrans(dict.fromkeys("\u2024\u3002\ufe52\uff0e\uff61", "."))
_SCHEME = re.compile(r"(https?://|mailto:)?(www\.)?", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~…"


def safe_url(url: str) -> str | None:
    """*url* fit for a `Link`, or None where it is not a web or mail address of sane length."""
    encoded = url.strip().translate(_ENCODED)
    usable = len(encoded) <= ADDRESS_LIMIT and encoded.isprintable() and _ADDRESS.fullmatch(encoded)
    return encoded if usable else None


def link(url: str, label: str, style: Style = PLAIN) -> Inline:
    """A link; where the address is of a kind that must not be clicked, only its words."""
    safe = safe_url(url)
    label = " ".join(label.split())
    if safe:
        return Link(safe, label or safe.removeprefix("mailto:"), style)
    return Run(f"{label} ({url})" if label and url not in {"", label} else label or url, style)


def autolink(text: str, style: Style = PLAIN) -> Iterator[Inline]:
    """*text* with the web addresses in it as links."""
    start = 0
    for match in _BARE_ADDRESS.finditer(text):
        found = match.group()
        address = _trimmed(found) if len(found) <= ADDRESS_LIMIT else ""
        if safe_url(address) == address:
            if match.start() > start:
                yield Run(text[start : match.start()], style)
            yield Link(address, address, style)
            start = match.start() + len(address)
    if start < len(text):
        yield Run(text[start:], style)


def _trimmed(address: str) -> str:
    """An address without the punctuation of the sentence around it."""
    while address:
        shorter = address.rstrip(_TRAILING)
        if shorter.endswith(")") and shorter.count("(") < shorter.count(")"):
            shorter = shorter[:-1]
        if shorter == address:
            break
        address = shorter
    return address


def caption(link: Link) -> str:
    """A link's text: its label, and the address too where something in the label looks like another one."""
    address = f" ({link.url})"
    if link.label == link.url or link.label.endswith(address):
        return link.label
    label = "".join(character for character in link.label if unicodedata.category(character) != "Cf")  # what is seen
    true = _SCHEME.sub("", link.url, count=1).casefold()
    claims = map(_trimmed, _LIKE_ADDRESS.findall(label.translate(_DOTS)))
    return link.label if all(_begins(true, claim) for claim in claims) else label + address


def _begins(true: str, claim: str) -> bool:
    """Whether an address is, or begins with, the one that a label claims."""
    claim = _SCHEME.sub("", claim, count=1).casefold().rstrip("/")
    return true.startswith(claim) and true[len(claim) : len(claim) + 1] in ("", "/", "?", "#")


def words(inline: Inline) -> str:
    """The literal text that people see for *inline* where nothing can be clicked."""
    match inline:
        case Run(text):
            return text
        case Link(url, label):
            said = url in {label, f"mailto:{label}"} or label.endswith(f" ({url})")
            return label if said else f"{label} ({url})"
        case Mention(name):
            return name
        case Emoji(name, characters):
            return characters or f":{name}:"


def merged(content: Iterable[Inline]) -> list[Inline]:
    """*content* with neighbouring runs of one style joined and empty ones left out."""
    result: list[Inline] = []
    for style, group in groupby(content, key=lambda inline: inline.style if isinstance(inline, Run) else None):
        if style is None:
            result += group
        elif text := "".join(run.text for run in group if isinstance(run, Run)):
            result.append(Run(text, style))
    return result


def portions(content: Iterable[Inline], most: int, *, around: int = 0) -> Iterator[list[Inline]]:
    """*content* in portions of at most *most* characters, cut after a line or a word where there is one.

    The address of a link counts, and *around* characters for what stands around each run.
    """
    portion: list[Inline] = []
    size = 0
    for part in (part for inline in merged(content) for part in _parts(inline, most)):
        length = len(words(part)) + around
        if portion and size + length > most:
            yield portion
            portion, size = [], 0
        portion.append(part)
        size += length
    if portion:
        yield portion


def _parts(inline: Inline, most: int) -> Iterable[Inline]:
    match inline:
        case Run(text):
            return (replace(inline, text=part) for part in parts(text, most))
        case Link():  # each part says what the whole one says, so that no part of an address passes for another
            return (replace(inline, label=part) for part in parts(caption(inline), most))
        case _:
            return (inline,)


def paragraphs(content: Iterable[Inline]) -> tuple[Paragraph, ...]:
    """*content* as paragraphs: blank lines part them, and no line ends in blanks."""
    found: list[list[Inline]] = [[]]
    for line in lines(content):
        if not line:
            found.append([])
            continue
        if found[-1]:
            before, after = (PLAIN if isinstance(part, Emoji) else part.style for part in (found[-1][-1], line[0]))
            found[-1].append(Run("\n", before if before == after else PLAIN))
        found[-1] += line
    return tuple(Paragraph(tuple(merged(content))) for content in found if content)


def lines(content: Iterable[Inline]) -> Iterator[list[Inline]]:
    """The lines of *content*, without blanks at their ends."""
    line: list[Inline] = []
    for inline in content:
        if not isinstance(inline, Run):
            line.append(inline)
            continue
        first, *rest = inline.text.split("\n")
        line.append(Run(first, inline.style))
        for text in rest:
            yield _stripped(line)
            line = [Run(text, inline.style)]
    yield _stripped(line)


def _stripped(line: list[Inline]) -> list[Inline]:
    while line and isinstance(last := line[-1], Run):
        if kept := last.text.rstrip():
            line[-1] = Run(kept, last.style)
            break
        line.pop()
    return merged(line)
