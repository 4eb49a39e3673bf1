"""One daemon thread with an event loop of its own, for a driver whose connections belong to a loop.

Any number of event loops and threads hand it work, and each gets the result back where it asked. Nothing here keeps the
process alive, and nothing here knows a driver.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from keepthread.errors import StoreClosedError

from .jobs import Job, deliver

T = TypeVar("T")

_LAST_WORDS_SECONDS = 5.0
"""How long the end may wait for what was begun, and for the server to hear the good-byes."""


class IoThread:
    """The thread, from its start to its end. Holds nothing but what it was handed."""

    def __init__(self, name: str, last_words: Callable[[], Awaitable[None]]) -> None:
        """Start it. *last_words* runs in it once everything that was begun is done."""
        self._process = os.getpid()
        self._inbox: deque[Callable[[], None]] = deque()
        self._is_woken = False
        self._closed = False
        # No work comes behind the end: nobody would do it.
        self._gate = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        arguments = (self._loop, self._tasks, last_words)
        self._thread = threading.Thread(target=_serve, args=arguments, name=name, daemon=True)
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Whether the end was asked for."""
        return self._closed

    def submit(self, work: Callable[[], None]) -> None:
        """Run *work* in the thread, soon and in order. What is submitted at the same time wakes the thread once.

        Raises:
            StoreClosedError: The end was asked for, or this is another process than the one that started the thread.
        """
        if self._process != os.getpid():
            raise StoreClosedError(
                "This store was opened before the process was forked, and its connections do not survive a fork.",
                hint="Open a new ThreadStore in the child, best before any is open in the parent.",
            )
        with self._gate:
            if self._closed:
                raise StoreClosedError("This store is closed.", hint="Open a new one with ThreadStore.create(url).")
            self._inbox.append(work)
            if not self._is_woken:
                self._is_woken = True
                self._loop.call_soon_threadsafe(self._take)

    def _take(self) -> None:
        # Said before the inbox is emptied: what is submitted from here on either is seen below or wakes anew.
        self._is_woken = False
        while self._inbox:
            self._inbox.popleft()()

    async def ask(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run *work* in the thread and return its result to this loop. If the caller is cancelled, it goes on."""
        job: Job[T] = Job()

        def begin() -> None:
            if not job.future.cancelled():
                self.spawn(_do(job, work))

        self.submit(begin)
        return await job.future

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run *coroutine* beside everything else. Only for what already runs in the thread."""
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Finish what was begun, and end. Twice is allowed. A forked child leaves its parent's thread alone."""
        if self._process != os.getpid():
            return
        with self._gate:
            is_first, self._closed = not self._closed, True
        if is_first:
            self._loop.call_soon_threadsafe(self._loop.stop)
        # The garbage collector may run this in the thread itself.
        if self._thread is not threading.current_thread():
            self._thread.join(3 * _LAST_WORDS_SECONDS)


async def _do(job: Job[T], work: Callable[[], Coroutine[Any, Any, T]]) -> None:
    try:
        job.outcome = await work()
    except BaseException as error:  # noqa: BLE001 - it is handed to the caller that waits for it
        job.outcome = error
    deliver([job])


def _serve(
    loop: asyncio.AbstractEventLoop, tasks: set[asyncio.Task[None]], last_words: Callable[[], Awaitable[None]]
) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_end(tasks, last_words))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def _end(tasks: set[asyncio.Task[None]], last_words: Callable[[], Awaitable[None]]) -> None:
    # One turn of the loop, for what was submitted right before the end.
    await asyncio.sleep(0)
    for is_over in (False, True):
        if tasks:
            await asyncio.wait(set(tasks), timeout=_LAST_WORDS_SECONDS)
        if not is_over:
            for task in tasks:
                task.cancel()
    await last_words()
