"""The loop in virtual time clears away all that is left of a process."""

import asyncio
import random

from tests.simulation.loop import SimLoop


def test_a_task_that_begins_while_another_ends_is_ended_too():
    loop = SimLoop(random.Random(1))  # type: ignore[abstract]  # asyncio makes none of them abstract
    later: list[asyncio.Task[None]] = []

    async def ends_by_beginning() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            later.append(loop.create_task(asyncio.sleep(1000)))

    async def world() -> None:
        loop.inside(loop.host("bot"), ends_by_beginning())
        await asyncio.sleep(1)

    loop.run(world())
    loop.bury()

    assert [True] == [task.cancelled() for task in later]
