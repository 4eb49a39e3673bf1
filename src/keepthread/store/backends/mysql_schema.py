"""Bringing a MySQL or MariaDB database's tables up to date, one migrator at a time."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence

from asyncmy import errors as my

from keepthread.errors import BusyError, SchemaError
from keepthread.model.ids import new_id, now_microseconds

from ..migrate import Applied, Migration, migrations, missing  # noqa: TID252 - backends are a room inside store
from .base import DuplicateKey
from .mysql_errors import NO_SUCH_TABLE, code
from .mysql_tx import Connection, Statement, Values

# The lease is a row with an end, and no GET_LOCK: it holds on every node of a cluster. The clock is the server's.
_PREPARE = (
    """
    CREATE TABLE IF NOT EXISTS kt_migrations (
        version BIGINT NOT NULL PRIMARY KEY,
        name VARCHAR(255) NOT NULL,
        checksum VARCHAR(255) NOT NULL,
        min_reader BIGINT NOT NULL,
        min_writer BIGINT NOT NULL,
        applied_at BIGINT NOT NULL
    ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
    """,
    """
    CREATE TABLE IF NOT EXISTS kt_lease (
        name VARBINARY(255) NOT NULL PRIMARY KEY,
        holder VARBINARY(255) NOT NULL,
        until DATETIME(6) NOT NULL
    ) ENGINE = InnoDB
    """,
    """
    INSERT INTO kt_lease
    SELECT 'migrate', '', '1970-01-01' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM kt_lease WHERE name = 'migrate')
    """,
)
_APPLIED = "SELECT version, name, checksum, min_writer FROM kt_migrations ORDER BY version"
_TAKE_LEASE = """
UPDATE kt_lease SET holder = :holder, until = UTC_TIMESTAMP(6) + INTERVAL 60 SECOND
WHERE name = 'migrate' AND (until < UTC_TIMESTAMP(6) OR holder = :holder);
SELECT 1 FROM kt_lease WHERE name = 'migrate' AND holder = :holder
"""
_LEASE_IS_HELD = "SELECT 1 FROM kt_lease WHERE name = 'migrate' AND until >= UTC_TIMESTAMP(6)"
_GIVE_LEASE_UP = "UPDATE kt_lease SET until = '1970-01-01' WHERE name = 'migrate' AND holder = :holder"
_RECORD = "INSERT INTO kt_migrations VALUES (:version, :name, :checksum, :min_reader, :min_writer, :applied_at)"
_NAME_STORE = """
INSERT INTO kt_meta
SELECT 'store_id', :id FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM kt_meta WHERE name = 'store_id')
"""


async def upgrade(
    connection: Connection, location: str, *, allowed: bool, seconds: float, known: Sequence[Migration] | None = None
) -> None:
    """Apply the migrations that the database still needs, each with its record when all of it is done.

    Here every statement commits by itself: a step that is interrupted is run again from its start, which changes
    nothing of what it did already. Of several that try at once, one does it and the others wait for it.

    Args:
        connection: With no transaction open.
        location: For the messages of errors.
        allowed: Whether a database that an earlier version prepared may be changed. A new one always may.
        seconds: How long to wait for another one that is at it.
        known: The steps, by default those of this version.

    Raises:
        SchemaTooNewError, SchemaError: Nothing was changed.
        BusyError: Another one took longer.
    """
    known = known or migrations("mysql")
    holder = new_id()
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
            await _fetch(connection, _GIVE_LEASE_UP, {"holder": holder})


async def _applied(connection: Connection) -> list[Applied]:
    try:
        return [Applied._make(row) for row in await _fetch(connection, _APPLIED)]
    except my.MySQLError as error:
        if code(error) != NO_SUCH_TABLE:
            raise
        return []


async def _fetch(connection: Connection, sql: str, values: Values | None = None) -> Sequence[Sequence[object]]:
    found = await connection.run(Statement(sql).bind(values or {}))
    return found[-1] if found else ()


async def _took_lease(connection: Connection, holder: str) -> bool:
    try:
        for sql in _PREPARE:
            await _fetch(connection, sql)
    except DuplicateKey:
        return False  # somebody else made it at this moment
    return bool(await _fetch(connection, _TAKE_LEASE, {"holder": holder}))


async def _keep_lease(connection: Connection, holder: str, location: str) -> None:
    if not await _fetch(connection, _TAKE_LEASE, {"holder": holder}):
        raise BusyError(f"Another process took over the migration of {location}.", hint="Try again.")


async def _apply(connection: Connection, migration: Migration, holder: str, location: str) -> None:
    for sql in _statements(migration.sql):
        await _keep_lease(connection, holder, location)
        await _fetch(connection, sql)
    await _keep_lease(connection, holder, location)
    try:
        await _fetch(connection, _NAME_STORE, {"id": new_id()})
        await _fetch(
            connection,
            _RECORD,
            {
                "version": migration.version,
                "name": migration.name,
                "checksum": migration.checksum,
                "min_reader": migration.min_reader,
                "min_writer": migration.min_writer,
                "applied_at": now_microseconds(),
            },
        )
    except DuplicateKey:
        raise BusyError(f"Another process took over the migration of {location}.", hint="Try again.") from None


def _statements(sql: str) -> list[str]:
    """Return the statements of a migration without its comments. Each ends with a semicolon at the end of a line."""
    lines = [line for line in sql.splitlines() if not line.startswith("--")]
    return [text.strip() for text in "\n".join(lines).split(";\n") if text.strip(" \n;")]
