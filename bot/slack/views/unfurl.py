"""The preview of a ticket below its pasted address."""

from dataclasses import dataclass

from adapters.model import Ticket
from bot.conversion.records import Link
from bot.slack.views.card import status_words
from bot.slack.views.elements import Json, context, cut, section, spoken

_SUBJECT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What is known of a ticket: by its desk, or from when it was last seen. ``subject``: whether that is shown."""

    desk: str
    ticket: Ticket | None
    link: Link | None
    subject: bool


def preview(shown: Preview) -> Json:
    """One entry of chat.unfurl's ``unfurls``: blocks, and the same as text."""
    ticket, link = shown.ticket, shown.link
    number = ticket.ref.number if ticket else link.number if link else ""
    subject = (ticket.subject if ticket else link.subject if link else "") if shown.subject else ""
    title = f"Ticket {number} at {shown.desk}"
    blocks = [section(f"{title}: {cut(subject, _SUBJECT)}" if subject.strip() else title), context(_facts(shown))]
    return {"blocks": blocks, "fallback": spoken(blocks)}


def _facts(shown: Preview) -> str:
    ticket = shown.ticket
    if ticket is None:
        status = shown.link.status if shown.link else ""
        return f"Status when Threadline last looked: {status}" if status else "Status: not known"
    facts = [f"Status: {status_words(ticket)}", f"Owner: {ticket.owner or 'nobody yet'}"]
    facts += [f"Department: {ticket.department}"] if ticket.department else []
    facts += [f"Priority: {ticket.priority}"] if ticket.priority else []
    return ". ".join(facts) + "."
