"""`threadline run`: Threadline itself, until it is told to stop."""

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import cast

import typer

from adapters.errors import AdapterError
from bot.commands.console import err, fail
from bot.commands.doctor import examine
from bot.commands.logs import start_logging
from bot.commands.opening import settings_at
from bot.conversion.ports import SlackRefused, SlackTrouble, StoreAway
from bot.settings import Settings, SettingsError
from bot.store.connection import BadAddress
from bot.store.server import NoServer
from bot.store.store import WrongSchema
from bot.wiring import Role, run as run_threadline

log = logging.getLogger("threadline")

EXPECTED = (
    SettingsError,
    SlackRefused,
    SlackTrouble,
    StoreAway,
    NoServer,
    BadAddress,
    WrongSchema,
    AdapterError,
    OSError,
)
"""What can keep Threadline from running that a person can mend; everything else is a fault of ours."""
ROLES = ("all", "front", "worker")


def run(config: Path | None, role: str) -> None:
    """Run until SIGTERM or Ctrl-C; what cannot start ends with words and exit code 1."""
    if role not in ROLES:
        fail(f"There is no role {role!r}. Use {', '.join(ROLES)}.")
    settings = settings_at(config)
    start_logging(settings.log.level, settings.log.format)
    with asyncio.Runner(loop_factory=_quick_loop()) as runner:
        problem = runner.run(_until_stopped(settings, cast("Role", role)))
    if problem:
        _say(settings, problem, level=logging.ERROR)
        raise typer.Exit(1)


def _quick_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Uvloop where there is one for this platform; asyncio's own loop elsewhere."""
    try:
        from uvloop import new_event_loop  # noqa: PLC0415 - it is not there on every platform
    except ImportError:
        return None
    return new_event_loop


async def _until_stopped(settings: Settings, role: Role) -> str:
    """Run; what kept it from starting or going on, in words, or nothing after a clean stop."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    looking: set[asyncio.Task[None]] = set()

    def ready(what: str) -> None:
        _say(settings, f"Threadline {what}.")
        looking.add(asyncio.create_task(_complain(settings)))

    try:
        await run_threadline(settings, role=role, stop=stop, ready=ready)
    except EXPECTED as error:
        return _words(error)
    except ExceptionGroup as group:
        expected, others = group.split(EXPECTED)
        if expected is None or others is not None:
            raise
        return _words(_first(expected))
    finally:
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)
    return ""


async def _complain(settings: Settings) -> None:
    """Say what a doctor would find wrong; Threadline runs all the same, since most of it mends itself or can wait."""
    async for line in examine(settings, running=True):
        if not line.ok:
            _say(settings, f"NOT WELL  {line.subject}: {line.detail}", level=logging.WARNING, remedy=line.remedy)


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def _say(settings: Settings, words: str, *, level: int = logging.INFO, remedy: str = "") -> None:
    """Say it to people; where each line is an object for machines, as a line of the log."""
    if settings.log.format == "json":
        log.log(level, words, extra={"remedy": remedy} if remedy else None)
        return
    err.print(words, markup=False, soft_wrap=True)
    if remedy:
        err.print(f"          What to do: {remedy}", markup=False, soft_wrap=True)
    sys.stderr.flush()


def _words(error: Exception) -> str:
    if isinstance(error, SettingsError):
        return "\n".join(error.problems)
    if isinstance(error, SlackRefused):
        return f"Slack refused ({error.code}): {error.words}"
    if isinstance(error, SlackTrouble):
        if error.code == "ratelimited":
            return "Slack wants us to wait (ratelimited). Start Threadline again in a minute."
        return f"Slack does not answer ({error.code}). Check that this machine reaches it, and [slack] api_url."
    if isinstance(error, OSError):
        return f"Threadline cannot listen or write where the settings say: {error}."
    return str(error)
