"""Makes the bot impatient, so that hours of trouble fit into a minute. Nothing here changes what it does, only when."""

import asyncio
import os
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from adapters import registry
from adapters.contract import TicketAdapter
from adapters.errors import OutcomeUnknown, Unavailable
from bot import wiring
from bot.conversion import intake, pull, run, verdicts, worker
from bot.slack import limits, web
from bot.store import connection

CHANGES = ("open_ticket", "add_message", "edit_message", "delete_message", "change", "upload")
READS = ("get_ticket", "messages", "find_ticket", "find_message", "changed_since")


def impatient(*, settle: float, trouble: float, seed: int, healed: str) -> None:
    """Shorten the waits that are constants of the product.

    Args:
        settle: seconds after its time-out within which a desk's late change shows (`Limits.settle`).
        trouble: how often the local desk, which has no server that could fail, fails inside the process.
        seed: of that trouble.
        healed: a file that ends it when it is there.
    """
    for method in limits.CALLS_PER_MINUTE:
        limits.CALLS_PER_MINUTE[method] *= 100
    put(web, "POSTS_PER_SECOND", 100.0)  # Slack's own rate, which the stand-in does not have here
    put(wiring, "Web", partial(web.Web, timeout=3.0))
    wiring.SWEEP = timedelta(seconds=15)
    intake.BETWEEN_SWEEPS = timedelta(milliseconds=20)
    for room in (worker, run):
        put(room, "NEWER_LOOKS", timedelta(seconds=0.3))
    put(pull, "AGES", ((timedelta(days=30), 1),))
    verdicts.FAST = (timedelta(seconds=0.1), timedelta(seconds=1))
    verdicts.SLOW = (timedelta(seconds=0.3), timedelta(seconds=2))
    source = connection.source
    put(connection, "source", lambda script: source(script).replace("60000", "2000"))  # the longest pause of a desk
    made, chance = registry.make, random.Random(seed * 100_000 + os.getpid())

    def make(*args: Any) -> TicketAdapter[Any]:
        desk = made(*args)
        settled(desk, timedelta(seconds=settle))
        if desk.kind == "local" and trouble:
            disappoint(desk, trouble, chance, healed)
        return desk

    put(registry, "make", make)


def put(owner: Any, name: str, value: Any) -> None:
    """Set what is a constant or a method of the product."""
    setattr(owner, name, value)


def settled(desk: TicketAdapter[Any], settle: timedelta) -> None:
    """Give *desk* another `Limits.settle`, unless its changes are there at once."""
    kind = type(desk)
    of: Callable[[Any], Any] = kind.limits.fget  # type: ignore[attr-defined]  # a property has one
    if of(desk).settle:
        put(kind, "limits", property(lambda self: replace(of(self), settle=settle)))


def disappoint(desk: TicketAdapter[Any], often: float, chance: random.Random, healed: str) -> None:
    """Let the methods of *desk* fail as a server's would: before the change, or after it."""

    def unreliable(
        method: Callable[..., Coroutine[Any, Any, Any]], *, changes: bool
    ) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            fate = 1.0 if os.path.exists(healed) else chance.random()  # noqa: ASYNC240, PTH110 - one look at a local disk
            await asyncio.sleep(chance.random() * 0.01)  # so that a kill can land in a call
            if fate < often / 2 or (fate < often and not changes):
                raise Unavailable(desk.name, "pretended trouble.")
            answer = await method(*args, **kwargs)
            await asyncio.sleep(chance.random() * 0.01)
            if fate < often:
                raise OutcomeUnknown(desk.name, "pretended loss of an answer.")
            return answer

        return call

    for names, changes in ((CHANGES, True), (READS, False)):
        for name in names:
            setattr(desk, name, unreliable(getattr(desk, name), changes=changes))
