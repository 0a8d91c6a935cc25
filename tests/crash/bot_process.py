"""The true bot as a process of its own, which a plan tells how to live and when to die.

`python -m tests.crash.bot_process FILE` runs one. `tests.crash.nursery` forks many, without the seconds of importing.

A plan is JSON: ``settings`` (the document), ``environment``, ``role``; and, where wanted: ``tuning`` (arguments of
`tuning.impatient`), ``mutant`` (of `mutants.MUTANTS`), ``newer`` (whether it is `newer.next_release`), ``log`` (a
file), ``points`` (the folder of `tests.crash.points.tracing`), and ``kill`` (the step of a journal after whose answer,
and before our note of it, the process ends with SIGKILL, ``times`` over all its lives, counted in the file ``lives``).
"""

import asyncio
import ctypes
import json
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.conversion.journal import Journal
from bot.settings import parse
from bot.wiring import run
from tests.crash import mutants, newer, tuning
from tests.crash.points import tracing

PR_SET_PDEATHSIG = 1


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
    if plan.get("points"):
        asyncio.get_running_loop().set_task_factory(tracing.follow)  # type: ignore[arg-type]  # it takes more
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = parse(plan["settings"], plan["environment"], source="crash test")
    await run(settings, role=plan["role"], stop=stop, ready=lambda _: None)


def live(plan: dict[str, Any]) -> None:
    """One life, until SIGTERM or the plan's end of it; it ends with the process that started it, too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if log := plan.get("log"):
        words = "%(asctime)s %(name)s %(message)s %(lane)s %(op)s %(error)s %(why)s"
        blank = dict.fromkeys(("lane", "op", "error", "why"), "")
        handler = logging.FileHandler(log)
        handler.setFormatter(logging.Formatter(f"{os.getpid()} {words}", defaults=blank))
        logging.basicConfig(handlers=[handler], level=logging.INFO)
        logging.getLogger("httpx").setLevel(logging.WARNING)
    if tuned := plan.get("tuning"):
        tuning.impatient(**tuned)
    if mutant := plan.get("mutant"):
        mutants.MUTANTS[mutant]()
    if plan.get("newer"):
        newer.next_release()
    if folder := plan.get("points"):
        tracing.trace(Path(folder))
    if step := plan.get("kill"):
        _arm(step, plan["times"], Path(plan["lives"]))
    asyncio.run(_run(plan))


if __name__ == "__main__":
    live(json.loads(Path(sys.argv[1]).read_text()))
