"""Saving a thread: what its owner changed is written, merged with what others did, and nothing else (P3, P4, P9)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from keepthread.errors import ConflictError, InvalidThread, MessagesNotLoaded, ThreadNotFound
from keepthread.model import Message, Thread
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts


@pytest.mark.asyncio
class SaveContract:
    """What `save_thread` promises of new, loaded, listed and deleted threads."""

    async def test_a_new_thread_comes_back_as_it_was(self, store: ThreadStore) -> None:
        born = datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC)
        thread = Thread(id="t", title="Capitals", metadata={"plan": "pro"}, agent="guide", created_at=born)
        thread.add_messages([say("a"), say("b")])

        await store.save_thread(thread)

        loaded = await store.get_thread("t")
        assert (loaded.title, loaded.metadata, loaded.agent, loaded.archived) == (
            "Capitals",
            {"plan": "pro"},
            "guide",
            False,
        )
        assert (loaded.created_at, loaded.messages, loaded.message_count) == (born, thread.messages, 2)

    async def test_returns_the_same_object_up_to_date(self, store: ThreadStore) -> None:
        thread = Thread(id="t", messages=[say("a")])

        assert await store.save_thread(thread) is thread

        loaded = await store.get_thread("t")
        assert thread == loaded
        assert (thread.version, thread.updated_at, thread.message_count) == (loaded.version, loaded.updated_at, 1)

    async def test_messages_get_their_positions_in_place(self, store: ThreadStore) -> None:
        thread, message = Thread(id="t"), say("a")
        thread.add_message(message)

        await store.save_thread(thread)

        assert thread.messages[0] is message
        assert message.position == (await store.get_message("t", "a")).position

    @pytest.mark.parametrize("said", [(), ("a", "b")])
    async def test_saving_an_unchanged_thread_writes_nothing(self, store: ThreadStore, said: tuple[str, ...]) -> None:
        thread = Thread(id="t", metadata={"k": [1, {"x": None}]}, messages=list(map(say, said)))
        await store.save_thread(thread)
        before = await store.get_thread("t")

        await store.save_thread(thread)
        await store.save_thread(await store.get_thread("t"))
        await store.save_thread(await store.get_thread("t", last=1))
        await store.save_thread((await store.list_threads())[0])

        after = await store.get_thread("t")
        assert (after.version, after.updated_at) == (before.version, before.updated_at)

    async def test_equal_content_put_in_place_writes_nothing(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", metadata={"k": 1})

        thread.messages = list(map(say, ["a", "b"]))
        thread.metadata = {"k": 1}
        await store.save_thread(thread)

        assert (await store.get_thread("t")).version == thread.version == 1

    async def test_new_messages_go_after_what_others_appended(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        await store.append("t", say("theirs"))

        thread.add_message(say("mine"))
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == ["a", "theirs", "mine"]

    async def test_each_of_many_handles_adds_its_own(self, store: ThreadStore) -> None:
        await talk(store, "a")
        handles = await asyncio.gather(*(store.get_thread("t") for _ in range(10)))
        for n, handle in enumerate(handles):
            handle.add_messages([say(f"{n}"), say(f"{n}!")])

        await asyncio.gather(*map(store.save_thread, handles))

        said = (await stored(store))[1:]
        assert sorted(said[::2]) == [f"{n}" for n in range(10)]
        assert said[1::2] == [f"{text}!" for text in said[::2]]

    async def test_many_threads_are_saved_at_once(self, store: ThreadStore) -> None:
        threads = [Thread(id=f"t{n}", messages=[say(f"{n}")]) for n in range(20)]

        await asyncio.gather(*map(store.save_thread, threads))
        for thread in threads:
            thread.add_message(say("more"))
        await asyncio.gather(*map(store.save_thread, threads))

        assert [await stored(store, f"t{n}") for n in range(20)] == [[f"{n}", "more"] for n in range(20)]

    @pytest.mark.parametrize("loaded", [False, True])
    async def test_one_object_saved_by_many_at_once_is_stored_once(self, store: ThreadStore, *, loaded: bool) -> None:
        thread = await talk(store, "a") if loaded else Thread(id="t", messages=[say("a")])
        thread.add_message(say("b"))
        thread.metadata["k"] = 1

        await asyncio.gather(*(store.save_thread(thread) for _ in range(10)))

        assert await stored(store) == texts(thread) == ["a", "b"]
        assert thread == await store.get_thread("t")

    async def test_one_object_saved_by_many_while_it_grows_keeps_everything(self, store: ThreadStore) -> None:
        thread = await talk(store)

        async def add_and_save(text: str) -> None:
            thread.add_message(say(text))
            await store.save_thread(thread)

        await asyncio.gather(*(add_and_save(f"{n}") for n in range(20)))

        assert await stored(store) == texts(thread) == [f"{n}" for n in range(20)]

    async def test_an_id_that_others_used_for_something_else_conflicts(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        await store.append("t", say("theirs", id="same"))

        thread.add_messages([say("b"), say("mine", id="same")])
        with pytest.raises(ConflictError):
            await store.save_thread(thread)

        assert await stored(store) == ["a", "theirs"]

    async def test_an_id_that_others_used_for_the_same_is_stored_once(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        await store.append("t", say("same"))

        thread.add_messages([say("same"), say("b")])
        await store.save_thread(thread)

        assert texts(thread) == await stored(store) == ["a", "same", "b"]

    async def test_a_thread_that_was_never_loaded_is_merged_and_its_values_win(self, store: ThreadStore) -> None:
        await talk(store, "a", "b", title="Old", agent="one", metadata={"kept": 1, "changed": 1})
        mine = Thread(id="t", title="New", metadata={"changed": 2, "new": 3})
        mine.add_messages([say("B", id="b"), say("c")])

        await store.save_thread(mine)

        after = await store.get_thread("t")
        assert texts(mine) == texts(after) == ["a", "B", "c"]
        assert (after.title, after.agent, after.metadata) == ("New", "one", {"kept": 1, "changed": 2, "new": 3})
        assert [entry.message.text for entry in await store.history("t")] == ["a", "b", "B", "c"]

    async def test_of_two_who_create_one_thread_at_once_both_are_heard(self, store: ThreadStore) -> None:
        threads = [Thread(id="t", metadata={f"{n}": n}, messages=[say(f"{n}")]) for n in range(8)]

        await asyncio.gather(*map(store.save_thread, threads))

        after = await store.get_thread("t")
        assert sorted(texts(after)) == [f"{n}" for n in range(8)]
        assert after.metadata == {f"{n}": n for n in range(8)}

    @pytest.mark.parametrize("again", [False, True], ids=["deleted", "deleted and made anew"])
    @pytest.mark.parametrize("change", ["append", "edit", "trim", "title", "metadata"])
    async def test_a_thread_deleted_since_is_not_found_and_never_resurrected(
        self, store: ThreadStore, change: str, *, again: bool
    ) -> None:
        thread = await talk(store, "a", "b")
        await store.delete_thread("t")
        if again:
            await talk(store, "new")
        changes = {
            "append": lambda: thread.add_message(say("c")),
            "edit": lambda: thread.edit_message("a", content="A"),
            "trim": lambda: thread.messages.pop(0),
            "title": lambda: setattr(thread, "title", "New"),
            "metadata": lambda: thread.metadata.update(k=1),
        }

        changes[change]()
        with pytest.raises(ThreadNotFound):
            await store.save_thread(thread)

        assert await store.count_threads() == int(again)
        if again:
            assert await stored(store) == ["new"]

    async def test_a_header_changes_the_thread_and_not_its_messages(self, store: ThreadStore) -> None:
        await talk(store, "a", "b", title="Old")
        (header,) = await store.list_threads()
        await store.append("t", say("c"))

        header.title, header.archived = "New", True
        header.metadata["k"] = 1
        await store.save_thread(header)

        after = await store.get_thread("t")
        assert (after.title, after.archived, after.metadata, texts(after)) == ("New", True, {"k": 1}, ["a", "b", "c"])
        assert header.message_count == 3
        with pytest.raises(MessagesNotLoaded):
            _ = header.messages

    async def test_a_message_twice_in_one_list_is_refused(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")

        thread.messages = [*thread.messages, say("b"), say("b")]
        with pytest.raises(InvalidThread):
            await store.save_thread(thread)

        assert await stored(store) == ["a"]

    async def test_what_is_no_message_is_not_saved(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        messages: list[object] = thread.messages  # pyright: ignore[reportAssignmentType] - as an untyped caller

        messages.append({"role": "user", "content": "b"})
        with pytest.raises(InvalidThread):
            await store.save_thread(thread)

        assert await stored(store) == ["a"]

    async def test_one_message_can_be_saved_in_two_threads(self, store: ThreadStore) -> None:
        shared: list[Message] = [say("a"), say("b")]
        one, two = Thread(id="one", messages=shared), Thread(id="two", messages=[say("first"), *shared])

        await asyncio.gather(store.save_thread(one), store.save_thread(two))
        one.edit_message("a", content="changed")
        await store.save_thread(one)
        await store.save_thread(two)

        assert await stored(store, "one") == ["changed", "b"]
        assert await stored(store, "two") == ["first", "a", "b"]
        assert [m.position for m in two.messages] == [m.position for m in (await store.get_thread("two")).messages]
