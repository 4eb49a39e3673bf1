"""What happens on the I/O thread of a PostgreSQL backend: connections, transactions, and doing work again."""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

import asyncpg
from asyncpg import exceptions as pg

from keepthread.errors import BusyError, UnavailableError
from keepthread.model.ids import new_id

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..queries import Count, Query  # noqa: TID252 - as above
from ..turn import Turn  # noqa: TID252 - as above
from .base import DistributedBy, EngineFacts, Operation, Tx
from .pool import Pool
from .postgres_citus import distribute
from .postgres_errors import is_clash, is_lost, pooled, translate, translate_connecting
from .postgres_row_security import secure
from .postgres_schema import schema, upgrade
from .postgres_settings import PostgresSettings
from .postgres_tenancy import Tenancy, TenantTx, as_tenant, find_tenancy
from .postgres_tx import Connection, OneStatementTx, PostgresTx, SecondStatement

T = TypeVar("T")

_log = logging.getLogger(__name__)

_BEGIN_WRITE = "BEGIN ISOLATION LEVEL READ COMMITTED"
_BEGIN_READ = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# A pooler in transaction mode does not keep a connection's settings: it refuses them, or drops them without a word.
_KEEPS_SETTINGS = "SELECT 1 WHERE current_setting('lock_timeout') <> '0'"
_MOST_CLASHES = 20
_DRIVERS_ERRORS = (OSError, pg.PostgresError, pg.InterfaceError, pg.InternalClientError)
"""And ours of a server that cannot be reached, or is busy: they are of OSError's kind."""
_BEYOND_LOCKS_SECONDS = 5.0
"""The server's own limit on waiting for a lock comes first: it says what happened."""


class _Server(NamedTuple):
    """What the server says of itself, in its words."""

    version: str
    fsync: str
    synchronous_commit: str


_SERVER = Query("server_facts", _Server._make)
_DATABASE_BYTES = Query("database_bytes", Count._make)


