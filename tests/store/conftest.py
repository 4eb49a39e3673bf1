"""An empty database of each kind, and stores on it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import settings

import keepthread.files  # pyright: ignore[reportUnusedImport] # noqa: F401 - offers the default place for attachments
from keepthread.store import ThreadStore
from keepthread.testing import OpenStore

from . import invariants

# A busy machine is no reason to fail.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

BACKENDS: dict[str, Callable[[Path], str | None]] = {
    "memory": lambda _: None,
    "sqlite": lambda folder: f"sqlite:///{folder / 'conversations.db'}",
}
"""The URL of an empty database of each kind, None for one that nobody else can open; see also `servers.server`."""


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    return BACKENDS[request.param](tmp_path)


@pytest.fixture
async def store(url: str | None, tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with ThreadStore(url) as store:
        yield store
    for database in tmp_path.glob("*.db"):
        invariants.check(database)


@pytest.fixture
async def open_store(store: ThreadStore, url: str | None) -> AsyncIterator[OpenStore]:
    if url is None:
        pytest.skip("a database in memory has one store")
    async with AsyncExitStack() as opened:
        yield lambda: opened.enter_async_context(ThreadStore(url))
