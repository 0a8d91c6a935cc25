"""Who may do what. For now: everybody of our own workspace; nobody of another company that shares a channel."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol


class Gesture(StrEnum):
    """What somebody wants to do, as far as rights are concerned."""

    OPEN = "open a ticket"
    VIEW = "view a ticket"
    REPLY = "reply to a ticket"
    NOTE = "add a note"
    LINK = "link a thread"
    UNLINK = "unlink a thread"
    CHANGE = "change a ticket"
    DECIDE = "decide about a failed delivery"


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a gesture; ``own`` is False for people of another company in a shared channel."""

    id: str
    team: str  # the workspace that the gesture came from
    own: bool = True

    @classmethod
    def of(cls, body: dict[str, Any]) -> "Actor":
        """The actor of a command, a shortcut, an action, a view or an event."""
        event = body.get("event") or {}
        user = body.get("user") or {}
        team = (body.get("team") or {}).get("id") or body.get("team_id") or user.get("team_id") or ""
        who = user.get("id") or body.get("user_id") or event.get("user") or ""
        home = user.get("team_id") or event.get("user_team") or event.get("source_team") or team
        enterprise = (body.get("enterprise") or {}).get("id") or body.get("enterprise_id")
        same_company = bool(enterprise) and user.get("enterprise_id", event.get("user_enterprise")) == enterprise
        return cls(id=str(who), team=str(team), own=home == team or same_company)


class Policy(Protocol):
    """Decides about one gesture."""

    def __call__(self, actor: Actor, gesture: Gesture, *, desk: str, channel: str) -> str:
        """Why not, in words for the actor; empty if they may."""
        ...


def own_workspace_only(actor: Actor, gesture: Gesture, *, desk: str, channel: str) -> str:  # noqa: ARG001 - the port's
    """Lets everybody of our own workspace do everything."""
    if actor.own:
        return ""
    return f"Only members of the workspace that Threadline belongs to can {gesture}. Ask one of them to do it."
