"""Connections that are cut and writers that meet, on PostgreSQL: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time

import pytest

from keepthread.errors import NotFoundError, ThreadNotFound, UnavailableError
from keepthread.model import Message, Thread
from keepthread.store import ThreadStore
from keepthread.testing.arrange import say, stored, talk, texts

from . import postgres_server
from .cutting_proxy import CuttingProxy
from .postgres_server import postgres, postgres_database

__all__ = ["postgres", "postgres_database"]

CUTS = 50

# Of this database only: others use the server too.
END_OURS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = 'keepthread' AND datname = current_database()
"""


def turn(number: int) -> list[Message]:
    """A turn that a proxy recognises by what it says, and not by its ids: a look for those is not cut."""
    return [say("cut here", id=f"{number}.0"), say(f"{number}", id=f"{number}.1")]


async def test_a_connection_cut_at_an_append_loses_and_doubles_nothing(postgres: str) -> None:
    proxy = CuttingProxy(b"cut here", CUTS)
    async with proxy.before(postgres) as url, ThreadStore(url) as store:
        proxy.is_armed = True
        await store.save_thread(Thread(id="t"))
        said = 0
        while proxy.cuts < CUTS:
            await store.append("t", turn(said))
            said += 1

    async with ThreadStore(postgres) as store:
        assert await stored(store) == [text for n in range(said) for text in ("cut here", f"{n}")]


async def test_a_connection_cut_at_a_batch_loses_and_doubles_nothing(postgres: str) -> None:
    proxy = CuttingProxy(b"cut here", CUTS)

    async def converse(store: ThreadStore, name: int) -> None:
        for number in range(40):
            await store.append(f"{name}", turn(number), create=True)

    async with proxy.before(postgres) as url, ThreadStore(url) as store:
        proxy.is_armed = True
        await asyncio.gather(*(converse(store, name) for name in range(16)))

    assert proxy.cuts > 20
    async with ThreadStore(postgres) as store:
        for name in range(16):
            assert await stored(store, f"{name}") == [text for n in range(40) for text in ("cut here", f"{n}")]


async def test_a_connection_cut_at_commit_loses_and_doubles_nothing(postgres: str) -> None:
    proxy = CuttingProxy(b"COMMIT\0", CUTS)
    async with proxy.before(postgres) as url, ThreadStore(url) as store:
        proxy.is_armed = True
        number = 0
        while proxy.cuts < CUTS:
            thread = Thread(id=f"{number}", metadata={"kept": number})
            thread.add_messages([say("a"), say("b"), say("c")])
            await store.save_thread(thread)
            thread.messages.insert(1, say("between"))
            thread.edit_message("c", content="changed")
            thread.messages = [message for message in thread.messages if message.id != "b"]
            thread.metadata["more"] = True
            await store.save_thread(thread)
            await store.edit_message(f"{number}", "a", content="edited")
            await store.update_thread(f"{number}", title="title")
            await store.get_or_create_thread(f"gone {number}")
            await store.delete_thread(f"gone {number}")
            number += 1

    async with ThreadStore(postgres) as store:
        assert await store.count_threads() == number
        for thread in [await store.get_thread(f"{n}") for n in range(number)]:
            assert texts(thread) == ["edited", "between", "changed"]
            assert thread.title == "title"
            assert thread.metadata == {"kept": int(thread.id), "more": True}
            said = [(entry.message.id, entry.revision) for entry in await store.history(thread.id)]
            assert sorted(said) == [("a", 0), ("a", 1), ("b", 0), ("between", 0), ("c", 0), ("c", 1)]


async def test_a_connection_that_falls_silent_is_given_up_in_time_and_replaced(postgres: str) -> None:
    proxy = CuttingProxy(b"cut here", 0)
    proxy.silent_at = b"silent from here"
    async with proxy.before(postgres) as url, ThreadStore(url, timeout_seconds=0.5) as store:
        await talk(store, "a")
        began = time.monotonic()

        outcomes = await asyncio.gather(
            store.update_thread("t", title="silent from here"),
            store.append("other", say("silent from here"), create=True),
            store.get_thread("silent from here"),
            return_exceptions=True,
        )

        # Five seconds beyond its own timeout, in which the server would say what is wrong.
        assert time.monotonic() - began < 10
        assert {type(outcome) for outcome in outcomes} == {UnavailableError}
        assert all("did not answer in time" in str(outcome) for outcome in outcomes)
        await store.append("t", say("b"))
        assert await stored(store) == ["a", "b"]


