"""Database servers, as the tests see them that hold for each."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from . import mysql_server, postgres_server


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server, and an empty database on it."""

    name: str
    url: str = ""
    commit: bytes
    """What a client sends to end a write, and in nothing else."""
    new_database: Callable[[], AbstractContextManager[str]]
    execute: Callable[..., Coroutine[Any, Any, None]]
    fetch: Callable[[str, str], Coroutine[Any, Any, Sequence[Sequence[Any]]]]
    holding_thread: Callable[[str], AbstractAsyncContextManager[None]]
    end_connections: Callable[[str], Coroutine[Any, Any, int]]


SERVERS = {
    "postgres": Server(
        name="postgres",
        commit=b"COMMIT\0",
        new_database=postgres_server.new_database,
        execute=postgres_server.execute,
        fetch=postgres_server.fetch,
        holding_thread=postgres_server.holding_thread,
        end_connections=postgres_server.end_connections,
    ),
    "mysql": Server(
        name="mysql",
        commit=b"\x03COMMIT",
        new_database=mysql_server.new_database,
        execute=mysql_server.execute,
        fetch=mysql_server.fetch,
        holding_thread=mysql_server.holding_thread,
        end_connections=mysql_server.end_connections,
    ),
}


@pytest.fixture(params=sorted(SERVERS))
def server(request: pytest.FixtureRequest) -> Server:
    """A server of each kind, with a database without a single row."""
    return replace(SERVERS[request.param], url=request.getfixturevalue(request.param))
