"""What more worker processes bring, and what ten thousand linked threads cost in which nobody writes."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import timedelta

from adapters import registry
from bench.door import link
from bench.load import root
from bench.measuring import MEASURED, OTHER, Figure, Line, cpu_seconds, memory
from bench.through import TICKETS, Bench, bench, emptied
from bot.conversion.ops import pull_op, watch_ops
from bot.conversion.records import ThreadKey
from bot.store.store import Store

WORKERS = (1, 2, 4)
THREADS = 400
"""More than all workers take at once, so that each finds some."""
LINKS = 10_000
SETTLE = 6.0
"""Seconds after the start in which what a start does is over."""
TOGETHER = 500


async def workers(*, messages: int, kinds: tuple[str, ...] = ("local", "whmcs")) -> list[Line]:
    """Messages a second of one worker process and of several; every other one shares its core with all the rest."""
    lines: list[Line] = []
    for kind in kinds:
        alone = 0.0
        async with bench(kind, threads=THREADS) as made:
            for count in WORKERS:
                reached, cpu = await _together(made, count, messages)
                alone = alone or reached
                lines.append(
                    Figure(
                        row="workers",
                        what=f"{count} worker{'s' * (count > 1)} into {kind}",
                        value=reached,
                        unit="messages/s",
                        ratio=reached / alone,
                        against="one",
                        more={"cpu_ms": 1e3 * cpu},
                    )
                )
    return lines


async def _together(made: Bench, count: int, messages: int) -> tuple[float, float]:
    """Messages a second, and seconds of CPU for each, of so many workers on two cores."""
    async with AsyncExitStack() as stack:
        cores = [(MEASURED, OTHER)[number % 2] for number in range(count)]
        running = [await stack.enter_async_context(made.place.bot("worker", core=core)) for core in cores]
        return await emptied(made, [one.pid for one in running], messages)


async def idle(*, seconds: float, links: int = LINKS, kinds: tuple[str, ...] = ("local", "whmcs")) -> list[Line]:
    """The share of a core that a bot uses while nobody writes, with links whose tickets are looked at in their turn."""
    lines: list[Line] = []
    for kind in kinds:
        async with bench(kind) as made:
            await _linked(made, links)
            async with made.place.bot() as bot, made.place.store.counting() as seen:
                await asyncio.sleep(SETTLE)
                seen.clear()
                store = cpu_seconds(made.place.store.pid)
                cpu, began = cpu_seconds(bot.pid), time.perf_counter()
                await asyncio.sleep(seconds)
                took = time.perf_counter() - began
                lines.append(
                    Figure(
                        row="idle",
                        what=f"{links:,} open links at {kind}",
                        value=100 * (cpu_seconds(bot.pid) - cpu) / took,
                        unit="% of a core",
                        more={
                            "redis_percent": 100 * (cpu_seconds(made.place.store.pid) - store) / took,
                            "commands_per_s": sum(seen.values()) / took,
                            "memory_mb": memory(bot.pid),
                        },
                    )
                )
    return lines


async def _linked(made: Bench, links: int) -> None:
    """Links of further threads, each looked at in its turn, as if they had come one after the other."""
    team, channel = made.place.world.workspace.team_id, made.place.channel("it-help")
    async with (
        Store.open(made.place.store.url) as store,
        registry.make("demo", registry.settings_for("demo", made.desk), store.shared) as desk,
    ):
        await made.place.store.fsync("everysec")
        between = timedelta(minutes=1 / desk.settings.polls_per_minute)
        for start in range(TICKETS, links, TOGETHER):
            numbers = range(start, min(links, start + TOGETHER))
            new = [link(n, team=team, channel=channel, ticket=made.tickets[n % TICKETS]) for n in numbers]
            await asyncio.gather(*(store.links.put(one) for one in new))
            threads = [(n, ThreadKey(team=team, channel=channel, ts=root(n))) for n in numbers]
            watched = [(n, thread) for n, thread in threads if watch_ops(desk, thread)]
            await store.lanes.add([pull_op(thread, repeat=True, delay=between * n) for n, thread in watched])
        await made.place.store.fsync("always")
