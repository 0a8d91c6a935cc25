"""What work and errors are called when people are told of them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from adapters.errors import AdapterError
from adapters.model import Act
from bot.conversion.ports import NoSuchDesk, SlackRefused
from bot.conversion.records import (
    AddMessage,
    ChangeTicket,
    DeleteMessage,
    EditMessage,
    LeaveTicket,
    LinkTicket,
    MoveTicket,
    OpenTicket,
    Work,
)
from bot.conversion.verdicts import NeverTaken
from bot.words import N_, _

_WISHES: Mapping[Act, str] = MappingProxyType(
    {
        Act.CLOSE: N_("Your wish to close the ticket"),
        Act.REOPEN: N_("Your wish to reopen the ticket"),
        Act.STATUS: N_("Your wish to change the ticket's status"),
        Act.ASSIGN: N_("Your wish to assign the ticket"),
        Act.PRIORITY: N_("Your wish to change the ticket's priority"),
        Act.DEPARTMENT: N_("Your wish to move the ticket to another department"),
        Act.SUBJECT: N_("Your wish to change the ticket's subject"),
    }
)


def wish_words(act: Act) -> str:
    """A wish to change a ticket."""
    return _(_WISHES[act])


def subject_words(work: Work) -> str:
    """What *work* is, in words that begin a sentence."""
    match work:
        case OpenTicket(subject=subject):
            words = _("Your ticket “{subject}”", subject=subject)
        case AddMessage():
            words = _("Your message")
        case ChangeTicket(act=act):
            words = wish_words(act)
        case MoveTicket():
            words = _("Your wish to move the ticket")
        case LeaveTicket(number=number):
            words = _("The closing of ticket {number}, which goes on elsewhere,", number=number)
        case LinkTicket(number=number):
            words = _("Your link to ticket {number}", number=number)
        case EditMessage(ts=ts):
            words = _("Your edit of the message of {at:%Y-%m-%d %H:%M} UTC", at=_moment(ts))
        case DeleteMessage(ts=ts):
            words = _("Your deletion of the message of {at:%Y-%m-%d %H:%M} UTC", at=_moment(ts))
        case _:
            words = _("This")
    return words


def error_words(error: Exception) -> str:
    """Why something went wrong, in sentences."""
    if isinstance(error, SlackRefused | NoSuchDesk):
        return error.words
    if isinstance(error, AdapterError):  # without the desk's name in the settings, which only the operator knows
        return " ".join(part for part in (error.cause, error.remedy) if part)
    if isinstance(error, NeverTaken):
        return _(
            "The helpdesk failed {times} times with it, while it took what others sent. Write it otherwise, or ask "
            "whoever runs the helpdesk.",
            times=error.times,
        )
    return _("Threadline itself failed; your operator finds more in its log.")


def _moment(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)
