"""Reads the addresses of tickets by a desk's pattern: which ticket one opens, and at which host they lie. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_NAMES = {r"\{id\}": "id", r"\{number\}": "number"}
_VALUE = r"[A-Za-z0-9][A-Za-z0-9-]{0,63}"


@dataclass(frozen=True, slots=True)
class Addressed:
    """The ticket that an address opens: its ``id`` at the API, or what people call it, as the pattern has it."""

    id: str = ""
    number: str = ""


def ticket_at(pattern: str, url: str) -> Addressed | None:
    """The ticket that *url* opens by *pattern*; None where it opens none. What follows the ticket's id is left aside.

    Args:
        pattern: such as ``https://desk.example/tickets/{id}``; empty for a desk without addresses.
        url: as somebody wrote it.
    """
    host = host_of(pattern)
    if not host or host != host_of(url):
        return None
    expected = re.escape(_path(pattern))
    for name, group in _NAMES.items():
        expected = expected.replace(name, f"(?P<{group}>{_VALUE})", 1).replace(name, f"(?P={group})")
    tail = r"(?:[&#].*)?" if "?" in pattern else r"/?(?:[?#].*)?"
    found = re.fullmatch(expected + tail, _path(url))
    return Addressed(**found.groupdict()) if found and found.groupdict() else None


def hosts(patterns: Iterable[str]) -> tuple[str, ...]:
    """The hosts of *patterns*, each once, in their order."""
    return tuple(dict.fromkeys(host for pattern in patterns if (host := host_of(pattern))))


def host_of(url: str) -> str:
    """The host of an http address in small letters; empty where it is none, or has one made of a placeholder."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host if parts.scheme in {"https", "http"} and re.fullmatch(r"[a-z0-9.-]+", host) else ""


def _path(url: str) -> str:
    """What follows scheme, host and port."""
    parts = urlsplit(url)
    return url[url.index(parts.netloc) + len(parts.netloc) :]
