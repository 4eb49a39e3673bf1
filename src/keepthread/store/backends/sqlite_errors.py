"""SQLite's errors, as ours."""

from __future__ import annotations

import os
import sqlite3

from keepthread.errors import (
    BusyError,
    CorruptError,
    ForeignDatabaseError,
    FullError,
    KeepthreadError,
    UnavailableError,
)

_LITTLE_ROOM = 256 * 1024
"""Bytes. With less left, SQLite fails to grow its log or its shared memory, and calls that an I/O error."""


def translate(error: BaseException, location: str) -> BaseException:
    """Return the error of ours that says what *error* means for the caller, or *error* itself if it is no engine's."""
    if isinstance(error, KeepthreadError) or not isinstance(error, sqlite3.Error | OSError | UnicodeDecodeError):
        return error
    if isinstance(error, UnicodeDecodeError) or "Could not decode to UTF-8" in str(error):
        # Without a cause: the engine's words quote what stands there.
        return CorruptError(f"{location} is damaged: a text in it is no UTF-8.", hint="Restore it from a backup.")
    ours = _from_the_system(error, location) if isinstance(error, OSError) else _from_the_engine(error, location)
    ours.__cause__ = error
    return ours


def _from_the_system(error: OSError, location: str) -> KeepthreadError:
    return UnavailableError(
        f"{location} cannot be opened ({error.strerror}).",
        hint="Check that this user may enter and write its directory.",
    )


def _from_the_engine(error: sqlite3.Error, location: str) -> KeepthreadError:
    # The low byte is the primary code, https://www.sqlite.org/rescode.html
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _is_full(location)):
        return FullError(f"The disk of {location} is full. Nothing was written.", hint="Free some space and try again.")
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            busy = f"Another process held {location} for longer than the timeout."
            return BusyError(busy, hint="Try again: nothing was written.")
        case sqlite3.SQLITE_CORRUPT:
            return CorruptError(f"{location} is damaged ({error}).", hint="Restore it from a backup.")
        case sqlite3.SQLITE_NOTADB:
            foreign = f"{location} is no SQLite database. It was not touched."
            return ForeignDatabaseError(foreign, hint="Choose another path, or move the file away.")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            closed = f"{location} cannot be opened for writing ({error})."
            hint = "Check that the directory exists and that this user may write to it and to the file."
            return UnavailableError(closed, hint=hint)
        case _:
            return UnavailableError(f"{location} failed ({error}).", hint="Check the disk, then try again.")


def _is_full(location: str) -> bool:
    try:
        disk = os.statvfs(location)
    except (AttributeError, OSError):
        return False  # Windows, or the file is not there
    return disk.f_bavail * disk.f_frsize < _LITTLE_ROOM
