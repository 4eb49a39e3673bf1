"""A copy holds everything, and nothing is changed that it did not bring."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from keepthread import (
    Conversation,
    FileStore,
    Limits,
    Message,
    Thread,
    ThreadNotFound,
    ThreadStore,
    persist_conversation,
)
from keepthread.errors import InvalidSetting
from keepthread.testing.arrange import say, stored, talk
from keepthread.transfer import copy_store
from tests.store import invariants

from .conversations import assert_equal, fill


async def test_everything_is_kept(source: ThreadStore, target: ThreadStore, tmp_path: Path) -> None:
    await fill(source)

    report = await copy_store(source, target)

    assert report.is_complete
    assert (report.copied, report.updated, report.unchanged) == (3, 0, 0)
    assert (report.source_messages, report.target_messages) == (7, 7)
    await assert_equal(source, target)
    for database in tmp_path.glob("*.db"):
        invariants.check(database)


async def test_the_bytes_of_attachments_come_along_with_those_of_earlier_versions(
    source: ThreadStore, target: ThreadStore
) -> None:
    await fill(source)

    report = await copy_store(source, target)

    entries = [entry for entry in await target.history("ticket 42 🧵") if entry.message.attachments]
    assert report.files == 2
    assert [await entry.message.attachments[0].read() for entry in entries] == [
        b"Buy milk.",
        b"\x00\x00\x00\x18ftypmp42",
    ]


async def test_a_file_goes_from_the_copy_with_its_last_reference(
    source: ThreadStore, target: ThreadStore, tmp_path: Path
) -> None:
    await fill(source)
    await copy_store(source, target)

    await target.delete_thread("ticket 42 🧵")

    assert await FileStore(tmp_path / "target_files").total_bytes() == 0
    assert await FileStore(tmp_path / "source_files").total_bytes() > 0


async def test_threads_are_found_in_the_copy_by_their_metadata(source: ThreadStore, target: ThreadStore) -> None:
    await fill(source)

    await copy_store(source, target)

    assert [thread.id for thread in await target.list_threads(metadata={"seats": 2**70})] == ["ticket 42 🧵"]
    assert [thread.id for thread in await target.list_threads(agent="support")] == ["ticket 42 🧵"]


async def test_a_conversation_is_in_the_copy_whose_it_was(
    source: ThreadStore, target: ThreadStore, tmp_path: Path
) -> None:
    policy = persist_conversation("agent", max_frames=2)
    conversation = await Conversation.open(source, agent="support", principal="alice", policy=policy)
    for number in range(5):
        await conversation.add_user(f"{number}")
    summary = await conversation.get_summary()

    for _ in range(2):
        await copy_store(source, target)
        await conversation.add_user("more")

    there = await Conversation.open(target, agent="support", principal="alice", policy=policy)
    assert (await there.get_summary() or "").startswith(f"{summary}\n")
    assert [header.id for header in await target.list_threads(principal="alice")] == [there.thread_id]
    assert await target.get_identity(there.thread_id) == conversation.identity
    for database in tmp_path.glob("*.db"):
        invariants.check(database)


async def test_the_conversation_goes_on_in_the_copy_as_it_would_have_at_the_source(
    source: ThreadStore, target: ThreadStore
) -> None:
    await fill(source)
    await copy_store(source, target)

    (here,) = await source.append("ticket 42 🧵", say("next"))
    (there,) = await target.append("ticket 42 🧵", say("next"))

    assert here.position == there.position
    assert (await target.append("ticket 42 🧵", say("m1")))[0].text == "edited again"  # it was said before, and edited


async def test_an_empty_database_is_copied(source: ThreadStore, target: ThreadStore) -> None:
    report = await copy_store(source, target)

    assert report.is_complete
    assert await target.count_threads() == 0


async def test_a_tenant_is_copied_alone_and_the_others_are_mentioned(source: ThreadStore, target: ThreadStore) -> None:
    await talk(source.for_tenant("acme"), "a")
    await talk(source.for_tenant("other"), "b")

    report = await copy_store(source.for_tenant("acme"), target.for_tenant("acme"))

    assert report.has_other_tenants
    assert await stored(target.for_tenant("acme")) == ["a"]
    assert await target.for_tenant("other").count_threads() == 0


async def test_session_state_comes_along_and_the_newer_value_stays(source: ThreadStore, target: ThreadStore) -> None:
    await talk(source, "a")
    version = await source.save_state("t", "cart", ["tea"], version=0)
    await source.save_state("not begun", "language", "de", version=0)
    for number in range(120):
        await source.save_state("many", f"{number:03}", number, version=0)

    first = await copy_store(source, target)
    brought = await target.load_state("t", "cart")
    await source.save_state("t", "cart", ["tea", "milk"], version=version)
    await target.save_state("not begun", "language", "fr", version="any")
    again = await copy_store(source, target)

    assert (first.states, again.states) == (122, 1)
    assert brought == (["tea"], version)
    assert (await target.load_state("t", "cart")).value == ["tea", "milk"]
    assert (await target.load_state("not begun", "language")).value == "fr"
    assert (await target.load_state("many", "119")).value == 119


async def test_all_tenants_are_copied_each_for_itself(source: ThreadStore, target: ThreadStore) -> None:
    names = ["Acme", "acme", "acme ", "default", "ä"]
    for name in names:
        await talk(source.for_tenant(name), f"of {name}")

    report = await copy_store(source, target, all_tenants=True)

    assert (report.tenants, report.copied, report.has_other_tenants) == (5, 5, False)
    assert [await stored(target.for_tenant(name)) for name in names] == [[f"of {name}"] for name in names]


async def test_who_is_shown_one_tenant_at_a_time_cannot_copy_them_all(secured: str) -> None:
    async with ThreadStore(secured) as source, ThreadStore() as target:
        await talk(source.for_tenant("acme"), "a")

        with pytest.raises(InvalidSetting, match="row-level security"):
            await copy_store(source, target, all_tenants=True)
        await copy_store(source.for_tenant("acme"), target.for_tenant("acme"))

        assert await stored(target.for_tenant("acme")) == ["a"]


async def test_what_the_source_accepted_is_over_no_limit_of_the_target(tmp_path: Path) -> None:
    async with (
        ThreadStore(tmp_path / "source.db") as source,
        ThreadStore(
            tmp_path / "target.db", limits=Limits(message_bytes=10, turn_messages=1, metadata_bytes=2)
        ) as target,
    ):
        await talk(source, "a message of more than ten bytes", "another", metadata={"key": "value"})

        report = await copy_store(source, target)

        assert report.is_complete
        await assert_equal(source, target)


async def test_another_thread_of_the_same_id_is_named_and_left_as_it_is(
    source: ThreadStore, target: ThreadStore
) -> None:
    await talk(source, "ours")
    await talk(source, "of the other thread", thread_id="other")
    theirs = await talk(target, "theirs", title="Theirs")

    report = await copy_store(source, target)

    assert [(problem.kind, problem.thread_id) for problem in report.problems] == [("conflict", "t")]
    assert not report.is_complete
    assert await target.get_thread("t") == theirs
    assert await stored(target, "other") == ["of the other thread"]


async def test_threads_that_only_the_target_has_stay(source: ThreadStore, target: ThreadStore) -> None:
    for thread_id in ("a", "m", "z"):
        await talk(target, "theirs", thread_id=thread_id)
    await talk(source, "ours", thread_id="n")

    report = await copy_store(source, target)

    assert report.left_behind == 0
    assert [thread.id async for thread in target.iter_threads()] == ["a", "m", "n", "z"]


async def test_one_database_under_two_names_is_refused(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "x.db") as source, ThreadStore(tmp_path / "x.db") as target:
        await talk(source, "a")

        with pytest.raises(InvalidSetting, match="same database"):
            await copy_store(source, target.for_tenant("other"))

        assert await target.for_tenant("other").count_threads() == 0


async def test_a_rehearsal_counts_and_writes_nothing(source: ThreadStore, target: ThreadStore) -> None:
    await fill(source)
    await talk(source, "ours")
    theirs = await talk(target, "theirs")

    report = await copy_store(source, target, rehearses=True)

    assert (report.copied, report.messages, report.counts["conflict"]) == (3, 7, 1)
    assert [thread.id async for thread in target.iter_threads()] == [theirs.id]


async def test_a_rehearsal_needs_no_target(source: ThreadStore) -> None:
    await fill(source)

    report = await copy_store(source, None, rehearses=True)

    assert (report.copied, report.messages) == (3, 7)


async def test_a_damaged_message_is_named_and_copied_as_it_is(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "source.db") as source, ThreadStore() as target:
        await talk(source, "a", "b", "c")
        with closing(sqlite3.connect(tmp_path / "source.db", isolation_level=None)) as database:
            database.execute("UPDATE kt_messages SET content = 'B' WHERE id = 'b'")

        report = await copy_store(source, target)

        assert [(problem.kind, "'b'" in problem.detail) for problem in report.problems] == [("damaged", True)]
        assert await stored(target) == ["a", "B", "c"]


async def test_a_thread_that_contradicts_itself_is_named_and_the_others_are_copied(tmp_path: Path) -> None:
    async with ThreadStore(tmp_path / "source.db") as source, ThreadStore() as target:
        await talk(source, "a", "b")
        await talk(source, "c", thread_id="u")
        with closing(sqlite3.connect(tmp_path / "source.db", isolation_level=None)) as database:
            database.execute("DELETE FROM kt_messages WHERE id = 'b'")

        report = await copy_store(source, target)

        assert [(problem.kind, problem.thread_id) for problem in report.problems] == [("damaged", "t")]
        assert await stored(target, "u") == ["c"]
        with pytest.raises(ThreadNotFound):
            await target.get_thread("t")


async def test_the_watcher_hears_of_every_thread_and_of_the_end(source: ThreadStore, target: ThreadStore) -> None:
    for number in range(5):
        await source.save_thread(Thread(id=f"t{number}", messages=[Message(role="user", content="a")]))
    heard: list[tuple[int, int]] = []

    await copy_store(
        source, target, watch=lambda report: heard.append((report.passed_messages, report.source_messages))
    )

    assert heard == [(1, 5), (2, 5), (3, 5), (4, 5), (5, 5), (5, 5)]
