"""What work is called when people are told of it."""

from collections.abc import Mapping
from types import MappingProxyType

from adapters.model import Act
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
