"""The help."""

from bot.slack.ids import COMMAND, Action
from bot.slack.views.elements import Json, Said, actions, bullets, button, header, section, spoken
from bot.slack.wishes import USAGE, Verb, Wish

_IN_THREADS = (
    "Slack does not let commands run inside threads. There, use the shortcuts Create ticket and Add to ticket in a "
    "message's menu, or write @Threadline with view, note TEXT, reply TEXT, assign NAME, close, reopen, link NUMBER, "
    "unlink, mirror everything, marked or nothing, move HELPDESK, search WORDS or mine."
)
WHAT_IT_DOES = (
    "Threadline turns a Slack thread into a ticket of your helpdesk and keeps the two in step. Choose Create ticket "
    f"in the menu of a message, or write {COMMAND} and what it is about."
)


def usage(verb: Verb) -> str:
    """How a verb is written."""
    return f"{COMMAND} {USAGE[verb][0]}"


def help_text(wish: Wish | None = None) -> Said:
    """All verbs; for a mistyped one also what was probably meant, and a way to make a ticket of the text anyway."""
    blocks: list[Json] = []
    if wish and wish.meant:
        blocks.append(section(f"There is no such verb. Did you mean {usage(wish.meant)}?"))
    blocks.append(section("What Threadline can do:"))
    blocks.append(bullets(f"{usage(verb)}: {words}" for verb, (_, words) in USAGE.items()))
    blocks.append(section(_IN_THREADS))
    if wish and wish.meant and wish.whole:
        blocks += actions("offer", [button("Open a form with this text", Action.FORM, wish.whole)])
    return blocks, spoken(blocks)


def help_words() -> str:
    """The help for threads, as words."""
    return _IN_THREADS


def help_blocks() -> list[Json]:
    """All verbs, for the end of the app's home."""
    return [
        header("What Threadline can do"),
        bullets(f"{usage(verb)}: {words}" for verb, (_, words) in USAGE.items()),
        section(_IN_THREADS),
    ]
