"""One store, several event loops and threads: nothing is bound to the caller's loop (P3, P16)."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from keepthread.errors import ThreadNotFound
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts

T = TypeVar("T")


async def _elsewhere(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* to its end in a thread and an event loop of its own."""
    return await asyncio.to_thread(asyncio.run, work)


@pytest.mark.asyncio
class SharingContract:
    """What a store promises to callers that do not share an event loop."""

    async def test_a_second_event_loop_reads_and_writes(self, store: ThreadStore) -> None:
        await talk(store, "a")

        await _elsewhere(store.append("t", say("b")))
        said = await _elsewhere(stored(store))
        await store.append("t", say("c"))

        assert said == ["a", "b"]
        assert await stored(store) == ["a", "b", "c"]

    async def test_many_event_loops_at_once_lose_nothing(self, store: ThreadStore) -> None:
        await talk(store)

        async def speak(name: str) -> None:
            for n in range(10):
                await asyncio.gather(*(store.append("t", say(f"{name} {n} {k}")) for k in range(3)))

        await asyncio.gather(*(_elsewhere(speak(name)) for name in "abcdef"))

        assert len(await stored(store)) == await store.count_messages("t") == 6 * 10 * 3

    async def test_an_error_reaches_the_loop_that_asked(self, store: ThreadStore) -> None:
        with pytest.raises(ThreadNotFound):
            await _elsewhere(store.get_thread("t"))
        with pytest.raises(ThreadNotFound):
            await _elsewhere(store.append("t", say("a")))

    async def test_a_loop_that_ends_with_a_call_under_way_disturbs_nobody(self, store: ThreadStore) -> None:
        await talk(store)

        async def leave() -> None:
            under_way = [asyncio.ensure_future(store.append("t", [say(f"{n}"), say(f"{n}!")])) for n in range(5)]
            await asyncio.sleep(0)
            assert not any(task.done() for task in under_way)

        await _elsewhere(leave())
        await store.append("t", [say("last"), say("last!")])

        said = await stored(store)
        assert said[-2:] == ["last", "last!"]
        assert said[1::2] == [f"{text}!" for text in said[::2]]

    async def test_a_cache_serves_several_loops(self, store: ThreadStore) -> None:
        await talk(store, "a")
        cache = store.cached(max_threads=2)

        async def look() -> list[str]:
            threads = await asyncio.gather(*(cache.get_thread("t") for _ in range(5)))
            return texts(threads[-1])

        assert await asyncio.gather(*(_elsewhere(look()) for _ in range(4)), look()) == [["a"]] * 5

    async def test_one_thread_object_can_be_saved_from_another_loop(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")

        thread.add_message(say("b"))
        await _elsewhere(store.save_thread(thread))
        thread.add_message(say("c"))
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == ["a", "b", "c"]
