"""Appending: whole turns, each stored once, in order, whoever else appends (P2, P3, P4, P5, P7, P9)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from keepthread.errors import ConflictError, InvalidMessage, ThreadNotFound
from keepthread.model import Thread
from keepthread.store import ThreadStore

from .arrange import OpenStore, say, stored, talk, texts


@pytest.mark.asyncio
class AppendContract:
    """What `append` promises."""

    async def test_appended_messages_are_read_in_speaking_order(self, store: ThreadStore) -> None:
        await talk(store, "a")

        await store.append("t", [say("b"), say("c")])
        await store.append("t", say("d"))

        assert await stored(store) == ["a", "b", "c", "d"]

    async def test_returns_the_very_objects_with_rising_positions(self, store: ThreadStore) -> None:
        await talk(store)
        turn = [say("a"), say("b"), say("c")]

        returned = await store.append("t", turn)

        assert all(mine is theirs for mine, theirs in zip(turn, returned, strict=True))
        positions = [message.position for message in turn if message.position is not None]
        assert len(set(positions)) == 3
        assert positions == sorted(positions)

    async def test_the_stored_messages_equal_the_appended_ones(self, store: ThreadStore) -> None:
        appended = await store.append("t", [say("a"), say("b")], create=True)

        assert (await store.get_thread("t")).messages == appended

    async def test_order_does_not_depend_on_the_clock(self, store: ThreadStore) -> None:
        await talk(store)
        moment = datetime(2024, 1, 1, tzinfo=UTC)

        for days, text in enumerate(["a", "b", "c"]):
            await store.append("t", say(text, created_at=moment - timedelta(days=days)))

        assert await stored(store) == ["a", "b", "c"]

    async def test_counts_and_dates_the_thread(self, store: ThreadStore) -> None:
        before = await talk(store, "a")

        await store.append("t", [say("b"), say("c")])

        after = await store.get_thread("t")
        assert after.message_count == await store.count_messages("t") == 3
        assert after.version == before.version + 1
        assert after.updated_at > before.updated_at
        assert after.created_at == before.created_at

    async def test_an_empty_turn_is_nothing(self, store: ThreadStore) -> None:
        before = await talk(store, "a")

        assert await store.append("t", []) == []
        assert (await store.get_thread("t")).version == before.version

    async def test_appending_to_an_unknown_thread_is_refused(self, store: ThreadStore) -> None:
        with pytest.raises(ThreadNotFound) as failure:
            await store.append("t", say("a"))

        assert failure.value.thread_id == "t"
        assert await store.count_threads() == 0

    async def test_creates_the_thread_when_told_to(self, store: ThreadStore) -> None:
        await store.append("t", [say("a"), say("b")], create=True)
        await store.append("t", say("c"), create=True)

        assert await stored(store) == ["a", "b", "c"]
        assert await store.count_threads() == 1

    async def test_many_who_create_one_thread_at_once_are_all_heard(self, store: ThreadStore) -> None:
        await asyncio.gather(*(store.append("t", say(f"{n}"), create=True) for n in range(20)))

        assert sorted(await stored(store), key=int) == [f"{n}" for n in range(20)]

    async def test_a_repeated_turn_is_stored_once(self, store: ThreadStore) -> None:
        first = await store.append("t", [say("a"), say("b")], create=True)
        before = await store.get_thread("t")

        again = await store.append("t", [say("a"), say("b")])

        assert again == first
        assert (await store.get_thread("t")).version == before.version
        assert await stored(store) == ["a", "b"]

    async def test_the_very_objects_may_be_repeated(self, store: ThreadStore) -> None:
        turn = [say("a"), say("b")]
        await store.append("t", turn, create=True)

        assert await store.append("t", turn) == turn
        assert await stored(store) == ["a", "b"]

    async def test_of_a_partly_stored_turn_the_rest_is_stored(self, store: ThreadStore) -> None:
        await talk(store, "b")

        returned = await store.append("t", [say("a"), say("b"), say("c")])

        assert await stored(store) == ["b", "a", "c"]
        assert [message.text for message in returned] == ["a", "b", "c"]
        assert await store.count_messages("t") == 3

    async def test_a_repeat_after_an_edit_returns_the_edited_message(self, store: ThreadStore) -> None:
        await talk(store, "a")
        await store.edit_message("t", "a", content="edited")
        before = await store.get_thread("t")

        (returned,) = await store.append("t", say("a"))

        assert returned.text == "edited"
        assert await stored(store) == ["edited"]
        assert (await store.get_thread("t")).version == before.version

    async def test_what_an_edit_says_is_no_repeat(self, store: ThreadStore) -> None:
        await talk(store, "a")
        await store.edit_message("t", "a", content="edited")

        with pytest.raises(ConflictError):
            await store.append("t", say("edited", id="a"))

    async def test_a_repeat_does_not_bring_back_what_was_taken_out(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b")
        thread.messages = thread.messages[1:]
        await store.save_thread(thread)

        await store.append("t", say("a"))

        assert await stored(store) == ["b"]
        assert await store.count_messages("t") == 1

    async def test_an_id_with_other_content_conflicts_and_nothing_is_written(self, store: ThreadStore) -> None:
        before = await talk(store, "a")

        with pytest.raises(ConflictError):
            await store.append("t", [say("new"), say("other", id="a"), say("newer")])

        assert await stored(store) == ["a"]
        assert (await store.get_thread("t")).version == before.version

    @pytest.mark.parametrize(
        "fields", [{"role": "assistant"}, {"metadata": {"x": 1}}, {"name": "Ann"}, {"content": None}, {"content": "A"}]
    )
    async def test_every_part_of_a_message_is_its_content(self, store: ThreadStore, fields: dict[str, object]) -> None:
        await talk(store, "a")

        with pytest.raises(ConflictError):
            await store.append("t", say("a", **fields))

    async def test_an_id_twice_in_one_turn_is_refused(self, store: ThreadStore) -> None:
        await talk(store)

        with pytest.raises(InvalidMessage):
            await store.append("t", [say("a"), say("b"), say("a")])

        assert await stored(store) == []

    async def test_what_is_no_message_is_not_appended(self, store: ThreadStore) -> None:
        await talk(store)
        nothing_of_ours: object = {"role": "user", "content": "a"}

        with pytest.raises(InvalidMessage):
            await store.append("t", [say("a"), nothing_of_ours])  # pyright: ignore[reportArgumentType] - as an untyped caller

        assert await stored(store) == []

    async def test_ids_are_unique_in_their_thread_only(self, store: ThreadStore) -> None:
        await store.append("one", say("first", id="same"), create=True)
        await store.append("two", say("second", id="same"), create=True)

        assert (await stored(store, "one"), await stored(store, "two")) == (["first"], ["second"])

    async def test_one_object_can_be_in_two_threads(self, store: ThreadStore) -> None:
        await talk(store, "before", thread_id="two")
        message = say("a")

        await store.append("one", message, create=True)
        await store.append("two", message)
        await store.append("one", [message, say("b")])

        assert await stored(store, "one") == ["a", "b"]
        assert await stored(store, "two") == ["before", "a"]
        assert (await store.get_message("one", "a")).position == message.position

    async def test_many_turns_at_once_on_one_thread_stay_whole(self, store: ThreadStore) -> None:
        await talk(store)

        await asyncio.gather(*(store.append("t", [say(f"{n}a"), say(f"{n}b"), say(f"{n}c")]) for n in range(40)))

        said = await stored(store)
        turns = [tuple(said[place : place + 3]) for place in range(0, len(said), 3)]
        assert sorted(turns) == sorted((f"{n}a", f"{n}b", f"{n}c") for n in range(40))

    async def test_turns_of_one_caller_keep_their_order_among_others(self, store: ThreadStore) -> None:
        await talk(store)

        async def speak(name: str) -> None:
            for n in range(10):
                await store.append("t", say(f"{name}{n}"))

        await asyncio.gather(*(speak(name) for name in "abcd"))

        said = await stored(store)
        assert all([text for text in said if text[0] == name] == [f"{name}{n}" for n in range(10)] for name in "abcd")

    async def test_many_threads_at_once_get_what_is_theirs(self, store: ThreadStore) -> None:
        await asyncio.gather(*(store.save_thread(Thread(id=f"t{n}")) for n in range(20)))

        await asyncio.gather(*(store.append(f"t{n}", [say(f"{n}a"), say(f"{n}b")]) for n in range(20)))

        assert [await stored(store, f"t{n}") for n in range(20)] == [[f"{n}a", f"{n}b"] for n in range(20)]

    async def test_one_message_appended_by_many_at_once_is_stored_once(self, store: ThreadStore) -> None:
        await talk(store)

        returned = await asyncio.gather(*(store.append("t", say("a")) for _ in range(20)))

        assert await stored(store) == ["a"]
        assert len({message.position for (message,) in returned}) == 1

    async def test_a_bad_turn_fails_alone(self, store: ThreadStore) -> None:
        await talk(store, "a")

        outcomes = await asyncio.gather(
            store.append("t", say("b")),
            store.append("t", say("other", id="a")),
            store.append("unknown", say("c")),
            store.append("t", [say("d"), say("a")]),
            store.append("t", say("e")),
            return_exceptions=True,
        )

        assert [type(outcome).__name__ for outcome in outcomes] == [
            "list",
            "ConflictError",
            "ThreadNotFound",
            "list",
            "list",
        ]
        assert sorted(await stored(store)) == ["a", "b", "d", "e"]

    async def test_a_write_that_returned_is_seen_at_once(self, store: ThreadStore) -> None:
        await talk(store)

        for n in range(1, 6):
            await store.append("t", say(f"{n}"))
            reads = (store.count_messages("t"), store.get_message("t", f"{n}"), store.get_thread("t", last=1))
            count, message, tail = await asyncio.gather(*reads)
            assert (count, message.text, texts(tail)) == (n, f"{n}", [f"{n}"])

    async def test_a_second_store_sees_and_continues_what_was_written(
        self, store: ThreadStore, open_store: OpenStore
    ) -> None:
        await talk(store, "a")
        other = await open_store()

        await other.append("t", say("b"))
        await store.append("t", say("c"))

        assert await stored(store) == await stored(other) == ["a", "b", "c"]

    async def test_two_stores_that_append_at_once_lose_nothing(self, store: ThreadStore, open_store: OpenStore) -> None:
        other = await open_store()
        writers = (store, other)

        await asyncio.gather(*(writers[n % 2].append("t", [say(f"{n}"), say(f"{n}!")], create=True) for n in range(60)))

        said = await stored(store)
        assert sorted(said[::2], key=int) == [f"{n}" for n in range(60)]
        assert said[1::2] == [f"{text}!" for text in said[::2]]
