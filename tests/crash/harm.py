"""What is done to the town while people work: a seed decides who dies, stops, is refused or forgets, and when."""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from bot.sandbox.faults import Fault
from tests.crash.server import StoreServer
from tests.crash.town import Town

Blow = Callable[["Harm"], Coroutine[Any, Any, None]]


class Harm:
    """Deals one blow after another. ``calm`` is cleared while the store may be about to forget."""

    def __init__(self, town: Town, chance: random.Random, *, pause: float, opening: asyncio.Lock) -> None:
        self._town, self._chance, self._pause, self._opening = town, chance, pause, opening
        self._under_way: set[asyncio.Task[None]] = set()
        self.calm = asyncio.Event()
        self.calm.set()
        self._server = asyncio.Lock()
        self.set_back_at = 0.0
        """When the store last forgot something: a call of before may still be on its way to the desk."""

    async def run(self, plan: dict[str, int], done: asyncio.Event) -> None:
        """Deal the blows of *plan* (name -> how often), in an order of chance, spread over the time until *done*."""
        blows = [name for name, times in plan.items() for _ in range(times)]
        self._chance.shuffle(blows)
        for name in blows:
            task = asyncio.create_task(BLOWS[name](self))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            await asyncio.sleep(self._pause * self._chance.uniform(0.5, 1.5))
            if done.is_set():
                break

    async def heal(self) -> None:
        """Let everything be well again."""
        await asyncio.gather(*self._under_way)
        self._town.world.slack.deliveries.trouble.duplicate = 1
        self._town.world.slack.deliveries.trouble.reorder = False
        self._town.world.slack.deliveries.trouble.drop_acks = 0
        self._town.healed.touch()
        if self._town.dice is not None:
            self._town.dice.often = 0.0

    # --- processes ---

    async def kill_worker(self) -> None:
        self._town.fleet.kill(self._one("worker"))

    async def kill_front(self) -> None:
        self._town.fleet.kill(self._one("front"))

    async def terminate(self) -> None:
        self._town.fleet.terminate(self._one(self._chance.choice(("front", "worker"))))

    async def freeze(self) -> None:
        """For longer than the lease, so that others take over, and for less than a desk's settle time."""
        name = self._one(self._chance.choice(("front", "worker", "worker")))
        await self._town.fleet.freeze(name, self._town.waits.lease * self._chance.uniform(0.5, 1.6))

    def _one(self, role: str) -> str:
        names = self._town.fleet.names(role)
        return self._chance.choice(names) if names else f"{role}-0"

    # --- the store ---

    async def kill_redis(self) -> None:
        async with self._server:
            await self._town.server.kill()

    async def roll_back(self) -> None:
        """Copy, let people go on for a while, and set the store back to the copy.

        People only write messages and agents only answer meanwhile, because those are found again: a wish, an edit or a
        deletion that was stored after the backup is forgotten with it (docs/reliability.md says so).
        """
        server = self._town.server
        if not isinstance(server, StoreServer):
            return
        async with self._opening, self._server:
            self.calm.clear()
            try:
                while self._town.waits_for_us:  # noqa: ASYNC110 - the pretended Slack tells nobody
                    await asyncio.sleep(0.1)
                await server.copy()
                await asyncio.sleep(self._chance.uniform(0.3, 1.0))
                await server.roll_back()
                self.set_back_at = time.time()
            finally:
                self.calm.set()

    # --- Slack ---

    async def lose_answer(self) -> None:
        self._town.world.slack.lose_answer(times=2)
        self._note("slack: answer of a post lost", 2)

    async def refuse_posts(self) -> None:
        self._town.world.slack.break_next("chat.postMessage", Fault.ERROR_BEFORE, times=3)
        self._note("slack: post refused", 3)

    async def limit_rate(self) -> None:
        method = self._chance.choice(("chat.postMessage", "conversations.replies", "reactions.add", "users.info"))
        self._town.world.slack.limit_rate(method, times=2)
        self._note("slack: 429", 2)

    async def break_slack(self) -> None:
        method = self._chance.choice(("chat.postMessage", "conversations.replies", "chat.update", "reactions.add"))
        fault = self._chance.choice((Fault.ERROR_BEFORE, Fault.ERROR_AFTER, Fault.REFUSE, Fault.TRUNCATE))
        self._town.world.slack.break_next(method, fault, times=2)
        self._note(f"slack: {fault}", 2)

    async def cut_sockets(self) -> None:
        if self._town.world.settings["slack"]["mode"] == "socket":
            await self._town.world.slack.sockets.cut()
            self._note("slack: connections cut", 1)

    async def confuse(self) -> None:
        """For a while, events come twice, in another order, or are sent again although they were acknowledged."""
        trouble = self._town.world.slack.deliveries.trouble
        trouble.duplicate, trouble.reorder = self._chance.choice((1, 2)), self._chance.random() < 0.5
        trouble.drop_acks += 5
        self._note("slack: doubled, reordered or unheard", 1)
        await asyncio.sleep(1.0)
        trouble.duplicate, trouble.reorder = 1, False

    # --- the desk ---

    async def outage(self) -> None:
        """The desk answers nobody for a while."""
        if (stand_in := self._town.world.stand_in) is None or self._town.dice is None:
            return
        often, self._town.dice.often = self._town.dice.often, 0.0
        stand_in.faults.plan, stand_in.faults.always = deque(), Fault.REFUSE
        self._note("desk: outage", 1)
        await asyncio.sleep(self._chance.uniform(0.5, 2.0))
        stand_in.faults.always, stand_in.faults.plan, self._town.dice.often = None, self._town.dice, often

    def _note(self, what: str, times: int) -> None:
        self._town.faults[what] += times


BLOWS: dict[str, Blow] = {
    "kill worker": Harm.kill_worker,
    "kill front": Harm.kill_front,
    "terminate": Harm.terminate,
    "freeze": Harm.freeze,
    "kill redis": Harm.kill_redis,
    "roll back": Harm.roll_back,
    "lose answer": Harm.lose_answer,
    "refuse posts": Harm.refuse_posts,
    "limit rate": Harm.limit_rate,
    "break slack": Harm.break_slack,
    "cut sockets": Harm.cut_sockets,
    "confuse": Harm.confuse,
    "outage": Harm.outage,
}
