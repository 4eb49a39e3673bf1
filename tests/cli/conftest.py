"""A place of its own for each test, and no setting of the machine that runs it."""

import os
from pathlib import Path

import pytest

from .command_line import OURS


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a database will be; nothing is there yet."""
    return tmp_path / "chats.db"
