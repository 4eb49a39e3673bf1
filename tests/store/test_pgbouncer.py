"""Stores behind PgBouncer in transaction mode, where no connection keeps anything from one transaction to the next."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from keepthread.errors import BusyError, InvalidSetting
from keepthread.model import Thread
from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk, texts

from . import postgres_server
from .own_server import OwnServer
from .pgbouncer import CONNECTIONS, pgbouncer
from .postgres_server import holding_thread

CLIENTS = 8
TURNS = 12


def words(name: int) -> list[str]:
    return [f"{name}.{number}.{part}" for number in range(TURNS) for part in range(2)]


async def converse(store: ThreadStore, name: int) -> None:
    """Use a store in every way: its own thread, a thread of its own to save, and one that all share."""
    mine = Thread(id=f"saved {name}", metadata={"client": name})
    for number in range(TURNS):
        said = [say(f"{name}.{number}.{part}") for part in range(2)]
        await store.append("shared", said, create=True)
        mine.add_messages(said)
        await store.save_thread(mine)
        assert len((await store.get_thread("shared", last=3)).messages) <= 3
    await store.edit_message(mine.id, f"{name}.0.0", content="edited")


async def check(store: ThreadStore) -> None:
    """Nothing is lost or doubled, and each client's words are in their order."""
    shared = await stored(store, "shared")
    assert len(shared) == CLIENTS * TURNS * 2
    for name in range(CLIENTS):
        assert [text for text in shared if text.startswith(f"{name}.")] == words(name)
        (mine,) = await store.list_threads(metadata={"client": name})
        assert texts(await store.get_thread(mine.id)) == ["edited", *words(name)[1:]]


async def test_more_clients_than_connections_lose_and_double_nothing(pooled: str, own_database: str) -> None:
    async with AsyncExitStack() as opened:
        stores = [await opened.enter_async_context(ThreadStore(pooled)) for _ in range(CLIENTS)]

        await asyncio.gather(*(converse(store, name) for name, store in enumerate(stores)))

        await check(stores[0])
    used = "datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    backends = await postgres_server.fetch(own_database, f"SELECT 1 FROM pg_stat_activity WHERE {used}")  # noqa: S608 - ours
    assert CLIENTS > CONNECTIONS >= len(backends)


async def test_connections_that_the_server_ends_behind_it_cost_a_stall_and_nothing_else(
    pooled: str, own_database: str
) -> None:
    kill = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'keepthread' AND datname = current_database()"
    )
    is_over = asyncio.Event()

    async def end_connections() -> int:
        ended = 0
        while not is_over.is_set():
            ended += len(await postgres_server.fetch(own_database, kill))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), 0.1)
        return ended

    async with ThreadStore(pooled) as store:
        ending = asyncio.create_task(end_connections())
        await asyncio.gather(*(converse(store, name) for name in range(CLIENTS)))
        is_over.set()

        assert await ending > 0
        await check(store)


async def test_a_thread_that_somebody_holds_is_busy_after_the_timeout(pooled: str, own_database: str) -> None:
    changes: list[Callable[[ThreadStore], Coroutine[Any, Any, object]]] = [
        lambda store: store.append("t", say("b")),
        lambda store: store.update_thread("t", title="new"),
    ]
    async with ThreadStore(pooled, timeout_seconds=0.2) as store:
        await talk(store, "a")
        async with holding_thread(own_database):
            for change in changes:
                with pytest.raises(BusyError, match="nothing was written"):
                    await change(store)

        assert await stored(store) == ["a"]


@pytest.mark.parametrize("more", ["", "ignore_startup_parameters = lock_timeout"])
async def test_a_url_that_does_not_name_the_pooler_is_told_how(own_server: OwnServer, more: str) -> None:
    with pgbouncer(own_server, more) as url, pytest.raises(InvalidSetting, match=r"Add \?pgbouncer=true"):
        await ThreadStore.create(url)


async def test_a_pooler_that_was_not_noticed_is_named_when_it_loses_a_statement(
    own_server: OwnServer, own_database: str
) -> None:
    ignores = "ignore_startup_parameters = lock_timeout"
    # A limit of the database's own hides that the pooler drops that of a connection.
    with own_server.setting("lock_timeout", "'1h'"), pgbouncer(own_server, ignores) as url:
        async with ThreadStore(url) as store:
            await talk(store, "a")
            await store.append("t", say("b"))
            # Whoever comes next gets the server's other connection, on which nothing was prepared.
            other = await asyncpg.connect(url, statement_cache_size=0)
            await other.execute("BEGIN")

            with pytest.raises(InvalidSetting, match=r"Add \?pgbouncer=true"):
                await store.append("t", say("c"))

            await other.close()
    async with ThreadStore(own_database) as store:
        assert await stored(store) == ["a", "b"]
