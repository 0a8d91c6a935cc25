"""What somebody wrote behind /ticket or behind our name: the verb, the ticket it names, and the rest. Pure."""

import difflib
import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

from adapters.model import Visibility
from bot.conversion.marks import INVISIBLE
from bot.conversion.text.inlines import paragraphs, words
from bot.conversion.text.tree import Document, Inline, Mention, Paragraph, Run
from bot.words import N_

_GAP = r"(?:[\s,\uff1a]|:(?![\w+'-]+:))*"
"""What may stand before a verb; the colon of an emoji's name, as in ``:link:``, is part of that name."""
_NAMED = re.compile(rf"<@([A-Z0-9]+)(?:\|[^<>]*)?>{_GAP}")
_QUOTES = str.maketrans({**dict.fromkeys(range(0x2018, 0x201C), "'"), **dict.fromkeys(range(0x201C, 0x2020), '"')})
"""What phones and Slack make of straight quotes."""
_PERMALINK = re.compile(r"https?://[^/\s]+/archives/([A-Z0-9]+)/p(\d{10})(\d{6})(?:[/?#].*)?")
_NUMBER = re.compile(r"#?(?=[^\s/]*\d)[\w.#-]{1,64}")
_BEHIND_NUMBER = ":,;.!\uff1a"
_TS = re.compile(r"\d{10}\.\d{6}")
_VERB = re.compile(rf"{_GAP}(?P<word>:lock:|\N{{LOCK}}|[^\s:\uff1a,]*)(?:\s*[:\uff1a,]+[*_~`]*)?\s*")
"""The first word, and what people put between it and the rest, as in ``note: ...``. Every text begins so."""
_AROUND = "*_~`-\u2013\u2014"
"""What else they put around it: emphasis, and dashes."""
_ENDS = ".!"
"""What they put at a verb that is all they write; with more behind it, a sentence ends so, and with ``?`` they ask."""
_BEGINS = re.compile(r"[\W_]*(?P<word>[^\W\d_]*)(?P<colon>[*_~`]*[:\uff1a])?")
"""The letters that a text begins with, whatever stands before and behind them, as in ``- note.they owe us``."""
_FIRST = 100  # characters in which the first word behind our name is looked for, where that does not begin the message
_ALIKE = 0.74
_ORDINARY = frozenset(
    ("not", "none", "nope", "node", "nose", "noted", "notice", "vote", "noel", "nome", "nove", "noto", "notre")
)
"""What looks like ``note`` and is how people begin a sentence, unless a colon stands behind it."""


class Verb(StrEnum):
    """What can be asked for."""

    NEW = "new"
    VIEW = "view"
    REPLY = "reply"
    NOTE = "note"
    LINK = "link"
    UNLINK = "unlink"
    MIRROR = "mirror"
    MOVE = "move"
    ASSIGN = "assign"
    CLOSE = "close"
    REOPEN = "reopen"
    SEARCH = "search"
    MINE = "mine"
    DOCTOR = "doctor"
    HELP = "help"


_VERBS = MappingProxyType({verb.value: verb for verb in Verb})
_NAMES = MappingProxyType({**_VERBS, ":lock:": Verb.NOTE, "\N{LOCK}": Verb.NOTE})
NUMBERED = frozenset(Verb) - {Verb.NEW, Verb.SEARCH, Verb.MINE, Verb.DOCTOR, Verb.HELP}
"""The verbs that name a ticket."""
_ALONE = frozenset({Verb.VIEW, Verb.UNLINK, Verb.CLOSE, Verb.REOPEN, Verb.MINE, Verb.DOCTOR})
"""The verbs that stand alone behind our name; with more behind them, a sentence begins so."""
BARE = _ALONE & NUMBERED
"""Those behind which a command has a ticket and nothing more."""
CARRYING: Mapping[Verb, Visibility | None] = MappingProxyType(
    {Verb.NEW: None, Verb.REPLY: Visibility.PUBLIC, Verb.NOTE: Visibility.INTERNAL}
)
"""The verbs behind which stands what is said to a ticket, and who is to read it there; None: as the ticket says."""
SENDING = frozenset({Verb.REPLY, Verb.NOTE})
"""Those of them that send it to a ticket that is there."""

