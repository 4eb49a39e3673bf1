"""Bringing a MySQL or MariaDB database's tables up to date, one migrator at a time."""

from __future__ import annotations

from collections.abc import Sequence

from asyncmy import errors as my

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
from .base import DuplicateKey
from .migrating import Migrator, taken_over
from .mysql_errors import NO_SUCH_COLUMN, NO_SUCH_TABLE, code
from .mysql_tx import BEGIN, COMMIT, ROLLBACK, Bound, Connection, Statement, Values

# The lease is a row with an end, and no GET_LOCK: it holds on every node of a cluster. The clock is the server's.
_PREPARE = """\
CREATE TABLE IF NOT EXISTS kt_migrations (
    version BIGINT NOT NULL PRIMARY KEY,
    name VARCHAR(255) NOT NULL,
    checksum VARCHAR(255) NOT NULL,
    min_reader BIGINT NOT NULL,
    min_writer BIGINT NOT NULL,
    applied_at BIGINT NOT NULL
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE IF NOT EXISTS kt_lease (
    name VARBINARY(255) NOT NULL PRIMARY KEY,
    holder VARBINARY(255) NOT NULL,
    until DATETIME(6) NOT NULL
) ENGINE = InnoDB;
INSERT INTO kt_lease (name, holder, until)
SELECT 'migrate', '', '1970-01-01' FROM (SELECT 1) AS one
WHERE NOT EXISTS (SELECT 1 FROM kt_lease WHERE name = 'migrate');
"""
_APPLIED = "SELECT version, name, checksum, min_writer FROM kt_migrations ORDER BY version"
# No lock outlives a statement that changes a table, so the lease is renewed before each. It is shorter than the usual
# timeout: whoever comes after a migrator that was killed waits it out. Should a statement take longer, another one runs
# the same again, which changes nothing.
_TAKE_LEASE = """
UPDATE kt_lease SET holder = :holder, until = UTC_TIMESTAMP(6) + INTERVAL 20 SECOND
WHERE name = 'migrate' AND (until < UTC_TIMESTAMP(6) OR holder = :holder);
SELECT 1 FROM kt_lease WHERE name = 'migrate' AND holder = :holder
"""
_LEASE_IS_HELD = "SELECT 1 FROM kt_lease WHERE name = 'migrate' AND until >= UTC_TIMESTAMP(6)"
_GIVE_LEASE_UP = "UPDATE kt_lease SET until = '1970-01-01' WHERE name = 'migrate' AND holder = :holder"
_NOW = "CAST(UNIX_TIMESTAMP(NOW(6)) * 1000000 AS SIGNED)"
_NEW_ID = "UUID()"

_LONGEST_STEP_SECONDS = 24 * 3600.0
"""A step may write a large table anew; what a connection allows for a statement is meant for everyday ones."""


async def schema(connection: Connection, location: str, known: Sequence[Migration] | None = None) -> Schema:
    """Return what of the tables the database has, without changing anything.

    Raises:
        SchemaTooNewError, SchemaError: This keepthread must not write to it.
    """
    return schema_of(known or migrations("mysql"), await _applied(connection, location), location)


def script(steps: Sequence[Migration]) -> str:
    """Return what `upgrade` runs, as text. It may be run again, and while another one is at it."""
    return script_of(
        steps,
        prepare=f"-- Run it with: mysql DATABASE < THIS_FILE\n{_PREPARE}",
        whole=lambda step: f"{step.sql.rstrip()}\n\nSTART TRANSACTION;\n{_record(step)}COMMIT;\n",
    )


def _record(migration: Migration) -> str:
    return record_sql(migration, now=_NOW, new_id=_NEW_ID)


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

    Here every statement commits by itself: a step that is interrupted is run again from its start, which changes
    nothing of what it did already.

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
            await _fetch(connection, _GIVE_LEASE_UP, {"holder": holder})

    migrator = Migrator(
        location=location,
        applied=lambda: _applied(connection, location),
        lease_is_held=lambda: _fetch(connection, _LEASE_IS_HELD),
        took_lease=lambda: _took_lease(connection, holder),
        apply=lambda migration: _apply(connection, migration, holder, location),
        give_lease_up=give_lease_up,
    )
    return await migrator.upgrade(known or migrations("mysql"), allowed=allowed, seconds=seconds)


async def _applied(connection: Connection, location: str) -> list[Applied]:
    try:
        return [Applied._make(row) for row in await _fetch(connection, _APPLIED)]
    except my.MySQLError as error:
        if code(error) == NO_SUCH_TABLE:
            return []
        if code(error) == NO_SUCH_COLUMN:
            raise SchemaError(
                f"{location} has a table kt_migrations that is not keepthread's. It was not touched.",
                hint="Choose another database for keepthread.",
            ) from error
        raise


async def _fetch(connection: Connection, sql: str, values: Values | None = None) -> Sequence[Sequence[object]]:
    found = await connection.run(Statement(sql).bind(values or {}))
    return found[-1] if found else ()


async def _took_lease(connection: Connection, holder: str) -> bool:
    try:
        for sql in _statements(_PREPARE):
            await _fetch(connection, sql)
    except DuplicateKey:
        return False  # somebody else made it at this moment
    return bool(await _fetch(connection, _TAKE_LEASE, {"holder": holder}))


async def _keep_lease(connection: Connection, holder: str, location: str) -> None:
    if not await _fetch(connection, _TAKE_LEASE, {"holder": holder}):
        raise taken_over(location)


async def _apply(connection: Connection, migration: Migration, holder: str, location: str) -> None:
    for sql in _statements(migration.sql):
        await _keep_lease(connection, holder, location)
        await connection.run(Bound(sql.encode()), seconds=_LONGEST_STEP_SECONDS)
    await _keep_lease(connection, holder, location)
    try:
        await connection.run(BEGIN, *(Bound(sql.encode()) for sql in _statements(_record(migration))), COMMIT)
    except BaseException as error:
        if not connection.is_closed():
            await connection.run(ROLLBACK)
        if isinstance(error, DuplicateKey):
            raise taken_over(location) from None
        raise


def _statements(sql: str) -> list[str]:
    """Return the statements of a migration without its comments. Each ends with a semicolon at the end of a line."""
    lines = [line for line in sql.splitlines(keepends=True) if not line.startswith("--")]
    return [text.strip() for text in "".join(lines).split(";\n") if text.strip()]
