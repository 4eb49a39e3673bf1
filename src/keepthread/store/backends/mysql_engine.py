"""What happens on the I/O thread of a MySQL or MariaDB backend: connections, transactions, and doing work again."""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Sequence
from typing import NamedTuple, TypeVar

from asyncmy import errors as my

from keepthread.errors import UnavailableError
from keepthread.model.ids import new_id

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..queries import Count, Nothing, Query  # noqa: TID252 - as above
from ..turn import Turn  # noqa: TID252 - as above
from .append_queue import Outcome
from .base import EngineFacts, Operation, Tx
from .mysql_append import store
from .mysql_connection import MysqlConnection
from .mysql_errors import DRIVERS_ERRORS, is_clash, is_lost, lasting, translate, translate_connecting
from .mysql_schema import schema, script, upgrade
from .mysql_settings import MysqlSettings
from .mysql_tx import BEGIN, BEGIN_SNAPSHOT, COMMIT, ROLLBACK, Bound, MysqlTx, OnePacketTx, statement
from .pool import Pool
from .retrying import Faults, Retrying
from .server import SecondStatement, ServerEngine

T = TypeVar("T")

_log = logging.getLogger(__name__)

_FAULTS = Faults(kinds=DRIVERS_ERRORS, is_clash=is_clash, is_lost=is_lost, translate=translate)

_OLDEST = {"MariaDB": (10, 6), "MySQL": (8, 0, 11)}
"""Whose SELECT ... FOR UPDATE can skip what is locked."""


class _Session(NamedTuple):
    """What a connection is told when it begins."""

    version: str
    most_bytes: int
    is_read_only: int


class _Server(NamedTuple):
    """What the server says of itself, in its words."""

    version: str
    innodb_flush_log_at_trx_commit: int
    log_bin: int
    sync_binlog: int


_SESSION = Query("session", _Session._make)
_SYNC_WAIT = Query("sync_wait", Nothing._make)
_SERVER = Query("server_facts", _Server._make)
_DATABASE_BYTES = Query("database_bytes", Count._make)


class MysqlEngine(ServerEngine):
    """One database, for the coroutines of one event loop."""

    name = "keepthread-mysql"

    def __init__(self, settings: MysqlSettings) -> None:
        self._settings = settings
        self._tls = settings.tls.context()
        self.pool: Pool[MysqlConnection] = Pool(self._connect, settings.pool, settings.location)
        self._again = Retrying(self.pool, _FAULTS, settings.location, settings.timeout_seconds).run
        self.applied: list[Migration] = []

    def anew(self) -> MysqlEngine:
        """See ServerEngine.anew."""
        return MysqlEngine(self._settings)

    async def prepare(self) -> None:
        """See ServerEngine.prepare."""
        settings = self._settings
        async with self.pool.lend():
            pass  # a server that cannot be reached is not tried again: somebody waits for the answer
        if settings.as_it_is:
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
        durability = (await self.facts()).durability
        if durability != "full":
            _log.warning("the server gives up durability: location=%s durability=%s", settings.location, durability)

    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""
        try:
            return await self._again(lambda connection: _in_one_packet(connection, operation))
        except SecondStatement:
            pass  # a snapshot of more than one packet needs a transaction, which costs one more round trip
        return await self._again(lambda connection: _in_transaction(connection, operation, BEGIN_SNAPSHOT))

    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""
        return await self._again(lambda connection: _in_transaction(connection, operation, BEGIN))

    async def store_turns(self, turns: Sequence[Turn], *, waits: bool) -> list[Outcome]:
        """See StoreTurns."""
        return await self._again(lambda connection: _whole(connection, store(connection, turns, waits=waits)))

    async def _connect(self) -> MysqlConnection:
        """Connect to the first host that can be reached and, if there is a choice, takes writes."""
        failure: BaseException | None = None
        for host, port in self._settings.hosts:
            connection = MysqlConnection(self._settings, self._tls, host, port)
            try:
                async with asyncio.timeout(self._settings.connect_seconds):
                    await connection.open()
                    session = await self._begin_session(connection)
            except DRIVERS_ERRORS as error:
                connection.terminate()
                failure = translate_connecting(error, self._settings.location, self._settings.connect_seconds)
                continue
            except BaseException:
                connection.terminate()
                raise
            if not session.is_read_only or len(self._settings.hosts) == 1:
                return connection
            connection.terminate()
        raise failure or UnavailableError(
            f"None of the hosts of {self._settings.location} takes writes.", hint="Check which of them is the primary."
        )

    async def _begin_session(self, connection: MysqlConnection) -> _Session:
        # The server counts whole seconds here, from one.
        seconds = max(1, math.ceil(self._settings.timeout_seconds))
        said, cluster = await connection.run(statement(_SESSION).bind({"lock_seconds": seconds}))
        session = _Session._make(said[0])
        check_version(session.version, self._settings.location)
        connection.most_bytes = session.most_bytes
        if cluster and cluster[0][1] == "ON":
            await connection.run(statement(_SYNC_WAIT).bind({}))
        return session

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
            dialect="mysql",
            location=self._settings.location,
            engine_version=" ".join(_product(server.version)),
            size_bytes=(await tx.run(_DATABASE_BYTES))[0].value,
            durability=_durability(server),
            pool=self._settings.pool,
        )


