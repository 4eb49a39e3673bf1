"""An empty database of each kind, and stores on it."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import settings

import keepthread.files  # pyright: ignore[reportUnusedImport] # noqa: F401 - offers the default place for attachments
from keepthread.model.blobs import open_default
from keepthread.store import ThreadStore
from keepthread.store.backends.pool import Pool, Poolable
from keepthread.testing import OpenStore

from . import invariants
from .own_server import own_database, own_server, tls_certificate
from .pgbouncer import pooled, pooled_database
from .postgres_server import postgres, postgres_database
from .secured_database import secured, secured_database

__all__ = [
    "own_database",
    "own_server",
    "pooled",
    "pooled_database",
    "postgres",
    "postgres_database",
    "secured",
    "secured_database",
    "tls_certificate",
]

ENGINES = ("memory", "sqlite", "postgres")
"""Every kind of database."""

SERVERS = {"postgres": "postgres", "postgres-rls": "secured"}
"""Those on a server, also in another form, each with the fixture that gives its URL."""

BACKENDS = ("memory", "sqlite", *SERVERS)

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(autouse=True)
def every_connection_came_back(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A store that closes has every connection back: one that was lost fails the test that lost it."""
    missing: list[int] = []
    close = Pool[Poolable].close

    async def closing(pool: Pool[Poolable]) -> None:
        missing.append(pool.lent)
        await close(pool)

    monkeypatch.setattr(Pool, "close", closing)
    yield
    assert not any(missing)


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """The URL of an empty database of each kind, None for one that nobody else can open."""
    if request.param in SERVERS:
        return request.getfixturevalue(SERVERS[request.param])
    return None if request.param == "memory" else f"sqlite:///{tmp_path / 'conversations.db'}"


@pytest.fixture
def make_store(url: str | None, tmp_path: Path) -> Callable[[], ThreadStore]:
    """Make a store on the database, not open yet. A server has no place for attachments: they get a folder."""
    is_server = url is not None and url.startswith("postgresql:")
    return lambda: ThreadStore(url, files=open_default(str(tmp_path / "files")) if is_server else None)


@pytest.fixture
async def store(make_store: Callable[[], ThreadStore], tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with make_store() as store:
        yield store
    for database in tmp_path.glob("*.db"):
        invariants.check(database)


@pytest.fixture
async def open_store(
    store: ThreadStore, url: str | None, make_store: Callable[[], ThreadStore]
) -> AsyncIterator[OpenStore]:
    if url is None:
        pytest.skip("a database in memory has one store")
    async with AsyncExitStack() as opened:
        yield lambda: opened.enter_async_context(make_store())
