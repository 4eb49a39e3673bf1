"""Reading: whole turns, each once, never stale, however long the conversation is and whoever writes (P6, P7)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from keepthread.errors import InvalidSetting, MessageNotFound, ThreadNotFound
from keepthread.model import Attachment, Thread
from keepthread.store import ThreadStore

from .arrange import OpenStore, say, stored, talk, texts

PAGED = 450
"""Messages or threads enough for several pages of any sensible size."""

ABSENT: dict[str, Callable[[ThreadStore], Awaitable[object]]] = {
    "get_thread": lambda s: s.get_thread("t"),
    "get_thread(last)": lambda s: s.get_thread("t", last=1),
    "get_message": lambda s: s.get_message("t", "a"),
    "count_messages": lambda s: s.count_messages("t"),
    "history": lambda s: s.history("t"),
    "cached": lambda s: s.cached().get_thread("t"),
    "iter_messages": lambda s: iterated(s, "t"),
}


async def iterated(store: ThreadStore, thread_id: str, *, after: int | None = None) -> list[str]:
    """Return what `iter_messages` yields."""
    return [message.text async for message in store.iter_messages(thread_id, after=after)]


@pytest.mark.asyncio
class ReadContract:
    """What the methods promise that change nothing."""

    @pytest.mark.parametrize("method", ABSENT)
    async def test_an_unknown_thread_cannot_be_read(self, store: ThreadStore, method: str) -> None:
        with pytest.raises(ThreadNotFound) as failure:
            await ABSENT[method](store)

        assert isinstance(failure.value, KeyError)
        assert failure.value.thread_id == "t"
        assert "'t'" in str(failure.value)

    async def test_an_unknown_message_is_not_found(self, store: ThreadStore) -> None:
        await talk(store, "a")

        with pytest.raises(MessageNotFound) as failure:
            await store.get_message("t", "b")

        assert isinstance(failure.value, KeyError)
        assert (failure.value.thread_id, failure.value.message_id) == ("t", "b")

    async def test_a_number_that_no_database_holds_is_refused(self, store: ThreadStore) -> None:
        await talk(store, "a")

        for number in (2**63, -(2**63) - 1, 10**30):
            with pytest.raises(InvalidSetting):
                await store.get_thread("t", before=number)
            with pytest.raises(InvalidSetting):
                await iterated(store, "t", after=number)
            with pytest.raises(InvalidSetting):
                await store.get_thread("t", last=number)
            with pytest.raises(InvalidSetting):
                await store.list_threads(limit=number)
            with pytest.raises(InvalidSetting):
                await store.find_threads("t", limit=number)

    async def test_each_load_is_an_object_of_its_own(self, store: ThreadStore) -> None:
        await talk(store, "a")
        one, two = await store.get_thread("t"), await store.get_thread("t")

        one.add_message(say("b"))
        one.metadata["k"] = 1
        one.title = "One"

        assert (texts(two), two.metadata, two.title) == (["a"], {}, None)
        assert await store.get_thread("t") == two

    async def test_a_long_thread_is_iterated_in_order(self, store: ThreadStore) -> None:
        said = [f"{n}" for n in range(PAGED)]
        await talk(store, *said)

        assert await iterated(store, "t") == said

    @pytest.mark.parametrize("front", [1, 198, 199, 200, 201, 399, 400])
    async def test_a_thread_that_grew_at_the_front_is_iterated_once(self, store: ThreadStore, front: int) -> None:
        thread = await talk(store, "first")
        said = [f"{n}" for n in range(front)]

        thread.messages[0:0] = map(say, said)
        await store.save_thread(thread)

        seen: list[str] = []
        async for message in store.iter_messages("t"):
            seen.append(message.text)
            assert len(seen) <= front + 1
        assert seen == [*said, "first"]

    async def test_iterating_goes_on_after_a_position(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", "b", "c")

        assert await iterated(store, "t", after=thread.messages[0].position) == ["b", "c"]
        assert await iterated(store, "t", after=thread.messages[2].position) == []

    async def test_iterating_while_others_append_sees_everything_once(self, store: ThreadStore) -> None:
        await talk(store, *(f"{n}" for n in range(PAGED)))

        seen: list[str] = []
        async for message in store.iter_messages("t"):
            if len(seen) % 100 == 0:
                await store.append("t", say(f"new {len(seen)}"))
            seen.append(message.text)

        assert seen[:PAGED] == [f"{n}" for n in range(PAGED)]
        assert len(set(seen)) == len(seen)
        assert "new 0" in seen

    async def test_a_thread_deleted_on_the_way_is_not_found(self, store: ThreadStore) -> None:
        await talk(store, *(f"{n}" for n in range(PAGED)))
        messages = store.iter_messages("t")
        await anext(messages)

        await store.delete_thread("t")

        with pytest.raises(ThreadNotFound):
            _ = [message async for message in messages]

    async def test_a_reader_never_sees_a_part_of_a_turn(self, store: ThreadStore) -> None:
        await talk(store)
        done = False

        async def write() -> None:
            nonlocal done
            for n in range(30):
                await asyncio.gather(*(store.append("t", [say(f"{n}.{k}.{part}") for part in "abc"]) for k in range(3)))
            done = True

        async def read() -> None:
            while not done:
                thread = await store.get_thread("t")
                said = [text.rsplit(".", 1) for text in texts(thread)]
                assert [part for _, part in said] == list("abc") * (len(said) // 3)
                assert len({turn for turn, _ in said}) == len(said) // 3
                assert thread.message_count == len(said)

        await asyncio.gather(write(), read(), read())

    async def test_a_reader_sees_a_merge_whole(self, store: ThreadStore) -> None:
        await talk(store, "old 1", "old 2", "old 3")
        done = False

        async def write() -> None:
            nonlocal done
            for n in range(30):
                thread = await store.get_thread("t")
                thread.messages = [say(f"{n} {part}") for part in range(3)]
                thread.title = f"{n}"
                await store.save_thread(thread)
            done = True

        async def read() -> None:
            while not done:
                thread = await store.get_thread("t")
                assert {text.split()[0] for text in texts(thread)} == {thread.title or "old"}
                assert len(thread.messages) == thread.message_count == 3

        await asyncio.gather(write(), read(), read())

    async def test_a_cached_thread_is_never_stale(self, store: ThreadStore) -> None:
        cache = store.cached()
        await talk(store, "a")
        assert texts(await cache.get_thread("t")) == ["a"]

        await store.append("t", say("b"))
        assert texts(await cache.get_thread("t")) == ["a", "b"]
        await store.edit_message("t", "a", content="A")
        assert texts(await cache.get_thread("t")) == ["A", "b"]
        await store.update_thread("t", title="New")
        assert (await cache.get_thread("t")).title == "New"
        await store.delete_thread("t")
        with pytest.raises(ThreadNotFound):
            await cache.get_thread("t")
        await talk(store, "x")
        assert texts(await cache.get_thread("t")) == ["x"]

    async def test_a_cached_thread_follows_another_store(self, store: ThreadStore, open_store: OpenStore) -> None:
        await talk(store, "a")
        cache = store.cached()
        await cache.get_thread("t")

        await (await open_store()).append("t", say("b"))

        assert texts(await cache.get_thread("t")) == ["a", "b"]

    async def test_who_asks_a_cache_gets_an_object_of_their_own(self, store: ThreadStore) -> None:
        await talk(store, "a", metadata={"list": [1]})
        cache = store.cached()
        one, two = await asyncio.gather(cache.get_thread("t"), cache.get_thread("t"))

        one.add_message(say("b"))
        one.metadata["list"].append(2)
        one.messages[0].add_attachment(Attachment(filename="a.txt", content=b"a"))

        assert (texts(two), two.metadata, two.messages[0].attachments) == (["a"], {"list": [1]}, ())
        assert await cache.get_thread("t") == two == await store.get_thread("t")

    async def test_a_cached_thread_can_be_saved(self, store: ThreadStore) -> None:
        await talk(store, "a")
        cache = store.cached()
        one, two = await cache.get_thread("t"), await cache.get_thread("t")

        for thread, text in ((one, "b"), (two, "c")):
            thread.add_message(say(text))
            await store.save_thread(thread)

        assert texts(two) == await stored(store) == texts(await cache.get_thread("t")) == ["a", "b", "c"]

    async def test_a_cache_of_one_serves_many(self, store: ThreadStore) -> None:
        cache = store.cached(max_threads=1)
        for n in range(3):
            await talk(store, f"{n}", thread_id=f"t{n}")

        for n in (0, 1, 2, 1, 0):
            assert texts(await cache.get_thread(f"t{n}")) == [f"{n}"]

    async def test_a_cache_of_none_is_refused(self, store: ThreadStore) -> None:
        with pytest.raises(InvalidSetting):
            store.cached(max_threads=0)

    async def test_status_counts_what_is_there(self, store: ThreadStore) -> None:
        await talk(store, "a", "b")
        trimmed = await talk(store, "a", "b", "c", thread_id="trimmed")
        trimmed.messages = trimmed.messages[-1:]
        await store.save_thread(trimmed)
        await store.save_thread(Thread(id="empty"))

        status = await store.status()

        assert (status.threads, status.messages, status.tenant) == (3, 3, store.tenant)
        assert status.threads == await store.count_threads()
        assert status.schema_version >= 1
        assert status.size_bytes > 0
