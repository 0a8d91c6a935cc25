"""The words that people read: English in the code, and the reader's language from the catalogue beside this file.

What one person sees is in the language of their Slack, what a whole thread sees in that of the settings::

    with speaking(locale):
        text = _("Ticket {number} at {desk}", number=number, desk=desk.title)

Sentences are whole and values have names, so that a translator may order them anew. A text that stands in a table,
before anybody reads it, is marked with ``N_`` and looked up with ``_`` where it is shown. `make words` gathers them.
"""

import gettext as catalogues
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

ENGLISH: Final = "en"
HERE: Final = Path(__file__).parent
LANGUAGES: Final = (ENGLISH, *sorted(file.stem for file in HERE.glob("*.mo")))
"""What Threadline speaks."""

_common: ContextVar[str] = ContextVar("_common", default=ENGLISH)
_spoken: ContextVar[str] = ContextVar("_spoken", default="")


def language_of(locale: str) -> str:
    """The language of a locale such as ``it-IT``; empty where Threadline does not speak it."""
    language = locale.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else ""


def settle(language: str) -> None:
    """From here on, and in every task that begins here, *language* is what threads see and who speaks no other."""
    _common.set(language)


@contextmanager
def speaking(locale: str = "") -> Iterator[None]:
    """Speak to somebody of this Slack locale; an empty or strange one means the common language."""
    before = _spoken.get()
    _spoken.set(language_of(locale))
    try:
        yield
    finally:
        _spoken.set(before)  # not by a token: a generator may be closed in another context than it began in


def spoken_language() -> str:
    """The language that `_` gives now."""
    return _spoken.get() or _common.get()


@cache
def _catalogue(language: str) -> catalogues.NullTranslations:
    if language == ENGLISH:
        return catalogues.NullTranslations()
    with (HERE / f"{language}.mo").open("rb") as compiled:
        return catalogues.GNUTranslations(compiled)


def _(message: str, **values: object) -> str:
    """*message* in the reader's language, with its ``{named}`` values filled in."""
    text = _catalogue(spoken_language()).gettext(message)
    return text.format_map(values) if values else text


def pgettext(context: str, message: str, **values: object) -> str:
    """`_` for a word that means several things: *context* says which, as in ``pgettext("status", "Open")``."""
    text = _catalogue(spoken_language()).pgettext(context, message)
    return text.format_map(values) if values else text


def ngettext(one: str, many: str, number: int, **values: object) -> str:
    """A sentence about ``{number}`` things."""
    return _catalogue(spoken_language()).ngettext(one, many, number).format_map({"number": number, **values})


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it
    """*message* as it is: it will be looked up with `_` when somebody reads it."""
    return message


def decimal(number: str) -> str:
    """A number with digits behind a point, as the language writes it."""
    return number.replace(".", pgettext("decimal point", "."))


def size_words(size: int) -> str:
    """A number of bytes as people say it, as in: 340 KB."""
    for scale, unit in ((10**9, "GB"), (10**6, "MB")):
        if size >= scale:
            number = f"{size / scale:.1f}".removesuffix(".0")
            return f"{decimal(number)} {unit}"
    return f"{size // 10**3} KB" if size >= 10**3 else ngettext("{number} byte", "{number} bytes", size)


def together(names: Sequence[str]) -> str:
    """Names in one phrase, as in: a, b and c."""
    if len(names) <= 1:
        return "".join(names)
    return _("{names} and {last}", names=", ".join(names[:-1]), last=names[-1])
