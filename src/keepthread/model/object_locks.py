"""One thing at a time for one object: what two tasks do to it comes one after the other, in the order they asked."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class ObjectLocks:
    """A lock for each object that somebody works on at this moment. Objects need no hash; none is kept alive."""

    def __init__(self) -> None:
        # Keyed by the loop as well: an asyncio lock belongs to one. A lock lives as long as somebody holds it or waits.
        self._locks: WeakValueDictionary[tuple[int, int], asyncio.Lock] = WeakValueDictionary()

    def of(self, value: object) -> asyncio.Lock:
        """Return the lock of *value* for the running event loop."""
        return self._locks.setdefault((id(asyncio.get_running_loop()), id(value)), asyncio.Lock())
