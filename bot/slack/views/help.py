"""The help."""

from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from types import MappingProxyType
from typing import TypeVar

from bot.slack.ids import COMMAND, NAME
from bot.slack.views.elements import Json, Said, bullets, header, section, spoken
from bot.slack.views.notices import form_offer
from bot.slack.wishes import USAGE, Verb, Wish
from bot.words import N_, _

_IN_THREADS = N_(
    "Slack does not let commands run inside threads. There, use the shortcuts Create ticket and Add to ticket in a "
    "message's menu, or write @Threadline with view, note TEXT, reply TEXT, assign NAME, close, reopen, link NUMBER, "
    "unlink, mirror everything, marked or nothing, move HELPDESK, search WORDS, mine, new or doctor."
)
_OF_THREAD: Mapping[Verb, str] = MappingProxyType(
    {
        Verb.REPLY: N_("reply TEXT"),
        Verb.NOTE: N_("note TEXT"),
        Verb.LINK: N_("link NUMBER"),
        Verb.ASSIGN: N_("assign NAME"),
    }
)
_by_name: ContextVar[bool] = ContextVar("_by_name", default=False)

T = TypeVar("T")


def what_it_does() -> str:
    """What Threadline is for, in a sentence."""
    return _(
        "Threadline turns a Slack thread into a ticket of your helpdesk and keeps the two in step. Choose Create "
        "ticket in the menu of a message, or write {command} and what it is about.",
        command=COMMAND,
    )


def by_name(handler: Callable[[T], Awaitable[None]]) -> Callable[[T], Awaitable[None]]:
    """*handler*, and in what it says, verbs are written behind our name: it answers in threads."""

    async def answering(asked: T) -> None:
        before = _by_name.set(True)
        try:
            await handler(asked)
        finally:
            _by_name.reset(before)

    return answering


def usage(verb: Verb) -> str:
    """How a verb is written: as a command, or behind our name in a thread, whose ticket it then means."""
    if _by_name.get():
        return f"{NAME} {_(_OF_THREAD.get(verb) or USAGE[verb][0])}"
    return f"{COMMAND} {_(USAGE[verb][0])}"


def _verbs() -> Json:
    return bullets(f"{usage(verb)}: {_(does)}" for verb, (_how, does) in USAGE.items())


def help_text(wish: Wish | None = None) -> Said:
    """All verbs; for a mistyped one also what was probably meant, and a way to make a ticket of the text anyway."""
    blocks: list[Json] = []
    if wish and wish.meant:
        blocks.append(section(_("There is no such verb. Did you mean {command}?", command=usage(wish.meant))))
    blocks.append(section(_("What Threadline can do:")))
    blocks.append(_verbs())
    blocks.append(section(_(_IN_THREADS)))
    if wish and wish.meant and wish.whole:
        blocks += form_offer(_("Open a form with this text"), wish.whole)
    return blocks, spoken(blocks)


def help_words() -> str:
    """The help for threads, as words."""
    return _(_IN_THREADS)


def help_blocks() -> list[Json]:
    """All verbs, for the end of the app's home."""
    return [
        header(_("What Threadline can do")),
        _verbs(),
        section(_(_IN_THREADS)),
    ]
