"""The shipped contract, on each of our own places."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keepthread.files import FileStore, folder
from keepthread.testing.file_contract import FileStoreContract


class TestDisk(FileStoreContract):
    @pytest.fixture
    async def file_store(self, tmp_path: Path) -> AsyncIterator[FileStore]:
        async with await FileStore.create(tmp_path / "files", accept="*") as store:
            yield store
        # A cancelled call leaves its thread at work.
        await asyncio.get_running_loop().shutdown_default_executor()
        assert list((tmp_path / "files").glob("tmp/*")) == []
        assert list((tmp_path / "files").glob("quarantine/*")) == []


class TestDiskWithoutDescriptors(TestDisk):
    """As on Windows, where names cannot be looked up in an open directory."""

    @pytest.fixture(autouse=True)
    def without_descriptors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(folder, "BY_DESCRIPTOR", False)


class TestMemory(FileStoreContract):
    outlives_the_process = False

    @pytest.fixture
    async def file_store(self) -> FileStore:
        return FileStore(accept="*")
