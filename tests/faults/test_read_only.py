"""A place that can only be read: an error that says so, and nothing acknowledged that was not stored."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from keepthread.errors import UnavailableError
from keepthread.store import ThreadStore

from . import programs
from .disks import Disk, memory_disk
from .processes import Child
from .turns import kept_turns, turn


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with memory_disk(tmp_path / "disk", "8m") as place:
        yield place


@pytest.fixture
def ext4(tmp_path: Path) -> Iterator[Disk]:
    disk = Disk(tmp_path)
    with disk.plugged_in():
        yield disk


def make_read_only(place: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)


async def test_a_database_cannot_be_made_on_a_read_only_file_system(disk: Path) -> None:
    make_read_only(disk)

    with pytest.raises(UnavailableError, match="cannot be opened for writing"):
        await ThreadStore.create(disk / "t.db")


async def test_a_database_cannot_be_opened_on_a_read_only_file_system(disk: Path) -> None:
    async with await ThreadStore.create(disk / "t.db") as store:
        await store.append("t", turn("one"), create=True)
    make_read_only(disk)

    with pytest.raises(UnavailableError, match="cannot be opened for writing"):
        await ThreadStore.create(disk / "t.db")


@pytest.mark.parametrize("mode", [0o555, 0o444, 0], ids=["not to be written to", "not to be entered", "not at all"])
def test_a_directory_with_the_wrong_mode_is_an_error_that_says_so(mode: int) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder) / "place"
        place.mkdir()
        place.parent.chmod(0o755)
        place.chmod(mode)
        with Child(programs.create_as_nobody, place / "t.db") as child:
            [(name, text)] = child.finish()

    assert name == "UnavailableError"
    assert str(place) in text


def test_a_file_that_may_only_be_read_is_an_error_that_says_so() -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "place" / "t.db"
        path.parent.mkdir()
        asyncio.run(make_database(path))
        path.parent.parent.chmod(0o755)
        path.chmod(0o444)
        with Child(programs.create_as_nobody, path) as child:
            [(name, text)] = child.finish()

    assert name == "UnavailableError"
    assert str(path) in text


async def make_database(path: Path) -> None:
    async with await ThreadStore.create(path) as store:
        await store.append("t", turn("one"), create=True)


async def test_a_store_whose_disk_becomes_read_only_refuses_writes_and_still_reads(ext4: Disk) -> None:
    path = ext4.place / "t.db"
    async with await ThreadStore.create(path) as store:
        await store.append("t", turn("before"), create=True)
        ext4.fail()

        with pytest.raises(UnavailableError):
            await store.append("t", turn("after"))

        assert await store.count_messages("t") == 3
        assert await store.count_messages("t") == 3


async def test_what_was_stored_before_is_there_when_it_can_be_written_again(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    path = disk.place / "t.db"
    with disk.plugged_in():
        store = await ThreadStore.create(path)
        await store.append("t", turn("before"), create=True)
        disk.fail()
        outcomes = await asyncio.gather(
            *(store.append("t", turn(f"{number}")) for number in range(20)), return_exceptions=True
        )
        await store.close()

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}
    subprocess.run(["e2fsck", "-fy", str(tmp_path / "image")], capture_output=True, check=False)
    with disk.plugged_in():
        assert (await kept_turns(path))["t"][0] == "before"
