"""The SQLite file of a local desk: opened once, written in whole transactions, used by many processes at a time."""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from adapters.errors import Misconfigured, OutcomeUnknown, Unavailable
from adapters.local.schema import ADDED, SCHEMA, VERSION

T = TypeVar("T")


class DeskFile:
    """One connection to the file, with a thread of its own: while another locks the file, nothing but this desk waits.

    To make one blocks.

    Args:
        desk: the name of the desk, for errors.
        path: of the file; it is made where it is not there.
        patience: seconds to wait for another process that is writing.

    Raises:
        Misconfigured: the file cannot be opened, is no desk, or was made by a newer Threadline.
    """

    def __init__(self, desk: str, path: Path, *, patience: float) -> None:
        self._desk = desk
        self._path = path
        self._patience = patience
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not path.exists():
                path.touch(mode=0o600)  # it holds what people wrote
            self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, ValueError, sqlite3.Error) as error:  # ValueError: there is no such path
            if is_busy(error):
                remedy = "Look who holds it, such as a backup or a tool, and start Threadline again."
                raise self._unusable("is locked by somebody else", remedy) from error
            raise self._unusable(f"cannot be used ({error})") from error

    async def close(self) -> None:
        """Let go of the file."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._connection.close)
        self._thread.shutdown(wait=False)

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What *work* reads, from one state of the file.

        Raises:
            Unavailable: the file could not be read.
        """
        return await self._in_turn("BEGIN", work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What *work* gives, when all that it wrote is on disk. Where it raises, nothing was written.

        Raises:
            Unavailable: nothing was written.
            OutcomeUnknown: the disk failed while it was being written.
        """
        return await self._in_turn("BEGIN IMMEDIATE", work)

    async def _in_turn(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._transact, begin, work, time.monotonic())

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T], asked: float) -> T:
        left = asked + self._patience - time.monotonic()
        if left < 0:
            raise self._away("those before it took too long", "Waited")
        try:
            self._connection.execute(f"PRAGMA busy_timeout = {left * 1000:.0f}")
            self._connection.execute(begin)
            result = work(self._connection)
        except sqlite3.Error as error:
            self._roll_back()
            raise self._away(str(error), type(error).__name__) from error
        except BaseException:
            self._roll_back()
            raise
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            cause = f"the disk failed while {self._path.name} was written ({error})."
            raise OutcomeUnknown(self._desk, cause, code=type(error).__name__) from error
        return result

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _prepare(self) -> None:
        connection = self._connection
        connection.row_factory = sqlite3.Row
        connection.create_function("casefold", 1, str.casefold, deterministic=True)
        self._use_wal()
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0:
            for statement in _statements(SCHEMA):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
        if version <= VERSION:
            for statement in _statements(ADDED):
                connection.execute(statement)
        connection.execute("COMMIT")
        if version > VERSION:
            connection.close()
            raise self._unusable("was made by a newer Threadline")

    def _use_wal(self) -> None:
        """Have the file written by way of a log; SQLite does not itself wait for another that does so just now."""
        ends = time.monotonic() + self._patience
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if not is_busy(error) or time.monotonic() > ends:
                    raise
                time.sleep(0.02)
            else:
                return

    def _away(self, why: str, code: str) -> Unavailable:
        cause = f"the file {self._path.name} cannot be used ({why})."
        remedy = "Nothing was changed; it will be tried again. Look at the disk and at who else uses the file."
        return Unavailable(self._desk, cause, remedy=remedy, code=code)

    def _unusable(
        self, why: str, remedy: str = "Set path to a file that this process may write, in a folder that it may write."
    ) -> Misconfigured:
        return Misconfigured(self._desk, f"the file {self._path} {why}.", remedy=remedy)


def is_busy(error: Exception) -> bool:
    """Whether another connection holds the file."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _statements(script: str) -> list[str]:
    """The statements of *script*, so that they can be one transaction (executescript would commit first)."""
    found, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found
