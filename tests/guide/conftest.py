import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from keepthread import ThreadStore
from tests.openai_server import Answer, OpenAIServer, Request, text

DATABASE = "conversations.db"


@pytest.fixture(autouse=True)
def reader_without_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and none of the desk's databases and keys."""
    monkeypatch.chdir(tmp_path)
    for variable in os.environ:
        if variable.startswith(("KEEPTHREAD_", "NARRATOR_", "DB_URL", "OPENAI_")):
            monkeypatch.delenv(variable)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIServer]:
    """What answers for the guide's gpt-4 and gpt-3.5-turbo, through the real SDK."""
    with OpenAIServer() as server:
        server.otherwise = _answer
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        yield server


def _answer(request: Request) -> Answer:
    return text(f"answer to message {len(request.messages)}")


@pytest.fixture(params=["memory", "sqlite"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ThreadStore]:
    """The reader's store, on each backend."""
    async with ThreadStore(None if request.param == "memory" else tmp_path / DATABASE) as store:
        yield store


@pytest.fixture
async def restarted(store: ThreadStore, tmp_path: Path) -> AsyncIterator[ThreadStore]:
    """The same database as the next process sees it. What is in memory has no next process, only another load."""
    if not (tmp_path / DATABASE).exists():
        yield store
        return
    async with ThreadStore(tmp_path / DATABASE) as restarted:
        yield restarted
