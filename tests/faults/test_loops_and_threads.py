"""One store in several threads, each with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from keepthread.errors import StoreClosedError
from keepthread.store import ThreadStore

from .turns import kept_turns, turn

THREADS = 8
TURNS = 50


def in_threads(work: Callable[[int], Coroutine[Any, Any, Any]]) -> list[Any]:
    """Run one coroutine in each of eight threads, which begin together; return what each returned."""
    together = threading.Barrier(THREADS)

    def run(number: int) -> Any:  # noqa: ANN401 - whatever the work returns
        together.wait()
        return asyncio.run(work(number))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_eight_threads_with_loops_of_their_own_append_to_one_store(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    store = asyncio.run(ThreadStore.create(path))

    async def append(number: int) -> None:
        for count in range(TURNS):
            await store.append("shared", turn(f"{number}-{count}"), create=True)
            assert await store.count_messages("shared") >= 3

    in_threads(append)
    asyncio.run(store.close())

    kept = asyncio.run(kept_turns(path))["shared"]
    for number in range(THREADS):
        mine = [f"{number}-{count}" for count in range(TURNS)]
        assert [key for key in kept if key in mine] == mine
    assert len(kept) == THREADS * TURNS


def test_eight_threads_open_stores_of_their_own_on_one_new_file(tmp_path: Path) -> None:
    path = tmp_path / "t.db"

    async def append(number: int) -> None:
        async with await ThreadStore.create(path) as store:
            for count in range(5):
                await store.append(f"{number}", turn(f"{number}-{count}"), create=True)

    in_threads(append)

    assert asyncio.run(kept_turns(path)) == {
        f"{number}": [f"{number}-{count}" for count in range(5)] for number in range(THREADS)
    }


def test_a_close_in_the_middle_answers_every_call(tmp_path: Path) -> None:
    for attempt in range(20):
        path = tmp_path / f"{attempt}.db"
        store = asyncio.run(ThreadStore.create(path))

        async def append_until_closed(number: int, store: ThreadStore = store) -> int:
            for count in range(100_000):
                try:
                    await store.append(f"{number}", turn(f"{number}-{count}"), create=True)
                    await store.count_messages(f"{number}")
                except StoreClosedError:
                    return count
                if number == 0 and count == 3:
                    await store.close()
            return -1

        stored = in_threads(append_until_closed)

        kept = asyncio.run(kept_turns(path))
        for number, count in enumerate(stored):
            assert count <= len(kept.get(f"{number}", [])) <= count + 1
