"""Turns what a person types into the editor into a ``rich_text`` block and Slack's own ``text``."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Inline = dict[str, Any]
Find = Callable[[str, str], str]
"""Looks a name up: ``("@", "eva")`` gives ``<@U...>``, ``("#", "general")`` gives ``<#C...|general>``, else empty."""

_TOKEN = re.compile(
    r"(?P<code>`(?P<code_in>[^`\n]+)`)"
    r"|(?P<named>\[(?P<label>[^\]\n]+)\]\((?P<named_url>https?://[^\s)]+)\))"
    r"|(?P<url>https?://[^\s<>|]*[^\s<>|.,;:!?'\")\]}])"
    r"|(?P<mail>(?<![\w.])[\w.+-]+@[\w-]+\.[\w.-]*\w)"
    r"|(?P<at>(?<!\w)@(?P<at_name>[\w.-]*\w))"
    r"|(?P<hash>(?<!\w)\#(?P<hash_name>[\w-]+))"
    r"|(?P<emoji>:(?P<emoji_name>[a-z0-9_+-]+):)"
    r"|(?P<styled>(?<!\w)(?P<mark>[*_~])(?P<styled_in>(?=\S)[^\n]*?\S)(?P=mark)(?!\w))"
)
_STYLES = {"*": "bold", "_": "italic", "~": "strike"}
_MARKS = {"bold": "*", "italic": "_", "strike": "~", "code": "`"}
_LIST = re.compile(r"^(?P<indent> *)(?P<mark>[-•*]|\d+\.) (?P<rest>.*)$")
_FENCE = re.compile(r"```\n?(.*?)\n?```", re.DOTALL)


def typed(text: str, find: Find) -> tuple[dict[str, Any], str]:
    """The rich text (without a block id) and the text in mrkdwn of what was typed."""
    elements = []
    position = 0
    for fence in _FENCE.finditer(text):
        elements += _paragraphs(text[position : fence.start()].removesuffix("\n"), find)
        elements.append({"type": "rich_text_preformatted", "elements": _words(fence[1]), "border": 0})
        position = fence.end()
    elements += _paragraphs(text[position:].removeprefix("\n") if position else text, find)
    for element, after in itertools.pairwise(elements):
        if element["type"] == "rich_text_section" and after["type"] != "rich_text_section":
            _end_line(element["elements"])
    return {"type": "rich_text", "elements": elements}, "\n".join(_mrkdwn(element) for element in elements)


