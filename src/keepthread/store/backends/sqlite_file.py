"""Opening a SQLite file: what it must be, and how it is made safe before the first write."""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from keepthread.errors import ForeignDatabaseError, SchemaError, UnavailableError

from ..migrate import Migration, Schema, migrations  # noqa: TID252 - backends are a room inside store
from .network_file_system import network_file_system
from .sqlite_place import Place
from .sqlite_schema import schema, upgrade

T = TypeVar("T")

Durability = Literal["full", "relaxed"]

# An "immutable" connection takes no locks, and closing its file drops those that other connections of this process hold
# on it. So none is open then: each is opened, up to its first look at the log, under this lock.
_opening = threading.Lock()


def _open_anew() -> None:
    global _opening  # noqa: PLW0603 - it may have been held at the fork, by a thread that the child does not have
    _opening = threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_open_anew)

_OLDEST_SQLITE = (3, 35, 0)
_STATEMENTS_KEPT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class SqliteSettings:
    """Where a database is and how it is opened."""

    path: Path | None
    """None for memory."""
    durability: Durability = "full"
    timeout_seconds: float = 30.0
    as_it_is: bool = False
    """Whether a file is opened whatever its tables are, to be looked at only."""

    @property
    def location(self) -> str:
        """The path, or "memory"."""
        return str(self.path) if self.path else "memory"


def open_writer(settings: SqliteSettings, place: Place, applied: list[Migration]) -> sqlite3.Connection:
    """Return the connection that writes, on a database that is ours and up to date.

    Args:
        settings: Which file, and how.
        place: Learns which files they are.
        applied: Is given the steps that brought it up to date.

    Raises:
        ForeignDatabaseError, SchemaTooNewError: The file was not touched.
        UnavailableError: It cannot be opened, or lies on a network file system.
    """
    _check_engine()
    with _opening:
        if settings.path is not None and not place.is_known:
            _recognise(settings.path)
        connection = _connect(settings)
        try:
            _make_safe(connection, settings)
            applied += upgrade(connection, settings.path)
            place.opened()
        except BaseException:
            connection.close()
            raise
    return connection


def open_as_it_is(settings: SqliteSettings, place: Place) -> sqlite3.Connection:
    """Return a connection to a file that is there, whatever its tables are. Nothing must be written through it.

    Raises:
        ForeignDatabaseError, SchemaTooNewError, UnavailableError: As open_writer.
    """
    schema_of_file(settings)
    with _opening:
        connection = _connect(settings, mode="rw")
        try:
            connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            place.opened()
        except BaseException:
            connection.close()
            raise
    return connection


def schema_of_file(settings: SqliteSettings) -> Schema:
    """Return what of the tables a file has, without touching it. One that is not there, or empty, has none.

    Raises:
        ForeignDatabaseError, SchemaTooNewError, UnavailableError: As open_writer.
    """
    _check_engine()
    if settings.path is None:
        known = migrations("sqlite")
        return Schema(version=known[-1].version, is_new=False, pending=[])  # made by this version, and by nobody else
    with _opening:
        return _recognise(settings.path)


def _check_engine() -> None:
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise SchemaError(
            f"SQLite {sqlite3.sqlite_version} is too old: keepthread needs 3.35, for RETURNING.",
            hint="Use a Python that is linked to a newer SQLite.",
        )


def open_reader(settings: SqliteSettings, place: Place) -> sqlite3.Connection:
    """Return a connection that cannot write, to a file that is there."""
    with _opening:
        connection = _connect(settings, mode="rw")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
        try:
            place.check()  # it may have opened what somebody put there
        except UnavailableError:
            place.close(connection)
            raise
    return connection


def _connect(settings: SqliteSettings, mode: str = "rwc") -> sqlite3.Connection:
    return sqlite3.connect(
        f"{settings.path.as_uri()}?mode={mode}" if settings.path else ":memory:",
        uri=settings.path is not None,
        timeout=settings.timeout_seconds,
        isolation_level=None,
        cached_statements=_STATEMENTS_KEPT,
    )


def _check_place(path: Path) -> None:
    if not path.parent.is_dir():
        raise UnavailableError(
            f"There is no directory {str(path.parent)!r} for the database.", hint="Create it, or correct the URL."
        )
    if path.is_dir():
        raise UnavailableError(f"{str(path)!r} is a directory, not a database.", hint="Name a file in it.")
    if kind := network_file_system(path):
        raise UnavailableError(
            f"{str(path)!r} lies on a network file system ({kind}), where SQLite's locks and shared memory do not "
            "hold: two writers would damage the database.",
            hint="Put it on a local disk.",
        )


def _recognise(path: Path) -> Schema:
    """Return what a file has, through a connection that cannot write; refuse somebody else's, or a newer version's."""
    _check_place(path)
    if not path.exists() or not path.stat().st_size:
        return Schema(version=0, is_new=True, pending=list(migrations("sqlite")))
    # Without a log beside it nobody has it open, and "immutable" keeps SQLite from making an empty one.
    mode = "ro" if path.with_name(f"{path.name}-wal").exists() else "ro&immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True)) as connection:
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables or "kt_migrations" in tables:
            return schema(connection, str(path))
    owner = "another program"
    if {"threads", "messages"} <= tables:
        owner = "Narrator"
    elif {"agents", "memories", "contexts"} <= tables:
        owner = "Astreus"
    raise ForeignDatabaseError(
        f"{path} is a database of {owner}, not of keepthread. It was not touched.",
        hint="Choose another file for keepthread.",
    )


def _make_safe(connection: sqlite3.Connection, settings: SqliteSettings) -> None:
    if settings.path is not None:
        # Changing to WAL needs the file for itself, and then SQLite answers BUSY at once, whatever the timeout: eight
        # processes that create one database together would fail without this loop.
        _patiently(lambda: connection.execute("PRAGMA journal_mode = WAL"), settings.timeout_seconds)
    # With NORMAL a pulled plug loses acknowledged turns: 945 in the measured run, where FULL lost none.
    connection.execute(f"PRAGMA synchronous = {'FULL' if settings.durability == 'full' else 'NORMAL'}")
    if settings.durability == "full":
        # On macOS fsync does not reach the disk; this asks for the one that does. Elsewhere it changes nothing.
        connection.execute("PRAGMA fullfsync = ON")
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
    # What is deleted is overwritten, so that it cannot be read from the file's free pages.
    connection.execute("PRAGMA secure_delete = ON")


def _patiently(attempt: Callable[[], T], seconds: float) -> T:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return attempt()
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not busy or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - jitter, not a secret
