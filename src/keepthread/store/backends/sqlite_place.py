"""Where a SQLite database is, and whether the file there is still the one that was opened."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from keepthread.errors import UnavailableError

_Identity = tuple[int, int]

_abandoned: list[sqlite3.Connection] = []
"""Connections to files that were moved away. Closing one would delete what now bears its log's name."""


class Place:
    """A path, and the files that stood there when the database was opened. Shared by the threads of one backend."""

    def __init__(self, path: Path | None) -> None:
        self.location = str(path) if path else "memory"
        # As text: each commit asks four times, and a Path takes twice as long.
        self._path = str(path) if path else None
        self._log = f"{path}-wal" if path else None
        self._database_identity: _Identity | None = None
        self._log_identity: _Identity | None = None

    @property
    def is_known(self) -> bool:
        """Whether the database was opened before, and is only opened again."""
        return self._database_identity is not None

    def opened(self) -> None:
        """Note the files, once the connection that writes is open.

        Raises:
            UnavailableError: It is another database than the one that was opened first.
        """
        if self._path is None or self._log is None:
            return
        identity = _identity(self._path)
        if self._database_identity not in (None, identity):
            raise self._moved()
        self._database_identity = identity
        self._log_identity = _identity(self._log)

    def check(self) -> None:
        """See that the files are still there: what is written into a file without a name is lost.

        Raises:
            UnavailableError: One of them was moved, deleted or replaced. It goes on once they are put back.
        """
        if self._path is None or self._log is None:
            return
        if _identity(self._path) != self._database_identity:
            raise self._moved()
        if self._log_identity is not None and _identity(self._log) != self._log_identity:
            raise self._moved()

    def forget_log(self) -> None:
        """Expect a new log: the last connection of all was closed, which removed the old one."""
        self._log_identity = None

    def close(self, connection: sqlite3.Connection) -> None:
        """Close *connection*, unless that would harm what stands in the place of its files by now.

        A log that was deleted is no reason not to: closing takes what is in it into the database.
        """
        if (
            self._path is None
            or self._log is None
            or (_identity(self._path) == self._database_identity and _identity(self._log) in (None, self._log_identity))
        ):
            connection.close()
        else:
            _abandoned.append(connection)

    def _moved(self) -> UnavailableError:
        return UnavailableError(
            f"{self.location} was moved, deleted or replaced while it was open.",
            hint="Put it back with its -wal file, or open a new store. Whether the last write is kept is unknown.",
        )


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)  # noqa: PTH116 - see Place
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
