"""Reads and prints the app's manifest, whose source is manifest.yml; for HTTP mode with the addresses filled in.

Only the plain part of YAML that manifest.yml uses is read: nested mappings, lists, scalars on one line and comments.
Anything else is an error, so that what is read here means the same to every reader of YAML.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from bot.slack.limits import EVENTS_PATH

SOURCE: Final = Path(__file__).parents[2] / "manifest.yml"
_COMMENT = re.compile(r"\s+#.*$")
_PAIR = re.compile(r"([A-Za-z_]+):(?: (.+))?")
_PLAIN = re.compile(r"[A-Za-z/][^:#\[\]{}&*!|>'\"%@`]*(?::[a-z][^:#\[\]{}&*!|>'\"%@`]*)?|[0-9]+")
_URLS: Final = {
    "event_subscriptions:": ("request_url",),
    "interactivity:": ("request_url", "message_menu_options_url"),
}


class Line(NamedTuple):
    """A line of the manifest that says something."""

    number: int
    indent: int
    text: str


def manifest_text(url: str = "") -> str:
    """The manifest for Socket Mode, or with the public address *url* for HTTP mode.

    Raises:
        ValueError: *url* is not an https address.
    """
    source = SOURCE.read_text(encoding="utf-8")
    return _for_http(source, url) if url else source


def scopes() -> frozenset[str]:
    """The scopes that the bot token must have."""
    return frozenset(read(manifest_text())["oauth_config"]["scopes"]["bot"])


def _for_http(source: str, url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"Slack sends to https addresses only, such as https://threadline.example.com, not {url!r}")
    address = json.dumps(url.rstrip("/").removesuffix(EVENTS_PATH) + EVENTS_PATH)
    lines = []
    for line in source.splitlines()[2:]:
        lines.append(line.replace("socket_mode_enabled: true", "socket_mode_enabled: false"))
        indent = len(line) - len(line.lstrip()) + 2
        lines += [f"{' ' * indent}{key}: {address}" for key in _URLS.get(line.strip(), ())]
        if line.strip().startswith("- command: "):
            lines.append(f"{' ' * indent}url: {address}")
    return "\n".join(["# The Slack app's manifest, for HTTP mode.", *lines, ""])


def read(text: str) -> dict[str, Any]:
    """What a manifest says.

    Raises:
        ValueError: it uses more of YAML than is read here; the message names the line.
    """
    lines = list(_lines(text))
    value, rest = _block(lines, 0)
    if rest or not isinstance(value, dict):
        raise ValueError("the manifest is not one mapping")
    return value


def _lines(text: str) -> Iterator[Line]:
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw if ': "' in raw else _COMMENT.sub("", f" {raw}")[1:]  # a quoted text may hold a "#"
        if line.strip():
            yield Line(number, len(line) - len(line.lstrip(" ")), line.strip())


def _block(lines: list[Line], indent: int) -> tuple[Any, list[Line]]:
    """The value of the lines that stand at *indent*, and the lines behind it."""
    return _list(lines, indent) if lines[0].text.startswith("- ") else _mapping(lines, indent)


def _list(lines: list[Line], indent: int) -> tuple[list[Any], list[Line]]:
    items: list[Any] = []
    while lines and lines[0].indent == indent and lines[0].text.startswith("- "):
        line = lines[0]
        inner = line.text.removeprefix("- ")
        if _PAIR.fullmatch(inner):
            item, lines = _mapping([Line(line.number, indent + 2, inner), *lines[1:]], indent + 2)
        else:
            item, lines = _scalar(line.number, inner), lines[1:]
        items.append(item)
    return items, lines


def _mapping(lines: list[Line], indent: int) -> tuple[dict[str, Any], list[Line]]:
    found: dict[str, Any] = {}
    while lines and lines[0].indent == indent and not lines[0].text.startswith("- "):
        line, pair = lines[0], _PAIR.fullmatch(lines[0].text)
        if not pair or pair[1] in found:
            raise ValueError(f"line {line.number} of the manifest is not a new key and its value")
        lines = lines[1:]
        if pair[2] is not None:
            found[pair[1]] = _scalar(line.number, pair[2])
        elif lines and lines[0].indent > indent:
            found[pair[1]], lines = _block(lines, lines[0].indent)
        else:
            raise ValueError(f"line {line.number} of the manifest has a key without a value")
    if lines and lines[0].indent > indent:
        raise ValueError(f"line {lines[0].number} of the manifest stands too far to the right")
    return found, lines


def _scalar(number: int, text: str) -> Any:
    if text in {"true", "false"} or text.isdecimal():
        return json.loads(text)
    if text.startswith('"'):
        return json.loads(text)
    if not _PLAIN.fullmatch(text) or text in {"null", "yes", "no", "on", "off"}:
        raise ValueError(f"line {number} of the manifest needs quotes")
    return text
