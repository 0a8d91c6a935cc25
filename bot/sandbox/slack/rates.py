"""Slack's rates: each call is counted by the minute, and refused above its tier where that is switched on.

The tiers are those of docs.slack.dev (rate limits), for one app in one workspace. Posts are limited for each channel
besides: one a second, with short bursts.
"""

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from bot.sandbox.slack.errors import SlackError

IN_ONE_CHANNEL: Final = "chat.postMessage in one channel"
_BURST: Final = 5  # posts, and seconds


class Rates:
    """The rates of one workspace.

    ``enforced``: whether calls above a tier are refused with 429. ``scale``: how many of Slack's seconds pass in one of
    the clock's, so that a day of calls fits into minutes. ``refused`` counts refusals for each method, ``busiest`` the
    calls of each method's busiest minute, and ``tiers`` holds what Slack allows.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.enforced = False
        self.scale = 1.0
        self.refused: Counter[str] = Counter()
        self.busiest: Counter[str] = Counter()
        self.tiers: dict[str, int] = {}
        self._clock = clock
        self._recent: dict[str, deque[float]] = {}

    @property
    def above(self) -> dict[str, tuple[int, int]]:
        """The methods that were called above their tier in some minute: calls, and the tier."""
        return {name: (most, self.tiers[name]) for name, most in self.busiest.items() if most > self.tiers[name]}

    def take(self, method: str, per_minute: int, channel: str = "") -> None:
        """Count a call. Raises SlackError, with Retry-After, where it is one too many and rates are enforced."""
        windows = [(method, method, per_minute, 60.0)]
        if method == "chat.postMessage":
            windows.append((IN_ONE_CHANNEL, f"{method} {channel}", 60, 60.0))
            windows.append(("", f"{method} {channel} at once", _BURST, float(_BURST)))
        now = self._clock() * self.scale
        waits = [self._wait(*window, now) for window in windows]
        if self.enforced and max(waits) > 0:
            self.refused[method] += 1
            raise rate_limit(max(1, round(max(waits))))
        for _, key, _, _ in windows:
            self._recent[key].append(now)

    def _wait(self, name: str, key: str, most: int, seconds: float, now: float) -> float:
        """Slack's seconds until this call is not too many in a window; what the window holds is noted for *name*."""
        recent = self._recent.setdefault(key, deque())
        while recent and recent[0] <= now - seconds:
            recent.popleft()
        if name:
            self.tiers[name] = most
            self.busiest[name] = max(self.busiest[name], len(recent) + 1)
        return recent[-most] + seconds - now if len(recent) >= most else 0.0


def rate_limit(seconds: int) -> SlackError:
    """Slack's answer to too many calls."""
    return SlackError("ratelimited", status=429, headers={"Retry-After": str(seconds)})
