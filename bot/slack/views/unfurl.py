"""The preview of a ticket below its pasted address."""

from dataclasses import dataclass

from adapters.model import Ticket
from bot.conversion.records import Link
from bot.slack.views.card import facts_of, seen_status, status_words
from bot.slack.views.elements import Json, context, cut, section, spoken
from bot.words import _

_SUBJECT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What is known of a ticket, by its desk or from earlier. ``at_home``: more than its status is shown."""

    desk: str
    ticket: Ticket | None
    link: Link | None
    at_home: bool


def preview(shown: Preview) -> Json:
    """One entry of chat.unfurl's ``unfurls``: blocks, and the same as text."""
    ticket, link = shown.ticket, shown.link
    number = ticket.ref.number if ticket else link.number if link else ""
    title = _("Ticket {number} at {desk}", number=number, desk=shown.desk)
    subject = ticket.subject if ticket else link.subject if link else ""
    if shown.at_home and subject.strip():
        title = f"{title}: {cut(subject, _SUBJECT)}"
    facts = [_status(shown), *(facts_of(ticket) if ticket and shown.at_home else [])]
    blocks = [section(title), context("\n".join(facts))]
    return {"blocks": blocks, "fallback": spoken(blocks)}


def _status(shown: Preview) -> str:
    if shown.ticket:
        return _("Status: {status}", status=status_words(shown.ticket))
    if shown.link and (status := seen_status(shown.link)):
        return _("Status when Threadline last looked: {status}", status=status)
    return _("Status: {status}", status=_("not known"))
