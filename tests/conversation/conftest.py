"""A Redis server, and sessions on it that no other test has."""

from collections.abc import AsyncIterator, Iterator

import pytest

from keepthread.conversation.redis_sessions import RedisSessions
from keepthread.conversation.session import OpenSession

from .redis_server import Driver, SocketServer, own_cluster, own_server, raw, redis_url, unique

__all__ = ["redis_url"]


@pytest.fixture
async def sessions(redis_url: str) -> AsyncIterator[RedisSessions]:
    async with RedisSessions(redis_url) as sessions:
        yield sessions


@pytest.fixture
async def open_session(sessions: RedisSessions, redis_url: str) -> AsyncIterator[OpenSession]:
    """Sessions of tenants whose names begin as no other test's do. Their keys are gone afterwards."""
    prefix = unique()
    yield lambda tenant, scope: sessions.session(prefix + tenant, scope)
    client = raw(redis_url)
    for key in client.scan_iter(match=f"*{prefix}*", count=1_000):
        client.delete(key)
    client.close()


@pytest.fixture(scope="session")
def own() -> Iterator[SocketServer]:
    """A server that no other test of another process uses."""
    with own_server() as server:
        yield server


@pytest.fixture
def client(own: SocketServer) -> Iterator[Driver]:
    """The driver's own client of it, with nothing in it."""
    client = raw(own.url)
    client.flushall()
    yield client
    client.close()


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    with own_cluster() as url:
        yield url
