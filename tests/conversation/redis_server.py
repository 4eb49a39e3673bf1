"""A Redis server for the tests: one that is named, the one of this machine, or one that they start."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache, partial
from itertools import count
from pathlib import Path
from random import Random
from socket import create_server
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, TypeAlias

import pytest
from redis import Redis, RedisError

PATIENCE_SECONDS = 60.0

VARIABLE = "KEEPTHREAD_TEST_REDIS"
_LOCAL = "redis://127.0.0.1:6379/0"

Driver: TypeAlias = Any
"""The driver's own client, whose answers have no useful types."""

_numbers = count(1)


def raw(url: str) -> Driver:
    return Redis.from_url(url)  # pyright: ignore[reportUnknownMemberType] - its options are untyped


def unique() -> str:
    """Something that no other test begins a tenant with: the server may be everybody's."""
    return f"keepthread-test {os.getpid()} {next(_numbers)} "


@cache
def program() -> str:
    """Where redis-server is."""
    if found := shutil.which("redis-server"):
        return found
    give_up = pytest.fail if os.environ.get("ALL_BACKENDS") else pytest.skip
    return give_up(f"set {VARIABLE} to the URL of a Redis server, or install redis-server")


@cache
def running() -> str | None:
    """The URL of a server that somebody else runs."""
    url = os.environ.get(VARIABLE, _LOCAL)
    try:
        raw(url).ping()
    except RedisError:
        return None
    return url


class Server:
    """A server of a test's own, in an empty folder, that keeps everything in memory."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._command = [program(), "--dir", str(folder), "--save", "", "--loglevel", "warning", *options]
        self._log = folder / "log"

    def start(self, is_ready: Callable[[], object]) -> None:
        """Start it, and return once *is_ready* returns."""
        with self._log.open("a") as log:
            self.process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(is_ready, lambda: self.process.poll() is None)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


def wait_until(is_ready: Callable[[], object], is_possible: Callable[[], bool]) -> None:
    """Return once *is_ready* neither raises nor returns False."""
    end = monotonic() + PATIENCE_SECONDS
    while True:
        assert is_possible(), "the server has ended"
        assert monotonic() < end, "the server never became ready"
        try:
            if is_ready() is not False:
                return
        except (RedisError, OSError):
            continue


class SocketServer(Server):
    """One that listens on a socket in its folder, where no port can be taken by somebody else."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder, "--port", "0", "--unixsocket", str(folder / "socket"), *options)
        self.url = f"unix://{folder / 'socket'}"

    def run(self) -> None:
        """Start it, and return once it answers."""

        def answers() -> None:
            try:
                raw(self.url).ping()
            except RedisError as error:
                if "Authentication" not in type(error).__name__:
                    raise

        self.start(answers)


@contextmanager
def own_server(*options: str) -> Generator[SocketServer]:
    """A running server of the test's own."""
    # Not in pytest's folder: a socket's path has 107 bytes at the most.
    with TemporaryDirectory(prefix="keepthread-redis-") as folder:
        server = SocketServer(Path(folder), *options)
        server.run()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def own_cluster() -> Generator[str]:
    """A cluster of two nodes, each with one half of the keys. The URL is of the first."""
    with ExitStack() as nodes:
        ports = [nodes.enter_context(_node()) for _ in range(2)]
        clients = [raw(_at(port)) for port in ports]
        for number, client in enumerate(clients):
            half = range(number * 8192, number * 8192 + 8192)
            client.execute_command("CLUSTER", "ADDSLOTS", *half)
            client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", ports[1])
        for client in clients:
            wait_until(partial(_is_whole, client), lambda: True)
        yield _at(ports[0])


def _is_whole(client: Driver) -> bool:
    """Whether a node knows the other one, and that every key has its place."""
    found = client.execute_command("CLUSTER INFO")
    return (found["cluster_state"], found["cluster_known_nodes"]) == ("ok", "2")


def _at(port: int) -> str:
    return f"redis://127.0.0.1:{port}"


@contextmanager
def _node() -> Generator[int]:
    """A node of a cluster on a port that was free a moment ago, as was the one 10,000 above it, where nodes meet."""
    with TemporaryDirectory(prefix="keepthread-redis-") as folder:
        port = _free_port()
        node = Server(Path(folder), "--port", str(port), "--bind", "127.0.0.1", "--cluster-enabled", "yes")
        node.start(lambda: raw(_at(port)).ping())
        try:
            yield port
        finally:
            node.kill()


def _free_port() -> int:
    random = Random()
    while True:
        port = random.randrange(20_000, 30_000)
        try:
            for number in (port, port + 10_000):
                create_server(("127.0.0.1", number)).close()
        except OSError:
            continue
        return port


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis server, which others may use as well."""
    if url := running():
        yield url
        return
    with own_server() as server:
        yield server.url
