"""What the children do: each is a program that is told where, and says what it has done once that is certain."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from keepthread.errors import KeepthreadError, ThreadNotFound
from keepthread.model import Thread
from keepthread.model.ids import new_id
from keepthread.store import ThreadStore

from .processes import Line
from .turns import turn, whole_turns

_NOBODY = 65534


async def _append(store: ThreadStore, key: str) -> None:
    await store.append("left", turn(key), create=True)


async def _save(store: ThreadStore, key: str) -> None:
    thread = await store.get_or_create_thread("right")
    thread.add_messages(turn(key))
    thread.metadata["last"] = key
    await store.save_thread(thread)


async def _append_new(store: ThreadStore, key: str) -> None:
    await store.append(key, turn(key), create=True)


async def _save_new(store: ThreadStore, key: str) -> None:
    await store.save_thread(Thread(id=key, metadata={"kind": "new"}, messages=turn(key)))


WAYS: tuple[Callable[[ThreadStore, str], Awaitable[None]], ...] = (_append, _save, _append_new, _save_new)
"""To store a turn."""


async def keep_storing(line: Line, path: Path, name: str) -> None:
    """Store one turn after the other, by every way there is, and say the key of each once its call returned."""
    store = await ThreadStore.create(path)
    for number in count():
        key = f"{name}-{number}"
        await WAYS[number % len(WAYS)](store, key)
        line.say(key)


async def store_four_when_told(line: Line, path: Path) -> None:
    """Wait for a word; open, store a turn in each way, close. Say the key of each."""
    line.hear()
    async with await ThreadStore.create(path) as store:
        for number, way in enumerate(WAYS):
            await way(store, f"turn-{number}")
            line.say(f"turn-{number}")


async def store_through_a_fault(line: Line, path: Path) -> None:
    """Wait for a word; do the same, and read after each, whatever fails; say so. Wait again; then all must work.

    Say ("stored", key) or ("failed", error).
    """
    line.hear()
    store = ThreadStore(path)
    if await _attempt(line, store.open()):
        for number, way in enumerate(WAYS):
            if await _attempt(line, way(store, f"turn-{number}")):
                line.say(("stored", f"turn-{number}"))
            await _attempt(line, store.count_threads())
    line.say("through")
    line.hear()
    await store.open()
    await _append(store, "last")
    line.say(("stored", "last"))
    await store.get_thread("left")
    await store.close()


async def _attempt(line: Line, call: Awaitable[object]) -> bool:
    try:
        await call
    except KeepthreadError as error:
        line.say(("failed", type(error).__name__))
        return False
    return True


async def append_when_told(line: Line, path: Path, threads: list[str], names: list[str]) -> None:
    """Open, say so, wait for a word; append a turn of each name to each thread, one after the other in each of them."""
    async with await ThreadStore.create(path) as store:
        line.say("ready")
        line.hear()
        await asyncio.gather(*(_append_in_order(store, thread, names) for thread in threads))


async def _append_in_order(store: ThreadStore, thread: str, names: list[str]) -> None:
    for name in names:
        await store.append(thread, turn(name), create=True)


async def create_when_told(line: Line, path: Path, name: str) -> None:
    """Say so, wait for a word; create the database and store one turn."""
    line.say("ready")
    line.hear()
    async with await ThreadStore.create(path) as store:
        await store.append("t", turn(name), create=True)


async def save_when_told(line: Line, path: Path, thread_id: str, name: str) -> None:
    """Open, say so, wait for a word; save a thread that is new to everybody with one turn. Say what it shows then."""
    async with await ThreadStore.create(path) as store:
        line.say("ready")
        line.hear()
        thread = await store.get_or_create_thread(thread_id)
        thread.add_messages(turn(name))
        await store.save_thread(thread)
        line.say(whole_turns(thread.messages))


async def delete_again_and_again(line: Line, path: Path, rounds: int) -> None:
    """Delete the thread of each round in the middle of what others append to it."""
    async with await ThreadStore.create(path) as store:
        for number in range(rounds):
            line.say("ready")
            line.hear()
            await store.delete_thread(f"t{number}")


async def append_to_the_end(line: Line, path: Path, rounds: int) -> None:
    """Append to the thread of each round until it is gone. Say how many turns were acknowledged."""
    async with await ThreadStore.create(path) as store:
        for number in range(rounds):
            line.say("ready")
            line.hear()
            stored = 0
            with suppress(ThreadNotFound):
                while True:
                    await store.append(f"t{number}", turn(f"{number}-{stored}"))
                    stored += 1
            line.say(stored)


async def hold_the_write_lock(line: Line, path: Path) -> None:
    """Begin a write, say so, and leave it open until there is a word; then commit it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("UPDATE kt_threads SET title = 'half done'")
        line.say("holding")
        line.hear()
        connection.execute("COMMIT")


async def create_as_nobody(line: Line, path: Path) -> None:
    """Create a database without root's rights; say the name of the error, and its text."""
    async with await ThreadStore.create(path.parent.parent / "imports.db"):
        pass  # what Python still has to import may lie where only root may read
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    try:
        await ThreadStore.create(path)
    except Exception as error:  # noqa: BLE001 - which one is the question
        line.say((type(error).__name__, str(error)))


async def append_with_a_clock_that_runs_backwards(line: Line, path: Path, turns: int) -> None:
    """Append turns while every look at the clock is a second before the last one. Say the ids that were made."""
    clock = count(time.time_ns(), -1_000_000_000)
    time.time_ns = lambda: next(clock)
    ids: list[str] = []
    async with await ThreadStore.create(path) as store:
        for number in range(turns):
            ids.append(new_id())
            moment = datetime.fromtimestamp(next(clock) / 1e9, UTC)
            messages = [message.model_copy(update={"created_at": moment}) for message in turn(f"{number}")]
            await store.append("t", messages, create=True)
    line.say(ids)


async def append_a_lot(line: Line, path: Path, rounds: int, warm: int) -> None:
    """Append a turn to each of 50 threads, and read one, round after round.

    Say how large the process is once it is warm, and at the end.
    """
    async with await ThreadStore.create(path) as store:
        for number in range(rounds):
            await asyncio.gather(*(store.append(f"{thread}", turn(f"{number}"), create=True) for thread in range(50)))
            await store.get_thread(f"{number % 50}", last=10)
            if number in (warm, rounds - 1):
                line.say(_footprint())


async def open_and_close(line: Line, path: Path, times: int) -> None:
    """Open and close a store many times, used or not; say how large the process is once it is warm, and at the end."""
    for number in range(times):
        async with await ThreadStore.create(path) as store:
            if number % 2:
                await store.append("t", turn(f"{number}"), create=True)
        if number in (10, times - 1):
            line.say(_footprint())


def _footprint() -> dict[str, int]:
    """Return what a process has of what it must not use up."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGE_SIZE"),
        "files": len(list(Path("/proc/self/fd").iterdir())),
        # asyncio's own pool, in which a store is closed, grows as it likes up to its limit.
        "threads": sum(not thread.name.startswith("asyncio_") for thread in threading.enumerate()),
    }


async def read_without_end(line: Line, path: Path) -> None:
    """Begin to read, say how many messages there are, and leave it at that until there is a word."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        line.say(connection.execute("SELECT COUNT(*) FROM kt_messages").fetchone()[0])
        line.hear()
