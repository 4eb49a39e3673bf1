"""One object, several tasks: what its owner does while a save is under way, or after one that failed (P3, P9, P16)."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

import asyncio

import pytest

from keepthread.errors import ConflictError
from keepthread.model import Thread
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts


async def _begin(store: ThreadStore, thread: Thread) -> asyncio.Task[Thread]:
    """Return a save that is under way: it has looked at the thread, and its owner goes on."""
    saving = asyncio.ensure_future(store.save_thread(thread))
    await asyncio.sleep(0)
    return saving


@pytest.mark.asyncio
class OwnerContract:
    """What a thread's owner can rely on around a save."""

    @pytest.mark.parametrize("merge", [False, True], ids=["an append", "a merge"])
    async def test_a_message_added_during_a_save_is_kept_for_the_next(self, store: ThreadStore, *, merge: bool) -> None:
        thread = await talk(store, "a")
        thread.title = "New" if merge else thread.title
        thread.add_message(say("b"))

        saving = await _begin(store, thread)
        thread.add_message(say("c"))
        await saving

        assert (texts(thread), await stored(store)) == (["a", "b", "c"], ["a", "b"])
        await store.save_thread(thread)
        assert texts(thread) == await stored(store) == ["a", "b", "c"]

    @pytest.mark.parametrize("merge", [False, True], ids=["an append", "a merge"])
    async def test_an_edit_during_a_save_is_kept_for_the_next(self, store: ThreadStore, *, merge: bool) -> None:
        thread = await talk(store, "a", "b")
        thread.title = "New" if merge else thread.title
        thread.add_message(say("c"))

        saving = await _begin(store, thread)
        thread.edit_message("a", content="A")
        thread.edit_message("c", content="C")
        await saving

        assert (texts(thread), await stored(store)) == (["A", "b", "C"], ["a", "b", "c"])
        await store.save_thread(thread)
        assert texts(thread) == await stored(store) == ["A", "b", "C"]

    @pytest.mark.parametrize("merge", [False, True], ids=["an append", "a merge"])
    async def test_a_trim_during_a_save_is_kept_for_the_next(self, store: ThreadStore, *, merge: bool) -> None:
        thread = await talk(store, "a", "b")
        thread.title = "New" if merge else thread.title
        thread.add_message(say("c"))

        saving = await _begin(store, thread)
        thread.messages = thread.messages[1:]
        await saving

        assert (texts(thread), await stored(store)) == (["b", "c"], ["a", "b", "c"])
        await store.save_thread(thread)
        assert texts(thread) == await stored(store) == ["b", "c"]

    async def test_an_insertion_during_the_first_save_is_kept_for_the_next(self, store: ThreadStore) -> None:
        thread = Thread(id="t", messages=[say("a"), say("b")])

        saving = await _begin(store, thread)
        thread.messages.insert(0, say("system"))
        await saving
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == ["system", "a", "b"]

    async def test_what_others_did_arrives_beside_what_the_owner_did_during_a_save(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")
        await store.append("t", say("theirs"))
        thread.title = "New"

        saving = await _begin(store, thread)
        thread.messages = thread.messages[1:]
        thread.add_message(say("c"))
        await saving
        await store.save_thread(thread)

        assert texts(thread) == await stored(store)
        assert sorted(texts(thread)) == ["b", "c", "theirs"]

    async def test_a_title_and_metadata_changed_during_a_save_are_kept_for_the_next(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        thread.title = "One"

        saving = await _begin(store, thread)
        thread.title = "Two"
        thread.metadata["k"] = 2
        await saving
        await store.save_thread(thread)

        after = await store.get_thread("t")
        assert (thread.title, after.title, after.metadata) == ("Two", "Two", {"k": 2})

    async def test_two_saves_of_one_object_never_conflict_with_each_other(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")

        thread.title = "One"
        thread.edit_message("a", content="A")
        first = await _begin(store, thread)
        thread.title = "Two"
        thread.edit_message("a", content="AA")
        await asyncio.gather(first, store.save_thread(thread))

        assert texts(thread) == await stored(store) == ["AA"]
        assert thread.title == (await store.get_thread("t")).title == "Two"

    async def test_after_a_conflict_the_object_is_as_its_owner_left_it(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")
        await store.edit_message("t", "a", content="theirs")

        thread.edit_message("a", content="mine")
        thread.add_message(say("c"))
        thread.title = "Mine"
        with pytest.raises(ConflictError):
            await store.save_thread(thread)

        assert (texts(thread), thread.title) == (["mine", "b", "c"], "Mine")
        with pytest.raises(ConflictError):
            await store.save_thread(thread)

    async def test_after_a_cancelled_save_the_next_one_completes_it(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        thread.edit_message("a", content="A")
        thread.add_message(say("b"))

        saving = await _begin(store, thread)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == ["A", "b"]

    @pytest.mark.parametrize("steps", range(8))
    async def test_a_cancelled_save_leaves_all_or_nothing(self, store: ThreadStore, steps: int) -> None:
        thread = await talk(store, "a", "b")
        thread.messages = [say("new"), thread.messages[1].edited(content="B"), say("c")]
        thread.metadata["k"] = 1

        saving = asyncio.ensure_future(store.save_thread(thread))
        for _ in range(steps):
            await asyncio.sleep(0)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)

        after = await store.get_thread("t")
        assert (texts(after), after.metadata) in ((["a", "b"], {}), (["new", "B", "c"], {"k": 1}))

    @pytest.mark.parametrize("steps", range(6))
    async def test_a_cancelled_append_leaves_all_or_nothing_and_nobody_waiting(
        self, store: ThreadStore, steps: int
    ) -> None:
        await talk(store)

        appending = [asyncio.ensure_future(store.append("t", [say(f"{n}"), say(f"{n}!")])) for n in range(10)]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in appending[::2]:
            task.cancel()
        await asyncio.gather(*appending, return_exceptions=True)
        await store.append("t", [say("last"), say("last!")])

        said = await stored(store)
        assert said[1::2] == [f"{text}!" for text in said[::2]]
        assert {"1", "3", "5", "7", "9", "last"} <= set(said)
