"""The one thread that writes to a SQLite database, and the ones that read: group commit and snapshots.

Nothing here keeps the process alive: the threads are daemons. What was acknowledged is on disk by then, and what was
not may be lost by the rules of the contract.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any

from keepthread.errors import KeepthreadError

from .base import ManyOperation
from .jobs import Job, deliver, finish
from .sqlite_errors import translate
from .sqlite_place import Place
from .sqlite_tx import SqliteTx

_MOST_IN_A_BATCH = 512
"""So that the first caller of a batch does not wait for all the others without end."""


class Pause:
    """A moment without connections: the thread that takes it from its queue gives its own up until it may go on."""

    def __init__(self) -> None:
        self.reached = threading.Semaphore(0)
        self.over = threading.Event()


Queue = SimpleQueue["Job[Any] | Pause | None"]
"""Jobs, pauses, and None for the end."""


class Worker:
    """A daemon thread with a connection of its own, taking jobs from a queue that it may share."""

    def __init__(
        self, queue: Queue, connect: Callable[[], sqlite3.Connection], work: Callable[..., None], place: Place
    ) -> None:
        arguments = (queue, connect, work, place)
        self.thread = threading.Thread(target=_serve, args=arguments, name="keepthread-sqlite", daemon=True)
        self.thread.start()


def _serve(queue: Queue, connect: Callable[[], sqlite3.Connection], work: Callable[..., None], place: Place) -> None:
    """Take jobs until the end is asked for. Holds no reference to the backend, so that a forgotten one can go."""
    connection: sqlite3.Connection | None = None
    while (job := queue.get()) is not None:
        if isinstance(job, Pause):
            connection = _give_up(connection, job, place)
            continue
        if connection is None:
            try:
                connection = connect()
            except BaseException as error:  # noqa: BLE001 - it is handed to the caller that waits for it
                job.outcome = translate(error, place.location)
                deliver([job])
                continue
        work(connection, job, queue, place)
        del job
    if connection is not None:
        place.close(connection)


def _give_up(connection: sqlite3.Connection | None, pause: Pause, place: Place) -> None:
    if connection is not None:
        place.close(connection)
    pause.reached.release()
    pause.over.wait()


def read(connection: sqlite3.Connection, job: Job[Any], _queue: Queue, place: Place) -> None:
    """Run one job on one snapshot."""
    try:
        place.check()
        connection.execute("BEGIN")
        job.outcome = finish(job.run(SqliteTx(connection)))
    except BaseException as error:  # noqa: BLE001 - it is handed to the caller that waits for it
        job.outcome = translate(error, place.location)
    finally:
        _end(connection, "ROLLBACK")
    deliver([job])


def write(connection: sqlite3.Connection, job: Job[Any], queue: Queue, place: Place) -> None:
    """Run one job, and whatever waits behind it, in one transaction with one fsync."""
    jobs = [job]
    while len(jobs) < _MOST_IN_A_BATCH:
        try:
            waiting = queue.get_nowait()
        except Empty:
            break
        if not isinstance(waiting, Job):
            queue.put(waiting)  # the end, or a pause: after this batch
            break
        jobs.append(waiting)
    _commit([job for job in jobs if job.has_work], connection, place)
    deliver(jobs)


def _commit(jobs: list[Job[Any]], connection: sqlite3.Connection, place: Place) -> None:
    """Give each of *jobs* its outcome. What went into files that are not there any more was not stored."""
    try:
        place.check()
        if jobs and not _commit_together(connection, jobs, place.location):
            # The engine gave up the whole transaction, or refused the commit. Each job alone then gets its own outcome.
            for alone in jobs:
                _commit_together(connection, [alone], place.location)
        place.check()
    except (KeepthreadError, OSError) as error:
        for job in jobs:
            job.outcome = translate(error, place.location)


def _commit_together(connection: sqlite3.Connection, jobs: list[Job[Any]], location: str) -> bool:
    """Run *jobs* in one transaction. False: nothing of it was kept, and there is more than one to try alone."""
    alone = len(jobs) < 2  # noqa: PLR2004 - one, or none
    try:
        # IMMEDIATE takes the write lock now: a read that later becomes a write would fail with SQLITE_BUSY at once,
        # whatever the timeout.
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        _fail(jobs, error, location)
        return True
    try:
        _run_all(connection, jobs, location, alone=alone)
        if connection.in_transaction:
            connection.execute("COMMIT")
            return True
    except sqlite3.Error as error:
        _end(connection, "ROLLBACK")
        _fail(jobs, error, location)
    return alone


def _fail(jobs: list[Job[Any]], error: sqlite3.Error, location: str) -> None:
    """Give each of *jobs* that has no error of its own this one."""
    for job in jobs:
        if not isinstance(job.outcome, BaseException):
            job.outcome = translate(error, location)


def _run_all(connection: sqlite3.Connection, jobs: list[Job[Any]], location: str, *, alone: bool) -> None:
    for many, run in groupby(jobs, key=_operation_on_many):
        group = list(run)
        if many is None or not _run_many(connection, many, group):
            for job in group:
                _run_one(connection, job, location, in_savepoint=not alone)


def _operation_on_many(job: Job[Any]) -> ManyOperation[Any, Any] | None:
    return job.many


def _run_many(connection: sqlite3.Connection, many: ManyOperation[Any, Any], jobs: list[Job[Any]]) -> bool:
    """Run one operation for all of *jobs*. False: it failed for one of them, and nothing of it was kept."""
    if len(jobs) < 2:  # noqa: PLR2004 - one has no company
        return False
    connection.execute("SAVEPOINT many")
    try:
        outcomes = finish(many(SqliteTx(connection), [job.item for job in jobs]))
    except Exception:  # noqa: BLE001 - each of the jobs meets its own error when it runs alone
        _end(connection, "ROLLBACK TO many")
        _end(connection, "RELEASE many")
        return False
    connection.execute("RELEASE many")
    for job, outcome in zip(jobs, outcomes, strict=True):
        job.outcome = outcome
    return True


def _run_one(connection: sqlite3.Connection, job: Job[Any], location: str, *, in_savepoint: bool) -> None:
    if not connection.in_transaction:
        return  # the engine gave up the transaction in a job before this one
    if in_savepoint:
        connection.execute("SAVEPOINT job")
    try:
        job.outcome = finish(job.run(SqliteTx(connection)))
    except BaseException as error:  # noqa: BLE001 - it is handed to the caller that waits for it
        job.outcome = translate(error, location)
        _end(connection, "ROLLBACK TO job" if in_savepoint else "ROLLBACK")
    if in_savepoint:
        _end(connection, "RELEASE job")


def _end(connection: sqlite3.Connection, statement: str) -> None:
    # A full disk and some other errors make SQLite roll the whole transaction back by itself: nothing to end then.
    if connection.in_transaction:
        connection.execute(statement)
