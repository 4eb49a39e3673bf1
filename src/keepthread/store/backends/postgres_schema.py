"""Bringing a PostgreSQL database's tables up to date, one migrator at a time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from typing import Any

from asyncpg import exceptions as pg

from keepthread.errors import BusyError, SchemaError
from keepthread.model.ids import new_id, now_microseconds

from ..migrate import Applied, Migration, migrations, missing  # noqa: TID252 - backends are a room inside store
from .postgres_tx import Connection

# The lease is a row with an end, and no advisory lock: it works through a pooler, and on every engine that speaks this
# protocol. The clock is the server's.
_PREPARE = """
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
INSERT INTO kt_lease SELECT 'migrate', '', '-infinity' WHERE NOT EXISTS (SELECT 1 FROM kt_lease WHERE name = 'migrate')
"""
_APPLIED = "SELECT version, name, checksum, min_writer FROM kt_migrations ORDER BY version"
_TAKE_LEASE = """
UPDATE kt_lease SET holder = $1, until = clock_timestamp() + INTERVAL '60 seconds'
WHERE name = 'migrate' AND (until < clock_timestamp() OR holder = $1)
RETURNING holder
"""
_LEASE_IS_HELD = "SELECT 1 FROM kt_lease WHERE name = 'migrate' AND until >= clock_timestamp()"
_GIVE_LEASE_UP = "UPDATE kt_lease SET until = '-infinity' WHERE name = 'migrate' AND holder = $1"
_RECORD = "INSERT INTO kt_migrations VALUES ($1, $2, $3, $4, $5, $6)"
_NAME_STORE = """
INSERT INTO kt_meta SELECT 'store_id', $1 WHERE NOT EXISTS (SELECT 1 FROM kt_meta WHERE name = 'store_id')
"""

# Of two that create a table at once, one may meet the other's row in a catalogue instead of its table.
_MADE_MEANWHILE = (pg.UniqueViolationError, pg.DuplicateTableError, pg.DuplicateObjectError)


async def upgrade(
    connection: Connection,
    location: str,
    *,
    holder: str,
    allowed: bool,
    seconds: float,
    known: Sequence[Migration] | None = None,
) -> None:
    """Apply the migrations that the database still needs, each in a transaction with its record.

    A step that is interrupted leaves no trace. Of several that try at once, one does it and the others wait for it.

    Args:
        connection: With no transaction open.
        location: For the messages of errors.
        holder: Who tries: another call with the same name goes on with the lease of one whose connection was lost.
        allowed: Whether a database that an earlier version prepared may be changed. A new one always may.
        seconds: How long to wait for another one that is at it.
        known: The steps, by default those of this version.

    Raises:
        SchemaTooNewError, SchemaError: Nothing was changed.
        BusyError: Another one took longer.
    """
    known = known or migrations("postgres")
    deadline = time.monotonic() + seconds
    while True:
        applied = await _applied(connection)
        if not missing(known, applied, location):
            return
        if applied and not allowed and not await _fetch(connection, _LEASE_IS_HELD):
            raise SchemaError(
                f"{location} was prepared by an earlier keepthread, and needs a migration. It was not touched.",
                hint="Back it up, then open it once with ThreadStore.create(url, migrate=True).",
            )
        if await _took_lease(connection, holder):
            break
        if time.monotonic() > deadline:
            raise BusyError(
                f"Another process has been migrating {location} for longer than the timeout.", hint="Try again."
            )
        await asyncio.sleep(random.uniform(0.02, 0.1))  # noqa: S311 - jitter, not a secret
    try:
        for migration in missing(known, await _applied(connection), location):
            await _apply(connection, migration, holder, location)
    finally:
        if not connection.is_closed():
            await _fetch(connection, _GIVE_LEASE_UP, holder)


async def _applied(connection: Connection) -> list[Applied]:
    try:
        return [Applied(*row) for row in await _fetch(connection, _APPLIED)]
    except pg.UndefinedTableError:
        return []


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
        raise BusyError(f"Another process took over the migration of {location}.", hint="Try again.")


async def _apply(connection: Connection, migration: Migration, holder: str, location: str) -> None:
    await connection.execute("BEGIN")
    try:
        await _keep_lease(connection, holder, location)
        await connection.execute(migration.sql)
        await connection.fetch(
            _RECORD,
            migration.version,
            migration.name,
            migration.checksum,
            migration.min_reader,
            migration.min_writer,
            now_microseconds(),
        )
        await connection.fetch(_NAME_STORE, new_id())
        await connection.execute("COMMIT")
    except BaseException:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
        raise
