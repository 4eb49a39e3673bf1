import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from keepthread.store import ThreadStore
from tests.openai_server import OpenAIServer


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of the desk's keys and addresses."""
    for variable in os.environ:
        if variable.startswith("OPENAI_"):
            monkeypatch.delenv(variable)


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as server:
        yield server


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with ThreadStore(tmp_path / "conversations.db") as store:
        yield store
