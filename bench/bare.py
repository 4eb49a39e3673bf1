"""The floor: keepthread's own statements on its own schema, on the bare driver in a thread of its own.

It is the leanest that we know how to write: values are bound by place, rows are ready made, nothing is checked, and the
thread is reached through a SimpleQueue and `call_soon_threadsafe`, which costs less than `asyncio.to_thread`.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

from keepthread.model import Message, Thread
from keepthread.model.ids import new_id, now, to_microseconds
from keepthread.model.json_values import EMPTY, FrozenDict
from keepthread.model.record import encode
from keepthread.store.queries import statements
from keepthread.store.turn import STEP

T = TypeVar("T")

_TENANT = "default"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
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


class Bare:
    """One database file that the store has made, on the bare driver."""

    def __init__(self, path: Path, *, synchronous: str = "FULL") -> None:
        self._hop = Hop()
        self._path = path
        self._synchronous = synchronous
        self._take = Statement("take_positions")
        self._insert = Statement("insert_message")
        self._thread = Statement("thread")
        self._tail = Statement("view_tail")

    async def open(self) -> None:
        """Open the file in its thread."""
        self._connection = await self._hop.run(self._connect)

    async def close(self) -> None:
        """Close the file and end the thread."""
        await self._hop.run(self._connection.close)
        self._hop.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        return connection

    def turn(self, thread_id: str, messages: Sequence[Message]) -> Work:
        """Return a turn as work that stores it: everything is ready but the positions."""
        turn_id = new_id()
        marked = object()
        ready = [
            self._insert.values(
                tenant=_TENANT, thread=thread_id, position=marked, turn_id=turn_id, **encode(message)._asdict()
            )
            for message in messages
        ]
        place = ready[0].index(marked)
        rows = [(row[:place], row[place + 1 :]) for row in ready]
        taken = {"taken": len(rows) * STEP, "count": len(rows), "at": to_microseconds(now()), "born": None}
        values = self._take.values(tenant=_TENANT, thread=thread_id, **taken)

        def store() -> None:
            execute = self._connection.execute
            execute("BEGIN IMMEDIATE")
            ((following, _),) = execute(self._take.sql, values).fetchall()
            first = following - len(rows) * STEP
            placed = [(*before, first + index * STEP, *after) for index, (before, after) in enumerate(rows)]
            self._connection.executemany(self._insert.sql, placed)
            execute("COMMIT")

        return store

    async def run(self, work: Callable[[], T]) -> T:
        """Return what *work* returns in the database's thread."""
        return await self._hop.run(work)

    def tail(self, thread_id: str, last: int) -> Thread:
        """Return a thread with its last messages: two SELECTs, JSON, and the objects that keepthread returns."""
        execute, place = self._connection.execute, {"tenant": _TENANT, "thread": thread_id}
        row = execute(self._thread.sql, self._thread.values(**place)).fetchone()
        found = execute(self._tail.sql, self._tail.values(**place, before=2**62, limit=last)).fetchall()
        messages = [_message(values) for values in reversed(found)]
        thread_id, title, metadata, agent, archived, _, version, count, created_at, updated_at = row
        return Thread.model_construct(
            id=thread_id,
            title=title,
            metadata=json.loads(metadata),
            messages=messages,
            agent=agent,
            archived=bool(archived),
            message_count=count,
            version=version,
            created_at=_EPOCH + timedelta(microseconds=created_at),
            updated_at=_EPOCH + timedelta(microseconds=updated_at),
        )


def _message(row: tuple[Any, ...]) -> Message:
    position, _, message_id, role, content, extra, _, created_at = row
    rest = json.loads(extra)
    return Message.trusted(
        {
            "id": message_id,
            "role": role,
            "content": content,
            "name": None,
            "tool_calls": (),
            "tool_call_id": None,
            "attachments": (),
            "metadata": FrozenDict(rest["metadata"]) if "metadata" in rest else EMPTY,
            "usage": None,
            "provider": EMPTY,
            "created_at": _EPOCH + timedelta(microseconds=created_at),
            "position": position,
        }
    )
