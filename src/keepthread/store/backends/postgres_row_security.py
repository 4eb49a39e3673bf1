"""Row-level security of PostgreSQL, on every table with rows of tenants: turning it on, and around a migration."""

from __future__ import annotations

from typing import NamedTuple

from ..queries import Query  # noqa: TID252 - backends are a room inside store
from .postgres_tx import Connection, PostgresTx


class TenantTable(NamedTuple):
    """A table whose rows belong to tenants."""

    name: str
    """Ready to be put into a statement."""
    is_forced: bool
    """Whether policies apply, to its owner as well."""
    has_policy: bool
    """Whether it has ours."""
    had_rows: bool
    """Whether there are rows in it, or were since it was last tidied up."""


TENANT_TABLES = Query("tenant_tables", TenantTable._make)

# Where nothing is set, current_setting(…, true) is NULL, or '' on a connection that has had it set before: both are
# equal to no tenant.
_OWN = "tenant_id = current_setting('keepthread.tenant', true)"


async def secure(connection: Connection) -> None:
    """Show and take only rows of the tenant that a transaction has named, also for the tables' owner.

    Inside a transaction. What is as it should be is left alone.
    """
    for table in await PostgresTx(connection).run(TENANT_TABLES):
        if not table.has_policy:
            await connection.execute(f"CREATE POLICY kt_tenant ON {table.name} USING ({_OWN}) WITH CHECK ({_OWN})")
        if not table.is_forced:
            await connection.execute(f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")


async def lift(connection: Connection) -> bool:
    """Show the tables' owner every row until `secure`, in the same transaction; return whether that is needed at all.

    A migration changes the rows of every tenant. Without this, it would silently change none.
    """
    forced = [table for table in await PostgresTx(connection).run(TENANT_TABLES) if table.is_forced]
    for table in forced:
        await connection.execute(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY")
    return bool(forced)
