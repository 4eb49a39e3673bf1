"""SQLite, in a file or in memory: one writer thread with group commit, and readers of their own."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from keepthread.errors import StoreClosedError

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..queries import Count, Query  # noqa: TID252 - as above
from ..turn import Appended, Turn  # noqa: TID252 - as above
from .base import Backend, EngineFacts, ManyOperation, Operation, Tx
from .jobs import Job
from .sqlite_errors import translate
from .sqlite_file import SqliteSettings, open_as_it_is, open_reader, open_writer, schema_of_file
from .sqlite_place import Place
from .sqlite_schema import script
from .sqlite_writer import Pause, Queue, Worker, read, write

T = TypeVar("T")

_DATABASE_BYTES = Query("database_bytes", Count._make)

_MOST_READERS = 4
_LAST_WORDS_SECONDS = 5.0
"""How long the exit of the process may wait for the last commit and a tidy file."""


class SqliteBackend(Backend):
    """See Backend. In memory the writer's connection is the only one, and it also reads.

    A file that is opened as it is has one reader, and nothing that could write.
    """

    def __init__(self, settings: SqliteSettings) -> None:
        self._settings = settings
        self._place = Place(settings.path)
        self._closed = False
        self._pause: Pause | None = None
        self._let_go = True
        # No job comes behind the end of its queue: nobody would answer it.
        self._gate = threading.Lock()
        self._start()

    def _start(self) -> None:
        self._process = os.getpid()
        self._writes: Queue = SimpleQueue()
        self._applied: list[Migration] = []
        if self._settings.as_it_is and self._settings.path:
            self._reads: Queue = self._writes
            connect, work = partial(open_as_it_is, self._settings, self._place), read
        else:
            self._reads = SimpleQueue() if self._settings.path else self._writes
            connect, work = partial(open_writer, self._settings, self._place, self._applied), write
        self._workers = [Worker(self._writes, connect, work, self._place)]
        # At exit too: a store that nobody closed then leaves one tidy file, and its threads end before the interpreter.
        self._end = weakref.finalize(self, _stop, self._process, self._writes, self._reads, self._workers)

    @classmethod
    async def open(cls, settings: SqliteSettings) -> SqliteBackend:
        """Open the database, make or upgrade its tables, and return it. For the errors see sqlite_file.open_writer."""
        backend = cls(settings)
        try:
            if not settings.as_it_is:  # else connected when somebody reads: there may be no file, and none is made
                await backend._ask(backend._writes, Job[None]())
        except BaseException:
            backend._end()
            raise
        if settings.path:
            _in_files.add(backend)
        return backend

    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""
        return await self._ask(self._writes, Job(operation))

    async def append_turn(self, turn: Turn, store: ManyOperation[Turn, Appended | None]) -> Appended | None:
        """See Backend.append_turn."""
        return await self._ask(self._writes, Job(many=store, item=turn))

    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""
        if self._reads is not self._writes and (not self._reads.empty() or len(self._workers) == 1):
            self._add_reader()
        return await self._ask(self._reads, Job(operation))

    async def _ask(self, queue: Queue, job: Job[T]) -> T:
        if self._process != os.getpid():
            raise StoreClosedError(
                "This store was opened before the process was forked, and stayed with the parent: a database in memory "
                "always does, and one in a file if a write of it was waiting for another process.",
                hint="Open another ThreadStore in the child.",
            )
        with self._gate:
            if self._closed:
                raise StoreClosedError("This store is closed.", hint="Open a new one with ThreadStore.create(url).")
            queue.put(job)
        return await job.future

    def _add_reader(self) -> None:
        with self._gate:
            if len(self._workers) <= _MOST_READERS and not self._closed:
                connect = partial(open_reader, self._settings, self._place)
                self._workers.append(Worker(self._reads, connect, read, self._place))

    async def facts(self) -> EngineFacts:
        """See Backend.facts."""
        return await self.read(partial(_facts, settings=self._settings))

    @property
    def applied(self) -> list[Migration]:
        """See Backend.applied."""
        return self._applied

    async def schema(self) -> Schema:
        """See Backend.schema. Not through a connection of the threads: to open one may make a log beside the file."""
        try:
            return await asyncio.to_thread(schema_of_file, self._settings)
        except (sqlite3.Error, OSError) as error:
            raise translate(error, self._settings.location) from error

    def script(self, steps: Sequence[Migration]) -> str:
        """See Backend.script."""
        return script(steps)

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

    def before_fork(self) -> None:
        """Give up every connection, so that the child inherits none of SQLite's notes about its locks.

        They would be wrong there for a new connection as well: https://www.sqlite.org/howtocorrupt.html §2.6.
        """
        self._gate.acquire()
        self._pause = pause = Pause()
        if self._closed:
            _wait_for(self._workers)  # in the middle of closing, SQLite holds locks that the child could not give back
        workers = 0 if self._closed else len(self._workers)
        for number in range(workers):
            (self._reads if number else self._writes).put(pause)
        reached = [pause.reached.acquire(timeout=_LAST_WORDS_SECONDS) for _ in range(workers)]
        self._let_go = all(reached)
        if self._let_go:
            # Not before all are closed: a connection that is closed after the log was forgotten takes it for another's.
            self._place.forget_log()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._pause is not None:
            self._pause.over.set()
            self._gate.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the threads stayed in the parent, and what they were asked to do."""
        self._end.detach()
        self._gate = threading.Lock()
        if not self._closed and self._let_go:
            self._start()


_in_files: weakref.WeakSet[SqliteBackend] = weakref.WeakSet()


def _each(step: Callable[[SqliteBackend], None]) -> Callable[[], None]:
    def run() -> None:
        for backend in list(_in_files):
            step(backend)

    return run


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(
        before=_each(SqliteBackend.before_fork),
        after_in_parent=_each(SqliteBackend.after_fork_in_parent),
        after_in_child=_each(SqliteBackend.after_fork_in_child),
    )


def _stop(process: int, writes: Queue, reads: Queue, workers: list[Worker]) -> None:
    """Let the threads finish what waits, close their connections and end."""
    if process != os.getpid():
        return  # a forked child has no such threads, and must not touch its parent's connections
    # The writer last: the last connection to go takes the log into the database, and a reader must not.
    writer, *readers = workers
    for _ in readers:
        reads.put(None)
    _wait_for(readers)
    writes.put(None)
    _wait_for([writer])


def _wait_for(workers: list[Worker]) -> None:
    for worker in workers:
        # The garbage collector may run this in one of the threads themselves.
        if worker.thread is not threading.current_thread():
            worker.thread.join(_LAST_WORDS_SECONDS)


async def _facts(tx: Tx, settings: SqliteSettings) -> EngineFacts:
    (database_bytes,) = (await tx.run(_DATABASE_BYTES))[0]
    wal = settings.path and settings.path.with_name(settings.path.name + "-wal")
    return EngineFacts(
        dialect="sqlite" if settings.path else "memory",
        location=settings.location,
        engine_version=f"SQLite {sqlite3.sqlite_version}",
        size_bytes=database_bytes + (wal.stat().st_size if wal and wal.exists() else 0),
        durability=settings.durability if settings.path else "none",
    )
