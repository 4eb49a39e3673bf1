import pytest

from keepthread.errors import TooLargeError
from keepthread.store import Limits, ThreadStore
from keepthread.testing.arrange import say, stored, talk


async def test_a_message_of_just_the_limit_is_stored() -> None:
    size = len("x" * 100) + len("{}")
    async with ThreadStore(limits=Limits(message_bytes=size)) as store:
        await store.append("t", say("x" * 100, id="a"), create=True)
        with pytest.raises(TooLargeError) as failure:
            await store.append("t", say("x" * 101, id="b"))

        assert (failure.value.limit, failure.value.size) == (size, size + 1)
        assert await store.count_messages("t") == 1


async def test_bytes_are_counted_and_not_characters() -> None:
    async with ThreadStore(limits=Limits(message_bytes=100)) as store:
        with pytest.raises(TooLargeError):
            await store.append("t", say("é" * 50, id="a"), create=True)


async def test_metadata_and_the_providers_form_count() -> None:
    async with ThreadStore(limits=Limits(message_bytes=100)) as store:
        for field in ("metadata", "provider"):
            with pytest.raises(TooLargeError):
                await store.append("t", say("a", **{field: {"k": "x" * 100}}), create=True)


async def test_all_messages_of_a_turn_count_together() -> None:
    async with ThreadStore(limits=Limits(turn_bytes=100)) as store:
        with pytest.raises(TooLargeError):
            await store.append("t", [say("x" * 60, id="a"), say("x" * 60, id="b")], create=True)
        await store.append("t", say("x" * 60, id="a"), create=True)
        await store.append("t", say("x" * 60, id="b"))

        assert await store.count_messages("t") == 2


async def test_only_what_a_save_adds_counts() -> None:
    async with ThreadStore(limits=Limits(turn_messages=3)) as store:
        thread = await talk(store, "a", "b", "c")
        thread.add_messages([say("d"), say("e"), say("f")])
        await store.save_thread(thread)
        thread.messages.insert(0, say("g"))
        await store.save_thread(thread)

        assert await stored(store) == [*"gabcdef"]


async def test_metadata_that_grow_over_the_limit_by_merging_are_refused() -> None:
    async with ThreadStore(limits=Limits(metadata_bytes=100)) as store:
        before = await talk(store, metadata={"a": "x" * 60})
        with pytest.raises(TooLargeError):
            await store.update_thread("t", metadata={"b": "x" * 60})
        with pytest.raises(TooLargeError):
            await talk(store, metadata={"b": "x" * 60})

        assert await store.get_thread("t") == before


async def test_an_edit_has_the_same_limits() -> None:
    async with ThreadStore(limits=Limits(message_bytes=100)) as store:
        await talk(store, "a")
        with pytest.raises(TooLargeError):
            await store.edit_message("t", "a", content="x" * 101)

        assert await stored(store) == ["a"]
