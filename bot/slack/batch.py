"""Stores what many events bring with one call: the events that are in flight at the same time share a round trip."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from bot.conversion.ops import event_op
from bot.conversion.ports import Added, NewOp
from bot.slack.front import Answer
from bot.slack.limits import ANSWER

log = logging.getLogger(__name__)

_MOST = 24
"""So many go with one call: where more are in flight, those of one call answer while the server writes the others."""
_MOST_SLOW = 500
"""So many where the store is slow: what is left for a later call might be given up before that ends."""
_QUICK = 0.9
"""It is not where all who wait have this part of their time left when a call begins."""
_AT_ONCE = 2
_MANY = 4
"""So many, and half as many threads as the first call is for, must wait for a second one to begin beside it: fewer are
cheaper together with those to come."""

_Waiting: TypeAlias = tuple[NewOp, str, float, asyncio.Future[Added]]
"""An operation that waits to be stored, its thread, until when somebody waits for it (by the loop's clock), and who."""


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
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads: set[str] = set()
        self._is_due = False

    def add(self, op: NewOp) -> asyncio.Future[Added]:
        """What becomes of *op*, once the server holds it; each caller gets its own result, or its own exception.

        It is a TimeoutError where the call that it went with took too long; it may be stored all the same.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Added] = loop.create_future()
        self._waiting.append((op, op.lane.removeprefix("in/"), loop.time() + self._budget, future))
        if not self._is_due and self._under_way < _AT_ONCE and self._is_worth_it():
            self._is_due = True
            loop.call_soon(self._begin)
        return future

    def _is_worth_it(self) -> bool:
        return not self._threads or len(self._waiting) >= max(_MANY, len(self._threads) // 2)

    def _begin(self) -> None:
        self._is_due = False
        if batch := self._next():
            self._under_way += 1
            task = asyncio.create_task(self._carry(batch))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self) -> list[_Waiting]:
        """Take what goes together, oldest first; nothing may overtake what stays."""
        batch: list[_Waiting] = []
        if self._waiting and self._is_worth_it():
            left: list[_Waiting] = []
            _, _, until, _ = self._waiting[0]
            most = _MOST if until - asyncio.get_running_loop().time() > _QUICK * self._budget else _MOST_SLOW
            for one in self._waiting:
                stays = len(batch) == most or one[1] in self._threads
                (left if stays else batch).append(one)
            self._waiting = left
            self._threads.update(thread for _, thread, _, _ in batch)
        return batch

    async def _carry(self, batch: list[_Waiting]) -> None:
        """Send them, and then what has come in the meantime."""
        try:
            while batch:
                await self._in_time(batch)
                await asyncio.sleep(0)  # what has just been read belongs to it, too
                self._threads.difference_update(thread for _, thread, _, _ in batch)
                batch = self._next()
        finally:
            self._threads.difference_update(thread for _, thread, _, _ in batch)
            self._under_way -= 1  # at once: whoever comes before the task counts as done must not rely on it

    async def _in_time(self, batch: list[_Waiting]) -> None:
        """Send them before who waits longest gives up: one timer for all of them, since each event costs the door."""
        _, _, until, _ = batch[0]
        try:
            async with asyncio.timeout_at(until):
                await self._send(batch)
        except TimeoutError:
            for _, _, _, future in batch:
                if not future.done():
                    future.set_exception(TimeoutError())

    async def _send(self, batch: list[_Waiting]) -> None:
        try:
            results = await self._add([op for op, _, _, _ in batch])
        except Exception as error:  # noqa: BLE001  it belongs to those who wait
            if len(batch) > 1:  # one that cannot be stored must not take its neighbours along; adding twice is harmless
                by_thread: dict[str, list[_Waiting]] = {}
                for one in batch:
                    by_thread.setdefault(one[1], []).append(one)
                await asyncio.gather(*map(self._send_each, by_thread.values()))
            elif not (future := batch[0][3]).done():
                future.set_exception(error)
            return
        for (_, _, _, future), added in zip(batch, results, strict=True):
            if not future.done():  # whoever waited may have given up
                future.set_result(added)

    async def _send_each(self, of_thread: list[_Waiting]) -> None:
        """Send them one after another, so that none of a thread overtakes the one before it."""
        for one in of_thread:
            await self._send([one])


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
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
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
