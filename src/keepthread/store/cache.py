"""Threads that are read often, kept in memory and never stale."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from copy import deepcopy

from keepthread.model import Thread
from keepthread.model.thread import snapshot_of, stored_thread


class ThreadCache:
    """The last threads that were asked for. Made by `store.cached(max_threads=100)`.

    Each call asks the database for the thread's version, which costs one small read whatever the thread's length, and
    loads the thread only if somebody changed it. Callers that ask for one thread at the same time share one load. Every
    caller gets an object of its own.
    """

    def __init__(
        self,
        load: Callable[[str], Awaitable[Thread]],
        head: Callable[[str], Awaitable[Thread]],
        max_threads: int,
    ) -> None:
        self._load = load
        self._head = head
        self._max_threads = max_threads
        self._kept: OrderedDict[str, Thread] = OrderedDict()
        self._loading: dict[tuple[asyncio.AbstractEventLoop, str], asyncio.Task[Thread]] = {}

    async def get_thread(self, thread_id: str) -> Thread:
        """Return the thread as it is stored now.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        head = await self._head(thread_id)
        kept = self._kept.get(thread_id)
        if kept is None or (kept.version, kept.created_at) != (head.version, head.created_at):
            kept = await self._load_once(thread_id)
            if kept.created_at != head.created_at or kept.version < head.version:
                kept = await self._load(thread_id)  # the shared load began before what this caller has seen
        self._kept[thread_id] = kept
        self._kept.move_to_end(thread_id)
        while len(self._kept) > self._max_threads:
            self._kept.popitem(last=False)
        return _copy(kept)

    async def _load_once(self, thread_id: str) -> Thread:
        key = (asyncio.get_running_loop(), thread_id)
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.ensure_future(self._load(thread_id))
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        # A caller that is cancelled must not take the load away from the others.
        return await asyncio.shield(task)

    def clear(self) -> None:
        """Forget every thread."""
        self._kept.clear()


def _copy(thread: Thread) -> Thread:
    """Return a thread of the caller's own, down to its messages: attachments can be added to them in place."""
    base = snapshot_of(thread)
    if base is None:
        raise RuntimeError("A thread in the cache was never loaded: that is a bug in keepthread.")
    fields = {name: value for name, value in thread.__dict__.items() if name != "messages"}
    return stored_thread({**fields, "metadata": deepcopy(dict(thread.metadata))}, base.copied(), messages=True)
