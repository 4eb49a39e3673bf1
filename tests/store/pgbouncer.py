"""A PgBouncer of the tests' own before their PostgreSQL server: in transaction mode, with three connections to it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from tempfile import TemporaryDirectory

import pytest

from tests.faults.needs import need

from . import postgres_server
from .own_server import OwnServer

CONNECTIONS = 3

_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {connections}
{more}
"""


@contextmanager
def pgbouncer(server: OwnServer, more: str = "") -> Generator[str]:
    """Run one before *server*, with *more* in its configuration, and give the URL of the tests' database through it.

    It does not say that a pooler is there: that is `?pgbouncer=true`.
    """
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or need("pgbouncer")
    port = postgres_server.free_port()
    with TemporaryDirectory(prefix="keepthread-pgbouncer-") as folder:
        configuration = Path(folder, "pgbouncer.ini")
        configuration.write_text(
            _CONFIGURATION.format(server=server.port, port=port, connections=CONNECTIONS, more=more)
        )
        Path(folder).chmod(0o755)
        # It refuses to run as root.
        user = ["-u", "nobody"] if os.geteuid() == 0 else []
        with Path(folder, "log").open("wb") as log:
            process = subprocess.Popen([program, *user, str(configuration)], stdout=log, stderr=log)
        try:
            _wait_for(process, port, Path(folder, "log"))
            yield server.url(port=port)
        finally:
            process.kill()
            process.wait()


def _wait_for(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)  # it has no way to say that it is ready
        else:
            return
    pytest.fail(f"pgbouncer did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def pooled_database(own_server: OwnServer) -> Iterator[str]:
    with pgbouncer(own_server) as url:
        yield postgres_server.with_option(url, "pgbouncer=true")


@pytest.fixture
def pooled(pooled_database: str, own_database: str) -> str:
    """The URL of the database without a single row, through PgBouncer."""
    return pooled_database
