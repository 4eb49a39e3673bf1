"""Editing a conversation: rearranged lists, edits and removals, merged with what others did (P3, P9, P10)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

from collections.abc import Callable

import pytest

from keepthread.errors import ConflictError
from keepthread.model import Message, Thread
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts

Rearrange = Callable[[list[Message]], list[Message]]


def _reversed(messages: list[Message]) -> list[Message]:
    return messages[::-1]


def _rotated(messages: list[Message]) -> list[Message]:
    return [*messages[2:], *messages[:2]]


REARRANGED: dict[str, Rearrange] = {
    "the last two": lambda m: m[-2:],
    "the first two": lambda m: m[:2],
    "all but the middle": lambda m: [*m[:2], *m[3:]],
    "nothing": lambda m: m[:0],
    "a summary and the last two": lambda m: [say("summary", role="system"), *m[-2:]],
    "one inserted at the front": lambda m: [say("new"), *m],
    "many inserted at the front": lambda m: [*(say(f"new {n}") for n in range(5)), *m],
    "one inserted in the middle": lambda m: [*m[:2], say("new"), *m[2:]],
    "insertions everywhere": lambda m: [part for one in m for part in (say(f"before {one.id}"), one)] + [say("end")],
    "one replaced": lambda m: [*m[:2], say("new"), *m[3:]],
    "the last replaced": lambda m: [*m[:-1], say("new")],
    "all replaced": lambda _: [say("x"), say("y")],
    "reversed": _reversed,
    "rotated": _rotated,
    "two swapped": lambda m: [m[1], m[0], *m[2:]],
    "trimmed, reversed and extended": lambda m: [say("x"), *m[::-2], say("y")],
    "moved and edited": lambda m: [m[4], m[0].edited(content="A"), say("x"), m[2]],
}


@pytest.mark.asyncio
class MergeContract:
    """What `save_thread` promises of the list of messages, and of the values beside it."""

    @pytest.mark.parametrize("kind", REARRANGED)
    async def test_a_rearranged_list_is_stored_exactly(self, store: ThreadStore, kind: str) -> None:
        thread = await talk(store, "a", "b", "c", "d", "e")

        thread.messages = REARRANGED[kind](thread.messages)
        expected = texts(thread)
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == expected
        assert thread == await store.get_thread("t")
        assert await store.count_messages("t") == len(expected)

    @pytest.mark.parametrize("kind", REARRANGED)
    async def test_what_others_appended_follows_a_rearranged_list(self, store: ThreadStore, kind: str) -> None:
        thread = await talk(store, "a", "b", "c", "d", "e")
        await store.append("t", [say("theirs"), say("theirs, too")])

        thread.messages = REARRANGED[kind](thread.messages)
        expected = [*texts(thread), "theirs", "theirs, too"]
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == expected

    @pytest.mark.parametrize("kind", REARRANGED)
    async def test_a_list_can_be_rearranged_again_and_put_back(self, store: ThreadStore, kind: str) -> None:
        thread = await talk(store, "a", "b", "c", "d", "e")
        original = list(thread.messages)

        for arranged in (REARRANGED[kind](thread.messages), original, _reversed(original), original):
            thread.messages = arranged
            await store.save_thread(thread)
            assert texts(thread) == await stored(store) == [message.text for message in arranged]

    async def test_a_removed_message_can_be_put_back_at_the_end(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")
        original = list(thread.messages)
        thread.messages = original[:1]
        await store.save_thread(thread)

        thread.messages = original
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == ["a", "b"]
        assert await store.count_messages("t") == 2

    async def test_many_insertions_at_one_place_stay_in_order(self, store: ThreadStore) -> None:
        thread = await talk(store, "first", "last")
        other = await store.get_thread("t")
        count = 50

        for n in range(count):
            thread.messages.insert(1, say(f"{n}"))
            await store.save_thread(thread)

        expected = ["first", *(f"{n}" for n in reversed(range(count))), "last"]
        assert texts(thread) == await stored(store) == expected
        other.messages.insert(0, say("system"))
        other.add_message(say("end"))
        await store.save_thread(other)
        assert texts(other) == await stored(store) == ["system", *expected, "end"]

    async def test_many_insertions_at_the_front_stay_in_order(self, store: ThreadStore) -> None:
        thread = await talk(store, "first")

        for n in range(50):
            thread.messages.insert(0, say(f"{n}"))
            await store.save_thread(thread)

        assert texts(thread) == await stored(store) == [*(f"{n}" for n in reversed(range(50))), "first"]

    async def test_two_who_insert_at_different_places_are_both_obeyed(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b", "c"), await store.get_thread("t")

        one.messages.insert(1, say("one"))
        two.messages.insert(2, say("two"))
        await store.save_thread(one)
        await store.save_thread(two)

        assert texts(two) == await stored(store) == ["a", "one", "b", "two", "c"]

    async def test_two_who_insert_at_one_place_are_both_kept(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b"), await store.get_thread("t")

        one.messages.insert(1, say("one"))
        two.messages.insert(1, say("two"))
        await store.save_thread(one)
        await store.save_thread(two)

        said = await stored(store)
        assert (said[0], sorted(said[1:3]), said[3]) == ("a", ["one", "two"], "b")

    async def test_two_who_trim_and_append_are_both_obeyed(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b", "c"), await store.get_thread("t")

        one.messages = one.messages[-1:]
        two.messages = [say("summary"), *two.messages[-2:], say("two")]
        await store.save_thread(one)
        await store.save_thread(two)

        assert texts(two) == await stored(store) == ["summary", "c", "two"]

    async def test_an_edit_is_stored_in_its_place(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", "c")

        thread.edit_message("b", content="B", metadata={"why": "typo"})
        await store.save_thread(thread)

        loaded = await store.get_thread("t")
        assert texts(thread) == texts(loaded) == ["a", "B", "c"]
        assert loaded.messages[1].metadata == {"why": "typo"}
        assert loaded.messages == thread.messages

    async def test_an_edit_of_the_same_message_conflicts_and_writes_nothing(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b", title="Old"), await store.get_thread("t")
        one.edit_message("a", content="one")
        await store.save_thread(one)

        two.edit_message("a", content="two")
        two.messages.insert(0, say("new"))
        two.title = "New"
        with pytest.raises(ConflictError):
            await store.save_thread(two)

        after = await store.get_thread("t")
        assert (texts(after), after.title, after.version) == (["one", "b"], "Old", one.version)

    async def test_the_same_edit_by_two_is_no_conflict(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a"), await store.get_thread("t")

        for thread in (one, two):
            thread.edit_message("a", content="A")
            await store.save_thread(thread)

        assert await stored(store) == ["A"]
        assert [entry.message.text for entry in await store.history("t")] == ["a", "A"]

    async def test_edits_of_different_messages_merge(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b"), await store.get_thread("t")

        one.edit_message("a", content="A")
        two.edit_message("b", content="B")
        await store.save_thread(one)
        await store.save_thread(two)

        assert texts(two) == await stored(store) == ["A", "B"]

    async def test_removing_what_others_edited_conflicts(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")
        await store.edit_message("t", "a", content="theirs")

        thread.messages = thread.messages[1:]
        with pytest.raises(ConflictError):
            await store.save_thread(thread)

        assert await stored(store) == ["theirs", "b"]

    async def test_editing_what_others_removed_conflicts(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b"), await store.get_thread("t")
        one.messages = one.messages[1:]
        await store.save_thread(one)

        two.edit_message("a", content="mine")
        with pytest.raises(ConflictError):
            await store.save_thread(two)

        assert await stored(store) == ["b"]

    async def test_what_both_removed_is_gone(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b", "c"), await store.get_thread("t")

        one.messages, two.messages = one.messages[1:], two.messages[2:]
        await store.save_thread(one)
        await store.save_thread(two)

        assert texts(two) == await stored(store) == ["c"]
        assert await store.count_messages("t") == 1

    async def test_what_only_others_changed_is_taken_over(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", "b", "c"), await store.get_thread("t")
        one.messages = [one.messages[0].edited(content="A"), one.messages[2]]
        await store.save_thread(one)

        two.add_message(say("d"))
        await store.save_thread(two)

        assert texts(two) == await stored(store) == ["A", "c", "d"]
        assert two == await store.get_thread("t")

    async def test_after_a_conflict_loading_again_and_repeating_the_change_works(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        await store.edit_message("t", "a", content="theirs")
        thread.edit_message("a", content="mine")
        with pytest.raises(ConflictError):
            await store.save_thread(thread)

        again = await store.get_thread("t")
        again.edit_message("a", content="mine")
        await store.save_thread(again)

        assert await stored(store) == ["mine"]

    async def test_a_removed_message_is_not_among_the_shown(self, store: ThreadStore) -> None:
        thread: Thread = await talk(store, "a", "b")
        thread.messages = thread.messages[1:]
        await store.save_thread(thread)

        assert [message.text async for message in store.iter_messages("t")] == ["b"]
        assert texts(await store.get_thread("t", last=5)) == ["b"]
        with pytest.raises(LookupError):
            await store.get_message("t", "a")
        with pytest.raises(LookupError):
            await store.edit_message("t", "a", content="A")
