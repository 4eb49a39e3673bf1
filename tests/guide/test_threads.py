"""Stores, threads, their names, and what is done to many of them."""

import ast
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from keepthread import Message, Thread, ThreadNotFound, ThreadStore
from keepthread.errors import KeepthreadError
from keepthread.model.ids import now_microseconds

from .running import run_block, source

DAY = 24 * 60 * 60 * 1_000_000


async def test_the_sqlite_url_of_the_guide_is_a_file_beside_the_program(tmp_path: Path) -> None:
    names = await run_block("storage_sqlite")

    async with names["thread_store"] as store:
        await store.append("t1", Message(role="user", content="Hello."), create=True)
    async with ThreadStore(tmp_path / "app.db") as restarted:
        assert await restarted.count_messages("t1") == 1


async def test_no_url_is_a_store_in_memory(tmp_path: Path) -> None:
    names = await run_block("storage_in_memory")

    async with names["thread_store"] as store:
        await store.append("t1", Message(role="user", content="Hello."), create=True)
        assert await store.count_messages("t1") == 1
    assert list(tmp_path.iterdir()) == []


async def test_a_postgresql_url_reaches_for_the_server_and_masks_the_password() -> None:
    # The server of the guide is nobody's here: whatever it answers, the answer is ours.
    with pytest.raises(KeepthreadError) as failure:
        await run_block("storage_postgresql")

    assert ":pass@" not in str(failure.value)


async def test_a_thread_comes_back_with_its_metadata(store: ThreadStore, restarted: ThreadStore) -> None:
    names = await run_block("creating_threads")

    await store.save_thread(names["thread"])

    thread = await restarted.get_thread("project-research")
    assert thread.metadata == {"project": "quantum-computing", "created_by": "alice"}


async def test_what_was_saved_is_loaded_and_listed(store: ThreadStore) -> None:
    message = Message(role="user", content="Hello.")
    saved = Thread(id="thread-id", metadata={"plan": "pro"}, messages=[message])

    names = await run_block("saving_and_loading_threads", thread_store=store, thread=saved)

    assert names["thread"] is not saved
    assert (names["thread"].messages, names["thread"].metadata) == ([message], {"plan": "pro"})
    assert [(thread.id, thread.metadata) for thread in names["threads"]] == [("thread-id", {"plan": "pro"})]


async def test_what_was_deleted_is_gone(store: ThreadStore, restarted: ThreadStore) -> None:
    await run_block("saving_and_loading_threads", thread_store=store, thread=Thread(id="thread-id"))

    with pytest.raises(ThreadNotFound):
        await restarted.get_thread("thread-id")


async def test_every_name_of_the_guide_is_an_id(store: ThreadStore, restarted: ThreadStore) -> None:
    strings = (
        node.value
        for node in ast.walk(ast.parse(source("thread_naming_conventions")))
        if isinstance(node, ast.Constant)
    )
    ids = [string for string in strings if isinstance(string, str)]
    assert len(ids) == 5

    for thread_id in ids:
        await store.save_thread(Thread(id=thread_id))

    assert {(await restarted.get_thread(thread_id)).id for thread_id in ids} == set(ids)


async def test_threads_are_found_by_the_metadata_of_the_guide(store: ThreadStore, restarted: ThreadStore) -> None:
    names = await run_block("metadata_usage", datetime=datetime)

    await store.save_thread(names["thread"])
    await store.save_thread(Thread(id="other", metadata={"priority": "low"}))

    found = await restarted.list_threads(metadata={"priority": "high", "issue_type": "billing"})
    assert [thread.id for thread in found] == ["customer-support-789"]
    assert found[0].metadata == names["thread"].metadata


async def test_cleanup_removes_what_nobody_touched_for_thirty_days(
    store: ThreadStore, restarted: ThreadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = await run_block("cleanup_strategies", datetime=datetime, timedelta=timedelta)
    with monkeypatch.context() as long_ago:
        long_ago.setattr("keepthread.store.writing.now_microseconds", lambda: now_microseconds() - 32 * DAY)
        for thread_id in ("old-1", "old-2", "old-and-used"):
            await store.append(thread_id, Message(role="user", content="Hello."), create=True)
    with monkeypatch.context() as not_so_long_ago:
        not_so_long_ago.setattr("keepthread.store.writing.now_microseconds", lambda: now_microseconds() - 28 * DAY)
        await store.append("not-so-old", Message(role="user", content="Hello."), create=True)
    await store.append("old-and-used", Message(role="user", content="Still here."))

    await names["cleanup_old_threads"](store)

    assert {thread.id for thread in await restarted.list_threads()} == {"old-and-used", "not-so-old"}


async def test_threads_saved_at_once_are_all_there(store: ThreadStore, restarted: ThreadStore) -> None:
    threads = [Thread(id=f"batch-{n}") for n in range(3)]
    for thread in threads:
        thread.add_messages(Message(role="user", content=f"note {n} of {thread.id}") for n in range(10))

    await run_block("batch_operations", thread_store=store, thread1=threads[0], thread2=threads[1], thread3=threads[2])

    for thread in threads:
        assert (await restarted.get_thread(thread.id)).messages == thread.messages


async def test_a_cached_thread_can_be_asked_for_twice_and_is_never_stale(
    store: ThreadStore, restarted: ThreadStore
) -> None:
    await store.append("t1", Message(role="user", content="One."), create=True)
    names = await run_block("caching", thread_store=store)

    first = await names["get_cached_thread"]("t1")
    second = await names["get_cached_thread"]("t1")
    await restarted.append("t1", Message(role="user", content="Two."))
    third = await names["get_cached_thread"]("t1")

    assert [len(thread.messages) for thread in (first, second, third)] == [1, 1, 2]


async def test_as_written_the_cache_answers_once(store: ThreadStore) -> None:
    await store.append("t1", Message(role="user", content="One."), create=True)
    names = await run_block("caching", as_written=True, thread_store=store)

    await names["get_cached_thread"]("t1")

    with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
        await names["get_cached_thread"]("t1")
