"""Bringing a SQLite database's tables up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from keepthread.model.ids import new_id, now_microseconds

from ..migrate import Applied, Migration, migrations, missing  # noqa: TID252 - backends are a room inside store

_MIGRATIONS_TABLE = """
CREATE TABLE IF NOT EXISTS kt_migrations (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    min_reader INTEGER NOT NULL,
    min_writer INTEGER NOT NULL,
    applied_at INTEGER NOT NULL
)
"""


def upgrade(connection: sqlite3.Connection, path: Path | None, known: Sequence[Migration] | None = None) -> None:
    """Apply the migrations that the database still needs, each in a transaction with its record.

    A database that holds data is copied first, to `<file>.before-<version>`. A step that is interrupted leaves no
    trace and is applied by the next process that opens the database; of two that try at once, one does it.

    Raises:
        SchemaTooNewError, SchemaError: Nothing was changed.
    """
    known = known or migrations("sqlite")
    location = str(path or "memory")
    applied = _applied(connection)
    needed = missing(known, applied, location)
    if needed and applied and path is not None:
        _copy(connection, path.with_name(f"{path.name}.before-{needed[0].version}"))
    for migration in needed:
        _apply(connection, migration, known, location)


def _applied(connection: sqlite3.Connection) -> list[Applied]:
    try:
        rows = connection.execute("SELECT version, name, checksum, min_writer FROM kt_migrations ORDER BY version")
    except sqlite3.OperationalError:
        return []  # no such table: a new database
    return [Applied(*row) for row in rows]


def _apply(connection: sqlite3.Connection, migration: Migration, known: Sequence[Migration], location: str) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_MIGRATIONS_TABLE)
        # Another process may have applied it while this one waited for the lock.
        if migration in missing(known, _applied(connection), location):
            for statement in _statements(migration.sql):
                connection.execute(statement)
            connection.execute(
                "INSERT INTO kt_migrations VALUES (?, ?, ?, ?, ?, ?)",
                (
                    migration.version,
                    migration.name,
                    migration.checksum,
                    migration.min_reader,
                    migration.min_writer,
                    now_microseconds(),
                ),
            )
            connection.execute(
                "INSERT INTO kt_meta SELECT 'store_id', ? "
                "WHERE NOT EXISTS (SELECT 1 FROM kt_meta WHERE name = 'store_id')",
                (new_id(),),
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(sql: str) -> Iterator[str]:
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _copy(connection: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as copy:
        connection.backup(copy)
