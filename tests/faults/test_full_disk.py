"""A disk that is full: an error that says so, nothing half, and all goes on in the same store once there is room."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from keepthread.errors import FullError
from keepthread.model import Message
from keepthread.store import ThreadStore

from .disks import memory_disk, resize
from .turns import kept_turns, turn


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with memory_disk(tmp_path / "disk", "1m") as place:
        yield place


async def fill(store: ThreadStore) -> list[str]:
    """Append until nothing goes in any more; return what was acknowledged."""
    acknowledged: list[str] = []
    with suppress(FullError):
        for number in count():
            await store.append("t", turn(f"{number}"), create=True)
            acknowledged.append(f"{number}")
    return acknowledged


async def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on_with_more_room(disk: Path) -> None:
    async with await ThreadStore.create(disk / "t.db") as store:
        acknowledged = await fill(store)
        kept_meanwhile = await store.count_messages("t")
        resize(disk, "8m")
        await store.append("t", turn("after"))

    assert len(acknowledged) > 10
    assert kept_meanwhile == 3 * len(acknowledged)
    assert await kept_turns(disk / "t.db") == {"t": [*acknowledged, "after"]}


async def test_a_full_disk_is_no_hindrance_to_read(disk: Path) -> None:
    async with await ThreadStore.create(disk / "t.db") as store:
        acknowledged = await fill(store)

        thread = await store.get_thread("t")

        assert len(thread.messages) == 3 * len(acknowledged)


async def test_of_many_conversations_that_wait_together_each_is_kept_or_refused(disk: Path) -> None:
    async with await ThreadStore.create(disk / "t.db") as store:
        outcomes = await asyncio.gather(
            *(store.append(f"{number}", turn(f"{number}-0"), create=True) for number in range(2000)),
            return_exceptions=True,
        )
        stored = [f"{number}" for number, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException)]
        resize(disk, "16m")

    assert {type(outcome) for outcome in outcomes if isinstance(outcome, BaseException)} == {FullError}
    assert len(stored) > 10
    assert (await kept_turns(disk / "t.db")).keys() == set(stored)


async def test_a_message_that_does_not_fit_is_refused_and_a_smaller_one_is_kept(disk: Path) -> None:
    async with await ThreadStore.create(disk / "t.db") as store:
        large = Message(role="user", content="x" * 2_000_000)
        outcomes = await asyncio.gather(
            *(store.append("small", turn(f"{number}"), create=True) for number in range(5)),
            store.append("large", large, create=True),
            return_exceptions=True,
        )

        assert [type(outcome) for outcome in outcomes] == [list] * 5 + [FullError]
        assert await store.count_messages("small") == 15
        assert await store.count_threads() == 1


async def test_a_database_that_cannot_even_be_made_is_refused_as_full(disk: Path) -> None:
    (disk / "filler").write_bytes(b"x" * (1 << 20))

    with pytest.raises(FullError):
        await ThreadStore.create(disk / "t.db")


async def test_one_that_has_room_for_half_of_it_is_made_when_there_is_more(disk: Path) -> None:
    free_bytes = 0
    while not await made_with(disk, free_bytes):
        free_bytes += 8192

    assert free_bytes > 0


async def made_with(disk: Path, free_bytes: int) -> bool:
    """Return whether a database can be made in so much room. If not it must be possible as soon as there is more."""
    path = disk / f"{free_bytes}.db"
    resize(disk, "1m")
    leave_free(disk, free_bytes)
    try:
        async with await ThreadStore.create(path) as store:
            await store.append("t", turn("one"), create=True)
    except FullError:
        resize(disk, "8m")
        async with await ThreadStore.create(path) as store:
            await store.append("t", turn("two"), create=True)
        assert (await kept_turns(path))["t"] == ["two"]
        path.unlink()
        return False
    assert (await kept_turns(path))["t"] == ["one"]
    return True


def leave_free(disk: Path, free_bytes: int) -> None:
    with (disk / "filler").open("wb", buffering=0) as file:
        with suppress(OSError):
            while True:
                file.write(bytes(4096))
        file.truncate(file.tell() - free_bytes)
