"""Bringing a SQLite database's tables up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from keepthread.errors import SchemaError
from keepthread.model.ids import new_id

from ..migrate import (  # noqa: TID252 - backends are a room inside store
    Applied,
    Migration,
    Schema,
    migrations,
    missing,
    record_sql,
    schema_of,
)
from ..migrate import script as script_of  # noqa: TID252 - as above

_MIGRATIONS_TABLE = """\
CREATE TABLE IF NOT EXISTS kt_migrations (
    version INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    min_reader INTEGER NOT NULL,
    min_writer INTEGER NOT NULL,
    applied_at INTEGER NOT NULL
);
"""
_NOW = "CAST(strftime('%s', 'now') AS INTEGER) * 1000000"
_NEW_ID = "lower(hex(randomblob(16)))"


def needed(connection: sqlite3.Connection, location: str, known: Sequence[Migration] | None = None) -> list[Migration]:
    """Return the migrations that the database still needs. See schema."""
    return schema(connection, location, known).pending


def schema(connection: sqlite3.Connection, location: str, known: Sequence[Migration] | None = None) -> Schema:
    """Return what of the tables the database has, without changing anything.

    Raises:
        SchemaTooNewError, SchemaError: This keepthread must not write to it.
    """
    return schema_of(known or migrations("sqlite"), _applied(connection, location), location)


def script(steps: Sequence[Migration]) -> str:
    """Return what `upgrade` runs, as text."""
    return script_of(
        steps,
        prepare=f"-- Copy the database, then run it with: sqlite3 -bail DATABASE < THIS_FILE\n{_MIGRATIONS_TABLE}",
        whole=lambda step: f"BEGIN IMMEDIATE;\n{_step_sql(step)}COMMIT;\n",
    )


def _step_sql(migration: Migration) -> str:
    return f"{migration.sql.rstrip()}\n\n{record_sql(migration, now=_NOW, new_id=_NEW_ID)}"


def upgrade(
    connection: sqlite3.Connection, path: Path | None, known: Sequence[Migration] | None = None
) -> list[Migration]:
    """Apply the migrations that the database still needs, each in a transaction with its record, and return them.

    A database that holds data is copied first, to `<file>.before-<version>`. A step that is interrupted leaves no trace
    and is applied by the next process that opens the database; of two that try at once, one does it.

    Raises:
        SchemaTooNewError, SchemaError: Nothing was changed.
    """
    known = known or migrations("sqlite")
    location = str(path or "memory")
    steps = needed(connection, location, known)
    if path is not None and _applied(connection, location):
        steps = _copy_before(connection, path, steps, known)
    return [migration for migration in steps if _apply(connection, migration, known, location)]


def _applied(connection: sqlite3.Connection, location: str) -> list[Applied]:
    if not list(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'kt_migrations'")):
        return []  # a new database
    try:
        rows = connection.execute("SELECT version, name, checksum, min_writer FROM kt_migrations ORDER BY version")
        return [Applied(*row) for row in rows]
    except sqlite3.OperationalError as error:
        raise SchemaError(
            f"{location} has a table kt_migrations that is not keepthread's. It was not touched.",
            hint="Choose another file for keepthread.",
        ) from error


def _copy_before(
    connection: sqlite3.Connection, path: Path, steps: list[Migration], known: Sequence[Migration]
) -> list[Migration]:
    """Copy the database as it is before *steps*, and return those that it still needs then."""
    while steps:
        target = path.with_name(f"{path.name}.before-{steps[0].version}")
        draft = target.with_name(f"{target.name}.{new_id()}.part")
        draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(draft)) as copy:
            connection.backup(copy)
            before = needed(copy, str(draft), known)
        if before == steps:
            draft.replace(target)
            return steps
        # Another process upgraded it before the copy was made.
        draft.unlink()
        steps = needed(connection, str(path), known)
    return steps


def _apply(connection: sqlite3.Connection, migration: Migration, known: Sequence[Migration], location: str) -> bool:
    """Apply one step, unless another process did while this one waited for the lock; return whether this one did."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_MIGRATIONS_TABLE)
        is_missing = migration in missing(known, _applied(connection, location), location)
        if is_missing:
            for statement in _statements(_step_sql(migration)):
                connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return is_missing


def _statements(sql: str) -> Iterator[str]:
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
