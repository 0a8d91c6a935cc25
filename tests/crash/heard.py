"""What of Slack's deliveries we acknowledged, and when."""

import time
from typing import Any

from bot.sandbox.slack.delivery import Delivery


class Heard:
    """Watches what a pretend Slack delivers.

    Attributes:
        sent: a message's timestamp -> when its event was first sent to us, by a clock of its own.
        stored: the same -> when we first acknowledged it.
    """

    def __init__(self, deliveries: Delivery) -> None:
        self.sent: dict[str, float] = {}
        self.stored: dict[str, float] = {}
        self._deliveries = deliveries
        self._unheard: set[str] = set()
        attempt, event = deliveries.attempt, deliveries.event

        def emitted(body: dict[str, Any]) -> None:
            self._unheard.add(body["event_id"])
            event(body)

        async def watched(body: dict[str, Any], number: int, reason: str) -> tuple[str, bool]:
            ts = str(body.get("event", {}).get("ts", ""))
            self.sent.setdefault(ts, time.monotonic())
            answer = await attempt(body, number, reason)
            if not answer[0]:
                self.stored.setdefault(ts, time.monotonic())
                self._unheard.discard(body["event_id"])
            return answer

        deliveries.event = emitted  # type: ignore[method-assign]
        deliveries.attempt = watched  # type: ignore[method-assign]

    @property
    def unheard(self) -> set[str]:
        """Ids of the events that Slack goes on sending since we did not acknowledge them."""
        return self._unheard - {body["event_id"] for body in self._deliveries.given_up}
