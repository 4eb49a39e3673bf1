"""Every moment at which a coroutine waits, counted: whatever is to happen there happens at each of them in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Watched(Generic[T]):
    """A coroutine, and what is called whenever it is about to wait."""

    def __init__(self, work: Coroutine[Any, Any, T], on_wait: Callable[[], None]) -> None:
        self._work = work
        self._on_wait = on_wait

    def __await__(self) -> Generator[Any, Any, T]:
        step: Callable[[], Any] = partial(self._work.send, None)
        while True:
            try:
                waits_for = step()
            except StopIteration as end:
                return end.value
            self._on_wait()
            try:
                yield waits_for
            except BaseException as error:  # noqa: BLE001 - a cancellation as well: it is for the coroutine
                step = partial(self._work.throw, error)
            else:
                step = partial(self._work.send, None)


def watch(work: Coroutine[Any, Any, T], on_wait: Callable[[], None]) -> asyncio.Task[T]:
    """Run *work* as a task, and call *on_wait* whenever it, or a task that is begun meanwhile, is about to wait."""
    loop = asyncio.get_running_loop()

    def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> asyncio.Task[Any]:  # noqa: ANN401 - whatever is begun
        return asyncio.Task(_awaiting(coroutine, on_wait), loop=loop, **options)

    loop.set_task_factory(make)
    task = loop.create_task(work)
    task.add_done_callback(lambda _: loop.set_task_factory(None))
    return task


async def _awaiting(work: Coroutine[Any, Any, T], on_wait: Callable[[], None]) -> T:
    return await _Watched(work, on_wait)