async def test_connections_ended_by_the_server_cost_a_stall_and_nothing_else(postgres: str) -> None:
    is_over = asyncio.Event()

    async def end_connections() -> int:
        ended = 0
        while not is_over.is_set():
            ended += len(await postgres_server.fetch(postgres, END_OURS))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(is_over.wait(), 0.1)
        return ended

    async def converse(store: ThreadStore, name: str) -> None:
        for number in range(40):
            await store.append(name, [say(f"{number}.0"), say(f"{number}.1")], create=True)
            if number % 10 == 0:
                await store.update_thread(name, metadata={f"{number}": number})
            await store.get_thread(name, last=3)

    async with ThreadStore(postgres) as store:
        ending = asyncio.create_task(end_connections())
        await asyncio.gather(*(converse(store, f"{name}") for name in range(16)))
        is_over.set()

        assert await ending > 5
        for name in range(16):
            thread = await store.get_thread(f"{name}")
            assert texts(thread) == [f"{number}.{part}" for number in range(40) for part in range(2)]
            assert thread.metadata == {f"{number}": number for number in range(0, 40, 10)}


async def test_a_connection_cut_while_tables_are_made_costs_a_stall_and_nothing_else() -> None:
    proxy = CuttingProxy(b"CREATE TABLE kt_messages", 2)
    proxy.is_armed = True
    with postgres_server.new_database() as direct:
        async with proxy.before(direct) as url, ThreadStore(url) as store:
            await talk(store, "a")
            assert await stored(store) == ["a"]

    assert proxy.cuts > 0


async def test_every_turn_of_a_batch_has_its_own_outcome(postgres: str) -> None:
    async with ThreadStore(postgres) as store:
        await talk(store, "there", thread_id="a")
        await talk(store, thread_id="b")

        outcomes = await asyncio.gather(
            *(store.append("a", say(f"a{n}")) for n in range(10)),
            *(store.append("nowhere", say(f"n{n}")) for n in range(3)),
            *(store.append("a", [say("there"), say(f"new {n}")]) for n in range(3)),
            *(store.append("b", say("same")) for _ in range(3)),
            *(store.for_tenant("other").append("a", say(f"o{n}")) for n in range(3)),
            return_exceptions=True,
        )

        failed = [isinstance(outcome, ThreadNotFound) for outcome in outcomes]
        assert failed == [False] * 10 + [True] * 3 + [False] * 3 + [False] * 3 + [True] * 3
        thread = await store.get_thread("a")
        assert sorted(texts(thread)) == sorted(["there", *(f"a{n}" for n in range(10)), "new 0", "new 1", "new 2"])
        assert [text for text in texts(thread) if text.startswith("a")] == [f"a{n}" for n in range(10)]
        assert thread.message_count == len(thread.messages) == thread.version + 0
        assert await stored(store, "b") == ["same"]


WRITER = """
import asyncio, sys
from keepthread import Message, ThreadStore
url, name, conversations, turns, shared = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
async def converse(store, thread):
    for turn in range(turns):
        said = [Message(role="user", content=f"{name}.{thread}.{turn}.{part}") for part in range(2)]
        await store.append(f"t{thread % shared}", said, create=True)
async def main():
    async with ThreadStore(url) as store:
        await asyncio.gather(*(converse(store, thread) for thread in range(conversations)))
asyncio.run(main())
"""


@pytest.mark.parametrize(("conversations", "shared"), [(16, 16), (20, 1)])
async def test_four_processes_lose_nothing_and_keep_each_writers_order(
    postgres: str, conversations: int, shared: int
) -> None:
    async with ThreadStore(postgres):
        pass
    turns = 15
    arguments = [f"{conversations}", f"{turns}", f"{shared}"]

    children = [
        subprocess.Popen([sys.executable, "-c", WRITER, postgres, f"{name}", *arguments], stderr=subprocess.PIPE)
        for name in range(4)
    ]
    said = [await asyncio.to_thread(child.communicate, timeout=60) for child in children]

    assert [error for _, error in said] == [b""] * 4
    async with ThreadStore(postgres) as store:
        everything = [text for thread in range(shared) for text in await stored(store, f"t{thread}")]
    for name in range(4):
        for thread in range(conversations):
            mine = [text for text in everything if text.startswith(f"{name}.{thread}.")]
            assert mine == [f"{name}.{thread}.{turn}.{part}" for turn in range(turns) for part in range(2)]


async def test_an_append_beside_a_deletion_is_there_or_finds_no_thread(postgres: str) -> None:
    async with ThreadStore(postgres) as store, ThreadStore(postgres) as other:
        for _ in range(30):
            await store.save_thread(Thread(id="t"))
            deletion = asyncio.create_task(other.delete_thread("t"))
            await asyncio.gather(
                *(store.append("t", Message(role="user", content="x")) for _ in range(10)),
                deletion,
                return_exceptions=True,
            )

            with pytest.raises(NotFoundError):
                await store.get_thread("t")
        left = await postgres_server.fetch(postgres, "SELECT COUNT(*) FROM kt_messages")

    assert left[0][0] == 0
