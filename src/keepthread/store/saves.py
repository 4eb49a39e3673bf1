"""Saves of one object that are under way at the same time: a server may store the second one first."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from keepthread.model import Thread


class Saves:
    """The saves that are under way, by the object that they save."""

    def __init__(self) -> None:
        self._under_way: dict[int, set[asyncio.Future[None]]] = {}

    @contextmanager
    def one_of(self, thread: Thread) -> Generator[None]:
        """Note that *thread* is being saved."""
        done = asyncio.get_running_loop().create_future()
        saves = self._under_way.setdefault(id(thread), set())
        saves.add(done)
        try:
            yield
        finally:
            done.set_result(None)
            saves.discard(done)
            if not saves:
                self._under_way.pop(id(thread), None)

    async def wait(self, thread: Thread) -> None:
        """Wait for the saves of *thread* that are under way now."""
        if saves := self._under_way.get(id(thread)):
            await asyncio.wait(saves)
