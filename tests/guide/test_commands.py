"""What of the guide's shell can be run: the database that a variable names, on SQLite."""

import subprocess
import sys
from pathlib import Path

import pytest


def keepthread(command: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "keepthread", command], check=True, capture_output=True, encoding="utf-8", timeout=60
    )
    return ended.stdout


def test_the_commands_of_the_guide_find_the_database_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NARRATOR_DATABASE_URL", "sqlite+aiosqlite:///narrated.db")

    keepthread("init")
    status = keepthread("status")

    assert (tmp_path / "narrated.db").is_file()
    assert "NARRATOR_DATABASE_URL" in status
