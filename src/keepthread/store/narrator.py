"""The names that Narrator 6 gave to the same things, with the meaning they had there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from keepthread.errors import ThreadNotFound
from keepthread.model import Thread

from .conversing import Conversing
from .limits import check_number

Threads: TypeAlias = list[Thread]
"""The class below has a method called `list`, which hides the type."""


class NarratorNames(Conversing):
    """Where these differ from ours, it is in what a missing thread is, and in lists that come with their messages."""

    async def save(self, thread: Thread) -> Thread:
        """The same as `save_thread`."""
        return await self.save_thread(thread)

    async def get(self, thread_id: str) -> Thread | None:
        """Return a thread with its messages, or None if there is no such thread."""
        try:
            return await self.get_thread(thread_id)
        except ThreadNotFound:
            return None

    async def list(self, limit: int = 100, offset: int = 0) -> Threads:
        """Return threads with their messages, newest first. `list_threads` costs less: it loads no message."""
        check_number("offset", offset, least=0)
        if limit < 1:
            return []
        headers = await self.list_threads(limit=limit + offset)
        return await self._with_messages(headers[offset:])

    async def delete(self, thread_id: str) -> bool:
        """Remove a thread; return whether there was one."""
        try:
            await self.delete_thread(thread_id)
        except ThreadNotFound:
            return False
        return True

    async def find_by_attributes(self, attributes: Mapping[str, Any]) -> Threads:
        """Return the threads whose metadata hold all of *attributes*, with their messages, newest first."""
        return await self._with_messages(await self.list_threads(metadata=attributes))

    async def _with_messages(self, headers: Threads) -> Threads:
        threads = [await self.get(header.id) for header in headers]
        return [thread for thread in threads if thread is not None]
