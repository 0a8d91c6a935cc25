"""The way out of the workspace to the app: what delivery by socket or by HTTP has to do."""

from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Kind: TypeAlias = Literal["slash_commands", "interactive"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a person gets for a command, a click or a form.

    ``status`` is the app's HTTP status (200 for an acknowledged envelope; 0 where the app was not asked or did not
    answer), ``body`` what it answered (an object, a text, or None), ``error`` what Slack shows the person when it went
    wrong, empty when all is well. Problems of a form stand in ``body["errors"]``: block id -> words.
    """

    status: int = 200
    body: Any = None
    error: str = ""


class Outlet(Protocol):
    """Delivers to the app."""

    def event(self, body: dict[str, Any]) -> None:
        """Send an event, now and again by Slack's schedule until it is acknowledged."""
        ...

    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:
        """Send a command or an interaction once. ``error`` is empty, ``dispatch_failed`` or ``operation_timeout``."""
        ...


class NoApp:
    """The outlet while no app is connected: events are lost and everything asked fails."""

    def event(self, body: dict[str, Any]) -> None:
        """Nobody listens."""

    async def ask(self, kind: Kind, payload: dict[str, Any]) -> Answer:  # noqa: ARG002 - nobody reads them
        """Nobody answers."""
        return Answer(status=0, error="dispatch_failed")
