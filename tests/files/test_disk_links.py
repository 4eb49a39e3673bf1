"""Things in the folder that are not ours: nothing outside of it may be read, changed or removed through them."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from keepthread.errors import CorruptError, UnavailableError
from keepthread.files import FileStore

HELLO = sha256(b"hello").hexdigest()


async def unused() -> bool:
    return True


async def test_a_link_in_the_place_of_a_file_is_not_followed(blob: Path, base: Path, elsewhere: Path) -> None:
    blob.unlink()
    blob.symlink_to(elsewhere)
    store = FileStore(base)

    with pytest.raises(CorruptError, match=HELLO):
        await store.get("t", HELLO)
    assert not await store.exists("t", HELLO)


async def test_a_link_in_the_place_of_a_file_is_replaced(blob: Path, base: Path, elsewhere: Path) -> None:
    blob.unlink()
    blob.symlink_to(elsewhere)

    await FileStore(base).put("t", b"hello", filename="a.txt")

    assert not blob.is_symlink()
    assert blob.read_bytes() == b"hello"


async def test_discarding_a_link_removes_the_link_alone(blob: Path, base: Path, elsewhere: Path) -> None:
    blob.unlink()
    blob.symlink_to(elsewhere)

    assert await FileStore(base).discard("t", HELLO, unused)
    assert not blob.is_symlink()


@pytest.mark.parametrize("depth", [0, 1])
async def test_a_link_in_the_place_of_a_folder_is_refused(blob: Path, base: Path, tmp_path: Path, depth: int) -> None:
    link = blob.parents[depth]
    link.rename(tmp_path / "moved")
    link.symlink_to(tmp_path / "moved", target_is_directory=True)
    store = FileStore(base)

    for call in (store.get("t", HELLO), store.exists("t", HELLO), store.put("t", b"hello", filename="a.txt")):
        with pytest.raises(UnavailableError, match="a link to one") as caught:
            await call
        assert str(link) in str(caught.value)


@pytest.mark.parametrize("name", ["tmp", "quarantine"])
async def test_a_link_in_the_place_of_a_working_folder_is_refused(base: Path, elsewhere: Path, name: str) -> None:
    store = FileStore(base)
    await store.put("t", b"hello", filename="a.txt")
    for path in base.glob(name):
        path.rmdir()
    (base / name).symlink_to(elsewhere.parent, target_is_directory=True)

    with pytest.raises(UnavailableError, match="a link to one"):
        await (store.put("t", b"more", filename="a.txt") if name == "tmp" else store.discard("t", HELLO, unused))


async def test_the_folder_itself_may_be_a_link(tmp_path: Path, base: Path) -> None:
    (tmp_path / "real").mkdir()
    base.parent.mkdir()
    base.symlink_to(tmp_path / "real", target_is_directory=True)
    store = FileStore(base)

    await store.put("t", b"hello", filename="a.txt")

    assert await store.get("t", HELLO) == b"hello"


async def test_a_stamp_that_is_a_link_is_refused(base: Path, elsewhere: Path) -> None:
    await FileStore.create(base)
    (base / ".keepthread-store").symlink_to(elsewhere)

    with pytest.raises(UnavailableError):
        await FileStore(base).claim("hello")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
async def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(blob: Path, base: Path) -> None:
    blob.unlink()
    os.mkfifo(blob)

    with pytest.raises(CorruptError):
        await FileStore(base).get("t", HELLO)
