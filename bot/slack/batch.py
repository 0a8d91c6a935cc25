"""Stores what many events bring with one call: the events that are in flight at the same time share a round trip."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from bot.conversion.ops import event_op
from bot.conversion.ports import Added, NewOp
from bot.slack.front import Answer
from bot.slack.limits import ANSWER

log = logging.getLogger(__name__)

_MOST = 500
_AT_ONCE = 2
_MANY = 4
"""So many, and half as many threads as the first call is for, must wait for a second one to begin beside it: fewer are
cheaper together with those to come."""


class _Waiting(NamedTuple):
    """An operation that waits to be stored, and until when somebody waits for it (by the loop's clock)."""

    op: NewOp
    thread: str
    until: float
    future: asyncio.Future[Added]


class Batch:
    """Collects operations while a call is under way and sends them together with the next.

    Where many wait, a second call begins beside the first, so that one is made ready while the server writes the
    other to its disk; what is for a thread that is in the first waits for it, so that nothing overtakes.

    Args:
        add: of the lanes.
        budget: seconds within which each caller hears what became of it.
    """

    def __init__(self, add: Callable[[Sequence[NewOp]], Awaitable[list[Added]]], *, budget: float = ANSWER) -> None:
        self._add = add
        self._budget = budget
        self._waiting: list[_Waiting] = []
        self._calls: set[asyncio.Task[None]] = set()
        self._threads: set[str] = set()
        self._is_due = False

    def add(self, op: NewOp) -> asyncio.Future[Added]:
        """What becomes of *op*, once the server holds it; each caller gets its own result, or its own exception.

        It is a TimeoutError where the call that it went with took too long; it may be stored all the same.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Added] = loop.create_future()
        self._waiting.append(_Waiting(op, op.lane.removeprefix("in/"), loop.time() + self._budget, future))
        if not self._is_due and self._has_room():
            self._is_due = True
            loop.call_soon(self._begin)
        return future

    def _has_room(self) -> bool:
        if len(self._calls) < _AT_ONCE:
            return not self._calls or len(self._waiting) >= max(_MANY, len(self._threads) // 2)
        return False

    def _begin(self) -> None:
        self._is_due = False
        if not (self._waiting and self._has_room() and (batch := self._next())):
            return
        threads = {one.thread for one in batch}
        self._threads |= threads
        call = asyncio.create_task(self._in_time(batch))
        self._calls.add(call)
        call.add_done_callback(lambda call: self._ended(call, threads))

    def _ended(self, call: asyncio.Task[None], threads: set[str]) -> None:
        self._calls.discard(call)
        self._threads -= threads
        self._begin()

    def _next(self) -> list[_Waiting]:
        """Take what goes together, oldest first; nothing may overtake what stays."""
        batch: list[_Waiting] = []
        left: list[_Waiting] = []
        for one in self._waiting:
            stays = len(batch) == _MOST or one.thread in self._threads
            (left if stays else batch).append(one)
        self._waiting = left
        return batch

    async def _in_time(self, batch: list[_Waiting]) -> None:
        """Send them before who waits longest gives up: one timer for all of them, since each event costs the door."""
        try:
            async with asyncio.timeout_at(batch[0].until):
                await self._send(batch)
        except TimeoutError:
            for one in batch:
                if not one.future.done():
                    one.future.set_exception(TimeoutError())

    async def _send(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._add([one.op for one in batch])
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            if len(batch) > 1:  # one that cannot be stored must not take its neighbours along; adding twice is harmless
                await asyncio.gather(*(self._send([one]) for one in batch))
            elif not batch[0].future.done():
                batch[0].future.set_exception(error)
            return
        for one, added in zip(batch, results, strict=True):
            if not one.future.done():  # whoever waited may have given up
                one.future.set_result(added)


class StoreFirst:
    """`bot.slack.front.Deliver`: events go to the store, all that are in flight with one call, and the rest to the app.

    Args:
        add: of the lanes.
        interaction: of the app.
        held_back: called when Slack says that it held events back, so that what is missing can be looked for.
        budget: seconds within which an event is stored or given back to Slack.

    Attributes:
        taken: how many events the store took how: a value of `Added`, or ``not stored``; and what a door counts.
    """

    def __init__(
        self,
        add: Callable[[Sequence[NewOp]], Awaitable[list[Added]]],
        interaction: Callable[[dict[str, Any]], Awaitable[Answer]],
        *,
        held_back: Callable[[], Awaitable[None]] | None = None,
        budget: float = ANSWER,
    ) -> None:
        self._batch = Batch(add, budget=budget)
        self._budget = budget
        self._interaction = interaction
        self._held_back = held_back
        self.taken: Counter[str] = Counter()

    async def event(self, body: dict[str, Any], retry: int) -> None:
        """Store an event, whether or not Slack sent it before: what it is says whether it is new.

        Raises:
            StoreAway, TimeoutError: it may not be stored, and must come again.
        """
        if body.get("type") == "app_rate_limited":
            log.warning("Slack holds events back: more than 30,000 came in an hour")
            if self._held_back is not None:
                async with asyncio.timeout(self._budget):
                    await self._held_back()
            return
        try:
            op = event_op(body)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            # Sent again it would be no better. Slack's own events do not get here; retry says how often it came.
            log.error("an event that cannot be read was left out (%s, retry %d)", type(error).__name__, retry)
            return
        if op is None:
            return
        try:
            added = await self._batch.add(op)
        except Exception:
            self.taken["not stored"] += 1
            raise
        self.taken[added] += 1

    async def interaction(self, body: dict[str, Any]) -> Answer:
        """The app's answer."""
        return await self._interaction(body)
