"""Makes foreign text safe to carry: every text from Slack, a desk or a form passes `clean_text` once, at the door."""

import re
import unicodedata
from collections.abc import Iterator

ELLIPSIS = "…"

_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(1, 17))
    + "]"
)
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_REGIONS = range(0x1F1E6, 0x1F200)
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_IN_FILENAMES = re.compile(r'[<>:"/\\|?*]+')
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", re.IGNORECASE)
_FILENAME = 255  # bytes
_LONGEST = 32  # code points in what is still taken for one visible character
_JOINER = "\u200d"


def clean_text(text: str) -> str:
    r"""*text* with ``\n`` as its only line break and without control characters, non-characters and lone surrogates.

    The result always encodes as UTF-8 and is legal in XML 1.0. A lone surrogate becomes U+FFFD, a pair its character.
    """
    if text.isascii() and text.isprintable():  # most of what is said; the rest takes ten times as long
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNWANTED.sub("", _BREAKS.sub("\n", whole))


def clean_subject(text: str, limit: int) -> str:
    """*text* as one line of at most *limit* characters, without marks that turn the writing direction.

    What is too long ends with an ellipsis and is never cut inside what a reader sees as one character.
    """
    line = " ".join(_DIRECTION.sub("", clean_text(text)).split())
    return shorten(line, limit)


def clean_filename(name: str, *, limit: int = 120) -> str:
    """*name* as a file name for any system: no folders, no device names, never empty.

    At most *limit* characters, and 255 bytes in UTF-8: what file systems take.
    """
    safe = _NOT_IN_FILENAMES.sub("_", clean_subject(name, 10_000)).strip(". ")
    safe = _DEVICES.sub(r"_\1", safe, count=1) if _DEVICES.match(safe) else safe
    if len(safe) <= limit and len(safe.encode()) <= _FILENAME:
        return safe or "file"
    stem, dot, extension = safe.rpartition(".")
    if not dot or len(extension) > min(10, limit // 2):
        stem, dot, extension = safe, "", ""
    room = limit - len(dot + extension)
    while len((short := shorten(stem, room) + dot + extension).encode()) > _FILENAME:
        room -= 1
    return short


def shorten(text: str, limit: int) -> str:
    """*text* in at most *limit* characters; an ellipsis ends what was cut, and no visible character is halved."""
    if len(text) <= limit:
        return text
    kept = text[: cut_before(text, max(limit - len(ELLIPSIS), 0))]
    return (kept.rstrip() + ELLIPSIS)[: max(limit, 0)]


def cut_before(text: str, limit: int) -> int:
    """The last place up to *limit* where *text* can be cut without halving a visible character."""
    if limit >= len(text):
        return len(text)
    return next((at for at in range(limit, max(limit - _LONGEST, 0), -1) if not _joined(text, at)), limit)


def parts(text: str, most: int) -> Iterator[str]:
    """*text* in parts of at most *most* characters, cut after a line or a word where there is one."""
    while len(text) > most:
        after = (text.rfind(blank, most // 2, most) + 1 for blank in "\n ")
        at = next(filter(None, after), 0) or cut_before(text, most)
        yield text[:at]
        text = text[at:]
    if text:
        yield text


def _joined(text: str, at: int) -> bool:
    """Whether the characters before and after *at* are seen as one."""
    after = text[at]
    if after == _JOINER or text[at - 1] == _JOINER or ord(after) in _SKIN_TONES:
        return True
    if unicodedata.category(after).startswith("M"):
        return True
    if ord(after) not in _REGIONS:
        return False
    first = at
    while first > 0 and ord(text[first - 1]) in _REGIONS:
        first -= 1
    return (at - first) % 2 == 1
