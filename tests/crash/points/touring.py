"""One kind of operation at one desk: done once in peace, then again for each request that it made, dying there."""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.points.operations import KINDS, Agents
from tests.crash.points.place import PATIENCE, Nursery, Place, Wrong, place
from tests.crash.points.scene import Scene
from tests.crash.points.tracing import Order, Passage

SAME = 2
"""How often a request that is made again and again in one operation is died at, each time for itself."""
AGES = 12
"""Operations in one thread before another takes its place."""
SIDES = ("before", "after")


@dataclass(kw_only=True)
class Tour:
    """What came of it."""

    desk: str
    kind: str
    points: set[str] = field(default_factory=set)
    passages: int = 0
    kills: int = 0
    missed: int = 0
    asked: int = 0
    killed: Counter[str] = field(default_factory=Counter)
    unnamed: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    seconds: float = 0.0


async def tour(desk: str, kind: str, nursery: Nursery, *, only: str = "", keep: Path | None = None) -> Tour:
    """Die at every request of this kind of operation; *only*: where the point's name holds this."""
    began, scene = time.monotonic(), KINDS[kind]
    made = Tour(desk=desk, kind=kind)
    with tempfile.TemporaryDirectory(prefix="threadline-points-") as temporary:
        folder = keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            async with place(
                desk,
                folder,
                nursery,
                desk_settings=scene.desk_settings,
                slack_settings=scene.slack_settings,
                agents_channel=issubclass(scene, Agents),
            ) as there:
                await _Touring(scene(there), there, made, only).all()
                made.asked = there.asked
        except Exception as wrong:  # noqa: BLE001 - whatever it was, the other tours go on
            made.failures.append(f"the place: {wrong!r}")
    made.seconds = time.monotonic() - began
    return made


class _Touring:
    def __init__(self, scene: Scene, there: Place, made: Tour, only: str) -> None:
        self.scene, self.place, self.made, self.only = scene, there, made, only
        self.done = 0

    async def all(self) -> None:
        """In peace first, with a process that knows nothing yet and with one that does; then each order."""
        try:
            await self.scene.renew()
            await self._anew()
            seen = await self._record() | await self._record()
        except Exception as wrong:  # noqa: BLE001 - whatever it was, the other tours go on
            self.made.failures.append(f"in peace: {wrong!r}")
            return
        self.made.unnamed = sorted({f"{one.work} {one.wire}" for one in seen if not one.point})
        self.made.points = {one.point for one in seen if one.point}
        self.made.passages = len(seen)
        for order in _orders(seen):
            if self.only in order.passage.point:
                await self._die(order)

    async def _record(self) -> Counter[Passage]:
        """What is passed when nobody dies."""
        if self.scene.fresh:
            await self.scene.renew()
        await self.scene.prepare()
        await self.place.rest()
        since = self.place.mark()
        await self._carry_out()
        return Counter(one for one in self.place.passed(since) if one.work in self.scene.works)

    async def _die(self, order: Order) -> None:
        try:
            if not (await self._died(order) or await self._died(order, anew=True)):
                self.made.missed += 1
        except Exception as wrong:  # noqa: BLE001 - whatever it was, the next may go well
            self.made.failures.append(f"{order.words()}: {wrong!r}")
            self.done = 0  # what follows begins in a new thread

    async def _died(self, order: Order, *, anew: bool = False) -> bool:
        """Whether it came to that; *anew*: with a process that knows nothing yet. Raises what went wrong."""
        there, scene = self.place, self.scene
        there.countermand()
        there.without_card = False
        await self._revived()
        if self.done % AGES == 0 or scene.fresh:
            await self._lived_through(scene.renew())
        self.done += 1
        await self._lived_through(scene.prepare())
        await self._lived_through(there.rest())
        if anew:
            await self._anew()
            await self._lived_through(there.rest())
        there.order(order)
        await self._carry_out()
        if wrong := await scene.wrong():
            raise Wrong(", ".join(wrong))
        if there.died:
            self.made.kills += 1
            self.made.killed[order.passage.point] += 1
        return there.died

    async def _anew(self) -> None:
        self.place.end()
        await self.place.revive()

    async def _carry_out(self) -> None:
        async with asyncio.timeout(PATIENCE * 2):
            await self._lived_through(self.scene.act())
            await self._until_there()

    async def _lived_through(self, work: Coroutine[Any, Any, None]) -> None:
        """Do *work*, and have another process begin where one dies meanwhile; an order may be obeyed late."""
        doing = asyncio.create_task(work)
        try:
            while not doing.done():
                await self._revived()
                await asyncio.sleep(0.005)
            await doing
        finally:
            doing.cancel()

    async def _until_there(self) -> None:
        began = time.monotonic()
        while True:
            await self._revived()
            waits = await self.place.waits()
            missing = [] if waits else await self.scene.missing()
            if not (waits or missing):
                return
            if time.monotonic() > began + PATIENCE:
                raise Wrong(f"under way: {waits}; missing: {missing or await self.scene.missing()}")
            await self.place.answer_questions()
            await asyncio.sleep(0.03)

    async def _revived(self) -> None:
        if self.place.dead:
            await self.place.revive()


def _orders(seen: Counter[Passage]) -> list[Order]:
    return [
        Order(passage, number, side)
        for passage, times in seen.items()
        if passage.point
        for number in range(1, min(times, SAME) + 1)
        for side in SIDES
    ]
