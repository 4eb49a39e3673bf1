"""A folder of files on every kind of platform, and real file systems that can be filled, made read-only and broken."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from keepthread.files import FileStore, folder


def _mount(*arguments: str) -> None:
    """Mount, or skip the test where this user may not."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux can mount a file system of its own")
    done = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    place = tmp_path / "small"
    place.mkdir()
    _mount("-t", "tmpfs", "-o", "size=1m,mode=700", "none", str(place))
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def journaled_disk(tmp_path: Path) -> Iterator[Path]:
    """An ext4 of its own, as a disk whose plug can be pulled. It may be unmounted and mounted again by the test."""
    image, place = tmp_path / "disk.img", tmp_path / "disk"
    place.mkdir()
    with image.open("wb") as file:
        file.truncate(64_000_000)
    try:
        subprocess.run(["mkfs.ext4", "-q", str(image)], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("mkfs.ext4 is not installed")
    _mount("-o", "loop", str(image), str(place))
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.fixture(params=["by descriptor", "by path"])
def base(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "by path":
        monkeypatch.setattr(folder, "BY_DESCRIPTOR", False)
    return tmp_path / "above" / "files"


@pytest.fixture
async def blob(base: Path) -> Path:
    """The file of b"hello", stored for tenant "t"."""
    await FileStore(base).put("t", b"hello", filename="a.txt")
    [path] = base.glob("*/*/*")
    return path


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A file of the right content outside of the folder, which must stay as it is."""
    path = tmp_path / "elsewhere" / "hello"
    path.parent.mkdir()
    path.write_bytes(b"hello")
    yield path
    assert path.read_bytes() == b"hello"
    assert os.listdir(path.parent) == ["hello"]  # noqa: PTH208 - the names
