"""Lists of threads: newest first, filtered by JSON type and value, page by page; and the walk that misses nothing."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keepthread.errors import InvalidSetting, InvalidThread, MessagesNotLoaded
from keepthread.model import Page, Thread
from keepthread.store import ThreadStore

from .arrange import say, talk

VALUES: list[Any] = [
    *(0, 0.0, 1, 1.0, True, False, None, "", "1", "1.0", "true", "null", "None", -1, 10**20, 1e20, 2**53, 2**53 + 1),
    *([], {}, [1], [1.0], [True], ["1"], [[1]], [1, 2], [2, 1], {"x": 1}, {"x": 1.0}, {"x": None}, {"x": {"y": [1]}}),
    *("é", "e\u0301", "A", "a", "a ", " a", "😀", "%", "_", "'", '"', "\\", "a\nb"),
]
"""Each is another value than every other one."""

KEYS = [
    "a.b",
    'a"b',
    "'); DROP TABLE x; --",
    "",
    " ",
    "$",
    "$.a",
    "a[0]",
    "%",
    "_",
    "?",
    ":tag",
    "é",
    "😀",
    "k" * 300,
    "-",
    "a-b",
]
"""Keys that must be nothing but keys."""


def ids(threads: list[Thread]) -> list[str]:
    """Return the ids of *threads*, in order."""
    return [thread.id for thread in threads]


async def made(store: ThreadStore, *names: str, **fields: Any) -> None:
    """Store empty threads, one after the other."""
    for name in names:
        await store.save_thread(Thread(id=name, **fields))


@pytest.mark.asyncio
class ListContract:
    """What `list_threads`, `iter_threads`, `find_threads` and `count_threads` promise."""

    async def test_the_last_changed_thread_comes_first(self, store: ThreadStore) -> None:
        await made(store, "a", "b", "c", "d")

        await store.append("b", say("new"))
        await store.update_thread("a", title="New")

        assert ids(await store.list_threads()) == ["a", "b", "d", "c"]

    async def test_headers_have_everything_but_messages(self, store: ThreadStore) -> None:
        loaded = await talk(store, "a", "b", title="T", agent="x", metadata={"k": [1]})

        (header,) = await store.list_threads()

        fields = (
            "id",
            "title",
            "metadata",
            "agent",
            "archived",
            "message_count",
            "version",
            "created_at",
            "updated_at",
        )
        assert all(getattr(header, field) == getattr(loaded, field) for field in fields)
        assert not header.has_messages
        with pytest.raises(MessagesNotLoaded) as failure:
            _ = header.messages
        assert failure.value.thread_id == "t"

    async def test_a_header_can_be_shown_and_compared(self, store: ThreadStore) -> None:
        await talk(store, "a")

        (one,), (two,) = await store.list_threads(), await store.list_threads()

        assert one == two
        assert "'t'" in repr(one)
        assert one.model_dump()["id"] == "t"

    async def test_an_empty_store_lists_nothing(self, store: ThreadStore) -> None:
        page = await store.list_threads(metadata={"k": 1}, archived=None)

        assert (page, page.cursor) == ([], None)
        assert [thread async for thread in store.iter_threads()] == []
        assert await store.count_threads() == 0

    async def test_metadata_are_compared_by_json_type_and_value(self, store: ThreadStore) -> None:
        await asyncio.gather(*(made(store, f"{n}", metadata={"k": value}) for n, value in enumerate(VALUES)))

        found = [ids(await store.list_threads(metadata={"k": value})) for value in VALUES]

        assert found == [[f"{n}"] for n in range(len(VALUES))]

    async def test_keys_are_only_keys(self, store: ThreadStore) -> None:
        await asyncio.gather(*(made(store, f"{n}", metadata={key: 1, "a": {"b": 1}}) for n, key in enumerate(KEYS)))

        found = [ids(await store.list_threads(metadata={key: 1})) for key in KEYS]

        assert found == [[f"{n}"] for n in range(len(KEYS))]

    async def test_the_order_of_keys_does_not_matter(self, store: ThreadStore) -> None:
        await made(store, "t", metadata={"k": {"x": 1, "y": 2}})

        assert ids(await store.list_threads(metadata={"k": {"y": 2, "x": 1}})) == ["t"]

    async def test_every_wish_must_be_met(self, store: ThreadStore) -> None:
        await made(store, "ab", metadata={"a": 1, "b": 2}, agent="x")
        await made(store, "a", metadata={"a": 1}, agent="x")
        await made(store, "b", metadata={"a": 2, "b": 2}, agent="x")
        await made(store, "other agent", metadata={"a": 1, "b": 2}, agent="y")

        assert ids(await store.list_threads(metadata={"a": 1, "b": 2}, agent="x")) == ["ab"]
        assert ids(await store.list_threads(metadata={"a": 1, "b": 2})) == ["other agent", "ab"]
        assert ids(await store.list_threads(agent="x")) == ["b", "a", "ab"]
        assert ids(await store.list_threads(agent="z")) == []

    async def test_a_filter_follows_every_change(self, store: ThreadStore) -> None:
        thread = await talk(store, metadata={"k": 1}, agent="x")

        await store.update_thread("t", metadata={"k": 2}, agent="y")
        assert ids(await store.list_threads(metadata={"k": 1})) == ids(await store.list_threads(agent="x")) == []
        thread = await store.get_thread("t")
        thread.metadata, thread.agent = {"n": 3}, None
        await store.save_thread(thread)

        assert ids(await store.list_threads(metadata={"k": 2})) == ids(await store.list_threads(agent="y")) == []
        assert ids(await store.list_threads(metadata={"n": 3})) == ["t"]

    async def test_an_agents_name_is_no_metadata(self, store: ThreadStore) -> None:
        await made(store, "t", metadata={"agent": "x", "": "y"})

        assert ids(await store.list_threads(agent="x")) == ids(await store.list_threads(agent="y")) == []

    async def test_archived_threads_are_left_out_unless_asked_for(self, store: ThreadStore) -> None:
        await made(store, "a", "b", "c", metadata={"k": 1})
        await store.update_thread("b", archived=True)

        assert ids(await store.list_threads()) == ids(await store.list_threads(metadata={"k": 1})) == ["c", "a"]
        assert ids(await store.list_threads(archived=True)) == ["b"]
        assert ids(await store.list_threads(archived=None, metadata={"k": 1})) == ["b", "c", "a"]
        assert await store.count_threads() == 3

    async def test_time_ranges_hold_the_first_moment_and_not_the_second(self, store: ThreadStore) -> None:
        day, start = timedelta(days=1), datetime(2024, 1, 1, tzinfo=UTC)
        for n, name in enumerate("abcd"):
            await made(store, name, created_at=start + n * day)
        first, last = [(await store.get_thread(name)).updated_at for name in "bd"]

        assert sorted(ids(await store.list_threads(created_after=start + day, created_before=start + 3 * day))) == [
            "b",
            "c",
        ]
        assert sorted(ids(await store.list_threads(updated_after=first, updated_before=last))) == ["b", "c"]
        assert ids(await store.list_threads(created_after=start + 4 * day)) == []
        assert ids(await store.list_threads(updated_before=first, updated_after=last)) == []

    @pytest.mark.parametrize("bound", ["created_after", "created_before", "updated_after", "updated_before"])
    async def test_a_moment_before_all_time_is_refused(self, store: ThreadStore, bound: str) -> None:
        moment: dict[str, Any] = {bound: datetime.min}  # noqa: DTZ901 - naive: most time zones have no such moment

        with pytest.raises(InvalidSetting):
            await store.list_threads(**moment)

    async def test_a_moment_is_the_same_in_every_time_zone(self, store: ThreadStore) -> None:
        moment = datetime.fromisoformat("2024-06-01T12:00:00+05:30")
        await made(store, "t", created_at=moment)

        at = moment.astimezone(UTC)
        assert ids(await store.list_threads(created_after=at, created_before=at + timedelta(microseconds=1))) == ["t"]
        assert (await store.get_thread("t")).created_at == moment

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
    @pytest.mark.parametrize(
        "wish", [{}, {"archived": None}, {"metadata": {"k": 1}}, {"metadata": {"k": 1}, "agent": "x"}]
    )
    async def test_pages_together_are_the_whole_list(
        self, store: ThreadStore, limit: int, wish: dict[str, Any]
    ) -> None:
        await made(store, *(f"{n}" for n in range(7)), metadata={"k": 1}, agent="x")
        whole = ids(await store.list_threads(**wish))

        pages: list[Page[Thread]] = [await store.list_threads(**wish, limit=limit)]
        while pages[-1].cursor is not None:
            pages.append(await store.list_threads(**wish, limit=limit, cursor=pages[-1].cursor))

        assert [name for page in pages for name in ids(page)] == whole
        assert [len(page) for page in pages] == [limit] * (7 // limit) + [7 % limit] * (7 % limit > 0)

    async def test_paging_while_others_write_shows_every_unchanged_thread_once(self, store: ThreadStore) -> None:
        await made(store, *(f"{n}" for n in range(9)))

        page = await store.list_threads(limit=2)
        seen = ids(page)
        while page.cursor is not None:
            await store.append(seen[0], say(f"{len(seen)}"))
            await made(store, f"new {len(seen)}")
            page = await store.list_threads(limit=2, cursor=page.cursor)
            seen += ids(page)

        assert seen == [f"{n}" for n in reversed(range(9))]

    @pytest.mark.parametrize("limit", [0, -1])
    async def test_a_page_of_nothing_is_refused(self, store: ThreadStore, limit: int) -> None:
        with pytest.raises(InvalidSetting):
            await store.list_threads(limit=limit)

    @pytest.mark.parametrize(
        "cursor", ["", "x", "é", "bm90IGpzb24", "W10", "WzFlNDAwLCJ4Il0", "WzEsIlx1ZDgwMCJd", "e30", "bnVsbA"]
    )
    async def test_what_is_no_cursor_is_refused(self, store: ThreadStore, cursor: str) -> None:
        with pytest.raises(InvalidSetting):
            await store.list_threads(cursor=cursor)

    @pytest.mark.parametrize(
        "metadata", [{1: 1}, {"k": float("nan")}, {"k": object()}, {"k": "\ud800"}, {"k": "\x00"}, ["k"]]
    )
    async def test_a_wish_that_no_thread_could_meet_is_refused(
        self, store: ThreadStore, metadata: dict[Any, Any]
    ) -> None:
        with pytest.raises(InvalidThread):
            await store.list_threads(metadata=metadata)

    async def test_the_walk_sees_every_thread_by_id(self, store: ThreadStore) -> None:
        names = [f"{n:03}" for n in range(450)]
        await asyncio.gather(*(made(store, name, archived=name.endswith("7")) for name in reversed(names)))

        assert [thread.id async for thread in store.iter_threads()] == names

    async def test_the_walk_sees_what_is_there_throughout_once_whatever_others_write(self, store: ThreadStore) -> None:
        names = [f"{n:03}" for n in range(450)]
        await asyncio.gather(*(made(store, name) for name in names))

        seen: list[str] = []
        async for thread in store.iter_threads():
            if len(seen) % 150 == 0:
                await store.append("449", say(f"{len(seen)}"))
                await made(store, f"{len(seen):03} new")
            seen.append(thread.id)

        assert len(seen) == len(set(seen))
        assert set(names) <= set(seen)

    async def test_ids_are_found_by_their_beginning(self, store: ThreadStore) -> None:
        names = ["a", "ab", "abc", "b", "a%", "a_", "A", "é", "éa", "\ue000x", "🐱1", "🐱2", "🐶", "\U0010ffffx"]
        await made(store, *names)

        for prefix in ("a", "ab", "abc", "abcd", "a%", "a_", "A", "é", "\ue000", "🐱", "🐶", "\U0010ffff", "\ud7ff"):
            found = await store.find_threads(prefix, limit=100)
            assert ids(found) == sorted(name for name in names if name.startswith(prefix))

    async def test_two_found_tell_that_a_beginning_is_not_unique(self, store: ThreadStore) -> None:
        await made(store, "abc", "abd", "abe")

        assert ids(await store.find_threads("ab")) == ["abc", "abd"]
        assert len(await store.find_threads("", limit=10)) == 3
