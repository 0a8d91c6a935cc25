"""Who may do what: the rights of the settings and one decision about a person, a gesture and a ticket. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

from bot.slack.web import Identity
from bot.words import N_, _


class Gesture(StrEnum):
    """What somebody wants to do, in the words of the settings."""

    CREATE = "create"
    BEHALF = "behalf"
    SEE = "see"
    SEARCH = "search"
    REPLY = "reply"
    NOTE = "note"
    LINK = "link"
    ASSIGN = "assign"
    CLOSE = "close"
    DOCTOR = "doctor"


class Standing(StrEnum):
    """What somebody is in the workspace, in the words of the settings."""

    MEMBER = "members"
    GUEST = "guests"
    VISITOR = "visitors"  # of another company, in a channel that both share
    GONE = "deactivated"


class Reach(IntEnum):
    """How near a ticket is to somebody; a right reaches so far and no further."""

    OWN = 1  # they opened it, or are its requester
    READABLE = 2  # its thread is in a conversation that they can read
    UNLINKED = 3  # no thread has it
    ALL = 4  # its threads are in conversations that are closed to them


REACHES = MappingProxyType({reach.name.lower(): reach for reach in Reach})
"""The reaches by their words in the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A row of the settings: these people may do this. Empty ``desks`` or ``channels`` mean all of them.

    ``who``: a `Standing`, the id of a user group (S...) or of a person (U..., W...).
    """

    who: frozenset[str]
    may: frozenset[Gesture]
    desks: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tickets: Reach = Reach.UNLINKED


DEFAULT = (
    Right(who=frozenset({Standing.MEMBER}), may=frozenset(Gesture)),
    Right(
        who=frozenset({Standing.GUEST}),
        may=frozenset({Gesture.CREATE, Gesture.SEE, Gesture.REPLY}),
        tickets=Reach.READABLE,
    ),
    Right(who=frozenset({Standing.GUEST}), may=frozenset({Gesture.CLOSE}), tickets=Reach.OWN),
)
"""The rights of an installation whose settings name none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as far as rights are concerned; ``groups`` are ids of user groups."""

    id: str
    standing: Standing = Standing.MEMBER
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What a gesture is about. ``desk`` or ``channel`` None: any at all.

    ``channel`` is that of the ticket's thread; of a ticket without one, the channel where it is asked for.
    """

    desk: str | None = None
    channel: str | None = None
    reach: Reach = Reach.OWN


def may(rights: Sequence[Right], person: Person, gesture: Gesture, matter: Matter) -> bool:
    """Whether any right lets *person* do this. What no right allows is refused; who was deactivated has none."""
    if person.standing is Standing.GONE:
        return False
    names = {person.id, person.standing, *person.groups}
    return any(
        gesture in right.may
        and not names.isdisjoint(right.who)
        and _covers(right.desks, matter.desk)
        and _covers(right.channels, matter.channel)
        and matter.reach <= right.tickets
        for right in rights
    )


def _covers(named: Collection[str], one: str | None) -> bool:
    return not named or one is None or one in named


_WORDS = MappingProxyType(
    {
        Gesture.CREATE: N_("open a ticket"),
        Gesture.BEHALF: N_("open a ticket for somebody else"),
        Gesture.SEE: N_("view a ticket"),
        Gesture.SEARCH: N_("search for tickets"),
        Gesture.REPLY: N_("reply to a ticket"),
        Gesture.NOTE: N_("add a note"),
        Gesture.LINK: N_("link or unlink a thread"),
        Gesture.ASSIGN: N_("assign a ticket"),
        Gesture.CLOSE: N_("close or reopen a ticket"),
        Gesture.DOCTOR: N_("look whether Threadline is well"),
    }
)


def refusal(person: Person, gesture: Gesture) -> str:
    """Words for who may not do it; they tell nothing of any ticket."""
    what = _(_WORDS[gesture])
    if person.standing is Standing.VISITOR:
        return _(
            "Only members of the workspace that Threadline belongs to can {what}. Ask one of them to do it.", what=what
        )
    return _(
        "You do not have the right to {what} here. Ask a colleague who has it, or whoever runs Threadline.", what=what
    )


@dataclass(frozen=True, slots=True)
class Actor:
    """The person behind a gesture, as Slack's payload tells of them.

    ``own`` is False for people of another company in a shared channel, as far as the payload tells; ``sure``: it does
    tell, as that of a command or an event does not. ``at`` is the channel that Slack says the gesture
    was made in, so that they can read it; empty for forms, which stay open when somebody leaves a channel.
    """

    id: str
    team: str  # the workspace that the gesture came from
    own: bool = True
    sure: bool = False
    at: str = ""

    @classmethod
    def of(cls, body: dict[str, Any], us: Identity) -> "Actor":
        """The actor of a command, a shortcut, an action, a view or an event.

        What a form of another company's people says of its team is theirs, so all is compared with who we are.
        """
        event = body.get("event") or {}
        user = body.get("user") or {}
        team = (body.get("team") or {}).get("id") or body.get("team_id") or user.get("team_id") or ""
        who = user.get("id") or body.get("user_id") or event.get("user") or ""
        home = user.get("team_id") or event.get("user_team") or event.get("source_team")
        organisation = (body.get("enterprise") or {}).get("id") or body.get("enterprise_id")
        ours = {us.team_id, us.enterprise_id} - {""}
        if organisation in ours:
            ours.add(team)
        own = not home or not ours.isdisjoint({home, user.get("enterprise_id", event.get("user_enterprise"))})
        return cls(
            id=str(who),
            team=str(team) if own else us.team_id,
            own=own,
            sure=bool(user.get("team_id")),
            at=channel_of(body),
        )


def channel_of(body: dict[str, Any]) -> str:
    """Where a gesture was made, by Slack's word; empty where it does not tell."""
    event = body.get("event") or {}
    inside = event.get("channel") or (event.get("item") or {}).get("channel")
    named = body.get("channel") or body.get("container", {}).get("channel_id") or inside or ""
    return str(body.get("channel_id") or (named.get("id", "") if isinstance(named, dict) else named))
