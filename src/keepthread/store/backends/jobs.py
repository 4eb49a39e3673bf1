"""Handing work to a thread of ours and its result back to whichever event loop asked."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Generic, TypeVar, cast

from .base import Operation

T = TypeVar("T")


class Job(Generic[T]):
    """One operation, and the future of the caller that waits for it. Bound to no loop but its caller's."""

    __slots__ = ("future", "loop", "operation", "outcome")

    def __init__(self, operation: Operation[T]) -> None:
        self.operation = operation
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self.loop.create_future()
        self.outcome: T | BaseException | None = None


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
