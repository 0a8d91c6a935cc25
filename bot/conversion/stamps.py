"""What is made of other names and times, and the names of steps: markers, Slack timestamps as numbers. Pure."""

import base64
import hashlib
from functools import lru_cache

MARKER = "TL-"
"""What each correlation marker begins with."""
UNSEEN = "file "
"""What the names of steps begin with that nobody sees before another step: an upload that no message names yet."""
WAY = "way"
"""What is written down like a step: how a reply reaches its ticket."""
WORDLESS = (UNSEEN, WAY, "old", "reopen", "requester")
"""What the names of steps begin with that bring nothing of what was written to the desk."""


def bringing(team: str, channel: str, ts: str) -> str:
    """The identity of the operation that brings a Slack message to its ticket."""
    return f"msg:{team}:{channel}:{ts}"


def making(thread: str, partings: int) -> str:
    """The identity of the operation that gives a thread its ticket.

    One that was parted from tickets gets its next under another name: the marker of the one before is at its desk.
    """
    return f"create:{thread}:{partings}" if partings else f"create:{thread}"


@lru_cache(maxsize=1024)
def marker_of(identity: str) -> str:
    """The correlation marker for an operation's identity: short, opaque, the same for the same thing."""
    digest = hashlib.sha256(identity.encode()).digest()[:10]  # sixteen letters' worth
    return MARKER + base64.b32encode(digest)[:12].decode()


def part_marker(identity: str, number: int | str) -> str:
    """The correlation marker of a part of an operation; the first part has the operation's own."""
    return marker_of(identity if str(number) == "0" else f"{identity}#{number}")


def microseconds(ts: str) -> int:
    """A Slack timestamp as an integer, for ordering; exact below 2**53. Raises ValueError: it is none."""
    seconds, _, fraction = ts.partition(".")
    if not (seconds.isdecimal() and (fraction + "0").isdecimal()):
        raise ValueError("a timestamp that is none of Slack's")
    return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])
