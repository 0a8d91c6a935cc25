"""Every id that travels through Slack and comes back to us, spelled once."""

from enum import StrEnum

COMMAND = "/ticket"
NAME = "@Threadline"
"""How people write to us where commands do not run."""


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
    REPLY = "reply_form"
    ASSIGN = "assign_form"
    EDIT = "edit_form"  # of a failed delivery
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
    THREAD = "thread"  # goes to the thread in Slack
    REPLY = "reply"
    NOTE = "note"
    ASSIGN = "assign"
    AGENT = "agent"  # the search for an agent
    CLOSE = "close"
    REOPEN = "reopen"
    FORM = "form"  # opens the form with the text that the button carries
    AGAIN = "again"  # about parked work
    DISCARD = "discard"
    THERE = "there"
    MOVE = "move"  # to another desk
    SEND_REOPEN = "send_reopen"  # about a reply to a closed ticket
    SEND_NEW = "send_new"
    SEND_NOT = "send_not"
    EDIT = "edit"
    NEXT = "next"  # pages of results
    BACK = "back"
    LINK_HERE = "link_here"  # links a found ticket to the thread where it was searched for
    CREATE = "create"  # opens the form for a message that somebody reacted to
    HOME_NEXT = "home_next"  # pages of the home
    HOME_BACK = "home_back"


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
    AGENT = "agent"
    SURE = "sure"

    def of(self, *parts: str) -> str:
        """The block id of this input for one desk (and one field of it)."""
        return ":".join((self.value, *parts))


class Scope(StrEnum):
    """How much of a thread goes to the ticket."""

    WHOLE = "whole"
    FROM_HERE = "from_here"
    ONLY_THIS = "only_this"
