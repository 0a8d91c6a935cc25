"""The card of a ticket in its thread."""

from adapters.contract import Capability
from adapters.model import Status, Ticket
from bot.conversion.agents import answered_words, moment
from bot.conversion.ports import Card
from bot.conversion.records import Link
from bot.slack.ids import Action
from bot.slack.views.elements import (
    LINE,
    Json,
    Said,
    actions,
    bullets,
    button,
    confirm,
    context,
    cut,
    header,
    is_address,
    plain,
    section,
    spoken,
)
from bot.words import ENGLISH, _, ngettext, pgettext, speaking

_LEFT_OUT_SHOWN = 10


def made_for(link: Link) -> str:
    """What a button or a form carries of its ticket, so that it acts on no other when the thread goes with another."""
    return f"{link.desk}|{link.ticket_id}"


def card(shown: Card) -> Said:
    """The blocks of a card, and the same as text."""
    link, ticket = shown.link, shown.ticket
    subject = (ticket.subject if ticket else "") or link.subject
    title = _("Ticket {number}", number=link.number)
    if subject:
        title = _("Ticket {number}: {subject}", number=link.number, subject=subject)
    blocks = [header(title), {"type": "section", "fields": [plain(line, 2000) for line in _facts(shown)]}]
    if shown.note:
        blocks.append(section(shown.note))
    if shown.left_out:
        blocks += _left_out(shown.left_out, before=link.left_out_before)
    blocks += actions("card", _buttons(shown))
    return blocks, spoken(blocks)


def _facts(shown: Card) -> list[str]:
    ticket = shown.ticket
    facts = [_("Status: {status}", status=status_of(shown)), _("Desk: {desk}", desk=shown.desk.title)]
    if ticket:
        facts += facts_of(ticket)
    return [*facts, *mirror_words(shown.link), *_times(shown.link)]


def mirror_words(link: Link) -> list[str]:
    """What of the thread goes to its ticket, where that is not all that people say."""
    words = {
        "marked": _("From this thread: only replies that begin with reply: or note:"),
        "nothing": _("From this thread: nothing by itself"),
    }
    facts = [words[link.now.mirror]] if link.now.mirror in words else []
    return [*facts, _("Posts of other apps: go to the ticket too")] if link.now.apps else facts


def _times(link: Link) -> list[str]:
    """The timers of a ticket, for its agents."""
    if not link.agents:
        return []
    times = [_("Deadline: {time}", time=moment(link.deadline))] if link.deadline else []
    if link.answered:
        times.append(answered_words(link))
    elif link.first_reply_by:
        times.append(_("First reply due: {time}", time=moment(link.first_reply_by)))
    return times


def facts_of(ticket: Ticket) -> list[str]:
    """Whose a ticket is and where it stands at its desk, a line for each that is known."""
    facts = [_("Owner: {owner}", owner=ticket.owner or _("nobody yet"))]
    if ticket.requester:
        facts.append(_("Requester: {name}", name=ticket.requester.name))
    if ticket.department:
        facts.append(_("Department: {department}", department=ticket.department))
    if ticket.priority:
        facts.append(_("Priority: {priority}", priority=ticket.priority))
    return facts


def status_of(shown: Card) -> str:
    """The status in words, as far as it is known."""
    if shown.ticket:
        return status_words(shown.ticket)
    return seen_status(shown.link) or _("not known; this desk does not tell, or did not answer")


def state_words(state: str) -> str:
    """A `Status` in words; empty for what is none."""
    words = {
        Status.OPEN: pgettext("status", "Open"),
        Status.PENDING: _("Waiting for the requester"),
        Status.CLOSED: pgettext("status", "Closed"),
        Status.GONE: _("No longer at the desk"),
    }
    return words.get(Status(state), "") if state in set(Status) else ""


def status_words(ticket: Ticket) -> str:
    """A ticket's status in words, with the desk's own word where that says more."""
    if ticket.merged_into:
        return _("Merged into ticket {number}", number=ticket.merged_into.number)
    words = state_words(ticket.status)
    return words if _says_no_more(ticket.status, ticket.status_name) else f"{words} ({ticket.status_name})"


def seen_status(link: Link) -> str:
    """A linked ticket's status as it was last seen: the desk's word, unless ours says the same; empty if not known."""
    return state_words(link.state) if _says_no_more(link.state, link.status) else link.status


def _says_no_more(state: str, name: str) -> bool:
    """Whether a desk's word for a status is only ours, in English or in the language that is spoken now."""
    with speaking(ENGLISH):
        plain = state_words(state)
    return name.casefold() in {"", plain.casefold(), state_words(state).casefold()}


def _left_out(left_out: tuple[str, ...], *, before: int) -> list[Json]:
    """The newest of what could not be carried, and how much more there is."""
    shown = [_line(line) for line in left_out[: -_LEFT_OUT_SHOWN - 1 : -1]]
    more = len(left_out) - len(shown) + before
    if more:
        shown.append(ngettext("and {number} more", "and {number} more", more))
    return [context(_("This could not go to the ticket:")), bullets(shown)]


def _line(text: str) -> str:
    """*text* cut to what a list takes: its words, not the address that may end it."""
    words, _blank, address = text.rpartition(" ")
    if len(text) <= LINE or not address.startswith("https://"):
        return cut(text, LINE)
    room = LINE - len(f" {address}")
    return f"{cut(words, room)} {address}" if room > LINE // 3 else f"{cut(words, LINE - 2)} …"


def _buttons(shown: Card) -> list[Json]:
    desk, status = shown.desk, shown.ticket.status if shown.ticket else shown.link.state
    value = f"{shown.link.thread}|{made_for(shown.link)}"
    buttons = []
    url = (shown.ticket.url if shown.ticket else None) or shown.link.url
    if is_address(url):
        buttons.append(button(_("Open"), Action.OPEN, value, url=url))
    if desk.has(Capability.REPLY) and status != Status.GONE:
        buttons.append(button(_("Reply"), Action.REPLY, value))
    if desk.has(Capability.NOTE) and status != Status.GONE:
        buttons.append(button(_("Add note"), Action.NOTE, value))
    if desk.has(Capability.ASSIGN) and desk.has(Capability.AGENTS) and status != Status.GONE:
        buttons.append(button(_("Assign"), Action.ASSIGN, value))
    if desk.has(Capability.CLOSE) and status not in {Status.CLOSED, Status.GONE}:
        question = _("The ticket will be closed at {desk}.", desk=desk.title)
        if not desk.has(Capability.REOPEN):
            question = _("The ticket will be closed at {desk}. It cannot be opened again from here.", desk=desk.title)
        sure = confirm(_("Close this ticket?"), question, _("Close"))
        buttons.append(button(_("Close"), Action.CLOSE, value, confirm=sure))
    if desk.has(Capability.REOPEN) and status == Status.CLOSED:
        buttons.append(button(_("Reopen"), Action.REOPEN, value))
    return buttons
