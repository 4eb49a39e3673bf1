"""A thread's title, metadata, agent and flags: changed by several, merged field by field and key by key (P3, P9)."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from keepthread.errors import ConflictError, ThreadNotFound
from keepthread.model import Thread
from keepthread.store import ThreadStore

from .arrange import OpenStore, say, stored, talk, texts

Change = Callable[[Thread], object]

CONFLICTS: dict[str, tuple[Change, Change]] = {
    "a key changed differently": (lambda t: t.metadata.update(k="one"), lambda t: t.metadata.update(k="two")),
    "a key changed to another type": (lambda t: t.metadata.update(k=1), lambda t: t.metadata.update(k=True)),
    "a new key": (lambda t: t.metadata.update(n=1), lambda t: t.metadata.update(n=2)),
    "a key removed and changed": (lambda t: t.metadata.pop("k"), lambda t: t.metadata.update(k="two")),
    "a key changed and removed": (lambda t: t.metadata.update(k="one"), lambda t: t.metadata.pop("k")),
    "the title": (lambda t: setattr(t, "title", "One"), lambda t: setattr(t, "title", "Two")),
    "the title removed and changed": (lambda t: setattr(t, "title", None), lambda t: setattr(t, "title", "Two")),
}

MERGES: dict[str, tuple[Change, Change, dict[str, Any]]] = {
    "different keys": (lambda t: t.metadata.update(x=1), lambda t: t.metadata.update(y=2), {"k": 0, "x": 1, "y": 2}),
    "a key to the same": (lambda t: t.metadata.update(k=1), lambda t: t.metadata.update(k=1), {"k": 1}),
    "a key removed by both": (lambda t: t.metadata.pop("k"), lambda t: t.metadata.pop("k"), {}),
    "one removed, one added": (lambda t: t.metadata.pop("k"), lambda t: t.metadata.update(x=None), {"x": None}),
    "assigned by one": (lambda t: setattr(t, "metadata", {"x": 1}), lambda t: setattr(t, "title", "T"), {"x": 1}),
    "a nested value by one": (
        lambda t: t.metadata.update(k=[{"x": 1}]),
        lambda t: setattr(t, "title", "T"),
        {"k": [{"x": 1}]},
    ),
}


@pytest.mark.asyncio
class ValuesContract:
    """What saving and updating promise of everything but messages."""

    @pytest.mark.parametrize("kind", MERGES)
    async def test_values_that_two_changed_merge_by_key(self, store: ThreadStore, kind: str) -> None:
        one, two = await talk(store, "a", metadata={"k": 0}), await store.get_thread("t")
        change_one, change_two, expected = MERGES[kind]

        change_one(one)
        await store.save_thread(one)
        change_two(two)
        await store.save_thread(two)

        assert two.metadata == (await store.get_thread("t")).metadata == expected

    @pytest.mark.parametrize("kind", CONFLICTS)
    async def test_a_value_that_two_changed_differently_conflicts_and_nothing_is_written(
        self, store: ThreadStore, kind: str
    ) -> None:
        one, two = await talk(store, "a", title="Old", metadata={"k": 0}), await store.get_thread("t")
        change_one, change_two = CONFLICTS[kind]
        change_one(one)
        await store.save_thread(one)

        change_two(two)
        two.add_message(say("b"))
        with pytest.raises(ConflictError):
            await store.save_thread(two)

        after = await store.get_thread("t")
        assert (after.title, after.metadata, texts(after)) == (one.title, one.metadata, ["a"])

    async def test_two_agents_that_answer_at_once_do_not_conflict(self, store: ThreadStore) -> None:
        one, two = await talk(store, "a", agent="zero"), await store.get_thread("t")

        one.agent, two.agent = "one", "two"
        await store.save_thread(one)
        await store.save_thread(two)

        assert (await store.get_thread("t")).agent == "two"

    async def test_archiving_merges_with_appending(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")
        await store.append("t", say("b"))

        thread.archived = True
        await store.save_thread(thread)

        assert (await store.get_thread("t")).archived
        assert texts(thread) == ["a", "b"]

    async def test_metadata_that_were_changed_deep_inside_are_stored(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", metadata={"k": {"list": [1]}})

        thread.metadata["k"]["list"].append(2)
        await store.save_thread(thread)

        assert (await store.get_thread("t")).metadata == {"k": {"list": [1, 2]}}

    async def test_what_the_caller_keeps_of_metadata_is_not_the_stores(self, store: ThreadStore) -> None:
        values = {"list": [1]}
        await talk(store, metadata=values)
        loaded = await store.get_thread("t")

        values["list"].append(2)
        loaded.metadata["list"].append(3)

        assert (await store.get_thread("t")).metadata == {"list": [1]}

    async def test_update_changes_what_is_passed_and_nothing_else(self, store: ThreadStore) -> None:
        await talk(store, "a", title="Old", agent="one", metadata={"kept": 1, "changed": 1, "gone": 1})

        header = await store.update_thread("t", metadata={"changed": 2, "new": 3, "gone": None})
        await store.update_thread("t", archived=True)
        await store.update_thread("t", agent=None)

        after = await store.get_thread("t")
        assert (after.title, after.agent, after.archived, texts(after)) == ("Old", None, True, ["a"])
        assert after.metadata == header.metadata == {"kept": 1, "changed": 2, "new": 3}
        assert not header.has_messages

    async def test_update_takes_a_title_away(self, store: ThreadStore) -> None:
        await talk(store, "a", title="Old")

        await store.update_thread("t", title=None)

        assert (await store.get_thread("t")).title is None

    async def test_an_update_that_changes_nothing_writes_nothing(self, store: ThreadStore) -> None:
        before = await talk(store, "a", title="Old", metadata={"k": 1})

        await store.update_thread("t")
        await store.update_thread("t", title="Old", metadata={"k": 1, "absent": None}, archived=False)

        after = await store.get_thread("t")
        assert (after.version, after.updated_at) == (before.version, before.updated_at)

    async def test_updates_at_once_all_count(self, store: ThreadStore) -> None:
        await talk(store)

        await asyncio.gather(*(store.update_thread("t", metadata={f"{n}": n}) for n in range(20)))

        assert (await store.get_thread("t")).metadata == {f"{n}": n for n in range(20)}

    async def test_two_stores_that_change_one_database_at_once_wait_for_each_other(
        self, store: ThreadStore, open_store: OpenStore
    ) -> None:
        stores = [store, await open_store(), await open_store()]

        async def work(number: int) -> None:
            for n in range(40):
                await stores[number].update_thread("t", title=f"{n}", metadata={f"{number} {n}": n})

        await talk(store)
        await asyncio.gather(*(work(number) for number in range(3)))

        assert len((await store.get_thread("t")).metadata) == 3 * 40

    async def test_an_update_of_an_unknown_thread_is_not_found(self, store: ThreadStore) -> None:
        with pytest.raises(ThreadNotFound):
            await store.update_thread("t", title="New")

        assert await store.count_threads() == 0

    async def test_an_update_is_visible_to_a_later_save(self, store: ThreadStore) -> None:
        thread = await talk(store, "a", metadata={"k": 0})
        await store.update_thread("t", title="Theirs", metadata={"theirs": 1})

        thread.metadata["mine"] = 1
        thread.add_message(say("b"))
        await store.save_thread(thread)

        assert (thread.title, thread.metadata) == ("Theirs", {"k": 0, "theirs": 1, "mine": 1})
        assert await stored(store) == ["a", "b"]

    async def test_get_or_create_makes_a_thread_once(self, store: ThreadStore) -> None:
        made = await asyncio.gather(
            *(store.get_or_create_thread("t", title=f"{n}", metadata={"n": n}, agent="a") for n in range(10))
        )

        after = await store.get_thread("t")
        assert {thread.title for thread in made} == {after.title}
        assert after.metadata == {"n": int(after.title or "-1")}
        assert await store.count_threads() == 1
        assert len(await store.list_threads(metadata=after.metadata, agent="a")) == 1

    async def test_get_or_create_returns_what_is_there(self, store: ThreadStore) -> None:
        before = await talk(store, "a", title="Old")

        found = await store.get_or_create_thread("t", title="New", metadata={"k": 1})

        assert found == before

    async def test_metadata_answer_when_the_thread_was_last_updated(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")

        assert thread.metadata["last_updated"] == thread.metadata.get("last_updated") == thread.updated_at.isoformat()
        assert "last_updated" not in thread.metadata
        assert thread.metadata == {}

    async def test_the_answer_follows_a_save(self, store: ThreadStore) -> None:
        thread = await talk(store, "a")

        thread.add_message(say("b"))
        await store.save_thread(thread)

        assert thread.metadata["last_updated"] == (await store.get_thread("t")).updated_at.isoformat()

    async def test_what_the_user_calls_last_updated_is_kept(self, store: ThreadStore) -> None:
        await talk(store, "a", metadata={"last_updated": "yesterday"})
        await store.append("t", say("b"))

        thread = await store.get_thread("t")
        assert thread.metadata["last_updated"] == thread.metadata.get("last_updated") == "yesterday"

    async def test_headers_answer_as_well(self, store: ThreadStore) -> None:
        await talk(store, "a")

        (header,) = await store.list_threads()

        assert header.metadata.get("last_updated") == header.updated_at.isoformat()
