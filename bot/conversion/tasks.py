"""Ends background tasks for sure."""

import asyncio
from typing import Any

AGAIN = 2.0
"""Seconds that a task is given to clear up before it is cancelled once more."""


async def ended(task: asyncio.Task[Any]) -> None:
    """Cancel *task* until it has ended; what it raised is dropped.

    Once is not enough: a client library that is connecting or waiting for an answer may take the cancellation for its
    own time-out, and a loop around it would go on for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=AGAIN)
    if not task.cancelled():
        task.exception()  # which counts as looked at
