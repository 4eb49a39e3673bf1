"""The engines that a row can run on: an empty database of each, the floor on it, and rows written in bulk."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import asyncpg

from keepthread.store.backends.postgres_tx import statement
from keepthread.store.queries import Query, statements

from .bare import Bare
from .bare_postgres import BarePostgres
from .floor import Floor
from .workplace import Skipped, Workplace

VARIABLE = "KEEPTHREAD_BENCH_POSTGRES"
_LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"

Row = Mapping[str, Any]


class Engine(Protocol):
    """What a row needs of a kind of database."""

    prefix: str
    """Of the names of its rows."""
    durability: str
    """How durable a commit is."""

    async def database(self, name: str) -> str:
        """Return the URL of a new and empty database."""
        ...

    def floor(self, url: str) -> Floor:
        """Return the bare driver on a database that the store has made, not open yet."""
        ...

    async def write(self, url: str, rows: Mapping[str, Iterable[Row]]) -> None:
        """Write rows with the statements of these names, and then do what the database does by itself in time."""
        ...

    async def fetch(self, url: str, query: str) -> list[Row]:
        """Return the rows of a query, by the names of their columns."""
        ...


def for_sqlalchemy(url: str) -> str:
    """Return the URL of a database as SQLAlchemy's asynchronous engines take it."""
    scheme, _, place = url.partition("://")
    return f"{scheme}+{'aiosqlite' if scheme == 'sqlite' else 'asyncpg'}://{place}"


class Sqlite:
    """Files in the folder of the run."""

    prefix = ""
    durability = "WAL and synchronous=FULL"

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def database(self, name: str) -> str:
        """See Engine.database."""
        return f"sqlite:///{self._workplace.database(name)}"

    def floor(self, url: str) -> Floor:
        """See Engine.floor."""
        return Bare(_path(url))

    async def write(self, url: str, rows: Mapping[str, Iterable[Row]]) -> None:
        """See Engine.write: a checkpoint."""
        with closing(sqlite3.connect(_path(url))) as connection:
            for name, values in rows.items():
                connection.executemany(statements("sqlite")[name], values)
            connection.commit()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    async def fetch(self, url: str, query: str) -> list[Row]:
        """See Engine.fetch."""
        with closing(sqlite3.connect(_path(url))) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]


def _path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


class Postgres:
    """Databases of a server."""

    prefix = "postgres-"

    def __init__(self, server: str, durability: str) -> None:
        self.durability = durability
        self.made: list[str] = []
        self._server = server

    async def database(self, name: str) -> str:
        """See Engine.database."""
        made = f"keepthread_bench_{os.getpid()}_{name.replace('-', '_')}"
        await self._run(self._server, f"CREATE DATABASE {made}")
        self.made.append(made)
        return urlsplit(self._server)._replace(path=f"/{made}").geturl()

    async def drop_all(self) -> None:
        """Drop every database that was made."""
        for made in self.made:
            await self._run(self._server, f"DROP DATABASE {made} WITH (FORCE)")

    def floor(self, url: str) -> Floor:
        """See Engine.floor."""
        return BarePostgres(url)

    async def write(self, url: str, rows: Mapping[str, Iterable[Row]]) -> None:
        """See Engine.write: a vacuum, which would come within a minute."""
        connection = await asyncpg.connect(url)
        for name, values in rows.items():
            sql, arguments = statement(Query(name, tuple))
            await connection.executemany(sql, map(arguments, values))
        await connection.execute("VACUUM ANALYZE")
        await connection.close()

    async def fetch(self, url: str, query: str) -> list[Row]:
        """See Engine.fetch."""
        connection = await asyncpg.connect(url)
        rows = await connection.fetch(query)
        await connection.close()
        return [dict(row) for row in rows]

    async def _run(self, url: str, sql: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(sql)
        await connection.close()


@asynccontextmanager
async def postgres() -> AsyncGenerator[Postgres]:
    """Databases of the server that is named, or of this machine's; they are gone afterwards.

    Raises:
        Skipped: There is none.
    """
    server = os.environ.get(VARIABLE, _LOCAL)
    try:
        connection = await asyncpg.connect(server)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Skipped(f"no PostgreSQL server answers; name one with {VARIABLE}") from error
    facts = "SELECT current_setting('server_version'), current_setting('synchronous_commit'), current_setting('fsync')"
    ((version, commit, sync),) = await connection.fetch(facts)
    await connection.close()
    engine = Postgres(server, f"PostgreSQL {version}, synchronous_commit={commit}, fsync={sync}")
    try:
        yield engine
    finally:
        await engine.drop_all()
