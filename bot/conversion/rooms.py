"""The rooms that carrying out work needs, joined, and what a process remembers of the work it did."""

from collections import Counter
from dataclasses import dataclass, field

from bot.conversion.mapped import Mappings
from bot.conversion.ports import Breakers, Desks, Events, Lanes, Links, Threads, Voice


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooms:
    """Everything that carrying out work needs of the other rooms."""

    lanes: Lanes
    links: Links
    breakers: Breakers
    desks: Desks
    threads: Threads
    voice: Voice
    events: Events
    mappings: Mappings | None = None
    thread_messages: int = 0  # the most that a ticket is made of; 0: as many as there are
    noted: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # desk, work, outcome -> how often
    taken: dict[tuple[str, str], float] = field(default_factory=dict)  # desk, work -> when it was last done: time.time
    woken: dict[tuple[str, str], float] = field(default_factory=dict)  # desk, ticket -> when `look_soon` may again
