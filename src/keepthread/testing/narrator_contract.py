"""Narrator's names for the same things, with the meaning that they had there."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import pytest

from keepthread.errors import InvalidSetting
from keepthread.model import Thread
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts


@pytest.mark.asyncio
class NarratorContract:
    """What code that was written for Narrator 6 finds."""

    async def test_save_and_get(self, store: ThreadStore) -> None:
        thread = Thread(id="t", attributes={"k": 1})  # pyright: ignore[reportCallIssue] - as untyped code
        thread.add_message(say("a"))

        assert await store.save(thread) is thread

        loaded = await store.get("t")
        assert loaded is not None
        assert (texts(loaded), loaded.attributes) == (["a"], {"k": 1})

    async def test_get_gives_none_for_what_is_not_there(self, store: ThreadStore) -> None:
        assert await store.get("t") is None

    async def test_list_gives_threads_with_their_messages_newest_first(self, store: ThreadStore) -> None:
        for name in "abc":
            await talk(store, name, thread_id=name)

        assert [texts(thread) for thread in await store.list()] == [["c"], ["b"], ["a"]]

    @pytest.mark.parametrize(
        ("limit", "offset", "expected"), [(2, 0, "cb"), (2, 1, "ba"), (2, 2, "a"), (2, 3, ""), (0, 1, "")]
    )
    async def test_list_takes_a_limit_and_an_offset(
        self, store: ThreadStore, limit: int, offset: int, expected: str
    ) -> None:
        for name in "abc":
            await talk(store, name, thread_id=name)

        assert [thread.id for thread in await store.list(limit, offset)] == list(expected)

    @pytest.mark.parametrize(("limit", "offset"), [(1, -1), (5, -1)])
    async def test_list_refuses_a_negative_offset(self, store: ThreadStore, limit: int, offset: int) -> None:
        await talk(store, "a")

        with pytest.raises(InvalidSetting):
            await store.list(limit, offset)

    async def test_delete_says_whether_there_was_one(self, store: ThreadStore) -> None:
        await talk(store, "a")

        assert await store.delete("t") is True
        assert await store.delete("t") is False
        assert await store.count_threads() == 0

    async def test_threads_are_found_by_their_attributes(self, store: ThreadStore) -> None:
        await talk(store, "one", thread_id="one", metadata={"k": 1, "x": "y"})
        await talk(store, "two", thread_id="two", metadata={"k": 2, "x": "y"})

        assert [texts(thread) for thread in await store.find_by_attributes({"k": 1, "x": "y"})] == [["one"]]
        assert len(await store.find_by_attributes({"x": "y"})) == 2
        assert await store.find_by_attributes({"k": "1"}) == []

    async def test_attributes_are_metadata(self, store: ThreadStore) -> None:
        thread = Thread(id="t", messages=[say("a", attributes={"m": 1})])
        thread.attributes = {"k": 1}
        thread.attributes["x"] = 2
        await store.save(thread)

        loaded = await store.get_thread("t")
        assert loaded.metadata == loaded.attributes == {"k": 1, "x": 2}
        assert loaded.messages[0].metadata == loaded.messages[0].attributes == {"m": 1}
        assert await stored(store) == ["a"]
