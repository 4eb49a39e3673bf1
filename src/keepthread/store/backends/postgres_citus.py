"""Spreading the tables over the nodes of a Citus cluster."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from keepthread.errors import InvalidSetting

from ..queries import Nothing, Query  # noqa: TID252 - backends are a room inside store
from .base import DistributedBy, Operation, Tx
from .postgres_row_security import TENANT_TABLES

Write = Callable[[Operation[Any]], Awaitable[Any]]

_THREADS = "kt_threads"
_EVERYWHERE = ("kt_meta", "kt_migrations")
"""What every node may be asked for. Not the lease of migrations: it goes by the server's clock, and Citus changes no
row of its tables by a volatile function. It stays on the coordinator, where migrations are run."""


class _Flag(NamedTuple):
    value: bool


class _Void(NamedTuple):
    """What a function without a result returns."""

    value: object


class _Distributed(NamedTuple):
    table: str
    column: str


_HAS_CITUS = Query("has_citus", _Flag._make)
_IS_COORDINATOR = Query("is_coordinator", _Flag._make)
_DISTRIBUTED_TABLES = Query("distributed_tables", _Distributed._make)
_DISTRIBUTE_TABLE = Query("distribute_table", _Void._make)
_KEEP_TABLE_EVERYWHERE = Query("keep_table_everywhere", _Void._make)
_NOTE_DISTRIBUTION = Query("note_distribution", Nothing._make)


async def distribute(write: Write, by: DistributedBy, location: str) -> None:
    """Give each of our tables to Citus, one after the other. What it has already is left alone.

    Each is a transaction of its own, so that one that is interrupted is gone on with by the same call.

    Raises:
        InvalidSetting: It cannot be done there. Nothing was distributed.
    """
    tables = await write(partial(_checked, by=by, location=location))
    await write(partial(_note, by=by))
    for table in tables:
        await write(partial(_spread, table=table, column=_column(table, by)))
    for table in _EVERYWHERE:
        await write(partial(_keep_everywhere, table=table))


def _column(table: str, by: DistributedBy) -> str:
    """Return the column by which *table* is spread. By the same one, what belongs together is on one node."""
    if by == "tenant":
        return "tenant_id"
    return "id" if table == _THREADS else "thread_id"


async def _checked(tx: Tx, *, by: DistributedBy, location: str) -> list[str]:
    """Return the tables to spread, threads first."""
    if not (await tx.run(_HAS_CITUS))[0].value:
        raise InvalidSetting(
            f"The database at {location} has no Citus. Nothing was distributed.",
            hint="Run CREATE EXTENSION citus in it. On one PostgreSQL server there is nothing to distribute.",
        )
    if not (await tx.run(_IS_COORDINATOR))[0].value:
        raise InvalidSetting(
            f"{location} is a worker of its Citus cluster. Nothing was distributed.", hint="Name the coordinator."
        )
    columns = {done.table: done.column for done in await tx.run(_DISTRIBUTED_TABLES)}
    tables = await tx.run(TENANT_TABLES)
    for table in tables:
        wanted = _column(table.name, by)
        if columns.get(table.name, wanted) != wanted:
            raise InvalidSetting(
                f"{table.name} at {location} is distributed by {columns[table.name]} already. Nothing was distributed.",
                hint="A database is distributed once: make a new one for another way.",
            )
        # Citus would take the rows along, one table after the other, while others write: nobody has tried that.
        if table.had_rows and table.name not in columns:
            raise InvalidSetting(
                f"{table.name} at {location} holds rows, or held some. Nothing was distributed.",
                hint="Distribute a database before it is used. If it is empty, VACUUM shows that.",
            )
    return [table.name for table in tables]


async def _note(tx: Tx, *, by: DistributedBy) -> None:
    await tx.run(_NOTE_DISTRIBUTION, by=by)


async def _spread(tx: Tx, *, table: str, column: str) -> None:
    if not await _is_done(tx, table):
        beside = "none" if table == _THREADS else _THREADS
        await tx.run(_DISTRIBUTE_TABLE, table=table, column=column, beside=beside)


async def _keep_everywhere(tx: Tx, *, table: str) -> None:
    if not await _is_done(tx, table):
        await tx.run(_KEEP_TABLE_EVERYWHERE, table=table)


async def _is_done(tx: Tx, table: str) -> bool:
    # Looked for again in each transaction: one whose connection was lost at the commit may be run twice.
    return table in {done.table for done in await tx.run(_DISTRIBUTED_TABLES)}
