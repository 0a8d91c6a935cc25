"""The worker: takes lanes that have work and carries out one operation after another, each lane in its order."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from bot.conversion.journal import Journal
from bot.conversion.people import Requesters
from bot.conversion.ports import Head, Lease, LeaseLost, SlackRefused, SlackTrouble, StoreAway
from bot.conversion.records import decode
from bot.conversion.rooms import Rooms
from bot.conversion.run import NEWER_LOOKS, Run
from bot.conversion.stored import LEFT_ALONE, UnknownVersion
from bot.conversion.sweep import OVERTAKING, put_back
from bot.conversion.tasks import ended

log = logging.getLogger("threadline.worker")

POLL = timedelta(seconds=1)
A_FEW = 4
"""Lanes that are taken at a time, so that the worker that wakes first leaves some to the others."""
COURTESY = 0.001
"""Seconds for each lane in hand before more are taken."""
DRAIN = 10.0
"""Seconds that a stopping worker gives to operations in hand."""
LAST_CLAIM = 2.0
"""Seconds that it gives to a claim before: a store that hangs would have it wait for minutes."""


class Worker:
    """Carries out work until it is told to stop. Any number may run, in any number of processes.

    Args:
        rooms: all rooms.
        at_once: how many lanes it takes at the same time.
        heartbeat: seconds between two signs of life for each of them.
        written: has the store take a write, and raises StoreAway where it takes none; one that is full answers, too.
    """

    def __init__(
        self,
        rooms: Rooms,
        *,
        at_once: int = 20,
        heartbeat: float = 10.0,
        written: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._rooms = rooms
        self._people = Requesters(rooms.mappings)
        self._at_once = at_once
        self._heartbeat = heartbeat
        self._written = written
        self._stopping = asyncio.Event()
        self._is_away = False
        self._taking: asyncio.Timeout | None = None
        self._lanes: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """Take no further lane; `run` returns when those in hand are done or their time is over."""
        if self._taking and not self._stopping.is_set():  # who is told twice may be just giving up
            self._taking.reschedule(asyncio.get_running_loop().time() + LAST_CLAIM)
        self._stopping.set()

    async def run(self) -> None:
        """Work until `stop`."""
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None) as self._taking:
                    await self._take()
        finally:
            self._taking = None
        await self._drain()

    async def _take(self) -> None:
        while not self._stopping.is_set():
            free = self._at_once - len(self._lanes)
            if not free:
                await asyncio.wait(self._lanes, timeout=POLL.total_seconds(), return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                if self._lanes:  # whoever has less in hand goes first
                    await asyncio.sleep(len(self._lanes) * COURTESY)
                if self._is_away and self._written:  # there may be nothing to claim, which is no write
                    await self._written()
                leases = await self._rooms.lanes.claim(min(free, A_FEW))
                self._say_once(None)
                for lease in leases:
                    task = asyncio.create_task(self._guarded(lease))
                    self._lanes.add(task)
                    task.add_done_callback(self._lanes.discard)
                if not leases:
                    await self._rooms.lanes.wake(POLL)
            except StoreAway as trouble:
                self._say_once(trouble)
                await asyncio.sleep(POLL.total_seconds())

    def _say_once(self, trouble: StoreAway | None) -> None:
        """Say in the log when the store went away, and when it came back."""
        if trouble and not self._is_away:
            log.warning("the store is away, so nothing is worked on", extra={"why": str(trouble)})
        elif self._is_away and not trouble:
            log.warning("the store is back")
        self._is_away = trouble is not None

    async def _drain(self) -> None:
        if self._lanes:
            _, late = await asyncio.wait(self._lanes, timeout=DRAIN)
            await asyncio.gather(*map(ended, late))

    async def _guarded(self, lease: Lease) -> None:
        """One lane. Where the store or the lease is lost, the lane is left to whoever claims it next."""
        beat = asyncio.create_task(self._beat(lease))
        try:
            await self._lane(lease)
        except (LeaseLost, StoreAway) as lost:
            log.info("lane left", extra={"lane": lease.lane, "why": type(lost).__name__})
        except UnknownVersion:  # of the thread's link; the lane comes back when its lease is over
            log.warning(LEFT_ALONE, extra={"lane": lease.lane})
        except Exception as error:  # noqa: BLE001 - nobody waits for this task; the lane comes back when its lease is over
            log.error("a lane broke off", extra={"lane": lease.lane, "why": type(error).__name__})
        finally:
            await ended(beat)

    async def _beat(self, lease: Lease) -> None:
        """Keep the lease while slow calls run; where that fails, the next write says so."""
        while True:
            await asyncio.sleep(self._heartbeat)
            try:
                await self._rooms.lanes.extend(lease)
            except LeaseLost:
                return
            except StoreAway:
                continue

    async def _lane(self, lease: Lease) -> None:
        head = await self._rooms.lanes.head(lease)
        while head is not None:
            if self._stopping.is_set():
                await self._rooms.lanes.retry(lease, head.id, head.payload, delay=timedelta())
                return
            if head.resync and head.link:  # a thread whose ticket is still to come is read again when it has one
                if not await self._resync(lease, head):
                    return
                head = await self._rooms.lanes.head(lease)
                continue
            try:
                operation = decode(head.payload)
            except UnknownVersion:
                log.warning(LEFT_ALONE, extra={"lane": lease.lane})
                await self._rooms.lanes.retry(lease, head.id, head.payload, delay=NEWER_LOOKS)
                return
            journal = Journal(self._rooms.lanes, lease, head, operation)
            head = await Run(self._rooms, self._people, journal).carry_out()

    async def _resync(self, lease: Lease, head: Head) -> bool:
        """After the server restarted: put back what the lane may have forgotten, to be looked for before it is sent.

        False where Slack cannot be read now, or events of the thread go first; the lane has been given back then.
        """
        if head.link and head.link.mirror:
            delay: timedelta | None = None
            try:
                delay = None if await put_back(self._rooms, head.link, shown=True) else OVERTAKING
            except SlackTrouble as trouble:
                delay = trouble.retry_after or timedelta(seconds=5)
            except SlackRefused as refused:
                log.warning("thread not checked after a restart", extra={"lane": lease.lane, "code": refused.code})
            if delay is not None:
                await self._rooms.lanes.retry(lease, head.id, head.payload, delay=delay)
                return False
        await self._rooms.lanes.resynced(lease)
        return True
