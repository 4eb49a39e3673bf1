"""A caller that is cancelled, at any moment: its turn is there whole or not at all, and nobody else notices."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from keepthread.errors import ThreadNotFound
from keepthread.model import Thread
from keepthread.store import ThreadStore

from . import programs
from .processes import Child
from .turns import kept_turns, turn, whole_turns

ENOUGH = 6
"""Each test waits longer and longer before it cancels, until so many calls were finished before that."""


def longer_and_longer() -> Iterator[int]:
    """Every number of steps at first, then every eighth part more: a disk that takes its time is worth thousands."""
    steps = 0
    while True:
        yield steps
        steps += 1 + steps // 8


@pytest.fixture
async def complaints() -> list[dict[str, Any]]:
    """What the event loop has to complain about: exceptions that nobody retrieved, say."""
    found: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: found.append(context))
    return found


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ThreadStore]:
    async with await ThreadStore.create(tmp_path / "t.db") as store:
        await store.append("t", turn("before"), create=True)
        yield store


async def append(store: ThreadStore, key: str) -> None:
    await store.append("t", turn(key))


async def append_new(store: ThreadStore, key: str) -> None:
    await store.append(key, turn(key), create=True)


async def append_to_nothing(store: ThreadStore, key: str) -> None:
    with suppress(ThreadNotFound):
        await store.append("unknown", turn(key))


async def save_new(store: ThreadStore, key: str) -> None:
    await store.save_thread(Thread(id=key, messages=turn(key)))


async def save_loaded(store: ThreadStore, key: str) -> None:
    # A thread of its own: a save that was cancelled may still be stored, and then it is somebody else's change.
    thread = await store.get_or_create_thread(key)
    thread.add_messages(turn(key))
    thread.metadata["last"] = key
    await store.save_thread(thread)


@pytest.mark.slow
@pytest.mark.parametrize("write", [append, append_new, append_to_nothing, save_new, save_loaded])
async def test_a_cancelled_write_is_whole_or_absent(
    tmp_path: Path,
    store: ThreadStore,
    complaints: list[dict[str, Any]],
    write: Callable[[ThreadStore, str], Coroutine[Any, Any, None]],
) -> None:
    finished: set[str] = {"before", "after"}
    for steps in longer_and_longer():
        if not await is_cancelled_after(steps, write(store, f"{steps}")):
            finished.add(f"{steps}")
        if len(finished) == ENOUGH:
            break
    await store.append("t", turn("after"))
    await store.close()
    gc.collect()

    kept = Counter(key for keys in (await kept_turns(tmp_path / "t.db")).values() for key in keys)
    assert set(kept.values()) == {1}
    assert "0" not in finished
    assert write is append_to_nothing or kept.keys() >= finished
    assert complaints == []


@pytest.mark.slow
async def test_saving_again_after_a_cancelled_save_stores_each_message_once(
    tmp_path: Path, store: ThreadStore, complaints: list[dict[str, Any]]
) -> None:
    thread = await store.get_thread("t")
    saved = ["before"]
    finished = 0
    for steps in longer_and_longer():
        saved.append(f"{steps}")
        thread.add_messages(turn(saved[-1]))
        finished += not await is_cancelled_after(steps, store.save_thread(thread))
        await store.save_thread(thread)
        if finished == ENOUGH:
            break
    await store.close()

    assert (await kept_turns(tmp_path / "t.db"))["t"] == saved
    assert whole_turns(thread.messages) == saved
    assert complaints == []


async def test_a_write_that_was_cancelled_while_it_waited_stops_nobody_behind_it(
    tmp_path: Path, store: ThreadStore, complaints: list[dict[str, Any]]
) -> None:
    with Child(programs.hold_the_write_lock, tmp_path / "t.db") as holder:
        assert holder.hear() == "holding"
        waiting = [asyncio.create_task(store.append("t", turn(f"{number}"))) for number in range(20)]
        await asyncio.sleep(0)
        for task in waiting[::2]:
            task.cancel()
        holder.say("go on")
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    await store.close()

    assert [isinstance(outcome, asyncio.CancelledError) for outcome in outcomes] == [True, False] * 10
    kept = (await kept_turns(tmp_path / "t.db"))["t"]
    assert len(kept) == len(set(kept))
    assert set(kept) >= {"before", *map(str, range(1, 20, 2))}
    assert complaints == []


@pytest.mark.slow
async def test_a_cancelled_open_leaves_no_thread_behind(tmp_path: Path, complaints: list[dict[str, Any]]) -> None:
    before = set(threading.enumerate())
    finished = 0
    for steps in longer_and_longer():
        finished += not await is_cancelled_after(steps, _create_and_close(tmp_path / f"{steps}.db"))
        if finished == ENOUGH:
            break
    gc.collect()
    ours = [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("keepthread")]
    for thread in ours:
        thread.join(5)

    assert [thread for thread in ours if thread.is_alive()] == []
    assert complaints == []


async def _create_and_close(path: Path) -> None:
    async with await ThreadStore.create(path) as store:
        await store.count_threads()


async def is_cancelled_after(steps: int, call: Coroutine[Any, Any, object]) -> bool:
    """Run *call* for so many steps of the event loop, cancel it, and return whether that was in time."""
    task = asyncio.create_task(call)
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return task.cancelled()
