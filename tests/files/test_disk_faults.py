"""What failing, full and read-only disks do to a folder of files. Real disks, where this user may mount them."""

import asyncio
import errno
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from keepthread.errors import FileContentNotFound, FullError, UnavailableError
from keepthread.files import FileStore

from .contents import blobs, leftovers

PRECIOUS = b"precious " * 1000
NAME = sha256(PRECIOUS).hexdigest()


@pytest.mark.parametrize("nth", range(1, 7))
async def test_a_failing_disk_is_said_and_leaves_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    real, calls = os.fsync, 0

    def failing(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == nth:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", failing)
    store = FileStore(tmp_path / "files")
    with pytest.raises(UnavailableError, match="failing"):
        await store.put("t", PRECIOUS, filename="a.txt")
    left = leftovers(tmp_path / "files")
    await store.put("t", PRECIOUS, filename="a.txt")

    assert left == []
    assert await store.get("t", NAME) == PRECIOUS


async def test_a_full_disk_is_said_and_leaves_nothing(small_disk: Path) -> None:
    store = FileStore(small_disk / "files", accept="*")
    blob = await store.put("t", b"x" * 300_000, filename="a.txt")

    with pytest.raises(FullError, match="no space left"):
        await store.put("t", b"y" * 900_000, filename="b.txt")

    assert leftovers(small_disk / "files") == []
    assert blobs(small_disk / "files") == {blob.sha256: b"x" * 300_000}


async def test_a_full_disk_works_again_once_there_is_room(small_disk: Path) -> None:
    store = FileStore(small_disk / "files", max_total_bytes=3_000_000)
    with pytest.raises(FullError):
        await store.put("t", b"y" * 2_000_000, filename="b.txt")

    subprocess.run(["mount", "-o", "remount,size=4m", str(small_disk)], check=True)
    blob = await store.put("t", b"y" * 2_000_000, filename="b.txt")

    assert await store.get("t", blob.sha256) == b"y" * 2_000_000


async def test_a_disk_that_is_full_of_names_is_said(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,nr_inodes=3", str(small_disk)], check=True)

    with pytest.raises(FullError):
        await FileStore(small_disk / "files").put("t", b"hello", filename="a.txt")


async def test_a_read_only_folder_is_said_with_its_path_and_a_remedy(small_disk: Path) -> None:
    store = FileStore(small_disk / "files")
    await store.put("t", b"hello", filename="a.txt")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    with pytest.raises(UnavailableError, match="mounted read-only") as caught:
        await store.put("t", b"more", filename="b.txt")

    assert str(small_disk / "files") in str(caught.value)
    assert caught.value.retryable


async def test_a_read_only_folder_can_be_read(small_disk: Path) -> None:
    store = FileStore(small_disk / "files")
    blob = await store.put("t", b"hello", filename="a.txt")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)

    assert await store.get("t", blob.sha256) == b"hello"
    assert not await store.exists("t", NAME)
    with pytest.raises(FileContentNotFound):
        await store.get("t", NAME)


async def test_cancelled_puts_leave_no_drafts(tmp_path: Path) -> None:
    store = FileStore(tmp_path, accept="*")
    contents = [os.urandom(100_000) for _ in range(40)]
    putting = [asyncio.ensure_future(store.put("t", content, filename="a.bin")) for content in contents]

    await putting[0]
    for task in putting:
        task.cancel()
    await asyncio.gather(*putting, return_exceptions=True)
    # The threads that were at work finish what they began; a thread of their own pool waits for its turn behind them.
    await asyncio.get_running_loop().shutdown_default_executor()

    assert leftovers(tmp_path) == []
    assert [name for name, content in blobs(tmp_path).items() if sha256(content).hexdigest() != name] == []
