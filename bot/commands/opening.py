"""Opens settings and desks for a command, and turns what goes wrong into words and an exit code."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from adapters import registry
from adapters.contract import TicketAdapter
from adapters.errors import AdapterError
from adapters.shared import InProcess
from bot.commands.console import fail
from bot.conversion.ports import StoreAway
from bot.conversion.stored import UnknownVersion
from bot.settings import DEFAULT_FILE, Settings, SettingsError, load
from bot.store.connection import BadAddress
from bot.store.server import NoServer
from bot.store.store import Store, WrongSchema
from bot.wiring import opened_store

T = TypeVar("T")

UNREAD = (
    "{count} records cannot be read here: a newer Threadline wrote them, or THREADLINE_KEY lacks their key. "
    "Run this from there, or with that key."
)


def settings_file(config: Path | None) -> Path:
    """Where the settings are: ``--config``, THREADLINE_CONFIG or the usual file."""
    return config or Path(os.environ.get("THREADLINE_CONFIG") or DEFAULT_FILE)


def settings_at(config: Path | None, *, as_json: bool = False) -> Settings:
    """The settings of ``--config``, THREADLINE_CONFIG or the usual file; ends the command where they cannot work."""
    try:
        return load(settings_file(config))
    except SettingsError as wrong:
        fail("\n".join(wrong.problems), as_json=as_json, kind="SettingsError")


@asynccontextmanager
async def desk_named(settings: Settings, name: str) -> AsyncIterator[TicketAdapter[Any]]:
    """One desk, entered. Raises SettingsError for a name that the settings do not have."""
    if name not in settings.desks:
        known = ", ".join(settings.desks)
        raise SettingsError([f"The settings have no desk called {name}. They have: {known}."])
    async with registry.make(name, settings.desks[name], InProcess()) as desk:
        yield desk


@asynccontextmanager
async def store_of(settings: Settings) -> AsyncIterator[Store]:
    """The store of these settings. Raises SettingsError where its address cannot be used."""
    try:
        async with opened_store(settings) as store:
            yield store
    except (BadAddress, NoServer, WrongSchema) as wrong:
        raise SettingsError([str(wrong)]) from wrong


def in_store(settings: Settings, work: Callable[[Store], Awaitable[T]], *, as_json: bool = False) -> T:
    """What *work* gives in the store of these settings; what goes wrong ends the command as in `finish`."""

    async def whole() -> T:
        async with store_of(settings) as store:
            return await work(store)

    return finish(whole, as_json=as_json)


def at_desk(config: Path | None, name: str, work: Callable[[TicketAdapter[Any]], Awaitable[T]], *, as_json: bool) -> T:
    """What *work* gives at the desk called *name*; what goes wrong ends the command as in `finish`."""
    settings = settings_at(config, as_json=as_json)

    async def whole() -> T:
        async with desk_named(settings, name) as desk:
            return await work(desk)

    return finish(whole, as_json=as_json)


def finish(work: Callable[[], Awaitable[T]], *, as_json: bool = False) -> T:
    """Run *work*; an error of a desk, the settings or the store ends the command with its words."""

    async def whole() -> T:
        return await work()

    try:
        return asyncio.run(whole())
    except AdapterError as error:
        fail(str(error), as_json=as_json, kind=type(error).__name__, code=error.code)
    except SettingsError as error:
        fail("\n".join(error.problems), as_json=as_json, kind="SettingsError")
    except StoreAway as error:
        fail(str(error), as_json=as_json, kind="StoreAway")
    except (BadAddress, NoServer, WrongSchema) as error:
        fail(str(error), as_json=as_json, kind=type(error).__name__)
    except UnknownVersion as error:
        fail(UNREAD.format(count=1), as_json=as_json, kind=type(error).__name__)
