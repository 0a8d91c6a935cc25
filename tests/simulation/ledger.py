"""What people and agents did in a simulated town, for the comparison at the end."""

from dataclasses import dataclass, field


@dataclass
class Said:
    """A message that somebody wrote in a thread, and what became of its delivery."""

    token: str
    thread: int
    ts: str
    first_sent: float = 0.0
    acked: float | None = None
    edits: list[tuple[str, bool]] = field(default_factory=list)  # token, whether it was acknowledged
    deleted: bool | None = None  # whether the deletion was acknowledged; None: it is not deleted
    poison: bool = False


@dataclass
class Answered:
    """What an agent wrote."""

    token: str
    thread: int
    internal: bool


@dataclass
class Ledger:
    """What people and agents did: with this the end is compared."""

    roots: list[str] = field(default_factory=list)
    opened: set[int] = field(default_factory=set)
    said: list[Said] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    asked: int = 0
    closed: dict[int, bool] = field(default_factory=dict)
