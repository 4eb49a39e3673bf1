"""What happens on the I/O thread of a PostgreSQL backend: connections, transactions, and doing work again."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import asyncpg
from asyncpg import exceptions as pg

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..queries import Count, Query  # noqa: TID252 - as above
from ..turn import Turn  # noqa: TID252 - as above
from .append_queue import Outcome
from .base import EngineFacts, Operation, Tx
from .pool import Pool
from .postgres_append import store, store_waiting
from .postgres_errors import is_clash, is_lost, translate, translate_connecting
from .postgres_schema import schema, script, upgrade
from .postgres_settings import PostgresSettings
from .postgres_tx import Connection, OneStatementTx, PostgresTx
from .retrying import Faults, Retrying
from .server import SecondStatement, ServerEngine

T = TypeVar("T")

_log = logging.getLogger(__name__)

_BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_DRIVERS_ERRORS = (OSError, pg.PostgresError, pg.InterfaceError, pg.InternalClientError)
"""And ours of a server that cannot be reached, or is busy: they are of OSError's kind."""
_FAULTS = Faults(kinds=_DRIVERS_ERRORS, is_clash=is_clash, is_lost=is_lost, translate=translate)
_BEYOND_LOCKS_SECONDS = 5.0
"""The server's own limit on waiting for a lock comes first: it says what happened."""


class _Server(NamedTuple):
    """What the server says of itself, in its words."""

    version: str
    fsync: str
    synchronous_commit: str


_SERVER = Query("server_facts", _Server._make)
_DATABASE_BYTES = Query("database_bytes", Count._make)


class PostgresEngine(ServerEngine):
    """One database, for the coroutines of one event loop."""

    name = "keepthread-postgres"

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self.pool: Pool[Connection] = Pool(self._connect, settings.pool, settings.location)
        self._again = Retrying(self.pool, _FAULTS, settings.location, settings.timeout_seconds).run
        self.applied: list[Migration] = []

    async def prepare(self) -> None:
        """See ServerEngine.prepare."""
        settings = self._settings
        async with self.pool.lend():
            pass  # a server that cannot be reached is not tried again: somebody waits for the answer
        if settings.as_it_is:
            return
        self.applied = await self._again(
            lambda connection: upgrade(
                connection, settings.location, allowed=settings.migrate, seconds=settings.timeout_seconds
            )
        )
        durability = (await self.facts()).durability
        if durability != "full":
            _log.warning("the server gives up durability: location=%s durability=%s", settings.location, durability)

    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""
        if not self._settings.behind_pgbouncer:
            try:
                return await self._again(lambda connection: operation(OneStatementTx(connection)))
            except SecondStatement:
                pass  # a snapshot of several statements needs a transaction, which costs two more round trips
        return await self._again(lambda connection: _in_transaction(connection, _on(operation), _BEGIN_READ))

    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""
        return await self._write(_on(operation))

    async def store_turns(self, turns: Sequence[Turn], *, waits: bool) -> list[Outcome]:
        """See StoreTurns."""
        if waits and len(turns) > 1:
            return await self._write(partial(store_waiting, turns=turns))
        attempt = partial(store, turns=turns)
        if self._settings.behind_pgbouncer:
            # The driver prepares a statement and then runs it; only a transaction keeps both on one connection.
            return await self._write(attempt)
        return await self._again(attempt)

    async def _write(self, attempt: Callable[[Connection], Awaitable[T]]) -> T:
        return await self._again(lambda connection: _in_transaction(connection, attempt, _BEGIN_WRITE))

    async def _connect(self) -> Connection:
        settings = self._settings
        waiting = f"{int(settings.timeout_seconds * 1000) or 1}ms"
        own = {"application_name": "keepthread"}
        if not settings.behind_pgbouncer:
            own["lock_timeout"] = waiting
        try:
            return await asyncpg.connect(
                settings.dsn,
                timeout=settings.connect_seconds,
                command_timeout=settings.timeout_seconds + _BEYOND_LOCKS_SECONDS,
                statement_cache_size=0 if settings.behind_pgbouncer else 256,
                max_cached_statement_lifetime=0,
                server_settings=own,
                connection_class=_Connection,
            )
        except (*_DRIVERS_ERRORS, ValueError) as error:
            raise translate_connecting(error, settings.location, settings.connect_seconds) from None

    async def schema(self) -> Schema:
        """See Backend.schema."""
        return await self._again(lambda connection: schema(connection, self._settings.location))

    def script(self, steps: Sequence[Migration]) -> str:
        """See Backend.script."""
        return script(steps)

    async def facts(self) -> EngineFacts:
        """See Backend.facts."""
        return await self.read(self._facts)

    async def _facts(self, tx: Tx) -> EngineFacts:
        server = (await tx.run(_SERVER))[0]
        return EngineFacts(
            dialect="postgres",
            location=self._settings.location,
            engine_version=f"PostgreSQL {server.version}",
            size_bytes=(await tx.run(_DATABASE_BYTES))[0].value,
            durability=_durability(server),
            pool=self._settings.pool,
        )


class _Connection(asyncpg.Connection):
    """A connection that a forked child leaves alone: ending it there would end its parent's."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._process = os.getpid()

    def __del__(self) -> None:
        if self._process == os.getpid():
            super().__del__()


def _on(operation: Operation[T]) -> Callable[[Connection], Awaitable[T]]:
    return lambda connection: operation(PostgresTx(connection))


async def _in_transaction(connection: Connection, work: Callable[[Connection], Awaitable[T]], begin: str) -> T:
    await connection.execute(begin)
    try:
        result = await work(connection)
        said = await connection.execute("COMMIT")
    except BaseException:
        await _roll_back(connection)
        raise
    if said != "COMMIT":
        raise RuntimeError("A store operation went on after a failed statement: that is a bug in keepthread.")
    return result


async def _roll_back(connection: Connection) -> None:
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
    except (OSError, pg.PostgresError, pg.InterfaceError):
        connection.terminate()  # the server rolls back what nobody commits


def _durability(server: _Server) -> str:
    """Return "full", or what of the server's settings gives it up."""
    given_up = [f"{name}=off" for name in ("fsync", "synchronous_commit") if getattr(server, name) == "off"]
    return ", ".join(given_up) or "full"
