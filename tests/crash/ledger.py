"""What people and agents wrote, by the unique token that each text carries. It knows nothing of the product."""

import re
from dataclasses import dataclass, field

TOKEN = re.compile(r"tok\d{6}x")


@dataclass(kw_only=True)
class Thread:
    """A thread in Slack that has a ticket, or should have."""

    name: str  # the token of its subject
    channel: str
    ts: str = ""  # empty while the card that begins it is not there
    ticket: str = ""  # the ticket's id at the desk, once it was seen there
    closed: bool = False  # as last asked for


@dataclass(kw_only=True)
class Said:
    """A Slack message: its versions, oldest first."""

    thread: Thread
    ts: str
    versions: list[str]
    file: str = ""  # the token in its file's name
    imported: bool = False  # it was there before the ticket was
    deleted: bool = False


@dataclass
class Ledger:
    """Everything that was written."""

    threads: list[Thread] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    notes: dict[str, Thread] = field(default_factory=dict)
    answers: dict[str, Thread] = field(default_factory=dict)  # of agents, in the order in which they wrote
    secrets: set[str] = field(default_factory=set)  # internal notes of agents
    ops: int = 0
    _last: int = 0

    def token(self) -> str:
        """A text that was never there before."""
        self._last += 1
        return f"tok{self._last:06d}x"
