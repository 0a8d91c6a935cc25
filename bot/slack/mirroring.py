"""What of a thread somebody wants to go to its ticket by itself. Pure."""

from dataclasses import dataclass
from typing import cast

from adapters.settings import MirrorMode
from bot.words import _

_MODES = frozenset({"everything", "marked", "nothing"})
_EARLIER = "earlier"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What was asked for. ``earlier``: also what was said before."""

    mirror: MirrorMode | None = None
    apps: bool | None = None
    earlier: bool = False


def wanted(typed: str) -> Wanted | None:
    """What was asked for: everything or marked (perhaps with earlier), nothing, apps on or off; else None."""
    match typed.casefold().split():
        case [mode] if mode in _MODES:
            return Wanted(mirror=cast(MirrorMode, mode))
        case [("everything" | "marked") as mode, word] if word == _EARLIER:
            return Wanted(mirror=mode, earlier=True)
        case ["apps", ("on" | "off") as switch]:
            return Wanted(apps=switch == "on")
    return None


def sends(want: Wanted) -> bool:
    """Whether anything is to go to the ticket."""
    return want.apps or want.mirror not in {None, "nothing"}


def choices_words() -> str:
    """What can be asked for."""
    return _(
        "What of this thread is to go to its ticket? Write mirror everything, mirror marked or mirror nothing; "
        "mirror apps on or mirror apps off is about posts of other apps."
    )


def switched_words(want: Wanted, number: str) -> str:
    """The answer to who asked."""
    if want.earlier:
        return _("What was said here before goes to ticket {number} too.", number=number)
    if want.mirror in {None, "nothing"}:
        return _("Done.")
    return _(
        "Done. What was said here before stays here; to send it too, write mirror {mode} earlier.", mode=want.mirror
    )
