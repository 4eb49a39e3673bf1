"""A MariaDB or MySQL server for the tests: one that is named, the one of this machine, or one that is started."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from socket import socket
from tempfile import mkdtemp
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from asyncmy.connection import Connection
from asyncmy.errors import MySQLError

from .postgres_server import beside, run, with_option

__all__ = ["beside", "run", "with_option"]

VARIABLE = "KEEPTHREAD_TEST_MYSQL"
_LOCAL = "mysql://root@127.0.0.1:3306/test"

_numbers = count(1)


@cache
def server() -> str:
    """The URL of a database of a server, whose user may create others beside it."""
    named = os.environ.get(VARIABLE)
    for url in [named] if named else [_LOCAL, started]:
        try:
            found = url if isinstance(url, str) else url()
            run(execute(found, "SELECT 1"))
        except (OSError, MySQLError):
            continue
        return found
    give_up = pytest.fail if os.environ.get("ALL_BACKENDS") else pytest.skip
    return give_up(f"set {VARIABLE} to the URL of a MariaDB or MySQL server, or install mariadb-server")


def started(*options: str) -> str:
    """The URL of a server of our own, with nothing in it, which ends with the tests.

    Raises:
        OSError: None is installed, or it does not start.
    """
    folder = Path(mkdtemp(prefix="keepthread-mariadb-"))
    program, install = _program("mariadbd"), _program("mariadb-install-db")
    user = ["--user=root"] if sys.platform != "win32" and os.geteuid() == 0 else []
    common = ["--no-defaults", f"--datadir={folder / 'data'}", *user]
    making = [install, *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(making, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listening = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}"]
    files = [f"--pid-file={folder / 'pid'}", f"--log-error={folder / 'log'}"]
    command = [program, *common, *listening, *files, *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    atexit.register(_end, process, folder)
    url = f"mysql://root@127.0.0.1:{port}/test"
    deadline = time.monotonic() + 60
    while True:
        try:
            run(execute(urlsplit(url)._replace(path="").geturl(), "CREATE DATABASE IF NOT EXISTS test"))
        except MySQLError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise OSError("the server does not start") from None
            time.sleep(0.05)
        else:
            return url


def _program(name: str) -> str:
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        raise FileNotFoundError(name)
    return found


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.terminate()
    process.wait()
    shutil.rmtree(folder, ignore_errors=True)


async def connect(url: str) -> Connection:
    """A connection of the driver, outside of keepthread."""
    parts = urlsplit(url)
    options = {name: values[0] for name, values in parse_qs(parts.query).items()}
    connection = Connection(
        host=parts.hostname,
        port=parts.port or 3306,
        unix_socket=options.get("unix_socket"),
        user=parts.username or options.get("user"),
        password=unquote(parts.password or ""),
        database=parts.path.removeprefix("/") or None,
        autocommit=True,
    )
    await connection.connect()
    return connection


async def execute(url: str, *statements: str) -> None:
    """Run *statements* in a connection of their own."""
    connection = await connect(url)
    try:
        for statement in statements:
            await connection.query(statement)
    finally:
        await connection.ensure_closed()


async def fetch(url: str, query: str) -> Sequence[Sequence[Any]]:
    """Run a query in a connection of its own."""
    connection = await connect(url)
    try:
        cursor = connection.cursor()
        await cursor.execute(query)
        return await cursor.fetchall()
    finally:
        await connection.ensure_closed()


@contextmanager
def new_database() -> Generator[str]:
    """The URL of an empty database of the tests' own, which is gone afterwards.

    Its own settings are none that keepthread may rely on.
    """
    name = f"keepthread_test_{os.getpid()}_{next(_numbers)}"
    run(execute(server(), f"CREATE DATABASE {name} CHARACTER SET latin1 COLLATE latin1_swedish_ci"))
    try:
        yield beside(server(), name)
    finally:
        run(execute(server(), f"DROP DATABASE {name}"))


async def empty(url: str) -> None:
    """Take everything out of a database, in one transaction. The tables stay."""
    tables = await fetch(url, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
    names = {str(row[0]) for row in tables} - {"kt_meta", "kt_migrations", "kt_lease"}
    deletions = [f"DELETE FROM {name}" for name in sorted(names)]  # noqa: S608 - our own names
    await execute(url, "BEGIN", *deletions, "COMMIT")


@asynccontextmanager
async def holding_thread(url: str) -> AsyncGenerator[None]:
    """Hold the lock of every thread's row, as another process in the middle of a change."""
    connection = await connect(url)
    try:
        # Rows, and no gaps between them, in which others insert.
        await connection.query("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        await connection.query("BEGIN")
        await connection.query("SELECT 1 FROM kt_threads FOR UPDATE")
        yield
        await connection.query("ROLLBACK")
    finally:
        await connection.ensure_closed()


async def end_connections(url: str) -> int:
    """End every other connection to a database, and return how many there were."""
    others = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    ended = 0
    for (number,) in await fetch(url, others):
        with suppress(MySQLError):  # it may have ended by itself
            await execute(url, f"KILL {number}")
            ended += 1
    return ended


@pytest.fixture(scope="session")
def mysql_database() -> Iterator[str]:
    with new_database() as url:
        yield url


@pytest.fixture
def mysql(mysql_database: str) -> str:
    """The URL of a MariaDB database without a single row."""
    run(empty(mysql_database))
    return mysql_database
