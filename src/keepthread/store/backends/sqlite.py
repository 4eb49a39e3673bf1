"""SQLite, in a file or in memory: one writer thread with group commit, and readers of their own."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import weakref
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from keepthread.errors import StoreClosedError

from ..queries import SCHEMA_VERSION, Count, Query  # noqa: TID252 - backends are a room inside store
from .base import Backend, EngineFacts, ManyOperation, Operation, Tx
from .jobs import Job
from .sqlite_file import SqliteSettings, open_reader, open_writer
from .sqlite_writer import Queue, Worker, read, write

T = TypeVar("T")
Item = TypeVar("Item")

_DATABASE_BYTES = Query("database_bytes", Count._make)

_MOST_READERS = 4
_LAST_WORDS_SECONDS = 5.0
"""How long the exit of the process may wait for the last commit and a tidy file."""


class SqliteBackend(Backend):
    """See Backend. In memory the writer's connection is the only one, and it also reads."""

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._process = os.getpid()
        self._closed = False
        self._writes: Queue = SimpleQueue()
        self._reads: Queue = SimpleQueue() if settings.path else self._writes
        self._workers: list[Worker] = []
        # No job comes behind the end of its queue: nobody would answer it.
        self._gate = threading.Lock()
        # At exit too: a store that nobody closed then leaves one tidy file, and its threads end before the interpreter.
        self._end = weakref.finalize(self, _stop, self._process, self._writes, self._reads, self._workers)

    @classmethod
    async def open(cls, settings: SqliteSettings) -> SqliteBackend:
        """Open the database, make or upgrade its tables, and return it. For the errors see sqlite_file.open_writer."""
        backend = cls(settings)
        connect = partial(open_writer, settings)
        backend._workers.append(Worker(backend._writes, connect, write, settings.location))
        try:
            await backend.write(_nothing)
        except BaseException:
            backend._end()
            raise
        return backend

    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""
        return await self._ask(self._writes, Job(operation))

    async def write_together(self, operation: ManyOperation[Item, T], item: Item) -> T:
        """See Backend.write_together."""
        return await self._ask(self._writes, Job(many=operation, item=item))

    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""
        if self._reads is not self._writes and (not self._reads.empty() or len(self._workers) == 1):
            self._add_reader()
        return await self._ask(self._reads, Job(operation))

    async def _ask(self, queue: Queue, job: Job[T]) -> T:
        if self._process != os.getpid():
            raise StoreClosedError(
                "This store was opened before the process was forked, and SQLite connections do not survive a fork.",
                hint="Open a new ThreadStore in the child, best before any is open in the parent.",
            )
        with self._gate:
            if self._closed:
                raise StoreClosedError("This store is closed.", hint="Open a new one with ThreadStore.create(url).")
            queue.put(job)
        return await job.future

    def _add_reader(self) -> None:
        with self._gate:
            if len(self._workers) <= _MOST_READERS and not self._closed:
                connect = partial(open_reader, self._settings)
                self._workers.append(Worker(self._reads, connect, read, self._settings.location))

    async def facts(self) -> EngineFacts:
        """See Backend.facts."""
        return await self.write(partial(_facts, settings=self._settings))

    async def close(self) -> None:
        """See Backend.close."""
        with self._gate:
            self._closed = True
        await asyncio.to_thread(self._end)

    @property
    def is_lasting(self) -> bool:
        """See Backend.is_lasting."""
        return self._settings.path is not None

    @property
    def default_files(self) -> str | None:
        """Beside the database; in memory for a database in memory."""
        return f"{self._settings.path}.files" if self._settings.path else ""


def _stop(process: int, writes: Queue, reads: Queue, workers: list[Worker]) -> None:
    """Let the threads finish what waits, close their connections and end."""
    if process != os.getpid():
        return  # a forked child has no such threads, and must not touch its parent's connections
    writes.put(None)
    for _ in workers[1:]:
        reads.put(None)
    for worker in workers:
        # The garbage collector may run this in one of the threads themselves.
        if worker.thread is not threading.current_thread():
            worker.thread.join(_LAST_WORDS_SECONDS)


async def _nothing(_tx: Tx) -> None:
    """Open the connection, by asking for nothing."""


async def _facts(tx: Tx, settings: SqliteSettings) -> EngineFacts:
    (database_bytes,) = (await tx.run(_DATABASE_BYTES))[0]
    (version,) = (await tx.run(SCHEMA_VERSION))[0]
    wal = settings.path and settings.path.with_name(settings.path.name + "-wal")
    return EngineFacts(
        dialect="sqlite" if settings.path else "memory",
        location=settings.location,
        engine_version=f"SQLite {sqlite3.sqlite_version}",
        schema_version=version,
        size_bytes=database_bytes + (wal.stat().st_size if wal and wal.exists() else 0),
        durability=settings.durability if settings.path else "none",
    )
