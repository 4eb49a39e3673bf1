"""Two empty databases of different kinds: every kind is copied from, and copied to."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keepthread import FileStore, ThreadStore
from tests.store.conftest import ENGINES
from tests.store.postgres_server import postgres, postgres_database
from tests.store.secured_database import secured, secured_database

__all__ = ["postgres", "postgres_database", "secured", "secured_database"]

PAIRS = list(zip(ENGINES, [*ENGINES[1:], ENGINES[0]], strict=True))
"""A ring: each kind is copied from once, and to once."""


def url_of(request: pytest.FixtureRequest, kind: str, path: Path) -> str | None:
    """The URL of an empty database of a kind. No pair has one kind twice, so that one database of each will do."""
    if kind == "memory":
        return None
    return f"sqlite:///{path}" if kind == "sqlite" else request.getfixturevalue(kind)


@pytest.fixture(params=PAIRS, ids="-".join)
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str | None, str | None]:
    source, target = request.param
    return url_of(request, source, tmp_path / "source.db"), url_of(request, target, tmp_path / "target.db")


@pytest.fixture
async def source(urls: tuple[str | None, str | None], tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with ThreadStore(urls[0], files=FileStore(tmp_path / "source_files", accept="*")) as store:
        yield store


@pytest.fixture
async def target(urls: tuple[str | None, str | None], tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with ThreadStore(urls[1], files=FileStore(tmp_path / "target_files", accept="*")) as store:
        yield store