def check_version(version: str, location: str) -> None:
    """Raise UnavailableError if a server with this *version* cannot do what is needed."""
    product, number = _product(version)
    oldest = _OLDEST[product]
    if tuple(map(int, re.findall(r"\d+", number)[: len(oldest)])) < oldest:
        raise lasting(
            UnavailableError(
                f"The database server at {location} is {product} {number}, which cannot skip locked rows.",
                hint=f"keepthread needs {product} {'.'.join(map(str, oldest))} or newer.",
            )
        )


def _product(version: str) -> tuple[str, str]:
    """Return what a server is called, and its version, with which some of MariaDB's pretend to be another's."""
    product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return product, version.removeprefix("5.5.5-").partition("-")[0]


async def _whole(connection: MysqlConnection, work: Awaitable[T]) -> T:
    """Await *work* that begins and ends its transaction itself. If it fails, nothing of it stays open."""
    try:
        return await work
    except BaseException as error:
        await _roll_back(connection, error)
        raise


async def _in_one_packet(connection: MysqlConnection, operation: Operation[T]) -> T:
    try:
        return await operation(OnePacketTx(connection))
    except my.MySQLError as error:
        await _roll_back(connection, error)  # the packet begins and ends its transaction, but for what comes in between
        raise


async def _in_transaction(connection: MysqlConnection, operation: Operation[T], begin: Bound) -> T:
    async def work() -> T:
        result = await operation(MysqlTx(connection, begin))
        await connection.run(COMMIT)
        return result

    return await _whole(connection, work())


async def _roll_back(connection: MysqlConnection, error: BaseException) -> None:
    if isinstance(error, asyncio.CancelledError | TimeoutError):
        connection.terminate()  # who did not answer would keep us waiting as long again
        return
    try:
        if not connection.is_closed():
            await connection.run(ROLLBACK)
    except DRIVERS_ERRORS:
        connection.terminate()  # the server rolls back what nobody commits


def _durability(server: _Server) -> str:
    """Return "full", or what of the server's settings gives it up."""
    given_up: list[str] = []
    if server.innodb_flush_log_at_trx_commit not in (1, 3):
        given_up.append(f"innodb_flush_log_at_trx_commit={server.innodb_flush_log_at_trx_commit}")
    # With a binary log it is that which decides, after a crash, what was committed.
    if server.log_bin and server.sync_binlog != 1:
        given_up.append(f"sync_binlog={server.sync_binlog}")
    return ", ".join(given_up) or "full"
