"""The floor on SQLite: keepthread's own statements on its own schema, on the bare driver in a thread of its own.

It is the leanest that we know how to write: values are bound by place, rows are ready made, nothing is checked, and the
thread is reached through a SimpleQueue and `call_soon_threadsafe`, which costs less than `asyncio.to_thread`.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from keepthread.model import Message, Thread
from keepthread.model.ids import new_id, now, to_microseconds
from keepthread.model.record import encode
from keepthread.store.queries import statements
from keepthread.store.turn import STEP

from .floor import LARGEST, TENANT, Floor, Stored, thread_of

T = TypeVar("T")

_PARAMETER = re.compile(r":(\w+)")

Work = Callable[[], Any]
Waiting = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Any]", Work]


class Hop:
    """A thread that runs what it is given, one thing after the other."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Waiting | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="bench-bare", daemon=True)
        self._thread.start()

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns in the thread."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._queue.put((loop, future, work))
        return await future

    def close(self) -> None:
        """End the thread."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (waiting := self._queue.get()) is not None:
            loop, future, work = waiting
            try:
                loop.call_soon_threadsafe(future.set_result, work())
            except sqlite3.Error as error:
                loop.call_soon_threadsafe(future.set_exception, error)


class Statement:
    """One of the store's statements, its values bound by place."""

    def __init__(self, name: str) -> None:
        text = statements("sqlite")[name]
        self.parameters: list[str] = _PARAMETER.findall(text)
        self.sql = _PARAMETER.sub("?", text)

    def values(self, **by_name: object) -> tuple[Any, ...]:
        """Return values in the statement's order."""
        return tuple(by_name[name] for name in self.parameters)


class Bare(Floor):
    """One database file that the store has made."""

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        self._hop = Hop()
        self._path = path
        self._synchronous = synchronous
        self._take = Statement("take_positions")
        self._insert = Statement("insert_message")
        self._thread = Statement("thread")
        self._tail = Statement("view_tail")

    async def open(self) -> None:
        """See Floor.open."""
        self._connection = await self._hop.run(self._connect)

    async def close(self) -> None:
        """See Floor.close. The thread ends."""
        await self._hop.run(self._connection.close)
        self._hop.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return connection

    def turn(self, thread_id: str, messages: Sequence[Message]) -> Stored:
        """See Floor.turn."""
        turn_id = new_id()
        marked = object()
        ready = [
            self._insert.values(
                tenant=TENANT, thread=thread_id, position=marked, turn_id=turn_id, **encode(message)._asdict()
            )
            for message in messages
        ]
        place = ready[0].index(marked)
        rows = [(row[:place], row[place + 1 :]) for row in ready]
        taken = {"taken": len(rows) * STEP, "count": len(rows), "at": to_microseconds(now()), "born": None}
        values = self._take.values(tenant=TENANT, thread=thread_id, **taken)

        def store() -> None:
            execute = self._connection.execute
            execute("BEGIN IMMEDIATE")
            ((following, _),) = execute(self._take.sql, values).fetchall()
            first = following - len(rows) * STEP
            placed = [(*before, first + index * STEP, *after) for index, (before, after) in enumerate(rows)]
            self._connection.executemany(self._insert.sql, placed)
            execute("COMMIT")

        return partial(self._hop.run, store)

    async def tail(self, thread_id: str, last: int) -> Thread:
        """See Floor.tail: two SELECTs."""
        return await self._hop.run(lambda: self._read(thread_id, last))

    def _read(self, thread_id: str, last: int) -> Thread:
        execute, place = self._connection.execute, {"tenant": TENANT, "thread": thread_id}
        row = execute(self._thread.sql, self._thread.values(**place)).fetchone()
        found = execute(self._tail.sql, self._tail.values(**place, before=LARGEST, limit=last)).fetchall()
        return thread_of(row, reversed(found))
