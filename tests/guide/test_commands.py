"""What of the guide's shell can be run: the database that a variable names, and PostgreSQL in a container.

Docker is played by a stand-in, and the server behind it is the one of the tests.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from keepthread import Message, ThreadStore
from tests.docker_engine import DockerEngine, free_port
from tests.store.postgres_server import new_database


def keepthread(*words: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", "keepthread", *words], check=True, capture_output=True, encoding="utf-8", timeout=60
    )
    return ended.stdout


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerEngine]:
    with new_database() as url:
        engine = DockerEngine(tmp_path / "engine", url)
        parts = urlsplit(url)
        monkeypatch.setenv("PATH", engine.path)
        monkeypatch.setenv("NARRATOR_DB_PORT", str(free_port()))
        monkeypatch.setenv("NARRATOR_DB_USER", parts.username or "postgres")
        monkeypatch.setenv("NARRATOR_DB_NAME", parts.path.removeprefix("/"))
        yield engine
        engine.end()


async def say(url: str, text: str) -> int:
    """Add a message to the reader's thread, and count them."""
    async with ThreadStore(url) as store:
        await store.append("user-123-main", Message(role="user", content=text), create=True)
        return await store.count_messages("user-123-main")


def test_the_commands_of_the_guide_find_the_database_by_its_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NARRATOR_DATABASE_URL", "sqlite+aiosqlite:///narrated.db")

    keepthread("init")
    status = keepthread("status")

    assert (tmp_path / "narrated.db").is_file()
    assert "NARRATOR_DATABASE_URL" in status


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a program with a shebang")
def test_the_docker_commands_of_the_guide_keep_what_was_said_until_it_is_to_be_removed(docker: DockerEngine) -> None:
    url = keepthread("docker-setup").strip()
    assert asyncio.run(say(url, "Hello.")) == 1

    keepthread("docker-stop")
    assert keepthread("docker-start").strip() == url
    assert asyncio.run(say(url, "Again.")) == 2
    assert docker.state["volumes"] == ["narrator_postgres_data"]

    keepthread("docker-stop", "--remove-volumes", "--yes")
    assert (docker.state["container"], docker.state["volumes"]) == (None, [])
