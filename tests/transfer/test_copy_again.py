"""A further copy brings what came since, and does not touch what somebody else did in the target."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from keepthread import FileStore, Thread, ThreadStore
from keepthread.testing.arrange import say, stored, talk
from keepthread.transfer import copy_store

from .conversations import assert_equal, fill, kept


async def test_the_next_copy_writes_nothing(source: ThreadStore, target: ThreadStore) -> None:
    await fill(source)
    await copy_store(source, target)

    report = await copy_store(source, target)

    assert report.is_complete
    assert (report.copied, report.updated, report.unchanged, report.messages, report.files) == (0, 0, 3, 0, 0)


async def test_a_copy_that_reads_all_finds_all_of_it_equal(source: ThreadStore, target: ThreadStore) -> None:
    await fill(source)
    await copy_store(source, target)

    report = await copy_store(source, target, reads_all=True)

    assert report.is_complete
    assert (report.updated, report.unchanged, report.messages) == (0, 3, 0)


async def _append(store: ThreadStore) -> None:
    await store.append("t", [say("d"), say("e")])


async def _edit(store: ThreadStore) -> None:
    await store.edit_message("t", "b", content="B")


async def _trim(store: ThreadStore) -> None:
    thread = await store.get_thread("t")
    thread.messages = [say("summary"), thread.messages[-1]]
    await store.save_thread(thread)


async def _reorder(store: ThreadStore) -> None:
    thread = await store.get_thread("t")
    thread.messages.reverse()
    await store.save_thread(thread)


async def _update(store: ThreadStore) -> None:
    await store.update_thread("t", title="New", metadata={"plan": "team", "old": None}, agent="other", archived=True)


async def _begin_anew(store: ThreadStore) -> None:
    await store.delete_thread("t")
    await store.save_thread(Thread(id="t", messages=[say("a new conversation")]))


async def _add_thread(store: ThreadStore) -> None:
    await talk(store, "x", thread_id="s")


Change = Callable[[ThreadStore], Awaitable[None]]
CHANGES = [_append, _edit, _trim, _reorder, _update, _begin_anew, _add_thread]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
async def test_what_changed_at_the_source_follows(source: ThreadStore, target: ThreadStore, change: Change) -> None:
    await talk(source, "a", "b", "c", metadata={"old": 1})
    await copy_store(source, target)
    await change(source)

    report = await copy_store(source, target)

    assert report.is_complete
    assert report.copied + report.updated == 1
    await assert_equal(source, target)


@pytest.mark.parametrize("theirs", [_append, _edit, _trim, _update], ids=lambda change: change.__name__.strip("_"))
async def test_what_somebody_changed_in_the_target_is_not_overwritten(
    source: ThreadStore, target: ThreadStore, theirs: Change
) -> None:
    await talk(source, "a", "b", "c")
    await copy_store(source, target)
    await theirs(target)
    await source.append("t", say("f"))
    await source.update_thread("t", title="Ours")
    before = await kept(target)

    report = await copy_store(source, target)

    assert [problem.kind for problem in report.problems] == ["conflict"]
    assert await kept(target) == before


async def test_an_earlier_state_that_came_another_way_is_added_to(source: ThreadStore, target: ThreadStore) -> None:
    await talk(source, "a", "b")
    async with ThreadStore() as between:
        await copy_store(source, between)
        await copy_store(between, target)
    await source.append("t", say("c"))

    report = await copy_store(source, target)

    assert (report.updated, report.messages) == (1, 1)
    await assert_equal(source, target)


async def test_an_equal_thread_that_came_another_way_is_found(
    source: ThreadStore, target: ThreadStore, tmp_path: Path
) -> None:
    await fill(source)
    async with ThreadStore(files=FileStore(tmp_path / "source_files")) as between:
        await copy_store(source, between)
        await copy_store(between, target)

    report = await copy_store(source, target)

    assert report.is_complete
    assert (report.unchanged, report.messages) == (3, 0)


async def test_a_thread_that_the_source_deleted_stays_and_is_counted(source: ThreadStore, target: ThreadStore) -> None:
    for thread_id in ("t", "u", "v"):
        await talk(source, "a", thread_id=thread_id)
    await copy_store(source, target)
    for thread_id in ("u", "v"):
        await source.delete_thread(thread_id)

    report = await copy_store(source, target)

    assert (report.left_behind, report.is_complete) == (2, True)
    assert await stored(target, "u") == ["a"]


async def test_a_copied_thread_that_the_target_deleted_comes_again(source: ThreadStore, target: ThreadStore) -> None:
    await talk(source, "a")
    await copy_store(source, target)
    await target.delete_thread("t")

    report = await copy_store(source, target)

    assert (report.copied, await stored(target)) == (1, ["a"])


async def test_a_thread_that_began_anew_in_the_target_is_left_as_it_is(
    source: ThreadStore, target: ThreadStore
) -> None:
    await talk(source, "a")
    await copy_store(source, target)
    await _begin_anew(target)

    report = await copy_store(source, target)

    assert [problem.kind for problem in report.problems] == ["conflict"]
    assert await stored(target) == ["a new conversation"]


async def test_what_was_copied_can_be_copied_on(source: ThreadStore, target: ThreadStore) -> None:
    await talk(source, "a")
    await copy_store(source, target)
    await target.append("t", say("b"))

    async with ThreadStore() as third:
        report = await copy_store(target, third)

        assert report.is_complete
        await assert_equal(target, third)
