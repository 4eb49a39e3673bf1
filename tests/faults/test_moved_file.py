"""A database that is deleted or replaced under an open store: nothing is acknowledged that went into the void."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keepthread.errors import UnavailableError
from keepthread.store import ThreadStore

from .turns import kept_turns, turn


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[ThreadStore]:
    async with await ThreadStore.create(path) as store:
        await store.append("t", turn("before"), create=True)
        yield store


@pytest.fixture
async def another(tmp_path: Path) -> Path:
    """Another sound database, such as a backup."""
    path = tmp_path / "another.db"
    async with await ThreadStore.create(path) as store:
        await store.append("t", turn("another"), create=True)
    return path


@pytest.mark.parametrize("name", ["t.db", "t.db-wal"])
async def test_a_write_after_a_file_was_deleted_is_not_acknowledged(
    tmp_path: Path, store: ThreadStore, name: str
) -> None:
    (tmp_path / name).unlink()

    outcomes = await asyncio.gather(
        *(store.append("t", turn(f"{number}")) for number in range(5)), return_exceptions=True
    )

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}


async def test_a_write_after_the_database_was_replaced_is_not_acknowledged(
    path: Path, store: ThreadStore, another: Path
) -> None:
    another.replace(path)

    with pytest.raises(UnavailableError, match=r"t\.db"):
        await store.append("t", turn("mine"))


async def test_nor_is_anything_read_from_what_is_not_the_database_any_more(
    path: Path, store: ThreadStore, another: Path
) -> None:
    another.replace(path)

    outcomes = await asyncio.gather(*(store.get_thread("t") for _ in range(20)), return_exceptions=True)

    assert {type(outcome) for outcome in outcomes} == {UnavailableError}


async def test_readers_do_not_make_an_empty_database_where_one_was_deleted(path: Path, store: ThreadStore) -> None:
    path.unlink()

    await asyncio.gather(*(store.get_thread("t") for _ in range(20)), return_exceptions=True)

    assert not path.exists()


async def test_the_store_goes_on_when_the_database_is_put_back(path: Path, store: ThreadStore) -> None:
    path.rename(path.with_name("moved"))
    with pytest.raises(UnavailableError):
        await store.append("t", turn("unknown"))

    path.with_name("moved").rename(path)
    await store.append("t", turn("after"))
    await store.close()

    kept = (await kept_turns(path))["t"]
    assert kept in (["before", "after"], ["before", "unknown", "after"])


async def test_reads_are_of_the_database_that_was_put_back(path: Path, store: ThreadStore, another: Path) -> None:
    await store.close()
    async with await ThreadStore.create(path) as reopened:
        path.rename(path.with_name("moved"))
        another.rename(path)
        await asyncio.gather(*(reopened.get_thread("t") for _ in range(60)), return_exceptions=True)

        path.with_name("moved").replace(path)
        seen: set[str] = set()
        for _ in range(10):
            threads = await asyncio.gather(*(reopened.get_thread("t") for _ in range(60)))
            seen.update(thread.messages[0].id for thread in threads)

    assert seen == {"before/0"}


async def test_a_read_harms_neither_the_database_nor_what_stands_in_its_place(
    path: Path, store: ThreadStore, another: Path
) -> None:
    path.rename(path.with_name("moved"))
    another.rename(path)
    replacement = path.read_bytes()

    await asyncio.gather(*(store.get_thread("t") for _ in range(60)), return_exceptions=True)

    assert path.read_bytes() == replacement
    path.with_name("moved").replace(path)
    assert (await store.get_thread("t")).messages[0].id == "before/0"
    await store.close()
    assert (await kept_turns(path))["t"] == ["before"]


async def test_a_close_rescues_what_was_stored_before_its_log_was_deleted(path: Path, store: ThreadStore) -> None:
    path.with_name("t.db-wal").unlink()

    await store.close()

    assert await kept_turns(path) == {"t": ["before"]}


async def test_a_database_behind_a_link_is_where_it_should_be(path: Path, store: ThreadStore) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)

    async with await ThreadStore.create(link) as linked:
        await linked.append("t", turn("after"))

    assert (await kept_turns(path))["t"] == ["before", "after"]


async def test_a_backup_that_was_put_in_its_place_is_found_unharmed(
    path: Path, store: ThreadStore, another: Path
) -> None:
    another.replace(path)
    path.with_name("t.db-wal").unlink()
    path.with_name("t.db-shm").unlink()
    with pytest.raises(UnavailableError):
        await store.append("t", turn("mine"))
    await store.close()

    assert (await kept_turns(path))["t"] == ["another"]
