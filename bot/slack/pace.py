"""Keeps calls below a rate without holding anybody up: it says how long to wait, and whoever asks decides."""

from collections import OrderedDict
from collections.abc import Callable

_MOST = 10_000


class Pace:
    """Rates by key, each with a burst that may go at once (the generic cell rate algorithm).

    Args:
        clock: seconds that only go up.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._used_until: OrderedDict[str, float] = OrderedDict()

    def turn(self, key: str, *, per_minute: float, burst: float, patience: float) -> float:
        """Seconds to wait before going on. The turn is taken only where they are no more than *patience*."""
        now = self._clock()
        step = 60 / per_minute
        until = max(now, self._used_until.get(key, now))
        wait = max(0.0, until - step * (burst - 1) - now)
        if wait <= patience:
            self._set(key, until + step)
        return wait

    def stop(self, key: str, seconds: float, *, per_minute: float, burst: float) -> None:
        """Let nobody go on with *key* for *seconds*."""
        until = self._clock() + seconds + 60 / per_minute * (burst - 1)
        self._set(key, max(until, self._used_until.get(key, until)))

    def _set(self, key: str, until: float) -> None:
        self._used_until[key] = until
        self._used_until.move_to_end(key)
        if len(self._used_until) > _MOST:
            self._used_until.popitem(last=False)
