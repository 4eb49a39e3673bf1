"""A place of its own for each test, and no setting of the machine that runs it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store import postgres_server

from .command_line import OURS


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        # What names a server for the tests is no setting of the command line.
        if name.startswith(OURS) and name != postgres_server.VARIABLE:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a database will be; nothing is there yet."""
    return tmp_path / "chats.db"


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a PostgreSQL database without a single table."""
    with postgres_server.new_database() as url:
        yield url
