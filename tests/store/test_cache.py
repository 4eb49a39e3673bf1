"""What the cache does between two of its questions to the database."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from keepthread.model import Thread
from keepthread.store import ThreadCache, ThreadStore
from keepthread.testing.arrange import say, talk, texts


class Loader:
    """Loads threads as a store does, and holds them back until told."""

    def __init__(self, store: ThreadStore) -> None:
        self.store = store
        self.loads = 0
        self.asked = asyncio.Semaphore(0)
        self.loaded = asyncio.Event()
        self.go = asyncio.Event()

    async def load(self, thread_id: str) -> Thread:
        self.loads += 1
        thread = await self.store.get_thread(thread_id)
        self.loaded.set()
        await self.go.wait()
        return thread

    async def head(self, thread_id: str) -> Thread:
        thread = await self.store.get_thread(thread_id, last=0)
        self.asked.release()
        return thread

    async def wait_for_heads(self, count: int) -> None:
        """Return when so many callers know the stored version and wait for a load."""
        for _ in range(count):
            await self.asked.acquire()
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
async def loader() -> AsyncIterator[Loader]:
    async with ThreadStore() as store:
        yield Loader(store)


async def test_callers_that_ask_together_share_one_load(loader: Loader) -> None:
    await talk(loader.store, "a")
    cache = ThreadCache(loader.load, loader.head, 10)
    loader.go.set()

    threads = await asyncio.gather(*(cache.get_thread("t") for _ in range(5)))

    assert [texts(thread) for thread in threads] == [["a"]] * 5
    assert loader.loads == 1


async def test_who_asks_after_a_write_does_not_get_what_was_loaded_before_it(loader: Loader) -> None:
    await talk(loader.store, "a")
    cache = ThreadCache(loader.load, loader.head, 10)
    early = asyncio.ensure_future(cache.get_thread("t"))
    await loader.loaded.wait()

    await loader.store.append("t", say("b"))
    late = asyncio.ensure_future(cache.get_thread("t"))
    await loader.wait_for_heads(2)
    loader.go.set()

    await early
    assert texts(await late) == ["a", "b"]
    assert texts(await cache.get_thread("t")) == ["a", "b"]


async def test_who_asks_after_a_deletion_does_not_get_what_was_loaded_before_it(loader: Loader) -> None:
    await talk(loader.store, "deleted")
    await loader.store.append("t", say("deleted as well"))
    cache = ThreadCache(loader.load, loader.head, 10)
    early = asyncio.ensure_future(cache.get_thread("t"))
    await loader.loaded.wait()

    await loader.store.delete_thread("t")
    await talk(loader.store, "new")
    late = asyncio.ensure_future(cache.get_thread("t"))
    await loader.wait_for_heads(2)
    loader.go.set()

    await early
    assert texts(await late) == ["new"]


async def test_a_caller_that_is_cancelled_does_not_take_the_load_away_from_the_others(loader: Loader) -> None:
    await talk(loader.store, "a")
    cache = ThreadCache(loader.load, loader.head, 10)
    first, second = (asyncio.ensure_future(cache.get_thread("t")) for _ in range(2))
    await loader.loaded.wait()

    first.cancel()
    loader.go.set()

    assert texts(await second) == ["a"]
    assert loader.loads == 1


async def test_an_unchanged_thread_is_not_loaded_again(loader: Loader) -> None:
    await talk(loader.store, "a")
    cache = ThreadCache(loader.load, loader.head, 10)
    loader.go.set()

    for _ in range(3):
        await cache.get_thread("t")

    assert loader.loads == 1


async def test_what_was_asked_for_last_is_kept(loader: Loader) -> None:
    cache = ThreadCache(loader.load, loader.head, 2)
    loader.go.set()
    for name in "abc":
        await talk(loader.store, name, thread_id=name)

    for name in ("a", "b", "a", "c", "a"):
        await cache.get_thread(name)
    assert loader.loads == 3
    await cache.get_thread("b")

    assert loader.loads == 4
    cache.clear()
    await cache.get_thread("b")
    assert loader.loads == 5
