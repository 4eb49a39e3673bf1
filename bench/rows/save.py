"""Saving a long thread after one message was added to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

from bench.measuring import Side, counted, seconds, take_turns
from bench.report import Claim, Report, at_most
from bench.workload import fill, texts
from bench.workplace import Workplace
from keepthread.model import Message, Thread
from keepthread.store import ThreadStore

LENGTH = 10_000
_HEADER = 32
_FRAME = 24 + 4096


async def run(workplace: Workplace) -> Report:
    rounds, per_round, length = workplace.rounds(9), workplace.size(20), workplace.size(LENGTH)
    path = workplace.database("save")
    store = await ThreadStore.create(path)
    for thread_id in ("saved", "appended"):
        await store.save_thread(Thread(id=thread_id))
        await fill(store, thread_id, length)
    thread = await store.get_thread("saved")

    async def save() -> None:
        thread.add_message(_message())
        await store.save_thread(thread)

    async def append() -> None:
        await store.append("appended", _message())

    sides: dict[str, Side] = {
        f"add_message, save_thread, N = {length:,}": lambda: seconds(save()),
        f"append, N = {length:,}": lambda: seconds(append()),
    }
    saving, appending = sides
    timings = await take_turns(sides, rounds=rounds, per_round=per_round)
    pages = [await _pages_written(path, work) for work in (save, append)]
    stored = await store.get_thread("saved")
    assert [message.id for message in stored.messages] == [message.id for message in thread.messages]
    await store.close()
    return Report(
        row="save",
        measures=f"save_thread of a loaded thread of {length:,} messages with one new message, against append of one",
        timings=timings,
        counts={
            "pages written by that save": counted(pages[0], "pages"),
            "pages written by that append": counted(pages[1], "pages"),
        },
        claims=[
            Claim(what="more than the append", figure=timings.difference(saving, appending), target=at_most(5)),
            Claim(what="more pages than the append", figure=counted(pages[0] - pages[1], "pages"), target=at_most(1)),
        ],
        notes=["pages: frames in the write-ahead log, the median of 11 times"],
    )


def _message() -> Message:
    return Message(role="user", content=texts()[0], metadata={"channel": "web"})


async def _pages_written(path: Path, work: Callable[[], Awaitable[None]]) -> int:
    """Return how many pages *work* writes, the median of 11."""
    counts: list[int] = []
    with closing(sqlite3.connect(path)) as connection:
        for _ in range(11):
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            await work()
            counts.append((path.with_name(f"{path.name}-wal").stat().st_size - _HEADER) // _FRAME)
    return sorted(counts)[len(counts) // 2]
