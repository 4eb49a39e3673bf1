"""PostgreSQL: what only this server can do beside what every server does."""

from __future__ import annotations

from functools import partial

from .base import DistributedBy
from .postgres_engine import PostgresEngine
from .server import ServerBackend


class PostgresBackend(ServerBackend[PostgresEngine]):
    """See Backend."""

    async def enable_row_level_security(self) -> None:
        """See Backend.enable_row_level_security."""
        await self._thread.ask(self._engine.secure)

    async def distribute(self, by: DistributedBy) -> None:
        """See Backend.distribute."""
        await self._thread.ask(partial(self._engine.distribute, by))
