"""Tenants: through one's handle another's data can neither be read, counted, changed nor guessed at (P11)."""

# ruff: noqa: D102, S101 - A test's name states its fact, and it is made of asserts.

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from keepthread.errors import InvalidSetting, KeepthreadError, ThreadNotFound
from keepthread.model import Thread
from keepthread.store import ThreadStore

from .arrange import OpenStore, say, stored, talk, texts

NAMES = [
    "acme",
    "Acme",
    "ACME",
    "acme ",
    " acme",
    "acmé",
    "acme\u0301",
    "ac",
    "default",
    "*",
    "%",
    "_",
    "'",
    "\U0001f600",
    "a" * 255,
]
"""Every one another tenant."""

NO_NAMES = ["", "a" * 256, "é" * 128, "a\nb", "\x00", "\x7f", "\x85", "\ud800"]


async def _threads(store: ThreadStore) -> list[str]:
    return [thread.id async for thread in store.iter_threads()]


async def _messages(store: ThreadStore, thread_id: str) -> list[str]:
    return [message.text async for message in store.iter_messages(thread_id)]


async def _save_loaded(store: ThreadStore, thread_id: str) -> Thread:
    thread = await store.get_thread(thread_id)
    thread.title = "Changed"
    return await store.save_thread(thread)


BY_ID: dict[str, Callable[[ThreadStore, str], Awaitable[object]]] = {
    "get_thread": lambda s, t: s.get_thread(t),
    "get_thread(last)": lambda s, t: s.get_thread(t, last=1),
    "get_thread(before)": lambda s, t: s.get_thread(t, before=2**60),
    "get_message": lambda s, t: s.get_message(t, "a"),
    "count_messages": lambda s, t: s.count_messages(t),
    "history": lambda s, t: s.history(t),
    "cached": lambda s, t: s.cached().get_thread(t),
    "iter_messages": _messages,
    "append": lambda s, t: s.append(t, say("a")),
    "append(another)": lambda s, t: s.append(t, say("b")),
    "append(other content)": lambda s, t: s.append(t, say("other", id="a")),
    "update_thread": lambda s, t: s.update_thread(t, title="Changed", metadata={"k": 2}),
    "edit_message": lambda s, t: s.edit_message(t, "a", content="changed"),
    "delete_thread": lambda s, t: s.delete_thread(t),
    "save_thread": _save_loaded,
    "get": lambda s, t: s.get(t),
    "delete": lambda s, t: s.delete(t),
}
"""Every method that names a thread."""

OVER_ALL: dict[str, Callable[[ThreadStore], Awaitable[object]]] = {
    "list_threads": lambda s: s.list_threads(archived=None),
    "list_threads(metadata)": lambda s: s.list_threads(metadata={"k": 1}),
    "list_threads(agent)": lambda s: s.list_threads(agent="x"),
    "list_threads(limit)": lambda s: s.list_threads(limit=1),
    "iter_threads": _threads,
    "find_threads": lambda s: s.find_threads("t"),
    "count_threads": lambda s: s.count_threads(),
    "list": lambda s: s.list(),
    "find_by_attributes": lambda s: s.find_by_attributes({"k": 1}),
}
"""Every method that asks for all there is."""


async def _outcome(asked: Awaitable[object]) -> tuple[str, str]:
    try:
        return "", repr(await asked)
    except KeepthreadError as error:
        return type(error).__name__, str(error)


