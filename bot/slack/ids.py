"""Every id that travels through Slack and comes back to us, spelled once."""

from enum import StrEnum

COMMAND = "/ticket"


class Shortcut(StrEnum):
    """Callback ids of the shortcuts; manifest.yml registers them."""

    CREATE = "create_ticket"  # on a message
    ADD = "add_to_ticket"  # on a message
    NEW = "new_ticket"  # global


class Modal(StrEnum):
    """Callback ids of the modals."""

    TICKET = "ticket_form"
    JOIN = "join_form"
    NOTE = "note_form"
    NOTICE = "notice"


class Action(StrEnum):
    """Action ids: of the elements in forms, and of the buttons under messages."""

    DESK = "desk"
    JOIN_DESK = "join_desk"
    DEPARTMENT = "department"
    PRIORITY = "priority"
    FIELD = "field"  # any custom field or extra parameter; the block id says which
    VALUE = "value"  # any other input
    TICKET = "ticket"  # the search for a ticket
    OPEN = "open"  # goes to the desk's own page
    NOTE = "note"
    CLOSE = "close"
    REOPEN = "reopen"
    FORM = "form"  # opens the form with the text that the button carries
    AGAIN = "again"  # about parked work
    DISCARD = "discard"
    THERE = "there"


class Block(StrEnum):
    """Block ids of the forms' inputs; what depends on the desk carries its name behind a colon."""

    DESK = "desk"
    SCOPE = "scope"
    DEPARTMENT = "department"
    PRIORITY = "priority"
    SUBJECT = "subject"
    DESCRIPTION = "description"
    REQUESTER = "requester"
    OUTSIDER = "outsider"
    VISIBILITY = "visibility"
    NOTIFY = "notify"
    FILES = "files"
    FIELD = "field"
    OPTION = "option"
    TICKET = "ticket"
    NUMBER = "number"
    TEXT = "text"

    def of(self, *parts: str) -> str:
        """The block id of this input for one desk (and one field of it)."""
        return ":".join((self.value, *parts))


class Scope(StrEnum):
    """How much of a thread goes to the ticket."""

    WHOLE = "whole"
    FROM_HERE = "from_here"
    ONLY_THIS = "only_this"
