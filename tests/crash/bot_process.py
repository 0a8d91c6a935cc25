"""The true bot as a process of its own that may kill itself at one point: `python -m tests.crash.bot_process FILE`.

FILE is JSON: ``settings`` (the document), ``environment``, ``role``, and ``kill``: the step of a journal after whose
answer, and before our note of it, the process ends with SIGKILL, ``times`` over all its lives (counted in ``lives``).
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.conversion.journal import Journal
from bot.settings import parse
from bot.wiring import run


def _arm(step: str, times: int, lives: Path) -> None:
    """Make the journal end this process where a change was made and is not written down yet."""
    finish = Journal._finish

    def deadly(journal: Journal, name: str, result: str) -> str:
        died = len(lives.read_text()) if lives.exists() else 0
        if name == step and died < times:
            with lives.open("a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        return finish(journal, name, result)

    Journal._finish = deadly  # type: ignore[assignment,method-assign]  # the point of this module


async def _run(plan: dict[str, Any]) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = parse(plan["settings"], plan["environment"], source="crash test")
    await run(settings, role=plan["role"], stop=stop, ready=lambda _: None)


if __name__ == "__main__":
    plan = json.loads(Path(sys.argv[1]).read_text())
    if plan.get("kill"):
        _arm(plan["kill"], plan["times"], Path(plan["lives"]))
    asyncio.run(_run(plan))
