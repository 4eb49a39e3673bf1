"""Bringing a PostgreSQL database's tables up to date, one migrator at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asyncpg import exceptions as pg

from keepthread.errors import SchemaError

from ..migrate import (  # noqa: TID252 - backends are a room inside store
    Applied,
    Migration,
    Schema,
    migrations,
    record_sql,
    schema_of,
)
from ..migrate import script as script_of  # noqa: TID252 - as above
from .migrating import Migrator, taken_over
from .postgres_row_security import lift, secure
from .postgres_tx import Connection

# The lease is a row with an end, and no advisory lock: it works through a pooler, and on every engine that speaks this
# protocol. The clock is the server's.
_PREPARE = """\
CREATE TABLE IF NOT EXISTS kt_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    min_reader BIGINT NOT NULL,
    min_writer BIGINT NOT NULL,
    applied_at BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS kt_lease (
    name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    until TIMESTAMPTZ NOT NULL
);
INSERT INTO kt_lease (name, holder, until)
SELECT 'migrate', '', '-infinity' WHERE NOT EXISTS (SELECT 1 FROM kt_lease WHERE name = 'migrate');
"""
_APPLIED = "SELECT version, name, checksum, min_writer FROM kt_migrations ORDER BY version"
# A step holds the row's lock, so the end counts between two steps only. It is shorter than the usual timeout: whoever
# comes after a migrator that was killed waits it out.
_TAKE_LEASE = """
UPDATE kt_lease SET holder = $1, until = clock_timestamp() + INTERVAL '10 seconds'
WHERE name = 'migrate' AND (until < clock_timestamp() OR holder = $1)
RETURNING holder
"""
_LEASE_IS_HELD = "SELECT 1 FROM kt_lease WHERE name = 'migrate' AND until >= clock_timestamp()"
_GIVE_LEASE_UP = "UPDATE kt_lease SET until = '-infinity' WHERE name = 'migrate' AND holder = $1"
_HOLD_LEASE = "SELECT name AS lease FROM kt_lease WHERE name = 'migrate' FOR UPDATE;"
_NOW = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
_NEW_ID = "CAST(gen_random_uuid() AS TEXT)"

_LONGEST_STEP_SECONDS = 24 * 3600.0
"""A step may write a large table anew; what a connection allows for a statement is meant for everyday ones."""

# Of two that create a table at once, one may meet the other's row in a catalogue instead of its table.
_MADE_MEANWHILE = (pg.UniqueViolationError, pg.DuplicateTableError, pg.DuplicateObjectError)


async def schema(connection: Connection, location: str, known: Sequence[Migration] | None = None) -> Schema:
    """Return what of the tables the database has, without changing anything.

    Raises:
        SchemaTooNewError, SchemaError: This keepthread must not write to it.
    """
    return schema_of(known or migrations("postgres"), await _applied(connection, location), location)


def script(steps: Sequence[Migration]) -> str:
    """Return what `upgrade` runs, as text. Who runs it holds the lease's row, so that both never work at once."""
    return script_of(
        steps,
        prepare=f"-- Run it with: psql --set ON_ERROR_STOP=1 --file THIS_FILE\nBEGIN;\n{_PREPARE}COMMIT;\n",
        whole=lambda step: f"BEGIN;\n{_HOLD_LEASE}\n{_step_sql(step)}COMMIT;\n",
    )


def _step_sql(migration: Migration) -> str:
    return f"{migration.sql.rstrip()}\n\n{record_sql(migration, now=_NOW, new_id=_NEW_ID)}"


async def upgrade(
    connection: Connection,
    location: str,
    *,
    holder: str,
    allowed: bool,
    seconds: float,
    known: Sequence[Migration] | None = None,
) -> list[Migration]:
    """Apply the migrations that the database still needs, and return them. See Migrator.upgrade.

    Each step is a transaction with its record: one that is interrupted leaves no trace.

    Args:
        connection: With no transaction open.
        location: For the messages of errors.
        holder: Who tries: another call with the same name goes on with the lease of one whose connection was lost.
        allowed: Whether a database that an earlier version prepared may be changed.
        seconds: How long to wait for another one that is at it.
        known: The steps, by default those of this version.
    """

    async def give_lease_up() -> None:
        if not connection.is_closed():
            await _fetch(connection, _GIVE_LEASE_UP, holder)

    migrator = Migrator(
        location=location,
        applied=lambda: _applied(connection, location),
        lease_is_held=lambda: _fetch(connection, _LEASE_IS_HELD),
        took_lease=lambda: _took_lease(connection, holder),
        apply=lambda migration: _apply(connection, migration, holder, location),
        give_lease_up=give_lease_up,
    )
    return await migrator.upgrade(known or migrations("postgres"), allowed=allowed, seconds=seconds)


async def _applied(connection: Connection, location: str) -> list[Applied]:
    try:
        return [Applied(*row) for row in await _fetch(connection, _APPLIED)]
    except pg.UndefinedTableError:
        return []
    except pg.UndefinedColumnError as error:
        raise SchemaError(
            f"{location} has a table kt_migrations that is not keepthread's. It was not touched.",
            hint="Choose another database or schema for keepthread.",
        ) from error


async def _fetch(connection: Connection, sql: str, *arguments: str) -> list[Sequence[Any]]:
    """Run one statement in a transaction of its own: behind a pooler only that keeps it on one connection."""
    await connection.execute("BEGIN")
    try:
        rows = await connection.fetch(sql, *arguments)
        await connection.execute("COMMIT")
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
    return rows


async def _took_lease(connection: Connection, holder: str) -> bool:
    try:
        await connection.execute(_PREPARE)
    except _MADE_MEANWHILE:
        return False
    return bool(await _fetch(connection, _TAKE_LEASE, holder))


async def _keep_lease(connection: Connection, holder: str, location: str) -> None:
    """Lock the lease's row until the commit: whoever finds that it ended waits for that, and then sees the step."""
    if not await connection.fetch(_TAKE_LEASE, holder):
        raise taken_over(location)


async def _apply(connection: Connection, migration: Migration, holder: str, location: str) -> None:
    await connection.execute("BEGIN")
    try:
        await _keep_lease(connection, holder, location)
        is_secured = await lift(connection)
        await connection.execute(_step_sql(migration), timeout=_LONGEST_STEP_SECONDS)
        if is_secured:
            await secure(connection)
        await connection.execute("COMMIT")
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
