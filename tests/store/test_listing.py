"""Both plans of a list by metadata, and all of its filters, against plain Python."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import datetime
from random import Random
from typing import Any

import pytest

from keepthread.model import Identity, Thread
from keepthread.store import ThreadStore, listing

from . import postgres_server

WISHES: list[dict[str, Any]] = [
    {},
    {"metadata": {"common": 1}},
    {"metadata": {"common": 1, "rare": 1}},
    {"metadata": {"common": 1, "half": True}},
    {"metadata": {"half": 1}},
    {"metadata": {"old": 1}},
    {"metadata": {"old": 1, "common": 1}},
    {"metadata": {"nobody": 1}},
    {"agent": "x"},
    {"agent": "x", "metadata": {"half": True}},
    {"agent": "nobody", "metadata": {"half": True}},
    {"principal": "p"},
    {"principal": "p", "metadata": {"half": True}},
    {"principal": "q", "agent": "x", "metadata": {"common": 1}},
    {"principal": "nobody"},
]

AT_ONCE = "UPDATE kt_threads SET updated_at = 1700000000000000 + (updated_at - created_at) % 9"

PLANS = {"by tag": (10**6, 5), "by walk": (1, 7), "by a long walk": (1, 10**6)}
"""How many carriers make a tag common, and how far the newest are walked."""


@pytest.fixture(params=PLANS)
def plan(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    rare, walk = PLANS[request.param]
    monkeypatch.setattr(listing, "_RARE", rare)
    monkeypatch.setattr(listing, "_WALK", walk)
    monkeypatch.setattr(listing, "_PAGE", 4)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A database of 60 threads, of which several at a time were changed at the same moment."""
    if request.param == "postgres":
        with postgres_server.new_database() as url:
            asyncio.run(fill(url))
            postgres_server.run(postgres_server.execute(url, AT_ONCE))
            yield url
        return
    path = tmp_path_factory.mktemp("listing") / "x.db"
    asyncio.run(fill(str(path)))
    with closing(sqlite3.connect(path)) as database:
        database.execute(AT_ONCE)
        database.commit()
    yield str(path)


async def fill(url: str) -> None:
    random = Random(1)
    async with ThreadStore(url) as store:
        for n in range(60):
            metadata: dict[str, Any] = {"common": 1, "half": random.random() < 0.5, "n": n}
            metadata |= {"rare": 1} if n % 20 == 3 else {}
            metadata |= {"old": 1} if n < 10 else {}
            identity = Identity(agent=random.choice("xy"), principal=random.choice("pq"), session=f"{n}")
            is_conversation = random.random() < 0.5
            metadata |= {"whose": identity.principal} if is_conversation else {}
            if is_conversation:
                await store.commit_turn(await store.open_turn(identity))
                thread = await store.get_thread(identity.thread_id)
                thread.metadata.update(metadata)
            else:
                thread = Thread(id=f"{random.randrange(10**6)}", metadata=metadata, agent=identity.agent)
            thread.archived = random.random() < 0.2
            await store.save_thread(thread)


@pytest.fixture
async def store(url: str) -> AsyncIterator[ThreadStore]:
    async with ThreadStore(url) as store:
        yield store


async def everything(store: ThreadStore) -> list[Thread]:
    threads = [thread async for thread in store.iter_threads()]
    return sorted(threads, key=lambda thread: (thread.updated_at, thread.id), reverse=True)


def meets(thread: Thread, wish: dict[str, Any]) -> bool:
    metadata = {key: repr(value) for key, value in thread.metadata.items()}
    wanted = {key: repr(value) for key, value in wish.get("metadata", {}).items()}
    whose = thread.metadata.get("whose")
    of_this_agent = wish.get("agent", thread.agent) == thread.agent
    return wanted.items() <= metadata.items() and of_this_agent and wish.get("principal", whose) == whose


async def pages(store: ThreadStore, limit: int | None, **wish: Any) -> list[str]:
    """The ids of all pages together."""
    page = await store.list_threads(limit=limit, **wish)
    found = [thread.id for thread in page]
    while page.cursor is not None:
        assert len(page) == limit
        page = await store.list_threads(limit=limit, cursor=page.cursor, **wish)
        found += [thread.id for thread in page]
    return found


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("archived", [None, False, True])
@pytest.mark.parametrize("wish", WISHES, ids=str)
async def test_a_list_is_what_plain_python_finds(
    store: ThreadStore, wish: dict[str, Any], *, archived: bool | None
) -> None:
    threads = await everything(store)
    expected = [t.id for t in threads if meets(t, wish) and archived in (None, t.archived)]

    for limit in (None, 1, 3, 4, 5, 59, 100):
        assert await pages(store, limit, archived=archived, **wish) == expected


@pytest.mark.usefixtures("plan")
@pytest.mark.parametrize("wish", WISHES, ids=str)
@pytest.mark.parametrize("field", ["created", "updated"])
async def test_a_range_of_time_is_what_plain_python_finds(store: ThreadStore, wish: dict[str, Any], field: str) -> None:
    threads = await everything(store)
    after, before = threads[45].updated_at, threads[10].updated_at
    if field == "created":
        after, before = threads[45].created_at, threads[10].created_at

    def at(thread: Thread) -> datetime:
        return thread.created_at if field == "created" else thread.updated_at

    expected = [t.id for t in threads if meets(t, wish) and after <= at(t) < before]
    bounds: dict[str, Any] = {f"{field}_after": after, f"{field}_before": before, "archived": None}
    for limit in (None, 2, 100):
        assert await pages(store, limit, **bounds, **wish) == expected
