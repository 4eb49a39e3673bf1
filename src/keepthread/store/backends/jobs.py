"""Handing work to a thread of ours and its result back to whichever event loop asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Generic, TypeVar, cast

from .base import ManyOperation, Operation, Tx

T = TypeVar("T")


class Job(Generic[T]):
    """One piece of work, and the future of the caller that waits for it. Bound to no loop but its caller's.

    Either an operation of its own, or an item for one that takes many.
    """

    __slots__ = ("future", "item", "loop", "many", "operation", "outcome")

    def __init__(
        self, operation: Operation[T] | None = None, *, many: ManyOperation[Any, T] | None = None, item: object = None
    ) -> None:
        self.operation = operation
        self.many = many
        self.item = item
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.outcome: T | BaseException | None = None

    @property
    def has_work(self) -> bool:
        """False for a job that only asks for the connection to be opened."""
        return self.operation is not None or self.many is not None

    async def run(self, tx: Tx) -> T:
        """Do the work of this job alone."""
        if self.operation is not None:
            return await self.operation(tx)
        if self.many is None:
            raise RuntimeError("A job without work: that is a bug in keepthread.")
        return (await self.many(tx, [self.item]))[0]


def deliver(jobs: Iterable[Job[Any]]) -> None:
    """Wake the callers of *jobs* with their outcomes, each event loop once."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Job[Any]]] = {}
    for job in jobs:
        by_loop.setdefault(job.loop, []).append(job)
    for loop, finished in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle, finished)
        except RuntimeError:
            # The loop was closed while we worked: nobody is left to tell. What was committed stays so.
            continue


def _settle(jobs: list[Job[Any]]) -> None:
    for job in jobs:
        if job.future.done():
            continue  # its caller was cancelled
        if isinstance(job.outcome, BaseException):
            job.future.set_exception(job.outcome)
        else:
            job.future.set_result(job.outcome)


def finish(operation: Coroutine[Any, Any, T]) -> T:
    """Run *operation* to its end in one step, in this thread. Its statements never make it wait."""
    try:
        operation.send(None)
    except StopIteration as done:
        return cast("T", done.value)
    operation.close()
    raise RuntimeError("A store operation awaited something other than its transaction: that is a bug in keepthread.")
