"""The help."""

from bot.slack.ids import COMMAND
from bot.slack.views.elements import Json, Said, bullets, header, section, spoken
from bot.slack.views.notices import form_offer
from bot.slack.wishes import USAGE, Verb, Wish
from bot.words import N_, _

_IN_THREADS = N_(
    "Slack does not let commands run inside threads. There, use the shortcuts Create ticket and Add to ticket in a "
    "message's menu, or write @Threadline with view, note TEXT, reply TEXT, assign NAME, close, reopen, link NUMBER, "
    "unlink, mirror everything, marked or nothing, move HELPDESK, search WORDS, mine, new or doctor."
)


def what_it_does() -> str:
    """What Threadline is for, in a sentence."""
    return _(
        "Threadline turns a Slack thread into a ticket of your helpdesk and keeps the two in step. Choose Create "
        "ticket in the menu of a message, or write {command} and what it is about.",
        command=COMMAND,
    )


def usage(verb: Verb) -> str:
    """How a verb is written."""
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