def escaped(text: str) -> str:
    """The three characters that Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _words(text: str) -> list[Inline]:
    return [{"type": "text", "text": text}] if text else []


def _paragraphs(text: str, find: Find) -> list[dict[str, Any]]:
    """Lines of one kind together: quotes, list items of one level, plain text."""
    if not text:
        return []
    found: list[tuple[tuple[str, int], list[str]]] = []
    for line in text.split("\n"):
        kind, rest = _kind(line)
        if found and found[-1][0] == kind:
            found[-1][1].append(rest)
        else:
            found.append((kind, [rest]))
    return [_element(kind, lines, find) for kind, lines in found]


def _kind(line: str) -> tuple[tuple[str, int], str]:
    if line.startswith((">", "> ")):
        return ("quote", 0), line[1:].removeprefix(" ")
    if match := _LIST.match(line):
        return ("ordered" if match["mark"][0].isdigit() else "bullet", len(match["indent"]) // 2), match["rest"]
    return ("text", 0), line


def _element(kind: tuple[str, int], lines: list[str], find: Find) -> dict[str, Any]:
    name, indent = kind
    if name in {"quote", "text"}:
        shape = "rich_text_quote" if name == "quote" else "rich_text_section"
        return {"type": shape, "elements": list(_inline("\n".join(lines), find, {}))}
    items = [{"type": "rich_text_section", "elements": list(_inline(line, find, {}))} for line in lines]
    return {"type": "rich_text_list", "style": name, "indent": indent, "border": 0, "elements": items}


def _inline(text: str, find: Find, style: dict[str, bool]) -> Iterator[Inline]:
    position = 0
    for match in _TOKEN.finditer(text):
        made = list(_token(match, find, style))
        if not made:
            continue
        if match.start() > position:
            yield _styled({"type": "text", "text": text[position : match.start()]}, style)
        yield from made
        position = match.end()
    if position < len(text):
        yield _styled({"type": "text", "text": text[position:]}, style)


def _styled(inline: Inline, style: dict[str, bool]) -> Inline:
    return {**inline, "style": dict(style)} if style else inline


def _token(match: re.Match[str], find: Find, style: dict[str, bool]) -> Iterator[Inline]:
    match match.lastgroup if match.lastgroup in {"url", "mail"} else _outer(match):
        case "code":
            yield _styled({"type": "text", "text": match["code_in"]}, {**style, "code": True})
        case "named":
            yield _styled({"type": "link", "url": match["named_url"], "text": match["label"]}, style)
        case "url":
            yield _styled({"type": "link", "url": match["url"]}, style)
        case "mail":
            yield _styled({"type": "link", "url": "mailto:" + match["mail"], "text": match["mail"]}, style)
        case "emoji":
            yield _styled({"type": "emoji", "name": match["emoji_name"]}, style)
        case "at" | "hash" as sign:
            found = find("@" if sign == "at" else "#", match[f"{sign}_name"])
            if found:
                yield _styled(_reference(found), style)
        case _:
            yield from _inline(match["styled_in"], find, {**style, _STYLES[match["mark"]]: True})


def _outer(match: re.Match[str]) -> str:
    return next(name for name in ("code", "named", "at", "hash", "emoji", "styled") if match[name] is not None)


def _reference(found: str) -> Inline:
    """The rich text of a control sequence such as ``<@U1>``."""
    name = found.strip("<>").partition("|")[0]
    if name.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": name.removeprefix("!subteam^")}
    kinds = {"@": ("user", "user_id"), "#": ("channel", "channel_id"), "!": ("broadcast", "range")}
    kind, key = kinds[name[0]]
    return {"type": kind, key: name[1:]}


def _mrkdwn(element: dict[str, Any]) -> str:
    match element["type"]:
        case "rich_text_preformatted":
            return f"```{_flat(element['elements'], lambda inline: escaped(inline['text']))}```"
        case "rich_text_quote":
            return "&gt; " + _flat(element["elements"], mrkdwn_of).replace("\n", "\n&gt; ")
        case "rich_text_list":
            return "\n".join(_items(element))
        case _:
            return _flat(element["elements"], mrkdwn_of).removesuffix("\n")


def _items(element: dict[str, Any]) -> Iterator[str]:
    for number, item in enumerate(element["elements"], 1):
        sign = "•" if element["style"] == "bullet" else f"{number}."
        yield "    " * element["indent"] + f"{sign} " + _flat(item["elements"], mrkdwn_of)


def _end_line(inlines: list[Inline]) -> None:
    """Slack's editor keeps the line's end before a list, quote or code in the text itself."""
    if inlines and inlines[-1]["type"] == "text" and "style" not in inlines[-1]:
        inlines[-1]["text"] += "\n"
    else:
        inlines += _words("\n")


def _flat(inlines: Iterable[Inline], render: Callable[[Inline], str]) -> str:
    """Inline elements one after the other; marks stay open as long as their style goes on."""
    said, still_open = "", list[str]()
    for inline in inlines:
        wanted = list(inline.get("style", {}))
        while any(style not in wanted for style in still_open):
            said += _MARKS[still_open.pop()]
        for style in wanted:
            if style not in still_open:
                said += _MARKS[style]
                still_open.append(style)
        said += render(inline)
    return said + "".join(_MARKS[style] for style in reversed(still_open))


def mrkdwn_of(inline: Inline) -> str:
    """One inline element in mrkdwn, without the marks of its style."""
    match inline["type"]:
        case "text":
            words = escaped(inline["text"])
        case "link":
            label = inline.get("text")
            url = inline["url"].replace("&", "&amp;")
            words = f"<{url}|{escaped(label)}>" if label else f"<{url}>"
        case "emoji":
            words = f":{inline['name']}:"
        case "user":
            words = f"<@{inline['user_id']}>"
        case "channel":
            words = f"<#{inline['channel_id']}>"
        case "usergroup":
            words = f"<!subteam^{inline['usergroup_id']}>"
        case _:
            words = f"<!{inline['range']}>"
    return words
