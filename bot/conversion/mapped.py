"""Who Slack people are at a desk, where an operator wrote it down."""

from typing import Protocol

from bot.conversion.stored import KeptRecord


class Mapped(KeptRecord):
    """Who a Slack person is at a desk, as an operator wrote it down; it goes before what their e-mail says."""

    desk: str
    user: str  # Slack user id
    email: str = ""
    desk_id: str = ""  # the desk's own id for them
    name: str = ""  # empty: as in Slack


class Mappings(Protocol):
    """Who Slack people are at the desks, where an operator has written it down."""

    async def get(self, desk: str, user: str) -> Mapped | None:
        """What is written of a person."""
        ...