class Engine:
    """One database, for the coroutines of one event loop."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self.tenancy = Tenancy()
        self._lock_timeout = f"{int(settings.timeout_seconds * 1000) or 1}ms"
        self._begin_write = _BEGIN_WRITE
        if settings.behind_pgbouncer:
            self._begin_write += f"; SET LOCAL lock_timeout = '{self._lock_timeout}'"
        self.pool: Pool[Connection] = Pool(self._connect, settings.pool, settings.location)
        self.applied: list[Migration] = []

    async def prepare(self) -> None:
        """Reach the server, make or check the tables, and warn if it gives up durability."""
        settings = self._settings
        async with self.pool.lend():
            pass  # a server that cannot be reached is not tried again: somebody waits for the answer
        if not settings.behind_pgbouncer and not await self._again(_settings_kept):
            raise pooled(settings.location)
        if settings.as_it_is:
            self.tenancy = await self.read(find_tenancy)
            return
        holder = new_id()
        self.applied = await self._again(
            lambda connection: upgrade(
                connection,
                settings.location,
                holder=holder,
                allowed=settings.migrate,
                seconds=settings.timeout_seconds,
            )
        )
        self.tenancy = await self.read(find_tenancy)
        durability = (await self.facts()).durability
        if durability != "full":
            _log.warning("the server gives up durability: location=%s durability=%s", settings.location, durability)

    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""
        if not self._settings.behind_pgbouncer and not self.tenancy.is_secured:
            try:
                return await self._again(lambda connection: operation(OneStatementTx(connection)))
            except SecondStatement:
                pass  # a snapshot of several statements needs a transaction, which costs two more round trips
        return await self._again(lambda connection: _in_transaction(connection, self._on(operation), _BEGIN_READ))

    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""
        return await self._again(lambda connection: _in_transaction(connection, self._on(operation), self._begin_write))

    def _on(self, operation: Operation[T]) -> Callable[[Connection], Awaitable[T]]:
        kind = TenantTx if self.tenancy.is_secured else PostgresTx
        return lambda connection: operation(kind(connection))

    def may_share(self, one: Turn, other: Turn) -> bool:
        """Whether two turns may be stored by one statement."""
        return self.tenancy.may_share(one, other)

    async def append(self, attempt: Callable[[Connection], Awaitable[T]], tenant: str) -> T:
        """Run the one statement of an append, which is a transaction by itself."""
        if self._settings.behind_pgbouncer or self.tenancy.is_secured:
            # The driver prepares a statement and then runs it, and only a transaction keeps both on one connection. And
            # only there a tenant can be named before.
            return await self.append_whole(attempt, tenant)
        return await self._again(attempt)

    async def append_whole(self, attempt: Callable[[Connection], Awaitable[T]], tenant: str) -> T:
        """Run several statements of an append in a transaction, of *tenant* where the server asks for one."""
        if self.tenancy.is_secured:
            attempt = as_tenant(tenant, attempt)
        return await self._again(lambda connection: _in_transaction(connection, attempt, self._begin_write))

    async def _again(self, attempt: Callable[[Connection], Awaitable[T]]) -> T:
        """Run *attempt* on a connection, and again when it met another writer or the connection was lost.

        After a connection that was lost at the commit nobody knows whether it happened. Doing it again is safe: a
        message id is stored once, and what an operation changes is as it says after one run as after two.
        """
        deadline = time.monotonic() + self._settings.timeout_seconds
        failures = 0
        was_lost = False
        while True:
            try:
                async with self.pool.lend() as connection:
                    return await _attempt(connection, attempt)
            except _DRIVERS_ERRORS as error:
                failures += 1
                pause = self._pause(error, failures)
                if pause is None or time.monotonic() + pause > deadline:
                    raise self._given_up(error, was_lost=was_lost) from None
                was_lost = was_lost or is_lost(error)
            await asyncio.sleep(pause)

    def _given_up(self, error: BaseException, *, was_lost: bool) -> BaseException:
        location = self._settings.location
        ours = translate(error, location)
        if was_lost and isinstance(ours, BusyError):
            # Not "nothing was written": whether an earlier attempt was, nobody knows.
            return UnavailableError(f"The connection to {location} was lost, and then it was busy.", hint=ours.hint)
        return ours

    def _pause(self, error: BaseException, failures: int) -> float | None:
        """Return how long to wait before the work is done again; None: it is not."""
        chance = random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
        if is_clash(error):
            return 0.002 * 2 ** min(failures, 6) * chance if failures < _MOST_CLASHES else None
        if is_lost(error) or (isinstance(error, UnavailableError) and error.retryable):
            # The first time at once: mostly one connection was cut, and the server is well.
            return 0.0 if failures == 1 else 0.02 * 2 ** min(failures, 6) * chance
        return None

    async def _connect(self) -> Connection:
        settings = self._settings
        own = {"application_name": "keepthread"}
        if not settings.behind_pgbouncer:
            own["lock_timeout"] = self._lock_timeout
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

    async def secure(self) -> None:
        """See Backend.enable_row_level_security."""
        await self._again(lambda connection: _in_transaction(connection, secure, _BEGIN_WRITE))
        self.tenancy = await self.read(find_tenancy)

    async def distribute(self, by: DistributedBy) -> None:
        """See Backend.distribute."""
        await distribute(self.write, by, self._settings.location)
        self.tenancy = await self.read(find_tenancy)

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


async def _attempt(connection: Connection, attempt: Callable[[Connection], Awaitable[T]]) -> T:
    try:
        return await attempt(connection)
    except _DRIVERS_ERRORS as error:
        if is_lost(error):
            connection.terminate()
        elif connection.is_closed() and not isinstance(error, TimeoutError):
            raise ConnectionResetError from error
        raise


async def _settings_kept(connection: Connection) -> bool:
    return await connection.execute(_KEEPS_SETTINGS) == "SELECT 1"


async def _in_transaction(connection: Connection, work: Callable[[Connection], Awaitable[T]], begin: str) -> T:
    await connection.execute(begin)
    try:
        result = await work(connection)
        said = await connection.execute("COMMIT")
    except BaseException as error:
        await _roll_back(connection, error)
        raise
    if said != "COMMIT":
        raise RuntimeError("A store operation went on after a failed statement: that is a bug in keepthread.")
    return result


async def _roll_back(connection: Connection, error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError | TimeoutError):
        connection.terminate()  # who did not answer would keep us waiting as long again
        return
    try:
        if not connection.is_closed():
            await connection.execute("ROLLBACK")
    except (OSError, pg.PostgresError, pg.InterfaceError):
        connection.terminate()  # the server rolls back what nobody commits


def _durability(server: _Server) -> str:
    """Return "full", or what of the server's settings gives it up."""
    given_up = [f"{name}=off" for name in ("fsync", "synchronous_commit") if getattr(server, name) == "off"]
    return ", ".join(given_up) or "full"
