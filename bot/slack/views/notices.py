"""What is said to one person: plain answers, and what went wrong with the buttons that decide about it."""

from bot.conversion.records import Link
from bot.slack.ids import Action, Modal
from bot.slack.limits import BLOCK_TEXT, BUTTON_VALUE, MODAL_TITLE
from bot.slack.views.elements import (
    Json,
    Said,
    actions,
    button,
    confirm,
    context,
    is_address,
    plain,
    section,
    spoken,
    to_copy,
)
from bot.words import _

QUESTION_BLOCK = "question"
"""The block of the buttons that answer whether something is there. An ephemeral message says no more of itself."""
_MOST_SECTIONS = 10


def notice(text: str, *, parked: str = "", asks: bool = False, url: str = "", typed: str = "") -> Said:
    """Words for one person; *parked* (``lane|op``) adds the buttons about work that waits for a decision.

    Args:
        text: literal words.
        parked: which work the buttons are about.
        asks: it is not known whether the desk did it, so the buttons are answers to that question.
        url: the ticket that the words are about.
        typed: what they typed, which is given back to be copied.
    """
    blocks = _paragraphs(text) + _given_back(typed) + _opens(url)
    if parked and len(parked) <= BUTTON_VALUE:
        blocks += actions(QUESTION_BLOCK, question(parked)) if asks else actions("parked", choices(parked))
    return blocks, spoken(blocks)


def asks_for_form(text: str, message: str) -> Said:
    """Words for one person with a button that opens the form for the *message* of that timestamp."""
    return _with(text, "asks", button(_("Open the form"), Action.CREATE, message))


def offers_form(text: str, typed: str) -> Said:
    """Words for one person with a button that opens the form with what they *typed* in it."""
    blocks = [*_paragraphs(text), *form_offer(_("Open the form"), typed)]
    return blocks, spoken(blocks)


def form_offer(label: str, typed: str) -> list[Json]:
    """A button that opens the form with what somebody *typed*; what is too long for it is given back to be copied."""
    words = _(
        "The form will begin with the first {most} characters of your text. Copy the rest from here:", most=BUTTON_VALUE
    )
    whole = [context(words), to_copy(typed)] if len(typed) > BUTTON_VALUE else []
    return [*whole, *actions("offer", [button(label, Action.FORM, typed)])]


def choices(parked: str, *, editable: bool = False) -> list[Json]:
    """The buttons that decide about parked work; *editable*: its text may be changed first."""
    edit = [button(_("Edit and retry"), Action.EDIT, parked)] if editable else []
    return [button(_("Try again"), Action.AGAIN, parked), *edit, _discard(parked)]


def question(parked: str) -> list[Json]:
    """The buttons that answer whether parked work is at the desk already."""
    twice = _("If it is there after all, the ticket will have it twice.")
    return [
        button(_("It is there"), Action.THERE, parked),
        button(
            _("Send it again"),
            Action.AGAIN,
            parked,
            confirm=confirm(_("Is it surely not there?"), twice, _("Send again")),
        ),
        _discard(parked),
    ]


def move_question(text: str, value: str) -> Said:
    """What moving a thread to another desk does, with the button that does it."""
    return _with(text, "move", button(_("Move it"), Action.MOVE, value))


def closed_question(text: str, parked: str) -> Said:
    """A question for everybody in a thread: how does a reply to its closed ticket go on?"""
    return _with(
        text,
        "closed",
        button(_("Open it again"), Action.SEND_REOPEN, parked),
        button(_("Open a new ticket"), Action.SEND_NEW, parked),
        button(_("Do not send it"), Action.SEND_NOT, parked),
    )


def _with(text: str, block_id: str, *buttons: Json) -> Said:
    blocks = _paragraphs(text) + actions(block_id, buttons)
    return blocks, spoken(blocks)


def _discard(parked: str) -> Json:
    lost = _("It will not reach the ticket, and this cannot be undone. What you wrote in Slack stays there.")
    return button(_("Discard"), Action.DISCARD, parked, confirm=confirm(_("Discard it?"), lost, _("Discard")))


def notice_modal(title: str, text: str, *, url: str = "", typed: str = "") -> Json:
    """A modal that only says something; *url* opens the ticket it speaks of, *typed* is given back to be copied."""
    blocks = _paragraphs(text) + _given_back(typed) + _opens(url)
    return {
        "type": "modal",
        "callback_id": Modal.NOTICE,
        "title": plain(title, MODAL_TITLE),
        "close": plain(_("Close"), MODAL_TITLE),
        "blocks": blocks,
    }


def already_linked(link: Link, desk: str, *, typed: str = "") -> Json:
    """The modal for a thread that has a ticket; *typed* is given back to be copied."""
    words = _("This thread is ticket {number} at {desk} already.", number=link.number, desk=desk)
    if link.subject:
        words = _(
            "This thread is ticket {number} at {desk} already: {subject}.",
            number=link.number,
            desk=desk,
            subject=link.subject,
        )
    return notice_modal(_("New ticket"), words, url=link.url, typed=typed)


def being_made(name: str, *, number: str = "", typed: str = "") -> Json:
    """The modal for a thread that *name* is making a ticket of, or linking to the one of that *number*."""
    words = _(
        "{name} is creating the ticket for this thread. Its card will appear in the thread in a moment.", name=name
    )
    if number:
        words = _(
            "{name} is linking this thread to ticket {number}. Its card will appear in the thread in a moment.",
            name=name,
            number=number,
        )
    return notice_modal(_("New ticket"), words, typed=typed)


def _paragraphs(text: str) -> list[Json]:
    pieces = [text[at : at + BLOCK_TEXT] for at in range(0, len(text), BLOCK_TEXT)] or [""]
    return [section(piece) for piece in pieces[:_MOST_SECTIONS]]


def _given_back(typed: str) -> list[Json]:
    """What somebody typed, whole, to be copied; nothing where that is nothing."""
    return [context(_("You wrote:")), to_copy(typed)] if typed.strip() else []


def _opens(url: str) -> list[Json]:
    return actions("opens", [button(_("Open the ticket"), Action.OPEN, url=url)]) if is_address(url) else []
