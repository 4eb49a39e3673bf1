"""The connections of a store on a server, its thread, and its tables."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading

import pytest

from keepthread.errors import (
    BusyError,
    SchemaError,
    StoreClosedError,
)
from keepthread.model import Thread
from keepthread.store import PoolSettings, ThreadStore
from keepthread.store.migrate import migrations
from keepthread.testing.arrange import say, stored, talk

from .servers import Server

NEWEST = migrations("sqlite")[-1].version
"""Every engine has the same steps."""


async def test_an_exhausted_pool_is_busy_after_its_timeout_and_works_again(server: Server) -> None:
    async with ThreadStore(server.url, pool=PoolSettings(size=1, max_overflow=0, timeout_seconds=0.1)) as store:
        await talk(store, "a")
        async with server.holding_thread(server.url):
            waiting = asyncio.create_task(store.update_thread("t", title="new"))
            with pytest.raises(BusyError, match="KEEPTHREAD_DB_POOL_SIZE"):
                await asyncio.gather(*(store.get_thread("t") for _ in range(5)))

        await waiting
        assert (await store.get_thread("t")).title == "new"


async def test_a_writer_that_holds_a_thread_too_long_makes_others_busy(server: Server) -> None:
    async with ThreadStore(server.url, timeout_seconds=0.2) as store:
        await talk(store, "a")
        async with server.holding_thread(server.url):
            with pytest.raises(BusyError):
                await store.append("t", say("b"))
            with pytest.raises(BusyError):
                await store.update_thread("t", title="new")

        assert await stored(store) == ["a"]


async def test_appends_go_past_a_thread_that_somebody_holds(server: Server) -> None:
    async with ThreadStore(server.url) as store:
        await talk(store, "a")
        async with server.holding_thread(server.url):
            held = [asyncio.create_task(store.append("t", say(f"{number}"))) for number in range(20)]
            await store.append("other", say("b"), create=True)
            await asyncio.gather(*(store.append("other", say(f"{number}")) for number in range(20)))

            assert not any(task.done() for task in held)

        await asyncio.gather(*held)
        assert await stored(store) == ["a", *(f"{number}" for number in range(20))]


async def test_a_cancelled_caller_gives_its_connection_back(server: Server) -> None:
    async with ThreadStore(server.url, pool=PoolSettings(size=1, max_overflow=0, timeout_seconds=5)) as store:
        await talk(store, "a")
        async with server.holding_thread(server.url):
            tasks: list[asyncio.Task[object]] = [
                asyncio.create_task(store.update_thread("t", title=f"{n}")) for n in range(4)
            ]
            tasks.append(asyncio.create_task(store.append("t", say("b"))))
            await asyncio.wait(tasks, timeout=0.05)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

        assert (await stored(store))[0] == "a"


async def test_one_store_serves_several_threads_and_loops(server: Server) -> None:
    async with ThreadStore(server.url) as store:
        await store.save_thread(Thread(id="t"))

        async def several(name: int) -> None:
            await asyncio.gather(*(store.append("t", say(f"{name}.{number}")) for number in range(20)))

        def work(name: int) -> None:
            asyncio.run(several(name))

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        await asyncio.gather(*(asyncio.to_thread(thread.join) for thread in threads))

        assert sorted(await stored(store)) == sorted(f"{name}.{number}" for name in range(4) for number in range(20))


async def test_a_store_that_nobody_closed_takes_its_connections_with_it(server: Server) -> None:
    store = await ThreadStore.create(server.url)
    await talk(store, "a")
    names = {thread.name for thread in threading.enumerate()}

    del store
    gc.collect()

    assert f"keepthread-{server.name}" in names
    assert f"keepthread-{server.name}" not in {thread.name for thread in threading.enumerate()}


FORGOTTEN = """
import asyncio, sys
from keepthread import Message, ThreadStore
async def main():
    global store
    store = await ThreadStore.create(sys.argv[1])
    await store.append("t", Message(id="a", role="user", content="a"), create=True)
asyncio.run(main())
"""


async def test_a_forgotten_close_neither_hangs_the_exit_nor_warns(server: Server) -> None:
    command = [sys.executable, "-W", "error", "-c", FORGOTTEN, server.url]

    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    async with ThreadStore(server.url) as store:
        assert await stored(store) == ["a"]


FORKED = """
import asyncio, os, sys
from keepthread import Message, ThreadStore
async def main():
    store = await ThreadStore.create(sys.argv[1])
    await store.append("t", Message(id="a", role="user", content="a"), create=True)
    return store
store = asyncio.run(main())
if os.fork() == 0:
    asyncio.run(store.append("t", Message(id="b", role="user", content="b")))
    del store
    sys.exit(0)
os.wait()
asyncio.run(store.append("t", Message(id="c", role="user", content="c")))
print(len(asyncio.run(store.get_thread("t")).messages))
"""


async def test_a_store_works_on_both_sides_of_a_fork(server: Server) -> None:
    # From 3.12 on Python warns of every fork beside threads.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKED, server.url]

    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=20, check=False)

    assert (done.stdout, done.stderr) == (b"3\n", b"")


async def test_a_closed_store_says_so(server: Server) -> None:
    store = await ThreadStore.create(server.url)
    await store.close()
    await store.close()

    with pytest.raises(StoreClosedError):
        await store.get_thread("t")


async def test_of_several_openers_one_makes_the_tables(server: Server) -> None:
    with server.new_database() as url:
        stores = await asyncio.gather(*(ThreadStore.create(url) for _ in range(8)))

        versions = [(await store.status()).schema_version for store in stores]
        for store in stores:
            await store.close()

    assert versions == [NEWEST] * 8


async def test_a_database_of_an_earlier_version_is_migrated_only_when_asked(server: Server) -> None:
    with server.new_database() as url:
        async with ThreadStore(url):
            pass
        await server.execute(
            url,
            "DROP TABLE kt_turns, kt_frames, kt_states, kt_conversations, kt_summaries",
            "DELETE FROM kt_migrations WHERE version > 1",
        )

        with pytest.raises(SchemaError, match="migrate=True"):
            await ThreadStore.create(url)
        async with ThreadStore(url, migrate=True) as store:
            assert (await store.status()).schema_version == NEWEST
