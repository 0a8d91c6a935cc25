"""What can go wrong at a helpdesk, named by what to do next.

::

    AdapterError
    |- Unavailable           nothing was changed: try again (``retry_after`` says when, if the desk told)
    |- OutcomeUnknown        it may have been done: look for our marker before doing it again
    |- Rejected              a person must change what was asked (``field`` says where it was typed)
    |  |- NotFound           the ticket, message or file is not there, or not for these credentials
    |- NotAuthorised         the operator must change credentials, rights or an allow-list
    |- UnexpectedReply       the desk answered something that its documents do not allow
    |- UnsupportedFeature    this desk's API cannot be told to do that
    |- Misconfigured         the desk's settings cannot work (found at start or by a check)

``str(error)`` is one sentence for people: the system, the cause, the remedy. It never holds a secret or a message
text. An error that was raised *before* the desk can have acted is never OutcomeUnknown; any other failure of a call
that changes something is, unless the desk said in so many words that it did nothing.
"""

from dataclasses import dataclass
from datetime import timedelta

from typing_extensions import override


class AdapterError(Exception):
    """Anything that a helpdesk or the way to it did wrong.

    Args:
        desk: the name that the settings give the desk.
        cause: what went wrong, in words for people.
        remedy: what to do about it; empty where there is nothing to say.
        code: the desk's own code or message, for the log.
    """

    def __init__(self, desk: str, cause: str, *, remedy: str = "", code: str = "") -> None:
        super().__init__(desk, cause)
        self.desk = desk
        self.cause = cause
        self.remedy = remedy
        self.code = code

    @override
    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.desk}: {self.cause}", self.remedy) if part)


class Unavailable(AdapterError):
    """Nothing was changed and the same call may succeed later."""

    def __init__(
        self, desk: str, cause: str, *, remedy: str = "", code: str = "", retry_after: timedelta | None = None
    ) -> None:
        super().__init__(desk, cause, remedy=remedy, code=code)
        self.retry_after = retry_after


class OutcomeUnknown(AdapterError):
    """The desk may or may not have done it."""


class Rejected(AdapterError):
    """The desk understood and refused; the same call will be refused again.

    ``field`` names the part of the draft at fault: ``subject``, ``body``, ``department``, ``priority``,
    ``requester``, ``files``, ``status``, ``owner`` or the key of a custom field; empty where the desk does not tell.
    """

    def __init__(self, desk: str, cause: str, *, remedy: str = "", code: str = "", field: str = "") -> None:
        super().__init__(desk, cause, remedy=remedy, code=code)
        self.field = field


class NotFound(Rejected):
    """What the call is about is not there, or these credentials may not see it."""


class NotAuthorised(AdapterError):
    """The desk does not let us; a person's retry does not help, the operator must act."""


class UnexpectedReply(AdapterError):
    """A reply that the desk's documents do not allow, to a call that changed nothing."""


class UnsupportedFeature(AdapterError):
    """The desk's API has no way to be told this."""


class Misconfigured(AdapterError):
    """The settings of this desk cannot work as they are."""


def error_of(
    kind: type[AdapterError], desk: str, cause: str, *, remedy: str = "", code: str = "", field: str = ""
) -> AdapterError:
    """An error of *kind*; only a `Rejected` names the *field* at fault."""
    if issubclass(kind, Rejected):
        return kind(desk, cause, remedy=remedy, code=code, field=field)
    return kind(desk, cause, remedy=remedy, code=code)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row of a desk's table: what it says (a pattern, without regard to case), the error that it is, and words."""

    pattern: str
    error: type[AdapterError]
    cause: str
    remedy: str = ""
    field: str = ""
