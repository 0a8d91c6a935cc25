"""The card of a ticket in its thread."""

from types import MappingProxyType

from adapters.contract import Capability
from adapters.model import Status, Ticket
from bot.conversion.ports import Card
from bot.slack.ids import Action
from bot.slack.views.elements import (
    MAX_URL,
    Json,
    Said,
    actions,
    bullets,
    button,
    confirm,
    context,
    cut,
    header,
    plain,
    section,
    spoken,
)

STATUS_WORDS = MappingProxyType(
    {
        Status.OPEN: "Open",
        Status.PENDING: "Waiting for the requester",
        Status.CLOSED: "Closed",
        Status.GONE: "No longer at the desk",
    }
)
_LEFT_OUT_SHOWN = 10


def card(shown: Card) -> Said:
    """The blocks of a card, and the same as text."""
    link, ticket = shown.link, shown.ticket
    subject = (ticket.subject if ticket else "") or link.subject
    title = f"Ticket {link.number}: {subject}" if subject else f"Ticket {link.number}"
    blocks = [header(title), {"type": "section", "fields": [plain(line, 2000) for line in _facts(shown)]}]
    if shown.note:
        blocks.append(section(shown.note))
    if shown.left_out:
        blocks += _left_out(shown.left_out)
    blocks += actions("card", _buttons(shown))
    return blocks, spoken(blocks)


def _facts(shown: Card) -> list[str]:
    ticket = shown.ticket
    facts = [f"Status: {status_of(shown)}", f"Desk: {shown.desk.title}"]
    if ticket:
        facts.append(f"Owner: {ticket.owner or 'nobody yet'}")
        if ticket.requester:
            facts.append(f"Requester: {ticket.requester.name}")
        if ticket.department:
            facts.append(f"Department: {ticket.department}")
        if ticket.priority:
            facts.append(f"Priority: {ticket.priority}")
    return facts


def status_of(shown: Card) -> str:
    """The status in words, as far as it is known."""
    if shown.ticket:
        return status_words(shown.ticket)
    return shown.link.status or "not known; this desk does not tell, or did not answer"


def status_words(ticket: Ticket) -> str:
    """A ticket's status in words, with the desk's own word where that says more."""
    if ticket.merged_into:
        return f"Merged into ticket {ticket.merged_into.number}"
    words = STATUS_WORDS[ticket.status]
    same = not ticket.status_name or ticket.status_name.casefold() == words.casefold()
    return words if same else f"{words} ({ticket.status_name})"


def _left_out(left_out: tuple[str, ...]) -> list[Json]:
    shown = [cut(line, 300) for line in left_out[:_LEFT_OUT_SHOWN]]
    more = len(left_out) - len(shown)
    if more:
        shown.append(f"and {more} more")
    return [context("This could not go to the ticket:"), bullets(shown)]


def _buttons(shown: Card) -> list[Json]:
    desk, status = shown.desk, shown.ticket.status if shown.ticket else None
    value = str(shown.link.thread)
    buttons = []
    url = (shown.ticket.url if shown.ticket else None) or shown.link.url
    if url.startswith(("https://", "http://")) and len(url) <= MAX_URL:
        buttons.append(button("Open", Action.OPEN, value, url=url))
    if desk.has(Capability.REPLY) and status is not Status.GONE:
        buttons.append(button("Reply", Action.REPLY, value))
    if desk.has(Capability.NOTE) and status is not Status.GONE:
        buttons.append(button("Add note", Action.NOTE, value))
    if desk.has(Capability.ASSIGN) and desk.has(Capability.AGENTS) and status is not Status.GONE:
        buttons.append(button("Assign", Action.ASSIGN, value))
    if desk.has(Capability.CLOSE) and status not in {Status.CLOSED, Status.GONE}:
        question = f"The ticket will be closed at {desk.title}."
        if not desk.has(Capability.REOPEN):
            question += " It cannot be opened again from here."
        buttons.append(button("Close", Action.CLOSE, value, confirm=confirm("Close this ticket?", question, "Close")))
    if desk.has(Capability.REOPEN) and status is Status.CLOSED:
        buttons.append(button("Reopen", Action.REOPEN, value))
    return buttons
