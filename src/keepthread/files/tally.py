"""How full a place is. Nothing here knows where its bytes are."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from keepthread.errors import FullError

_PAUSE = 10
"""A count is repeated after ten times as long as the last one took: at most a tenth of the time goes into counting."""


def check_room(used: int, size: int, limit: int | None) -> None:
    """Raise FullError if *size* bytes more would be over *limit*; None is no limit."""
    if limit is not None and used + size > limit:
        raise FullError(
            f"The file store holds {used:,} bytes of at most {limit:,}, and this file has {size:,} more.",
            hint="Delete conversations that nobody needs, or raise max_total_bytes.",
        )


class Tally:
    """A running sum of the bytes in a place, counted once, when first needed, and kept up by what this process does.

    What other processes add is not seen until the next count, which happens when the limit seems to be reached: with
    several writers the place can get fuller than the limit by what they wrote since.
    """

    def __init__(
        self, limit: int | None, count: Callable[[], int], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._count = count
        self._clock = clock
        self._lock = threading.Lock()
        self._stored: int | None = None
        self._reserved = 0
        """The bytes of files that are being written: a count may not see them yet."""
        self._next_count = 0.0

    def take(self, size: int) -> None:
        """Hold room for a file, to be followed by `settle`.

        Raises:
            FullError: There is not enough, also after counting again. Nothing is held.
        """
        with self._lock:
            if self._limit is not None:
                stored = self._recount() if self._stored is None else self._stored
                if stored + self._reserved + size > self._limit and self._clock() >= self._next_count:
                    stored = self._recount()
                check_room(stored + self._reserved, size, self._limit)
            self._reserved += size

    def settle(self, size: int, added: int) -> None:
        """Give the room for *size* bytes back, of which *added* were written in the end."""
        with self._lock:
            self._reserved -= size
            if self._stored is not None:
                self._stored += added

    def lose(self, size: int) -> None:
        """Note that *size* bytes were removed."""
        with self._lock:
            if self._stored is not None:
                self._stored -= size

    def recount(self) -> int:
        """Return what the place holds now, in bytes, whoever wrote it."""
        with self._lock:
            return self._recount()

    def _recount(self) -> int:
        started = self._clock()
        self._stored = stored = self._count()
        ended = self._clock()
        self._next_count = ended + _PAUSE * (ended - started)
        return stored