USAGE: Mapping[Verb, tuple[str, str]] = MappingProxyType(
    {
        Verb.NEW: (N_("new [TEXT]"), N_("opens the form for a new ticket, with your text in it")),
        Verb.VIEW: (N_("view NUMBER"), N_("shows how a ticket stands")),
        Verb.REPLY: (N_("reply NUMBER TEXT"), N_("adds a reply that the requester can read")),
        Verb.NOTE: (N_("note NUMBER TEXT"), N_("adds a note that only agents can read")),
        Verb.LINK: (N_("link NUMBER MESSAGE-LINK"), N_("links a thread to a ticket that exists already")),
        Verb.UNLINK: (N_("unlink NUMBER"), N_("parts a ticket and its thread")),
        Verb.MIRROR: (
            N_("mirror NUMBER WHAT"),
            N_("says what of its thread goes to a ticket: everything, marked or nothing"),
        ),
        Verb.MOVE: (N_("move NUMBER HELPDESK"), N_("has a ticket and its thread go on at another helpdesk")),
        Verb.ASSIGN: (N_("assign NUMBER NAME"), N_("gives a ticket to an agent; NAME may also be me or nobody")),
        Verb.CLOSE: (N_("close NUMBER"), N_("closes a ticket")),
        Verb.REOPEN: (N_("reopen NUMBER"), N_("opens a closed ticket again")),
        Verb.SEARCH: (N_("search WORDS"), N_("finds tickets by words of their subject")),
        Verb.MINE: ("mine", N_("lists the tickets that you opened or are the requester of")),
        Verb.DOCTOR: ("doctor", N_("says whether Threadline is well in this channel, and what to do where it is not")),
        Verb.HELP: ("help", N_("shows this")),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A ticket as people name it: by number, perhaps with its desk before it, or by its thread."""

    number: str = ""
    desk: str = ""
    channel: str = ""
    thread_ts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted. ``meant`` is the verb that a mistyped one looks like; ``whole`` is all that was typed."""

    verb: Verb
    word: str = ""  # the ticket as it was typed
    text: str = ""
    meant: Verb | None = None
    whole: str = ""


def understood(typed: str) -> Wish:
    """The wish in the text of a /ticket command. What begins with no verb of ours is the text of a new ticket."""
    whole = typed.translate(_QUOTES).strip()
    first, rest = _word(whole)
    verb = _NAMES.get(first)
    if not whole:
        return Wish(verb=Verb.NEW)
    if verb is None:
        return _unknown(whole, first, rest)
    word, text = _named(rest)
    marked = first not in _VERBS or _split(whole.casefold()) != (first, rest.casefold())
    begins = verb in {Verb.MINE, Verb.DOCTOR, Verb.HELP} or (marked and verb is not Verb.NEW and not reference(word))
    if rest and begins:  # a sentence begins so, as in "Note: the printer leaks"
        return Wish(verb=Verb.NEW, text=whole, whole=whole)
    if verb in NUMBERED:
        return Wish(verb=verb, word=word, text=text, whole=whole)
    return Wish(verb=verb, text=rest, whole=whole)


def wish_of(text: str, us: str) -> Wish | None:
    """What a message asks of us, whose user id is *us*; None where it does not begin with our name.

    Behind our name anywhere else, as in bold letters, a list or a quotation of somebody, nothing is done; but what
    looks like ``note`` there was perhaps to be one, whatever stands before it.
    """
    names = [found for found in _NAMED.finditer(text) if found[1] == us]
    begins = bool(names) and _is_blank(text[: names[0].start()])
    asked = mentioned(html.unescape(text[names[0].end() :])) if begins else None
    if asked and asked.verb in SENDING:
        return asked
    perhaps = any(_is_like_note(text[found.end() : found.end() + _FIRST]) for found in names[begins:])
    return Wish(verb=Verb.HELP, meant=Verb.NOTE) if perhaps else asked


def _is_blank(text: str) -> bool:
    return not text.translate(INVISIBLE).strip()


def _is_like_note(typed: str) -> bool:
    wish = mentioned(html.unescape(typed))
    return Verb.NOTE in {wish.verb, wish.meant}


def only_asks(text: str, us: str) -> bool:
    """Whether a message only asks us for something, so that it is not part of the conversation.

    Neither is what was perhaps to be a note: once it is on the ticket for all to read, nobody can take it back. What
    stands behind ``new`` is said in a thread that has a ticket already.
    """
    match wish_of(text, us):
        case None:
            return False
        case Wish(verb=Verb.HELP) as wish:
            first, rest = _word(wish.whole)
            return wish.meant is Verb.NOTE or (not rest and Verb.HELP in {first, wish.meant})
        case wish:
            return wish.verb is not Verb.NEW or not wish.text


def carrying(text: str, us: str) -> Verb | None:
    """The verb of a message behind which stands what is said to a ticket; None for all other messages."""
    wish = wish_of(text, us)
    return wish.verb if wish and wish.verb in CARRYING else None


def behind(document: Document) -> Document:
    """What a message of which `carrying` is true says behind our name and the verb."""
    match document.blocks:
        case (Paragraph((Run(before), *said)), *rest) if _is_blank(before):
            return behind(Document((Paragraph(tuple(said)), *rest)))
        case (Paragraph((Mention(), *content)), *rest):
            verb = next(_VERB.finditer("".join(map(words, content))))
            return Document((*paragraphs(_without(content, verb.end())), *rest))
    return document


def _without(content: Iterable[Inline], length: int) -> Iterator[Inline]:
    """*content* without the first *length* characters of what it says, in whatever styles they are."""
    for inline in content:
        if isinstance(inline, Run):
            yield replace(inline, text=inline.text[length:])
        elif not length:
            yield inline
        length = max(0, length - len(words(inline)))


def mentioned(typed: str) -> Wish:
    """The wish in what was written behind our name in a thread, where the ticket is the thread's own."""
    whole = typed.translate(_QUOTES).strip()
    first, rest = _word(whole)
    verb = _NAMES.get(first)
    if verb is Verb.LINK:
        word, text = _named(rest)
        return Wish(verb=verb, word=word, text=text, whole=whole)
    if verb in _ALONE and rest:
        return Wish(verb=Verb.HELP, text=rest, meant=verb, whole=whole)
    return Wish(verb=verb or Verb.HELP, text=rest, meant=None if verb else _guess(whole, first), whole=whole)


def _split(text: str) -> tuple[str, str]:
    first, *rest = text.split(maxsplit=1)[:2] or [""]
    return first, rest[0] if rest else ""


def _named(text: str) -> tuple[str, str]:
    """The ticket that stands before the rest, without the marks that people put behind it, as in ``5: it leaks``."""
    word, rest = _split(text)
    return word.rstrip(_BEHIND_NUMBER), rest


def _word(text: str) -> tuple[str, str]:
    """The word that a verb is looked for by, without the marks that people give it, and the rest."""
    found = next(_VERB.finditer(text))
    rest = text[found.end() :]
    return found["word"].strip(_AROUND if rest else _AROUND + _ENDS).casefold(), rest


def _guess(whole: str, first: str) -> Verb | None:
    """The verb that the *first* word of a text looks like; ``note`` also where anything else is glued to it."""
    begins = next(_BEGINS.finditer(whole))
    word = begins["word"].casefold()
    if word in _ORDINARY and not begins["colon"]:
        return None
    return Verb.NOTE if _alike(word) is Verb.NOTE else _alike(first)


def _alike(word: str) -> Verb | None:
    alike = difflib.get_close_matches(word, _VERBS, n=1, cutoff=_ALIKE)
    return Verb(alike[0]) if alike else None


def _unknown(whole: str, first: str, rest: str) -> Wish:
    """A mistyped verb stands alone or before a ticket; anything else is what the ticket is about."""
    guess = _guess(whole, first)
    if guess and (not rest or (guess in NUMBERED and reference(_named(rest)[0]))):
        return Wish(verb=Verb.HELP, meant=guess, text=rest, whole=whole)
    return Wish(verb=Verb.NEW, text=whole, whole=whole)


def reference(word: str) -> Reference | None:
    """The ticket that a word names: ``1042``, ``#ABC-123456``, ``desk:1042`` or the link of a message."""
    word = html.unescape(word.strip().removeprefix("<").removesuffix(">")).partition("|")[0]
    if found := _PERMALINK.fullmatch(word):
        channel, seconds, fraction = found.groups()
        root = parse_qs(urlsplit(word).query).get("thread_ts", [""])[0]
        return Reference(channel=channel, thread_ts=root if _TS.fullmatch(root) else f"{seconds}.{fraction}")
    desk, colon, number = word.rpartition(":")
    if not _NUMBER.fullmatch(number):
        return None
    return Reference(number=number.removeprefix("#"), desk=desk if colon else "")
