"""The SQLite file of a local desk: opened once, written in whole transactions, used by many processes at a time."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from adapters.errors import AdapterError, Misconfigured, OutcomeUnknown, Unavailable
from adapters.local.schema import ADDED, SCHEMA, VERSION

T = TypeVar("T")


class DeskFile:
    """One connection to the file. Its methods block; the desk calls them in threads.

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
        self._alone = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
            self._prepare()
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(f"cannot be used ({error})") from error

    def close(self) -> None:
        """Let go of the file."""
        with self._alone:
            self._connection.close()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What *work* reads, from one state of the file.

        Raises:
            Unavailable: the file could not be read.
        """
        return self._transact("BEGIN", work)

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What *work* gives, when all that it wrote is on disk. Where it raises, nothing was written.

        Raises:
            Unavailable: nothing was written.
            OutcomeUnknown: the disk failed while it was being written.
        """
        return self._transact("BEGIN IMMEDIATE", work)

    def _transact(self, begin: str, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._alone:
            try:
                self._connection.execute(begin)
                result = work(self._connection)
            except sqlite3.Error as error:
                self._roll_back()
                cause = f"the file {self._path.name} cannot be used ({error})."
                remedy = "Nothing was changed; it will be tried again. Look at the disk and at who else uses the file."
                raise Unavailable(self._desk, cause, remedy=remedy, code=type(error).__name__) from error
            except AdapterError:
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
        connection.execute("PRAGMA journal_mode = WAL")
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

    def _unusable(self, why: str) -> Misconfigured:
        return Misconfigured(
            self._desk,
            f"the file {self._path} {why}.",
            remedy="Set path to a file that this process may write, in a folder that it may write.",
        )


def _statements(script: str) -> list[str]:
    """The statements of *script*, so that they can be one transaction (executescript would commit first)."""
    found, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found
