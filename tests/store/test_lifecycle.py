"""Opening and closing: what a store says before, after and in between."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from keepthread.errors import StoreClosedError
from keepthread.model import Thread
from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk

CALLS: dict[str, Callable[[ThreadStore], Awaitable[object]]] = {
    "get_thread": lambda s: s.get_thread("t"),
    "list_threads": lambda s: s.list_threads(),
    "count_threads": lambda s: s.count_threads(),
    "iter_threads": lambda s: anext(s.iter_threads()),
    "iter_messages": lambda s: anext(s.iter_messages("t")),
    "append": lambda s: s.append("t", say("a"), create=True),
    "save_thread": lambda s: s.save_thread(Thread(id="t", messages=[say("a")])),
    "update_thread": lambda s: s.update_thread("t", title="New"),
    "delete_thread": lambda s: s.delete_thread("t"),
    "status": lambda s: s.status(),
    "a tenant's": lambda s: s.for_tenant("acme").count_threads(),
}


def our_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("keepthread")]


@pytest.mark.parametrize("call", CALLS)
async def test_a_store_that_is_not_open_says_how_to_open_it(call: str) -> None:
    with pytest.raises(StoreClosedError, match="async with"):
        await CALLS[call](ThreadStore())


@pytest.mark.parametrize("call", CALLS)
async def test_a_closed_store_says_so(url: str | None, call: str) -> None:
    async with ThreadStore(url) as store:
        await talk(store, "a")

    with pytest.raises(StoreClosedError, match="closed"):
        await CALLS[call](store)


async def test_opening_an_open_store_does_nothing(url: str | None) -> None:
    async with ThreadStore(url) as store:
        await talk(store, "a")
        await store.open()

        assert await stored(store) == ["a"]


async def test_two_who_open_a_store_at_once_open_one_database(tmp_path: Path) -> None:
    gc.collect()  # what an earlier test left behind would else go in between
    before = len(our_threads())
    store = ThreadStore(tmp_path / "x.db")

    await asyncio.gather(store.open(), store.open())
    await talk(store, "a")
    assert await stored(store) == ["a"]
    await store.close()

    gc.collect()
    assert len(our_threads()) == before


async def test_closing_twice_is_allowed(url: str | None) -> None:
    store = await ThreadStore.create(url)

    await asyncio.gather(store.close(), store.close())
    await store.close()


async def test_closing_waits_for_what_was_begun(tmp_path: Path) -> None:
    store = await ThreadStore.create(tmp_path / "x.db")
    await talk(store)

    appending = [asyncio.ensure_future(store.append("t", say(f"{n}"))) for n in range(50)]
    await asyncio.sleep(0)
    await store.close()
    outcomes = await asyncio.gather(*appending, return_exceptions=True)

    async with ThreadStore(tmp_path / "x.db") as again:
        acknowledged = [f"{n}" for n, outcome in enumerate(outcomes) if not isinstance(outcome, BaseException)]
        assert set(acknowledged) <= set(await stored(again))
    assert {type(outcome) for outcome in outcomes} <= {list, StoreClosedError}


async def test_a_closed_store_leaves_one_tidy_file_and_no_thread(tmp_path: Path) -> None:
    before = len(our_threads())

    async with ThreadStore(tmp_path / "x.db") as store:
        await talk(store, "a")
        await asyncio.gather(*(stored(store) for _ in range(20)))

    assert len(our_threads()) == before
    assert [file.name for file in tmp_path.iterdir()] == ["x.db"]


async def test_a_forgotten_store_goes_with_its_last_reference(tmp_path: Path) -> None:
    before = len(our_threads())
    store = await ThreadStore.create(tmp_path / "x.db")
    await talk(store, "a")

    del store
    gc.collect()

    assert len(our_threads()) == before
    async with ThreadStore(tmp_path / "x.db") as again:
        assert await stored(again) == ["a"]


async def test_a_view_keeps_its_store_open(url: str | None) -> None:
    view = (await ThreadStore.create(url)).for_tenant("acme")

    gc.collect()
    await talk(view, "a")

    assert await stored(view) == ["a"]
    await view.close()


async def test_a_store_opens_on_one_loop_and_closes_on_another(tmp_path: Path) -> None:
    store = await asyncio.to_thread(asyncio.run, ThreadStore.create(tmp_path / "x.db"))

    await talk(store, "a")
    await asyncio.to_thread(asyncio.run, store.close())

    with pytest.raises(StoreClosedError):
        await store.count_threads()


async def test_two_stores_in_memory_share_nothing() -> None:
    async with ThreadStore() as one, ThreadStore("memory://") as two:
        await talk(one, "a")

        assert await two.count_threads() == 0


def test_a_stores_repr_masks_its_password(tmp_path: Path) -> None:
    assert (
        repr(ThreadStore(tmp_path / "x.db").for_tenant("acme"))
        == f"ThreadStore({str(tmp_path / 'x.db')!r}, tenant='acme')"
    )
