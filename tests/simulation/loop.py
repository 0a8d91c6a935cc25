"""An event loop in virtual time, whose hosts (processes) can die or stand still; a seed decides who runs."""

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from datetime import datetime, tzinfo
from typing import Any

from typing_extensions import TypeVarTuple, Unpack

Ts = TypeVarTuple("Ts")
EPOCH = 1_760_000_000.0
"""The wall clock when the loop's own clock shows 0."""


class Host:
    """A process: what is scheduled in its context runs while it lives and is not paused."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready: deque[asyncio.Handle] = deque()
        self.alive = True
        self.paused = False
        self.skew = 0.0

    def runs(self) -> bool:
        """Whether something of it may be run now."""
        return bool(self.ready) and not self.paused


LONGEST = 10_000.0
"""Seconds of virtual time after which whatever is waited for will not happen any more."""
WORLD = Host("world")
HOST: ContextVar[Host] = ContextVar("host", default=WORLD)


class Stuck(Exception):
    """Nothing is left to happen, and what was waited for has not happened."""


class SimLoop(asyncio.AbstractEventLoop):
    """Runs the handles of each host in their order, and chooses between hosts by chance."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.now = 0.0
        self.hosts: list[Host] = [Host("world")]
        self._timers: list[tuple[float, int, Any, Host]] = []
        self._number = 0
        self.tasks: list[tuple[asyncio.Task[Any], Host]] = []
        self.faults: list[str] = []

    @property
    def world(self) -> Host:
        """The host of everything that is not a process of ours."""
        return self.hosts[0]

    # --- hosts -----------------------------------------------------------------------------------------------------

    def host(self, name: str) -> Host:
        """A new process."""
        made = Host(name)
        self.hosts.append(made)
        return made

    def kill(self, host: Host) -> None:
        """Nothing of it ever runs again, not even its clean-up."""
        host.alive = False
        self.hosts.remove(host)

    def inside(self, host: Host, work: Any) -> "asyncio.Task[Any]":
        """Run a coroutine as a part of *host*."""
        context = copy_context()
        context.run(HOST.set, host)
        return self.create_task(work, context=context)

    # --- what asyncio asks of a loop ---------------------------------------------------------------------------------

    def _of(self, context: Context) -> Host:
        host = context.get(HOST, WORLD)
        return self.hosts[0] if host is WORLD else host

    def call_soon(
        self, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self, context)
        self._of(context).ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = copy_context() if context is None else context
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle, self._of(context)))
        return handle

    def call_later(
        self, delay: float, callback: Callable[[Unpack[Ts]], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def time(self) -> float:
        return self.now

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = asyncio.Task(coro, loop=self, context=context)
        self.tasks.append((task, self._of(context) if context else self._of(copy_context())))
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Asked by `asyncio.TimerHandle.cancel`; a cancelled timer is passed over when its time comes."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')} {context.get('exception')!r}")

    def run_in_executor(self, executor: Any, func: Callable[[Unpack[Ts]], Any], *args: *Ts) -> "asyncio.Future[Any]":
        """What another thread would do: done a moment later, whatever becomes of the process."""
        future = self.create_future()
        outside = Context()

        def work() -> None:
            try:
                result = func(*args)
            except Exception as error:  # noqa: BLE001 - it belongs to whoever waits
                if not future.done():
                    future.set_exception(error)
                return
            if not future.done():
                future.set_result(result)

        self.call_later(self._chance.uniform(0.001, 0.01), work, context=outside)
        return future

    # --- running -----------------------------------------------------------------------------------------------------

    def run(self, main: Any) -> Any:
        """The result of a coroutine of the world.

        Raises:
            Stuck: nothing is left to happen.
        """
        asyncio._set_running_loop(self)
        try:
            task = self.create_task(main)
            while not task.done():
                if self.now > LONGEST:
                    raise Stuck
                self.step()
            return task.result()
        finally:
            asyncio._set_running_loop(None)

    def step(self) -> None:
        """Run one handle, of a host chosen by chance; where none is due, let time pass."""
        runnable = [host for host in self.hosts if host.ready and not host.paused]
        if not runnable:
            self._pass_time()
            return
        host = runnable[0] if len(runnable) == 1 else runnable[int(self._chance.random() * len(runnable))]
        handle = host.ready.popleft()
        if not handle._cancelled:
            handle._run()

    def _pass_time(self) -> None:
        timers = self._timers
        while timers:
            when, _, handle, host = heapq.heappop(timers)
            if handle._cancelled or not host.alive:
                continue
            self.now = max(self.now, when)
            host.ready.append(handle)
            while timers and timers[0][0] <= self.now:
                _, _, other, its = heapq.heappop(timers)
                if not other._cancelled and its.alive:
                    its.ready.append(other)
            return
        raise Stuck

    def bury(self) -> None:
        """End what is left of every process, so that nothing of it runs when Python clears it away."""
        asyncio._set_running_loop(self)
        try:
            # A task that ends may begin another, which ends in the next round.
            while left := [(task, host) for task, host in self.tasks if not task.done()]:
                for task, host in left:
                    host.alive, host.paused = True, False
                    if host not in self.hosts:
                        self.hosts.append(host)
                    task.cancel()
                while not all(task.done() for task, _ in left):
                    self.step()
            for task, _ in self.tasks:
                if not task.cancelled():
                    task.exception()  # asked for, so that nobody is told that it was not
        finally:
            asyncio._set_running_loop(None)
            self.tasks.clear()
            self._timers.clear()


class Clock(datetime):
    """`datetime` whose now is the simulation's."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Any:
        return datetime.fromtimestamp(time.time(), tz)


@contextmanager
def virtual_time(loop: SimLoop) -> Iterator[None]:
    """Let the product read the loop's clock; each host may have its own idea of the time of day."""
    before = time.time, time.monotonic, time.time_ns

    def wall() -> float:
        return EPOCH + loop.now + HOST.get().skew

    time.time, time.monotonic, time.time_ns = wall, loop.time, lambda: round(wall() * 1e9)
    try:
        yield
    finally:
        time.time, time.monotonic, time.time_ns = before
