"""Being alone in a folder for a moment, among threads and processes."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from keepthread.errors import BusyError

if sys.platform != "win32":
    import fcntl

PATIENCE_SECONDS = 5.0
"""Nobody holds a lock for longer than a few system calls take, unless it was stopped in between."""

_PAUSE_SECONDS = 0.001
_this_process = threading.Lock()


@contextmanager
def locked(folder: Path, descriptor: int | None) -> Generator[None]:
    """Keep out all others who ask for the same folder. *descriptor* is the caller's own: locks go by open file.

    Where directories cannot be locked (Windows, some network file systems), only this process's threads are kept out.

    Raises:
        BusyError: Another process has been at it for seconds. Nothing was done.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (unlock := _try_to_lock(descriptor)) is None:
        if time.monotonic() > deadline:
            raise BusyError(
                f"Another process has kept the folder {str(folder)!r} locked for {PATIENCE_SECONDS} seconds.",
                hint="If it was stopped (Ctrl-Z, a debugger), let it go on or end it.",
            )
        time.sleep(_PAUSE_SECONDS)
    try:
        yield
    finally:
        unlock()


def _try_to_lock(descriptor: int | None) -> Callable[[], None] | None:
    """Return what unlocks again, None if somebody else is alone."""
    if sys.platform != "win32" and descriptor is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        except OSError:
            pass  # This file system locks no directories.
        else:
            return lambda: fcntl.flock(descriptor, fcntl.LOCK_UN)
    return _this_process.release if _this_process.acquire(blocking=False) else None
