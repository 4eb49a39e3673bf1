"""A process that stops in the middle of a write: others read, and are told in time that they cannot write."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import pytest

from keepthread.errors import BusyError
from keepthread.store import ThreadStore

from . import programs
from .processes import Child
from .turns import kept_turns, turn

TIMEOUT_SECONDS = 0.5
SOON_SECONDS = 1.5


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with await ThreadStore.create(tmp_path / "t.db", timeout_seconds=TIMEOUT_SECONDS) as store:
        await store.append("t", turn("before"), create=True)
        yield store


@pytest.fixture
def holder(tmp_path: Path, store: ThreadStore) -> Iterator[Child]:
    """A process that began to write, and was stopped."""
    with Child(programs.hold_the_write_lock, tmp_path / "t.db") as child:
        assert child.hear() == "holding"
        child.pause()
        yield child


async def test_a_write_is_refused_soon_after_its_timeout(store: ThreadStore, holder: Child) -> None:
    begin = monotonic()

    with pytest.raises(BusyError):
        await store.append("t", turn("mine"))

    assert TIMEOUT_SECONDS <= monotonic() - begin < SOON_SECONDS


async def test_so_are_64_writes_that_wait_together(store: ThreadStore, holder: Child) -> None:
    begin = monotonic()

    outcomes = await asyncio.gather(
        *(store.append("t", turn(f"{number}")) for number in range(64)), return_exceptions=True
    )

    assert {type(outcome) for outcome in outcomes} == {BusyError}
    assert monotonic() - begin < SOON_SECONDS


async def test_readers_go_on(store: ThreadStore, holder: Child) -> None:
    begin = monotonic()

    thread = await store.get_thread("t")
    status = await store.status()

    assert (len(thread.messages), thread.title, status.messages) == (3, None, 3)
    assert monotonic() - begin < TIMEOUT_SECONDS


async def test_a_store_can_be_opened_to_read(tmp_path: Path, store: ThreadStore, holder: Child) -> None:
    begin = monotonic()

    async with await ThreadStore.create(tmp_path / "t.db") as another:
        assert await another.count_messages("t") == 3

    assert monotonic() - begin < SOON_SECONDS


async def test_what_waits_when_it_goes_on_is_stored(tmp_path: Path, store: ThreadStore, holder: Child) -> None:
    async with await ThreadStore.create(tmp_path / "t.db", timeout_seconds=30) as patient:
        waiting = asyncio.create_task(patient.append("t", turn("mine")))
        with pytest.raises(BusyError):
            await store.append("t", turn("another"))

        holder.resume()
        holder.say("go on")
        await waiting

        assert (await store.get_thread("t")).title == "half done"
    assert await kept_turns(tmp_path / "t.db") == {"t": ["before", "mine"]}


async def test_what_it_had_not_committed_is_gone_when_it_is_killed(
    tmp_path: Path, store: ThreadStore, holder: Child
) -> None:
    holder.kill()

    await store.append("t", turn("mine"))

    assert (await store.get_thread("t")).title is None
    assert await kept_turns(tmp_path / "t.db") == {"t": ["before", "mine"]}