@pytest.mark.asyncio
class TenantContract:
    """What `for_tenant` promises."""

    async def test_every_name_is_another_tenant(self, store: ThreadStore) -> None:
        for name in NAMES:
            await talk(store.for_tenant(name), name, metadata={"k": 1}, agent="x")

        for name in NAMES:
            tenant = store.for_tenant(name)
            assert await stored(tenant) == [name]
            assert (await tenant.count_threads(), len(await tenant.list_threads(metadata={"k": 1}, agent="x"))) == (
                1,
                1,
            )

    @pytest.mark.parametrize("name", NO_NAMES)
    async def test_what_is_no_name_is_refused(self, store: ThreadStore, name: str) -> None:
        with pytest.raises(InvalidSetting):
            store.for_tenant(name)

    async def test_a_store_begins_as_the_default_tenant(self, store: ThreadStore) -> None:
        await talk(store, "a")

        assert store.tenant == "default"
        assert await stored(store.for_tenant("default")) == ["a"]

    @pytest.mark.parametrize("method", BY_ID)
    async def test_what_is_anothers_is_as_absent_as_what_never_was(self, store: ThreadStore, method: str) -> None:
        mine, theirs = store.for_tenant("mine"), store.for_tenant("theirs")
        before = await talk(theirs, "a", title="Old", agent="x", metadata={"k": 1})

        foreign = await _outcome(BY_ID[method](mine, "t"))
        absent = await _outcome(BY_ID[method](mine, "x"))

        assert foreign == (absent[0], absent[1].replace("'x'", "'t'"))
        assert foreign[0] == "ThreadNotFound" or foreign[1] in ("None", "False")
        assert await theirs.get_thread("t") == before
        assert await _threads(mine) == []

    @pytest.mark.parametrize("method", OVER_ALL)
    async def test_lists_and_counts_hold_nothing_of_anothers(self, store: ThreadStore, method: str) -> None:
        mine, theirs = store.for_tenant("mine"), store.for_tenant("theirs")
        empty = await _outcome(OVER_ALL[method](mine))

        await talk(theirs, "a", agent="x", metadata={"k": 1})
        await talk(theirs, "a", thread_id="t2", agent="x", metadata={"k": 1})

        assert await _outcome(OVER_ALL[method](mine)) == empty
        assert await _outcome(OVER_ALL[method](theirs)) != empty

    async def test_status_counts_one_tenant(self, store: ThreadStore) -> None:
        await talk(store.for_tenant("theirs"), "a", "b")
        await talk(store.for_tenant("mine"), "a")

        status = await store.for_tenant("mine").status()

        assert (status.tenant, status.threads, status.messages) == ("mine", 1, 1)

    async def test_one_id_is_two_threads_with_two_tenants(self, store: ThreadStore) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        thread = await talk(one, "a", metadata={"k": 1}, agent="x")

        await two.append("t", [say("other", id="a"), say("b")], create=True)
        thread.messages = [thread.messages[0].edited(content="A"), say("c")]
        await one.save_thread(thread)
        await two.edit_message("t", "a", content="OTHER")
        await two.update_thread("t", metadata={"k": 2}, agent="y")

        assert (await stored(one), await stored(two)) == (["A", "c"], ["OTHER", "b"])
        assert [(await tenant.get_message("t", "a")).text for tenant in (one, two)] == ["A", "OTHER"]
        assert (await one.append("t", say("a")), await two.append("t", say("b"))) == (
            [await one.get_message("t", "a")],
            [await two.get_message("t", "b")],
        )
        assert (await _messages(one, "t"), await _messages(two, "t")) == (["A", "c"], ["OTHER", "b"])
        assert ([len(await one.history("t")), len(await two.history("t"))]) == [3, 3]
        assert [thread.id for thread in await one.list_threads(metadata={"k": 1}, agent="x")] == ["t"]
        assert await one.list_threads(metadata={"k": 2}) == await two.list_threads(agent="x") == []

    async def test_a_deletion_takes_nothing_of_anothers(self, store: ThreadStore) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        for tenant in (one, two):
            thread = await talk(tenant, "a", "b", metadata={"k": 1}, agent="x")
            thread.messages = [thread.messages[0].edited(content="A")]
            await tenant.save_thread(thread)

        await one.delete_thread("t")

        assert await stored(two) == ["A"]
        assert [entry.message.text for entry in await two.history("t")] == ["a", "A", "b"]
        assert len(await two.list_threads(metadata={"k": 1}, agent="x")) == 1

    async def test_a_loaded_thread_is_not_carried_over_to_another_tenant(self, store: ThreadStore) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        thread = await talk(one, "a")

        thread.title = "New"
        with pytest.raises(ThreadNotFound):
            await two.save_thread(thread)

        assert await _threads(two) == []

    async def test_a_cursor_of_anothers_list_shows_only_ones_own(self, store: ThreadStore) -> None:
        one, two = store.for_tenant("one"), store.for_tenant("two")
        for n in range(3):
            await talk(one, "a", thread_id=f"one {n}")
            await talk(two, "a", thread_id=f"two {n}")

        cursor = (await two.list_threads(limit=1)).cursor

        assert {thread.id for thread in await one.list_threads(cursor=cursor)} <= {f"one {n}" for n in range(3)}

    async def test_tenants_that_write_at_once_do_not_mix(self, store: ThreadStore) -> None:
        tenants = [store.for_tenant(f"{n}") for n in range(10)]

        await asyncio.gather(
            *(tenant.append("t", say(f"{tenant.tenant} {k}"), create=True) for k in range(10) for tenant in tenants)
        )

        for tenant in tenants:
            thread = await tenant.get_thread("t")
            assert sorted(texts(thread)) == [f"{tenant.tenant} {k}" for k in range(10)]

    async def test_another_store_sees_the_same_tenants(self, store: ThreadStore, open_store: OpenStore) -> None:
        await talk(store.for_tenant("mine"), "a")

        other = await open_store()

        assert await stored(other.for_tenant("mine")) == ["a"]
        assert await _threads(other) == []
