"""Reads Slack's mrkdwn, the text of bots, slash commands and old messages, into the tree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rich.emoji import Emoji as Known, NoEmoji

from bot.conversion.text.clean import clean_text
from bot.conversion.text.inlines import autolink, link, paragraphs, words
from bot.conversion.text.tree import PLAIN, Block, Code, Document, Emoji, Inline, Link, Mention, Quote, Run, Style
from bot.slack.text.names import Names, mention

_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_FENCE = re.compile(r"```(.+?)```", re.DOTALL)
_QUOTED = re.compile(r"(?:&gt;|>) ?")
_QUOTED_REST = re.compile(r"(?:&gt;|>){3}\s?")
_ESCAPED = re.compile(r"<(?P<control>[^<>\n]+)>|&(?:amp|lt|gt);")
_TOKEN = re.compile(
    r"`(?P<code>[^`\n]+)`|<(?P<control>[^<>\n]+)>|(?P<mark>[*_~])"
    r"|(?<!\w):(?P<emoji>[\w+'-]{1,80}(?:::skin-tone-[2-6])?):(?!\w)"
)
_MENTION = re.compile(r"(@|#|!subteam\^)([A-Z0-9]+)")
_DATE_LINK = re.compile(r"!date\^[^^]*\^[^^]*\^(.+)")
_BROADCAST = re.compile(r"!(here|channel|everyone)")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_KINDS = {"@": "user", "#": "channel", "!subteam^": "usergroup"}
_STYLES = {"*": "bold", "_": "italic", "~": "strike"}
_SKIN_TONE = re.compile(r"::skin-tone-([2-6])\Z")


@dataclass(frozen=True, slots=True)
class _Mark:
    """A ``*``, ``_`` or ``~`` that may begin or end a style."""

    sign: str
    opens: bool
    closes: bool


def from_mrkdwn(text: str, names: Names) -> Document:
    """The tree of a mrkdwn text, as Slack would show it. Never raises and takes time in proportion to the text."""
    blocks: list[Block] = []
    for index, part in enumerate(_FENCE.split(clean_text(text))):
        if index % 2 and (code := part.strip("\n")):
            blocks.append(Code(_literal(code, names)))
        elif not index % 2:
            blocks += _text(part.lstrip(" "), names)
    return Document(tuple(blocks))


def emoji(name: str, characters: str = "") -> Emoji:
    """An emoji by Slack's short name; *characters* where Slack sent them."""
    if characters:
        return Emoji(name, characters)
    try:
        characters = str(Known(_SKIN_TONE.sub("", name)))
    except NoEmoji:
        return Emoji(name)
    tone = _SKIN_TONE.search(name)
    return Emoji(name, characters + (chr(0x1F3FB + int(tone.group(1)) - 2) if tone else ""))


def _literal(text: str, names: Names) -> str:
    """*text* with its control sequences in words and its entities read, once."""

    def read(match: re.Match[str]) -> str:
        return words(_control(match["control"], names)) if match["control"] else _ENTITIES[match.group()]

    return _ESCAPED.sub(read, text)


def _unescaped(text: str) -> str:
    return re.sub("&(?:amp|lt|gt);", lambda match: _ENTITIES[match.group()], text)


def _text(part: str, names: Names) -> Iterator[Block]:
    """Paragraphs and quotes of a text without fences."""
    for quoted, lines in _by_quoting(part.split("\n")):
        found = paragraphs(inline for line in lines for inline in (*_line(line, names), Run("\n")))
        if quoted and found:
            yield Quote(found)
        else:
            yield from found


def _by_quoting(lines: list[str]) -> Iterator[tuple[bool, list[str]]]:
    """Runs of quoted and of other lines, without the marks of the quotes."""
    current: list[str] = []
    quoted = False
    for index, line in enumerate(lines):
        rest = _QUOTED_REST.match(line)
        mark = rest or _QUOTED.match(line)
        if bool(mark) != quoted:
            yield quoted, current
            current, quoted = [], bool(mark)
        current.append(line[mark.end() :] if mark else line)
        if rest:
            current += lines[index + 1 :]
            break
    yield quoted, current


def _line(line: str, names: Names) -> list[Inline]:
    """The content of one line."""
    found: list[Inline | _Mark] = []
    start = 0
    for match in _TOKEN.finditer(line):
        found += autolink(_unescaped(line[start : match.start()]))
        start = match.end()
        if code := match["code"]:
            found.append(Run(_literal(code, names), Style(code=True)))
        elif control := match["control"]:
            found.append(_control(control, names))
        elif name := match["emoji"]:
            found.append(emoji(name))
        else:
            found.append(_mark(line, match.start()))
    found += autolink(_unescaped(line[start:]))
    return _styled(found)


def _control(body: str, names: Names) -> Inline:
    """What stands between ``<`` and ``>``."""
    target, label = (_unescaped(part) for part in body.partition("|")[::2])
    if found := _MENTION.fullmatch(target):
        return mention(_KINDS[found[1]], found[2], names, label=label)
    if found := _BROADCAST.fullmatch(target):
        return Mention(f"@{found[1]}")
    if found := _DATE_LINK.fullmatch(target):
        return link(found[1], label)
    if target.startswith("!"):
        return Run(label or target[1:])  # a date, or what Slack may add later: both carry their words
    return link(target, label) if _SCHEME.match(target) else Run(f"<{_unescaped(body)}>")


def _mark(line: str, at: int) -> _Mark:
    before, sign, after = line[at - 1 : at] if at else "", line[at], line[at + 1 : at + 2]
    opens = not before.isalnum() and not after.isspace() and after not in ("", sign)
    closes = not after.isalnum() and not before.isspace() and before not in ("", sign)
    return _Mark(sign, opens, closes)


def _styled(found: list[Inline | _Mark]) -> list[Inline]:
    """Pairs the marks, and gives what stands between them its style; marks without a partner are text."""
    opened: dict[str, int] = {}
    paired: dict[int, bool] = {}  # position of a mark -> whether it begins its style
    for at, mark in enumerate(found):
        if not isinstance(mark, _Mark):
            continue
        first = opened.get(mark.sign)
        if mark.closes and first is not None:
            paired |= {first: True, at: False}
            opened = {sign: position for sign, position in opened.items() if position < first}
        elif mark.opens:
            opened.setdefault(mark.sign, at)
    style = PLAIN
    result: list[Inline] = []
    for at, inline in enumerate(found):
        if isinstance(inline, _Mark) and at in paired:
            style = replace(style, **{_STYLES[inline.sign]: paired[at]})
        elif isinstance(inline, _Mark):
            result.append(Run(inline.sign, style))
        else:
            result.append(inline if isinstance(inline, Emoji) else _with(inline, style))
    return result


def _with(inline: Run | Link | Mention, style: Style) -> Inline:
    return replace(inline, style=replace(style, code=inline.style.code))
