"""The name of every key that Threadline keeps in Redis; docs/redis.md says what each one holds and for how long.

A key's hash tag ``{07}`` is the shard that it belongs to, so that all keys of one thread lie in one slot of a Cluster
and one script may touch them together. The shard of a lane is that of its thread.
"""

import zlib
from dataclasses import dataclass
from functools import cache

SCHEMA = 1
"""Version of the layout described here; each payload has a version of its own as well."""

SHARDS_OF_A_CLUSTER = 16
"""How many shards a new installation on a Cluster gets; one on a single server gets one, so that what comes in together
is stored by one call. What an installation has is written in `META` and never changes."""

OURS = "tk:*"
"""All of them."""
META = "tk:meta"
WAKE = "tk:wake"
"""Channel on which an addition rings, so that a worker need not wait for its next look."""

SHARD_KEYS = (
    "ready",
    "holder",
    "taken",
    "nudged",
    "epoch",
    "runs",
    "ops",
    "again",
    "makers",
    "made",
    "parked",
    "held",
    "links",
)
"""The keys that a shard has once, in the order in which every script gets them (see scripts/common.lua)."""


def thread_of(lane: str) -> str:
    """The thread of a lane: what follows the side, where it has one."""
    return lane.rpartition("/")[2]


@cache
def _tag(shard: int) -> str:
    return f"tk:{{{shard:02d}}}:"


@dataclass(frozen=True, slots=True)
class Shard:
    """The keys of one shard."""

    number: int

    def key(self, name: str) -> str:
        """One of `SHARD_KEYS`, or a key that starts with *name* and the shard's tag."""
        return _tag(self.number) + name

    @property
    def all(self) -> tuple[str, ...]:
        """What every script of the lanes gets first."""
        return _all(self)

    def queue(self, lane: str) -> str:
        """The order of a lane's operations."""
        return f"{_tag(self.number)}q:{lane}"

    def delivered(self, thread: str) -> str:
        """Which Slack messages of a thread are on its ticket."""
        return self.key(f"map:{thread}")

    @property
    def partings(self) -> str:
        """How often each thread was parted from a ticket."""
        return self.key("partings")

    def memory(self, lane: str, op: str) -> str:
        """That an operation was done, so that it is not accepted again."""
        return f"{_tag(self.number)}dd:{lane}|{op}"

    def claimed(self, nonce: str) -> str:
        """What a claim gave, so that asking again gives the same."""
        return self.key(f"claim:{nonce}")


@cache
def _all(shard: Shard) -> tuple[str, ...]:
    return tuple(shard.key(name) for name in SHARD_KEYS)


_ONLY = Shard(0)


def shard_of(lane: str, shards: int) -> Shard:
    """The shard of a lane or thread."""
    return _ONLY if shards == 1 else Shard(zlib.crc32(thread_of(lane).encode()) % shards)


def tickets_threads(desk: str, ticket_id: str) -> str:
    """The threads of a ticket: the way back, in a slot of its own."""
    return f"tk:ticket:{desk}:{ticket_id}"


def numbers_threads(number: str) -> str:
    """The threads of the tickets that people call so, at any desk."""
    return f"tk:number:{number}"


def people(desk: str) -> str:
    """Who Slack people are at a desk, as an operator wrote it down."""
    return f"tk:people:{desk}"


def breaker(desk: str) -> tuple[str, str]:
    """That a desk is left alone for now, and how often it failed in a row."""
    return f"tk:breaker:{{{desk}}}:shut", f"tk:breaker:{{{desk}}}:failures"


def shared_value(key: str) -> str:
    """A small value that the processes share, such as a desk's session."""
    return f"tk:value:{key}"


def shared_lock(key: str) -> str:
    """Who holds a lock."""
    return f"tk:lock:{key}"


def shared_turn(key: str) -> str:
    """When the next turn of a common pace is."""
    return f"tk:turn:{key}"


def scratch(key: str) -> str:
    """What a form must remember for a while."""
    return f"tk:scratch:{key}"


def once(key: str) -> str:
    """That something short-lived was seen."""
    return f"tk:once:{key}"


def places(key: str) -> str:
    """Who took a place in a window that bounds how much may be asked for."""
    return f"tk:limit:{key}"
