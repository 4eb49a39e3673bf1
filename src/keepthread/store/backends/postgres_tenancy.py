"""Where a PostgreSQL server itself keeps tenants apart: a transaction names its tenant, and a batch has only one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple, TypeVar

from ..queries import META, Query  # noqa: TID252 - backends are a room inside store
from ..turn import Turn  # noqa: TID252 - as above
from .base import Column, Tx
from .postgres_tx import Connection, PostgresTx, Values

R = TypeVar("R", bound=tuple[Any, ...])
T = TypeVar("T")

DISTRIBUTED_BY = "distributed_by"
"""The fact in `kt_meta` that tells how the tables are spread over a cluster."""


class _Found(NamedTuple):
    secured: int
    meta: int


_FOUND_TABLES = Query("found_tables", _Found._make)


class Tenancy(NamedTuple):
    """What a database asks of whoever uses it. It is found in the database, and nobody has to say it."""

    is_secured: bool = False
    """Whether row-level security is on: a transaction sees nothing before it has named its tenant."""
    is_distributed: bool = False
    """Whether the rows are spread over a cluster: a statement then keeps to one thread."""

    def may_share(self, one: Turn, other: Turn) -> bool:
        """Whether two turns may be stored by one statement."""
        return not self.is_distributed and (not self.is_secured or one.tenant == other.tenant)


async def find_tenancy(tx: Tx) -> Tenancy:
    """Look at the database, which may have no tables yet."""
    (found,) = await tx.run(_FOUND_TABLES)
    is_distributed = found.meta > 0 and bool(await tx.run(META, name=DISTRIBUTED_BY))
    return Tenancy(is_secured=found.secured > 0, is_distributed=is_distributed)


class TenantTx(PostgresTx):
    """A transaction of one tenant: that of its first statement that has one. Another one's statement is not run.

    The statement itself knows its tenant, as every statement on rows of tenants does. So nobody can forget to say it
    a second time, or say another one; and what would name none sees nothing.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._tenant: Column = None

    async def run(self, query: Query[R], /, **values: Column) -> list[R]:
        """See Tx.run."""
        await self._become(values)
        return await super().run(query, **values)

    async def run_many(self, query: Query[Any], rows: Iterable[Values], /) -> None:
        """See Tx.run_many."""
        every = list(rows)
        for values in every:
            await self._become(values)
        await super().run_many(query, every)

    async def _become(self, values: Values) -> None:
        tenant = values.get("tenant")
        if tenant in (None, self._tenant):
            return
        if self._tenant is not None:
            raise RuntimeError("A transaction on one tenant's rows went on to another's: that is a bug in keepthread.")
        self._tenant = tenant
        await name_tenant(self._connection, str(tenant))


def as_tenant(tenant: str, attempt: Callable[[Connection], Awaitable[T]]) -> Callable[[Connection], Awaitable[T]]:
    """Return *attempt* for a transaction of *tenant*."""

    async def named(connection: Connection) -> T:
        await name_tenant(connection, tenant)
        return await attempt(connection)

    return named


async def name_tenant(connection: Connection, tenant: str) -> None:
    """Tell the server whose transaction this is. The server forgets it when the transaction ends.

    A plain SET LOCAL, and not set_config(): Citus passes only the first on to where the rows are, and only if the
    other setting says so, which means nothing to any other server.
    """
    await connection.execute(
        f"SET LOCAL citus.propagate_set_commands = 'local'; SET LOCAL keepthread.tenant = {_literal(tenant)}"
    )


def _literal(text: str) -> str:
    # E'': its backslashes mean the same whatever the server's standard_conforming_strings says.
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"E'{doubled}'"
