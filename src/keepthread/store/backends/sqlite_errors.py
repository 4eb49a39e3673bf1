"""SQLite's errors, as ours."""

from __future__ import annotations

import sqlite3

from keepthread.errors import (
    BusyError,
    CorruptError,
    ForeignDatabaseError,
    FullError,
    KeepthreadError,
    UnavailableError,
)

_RETRY = "Try again: nothing was written."


def translate(error: sqlite3.Error, location: str) -> KeepthreadError:
    """Return the error of ours that says what *error* means for the caller."""
    # The low byte is the primary code, https://www.sqlite.org/rescode.html
    code = (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return BusyError(f"Another process held {location} for longer than the timeout.", hint=_RETRY)
    if code == sqlite3.SQLITE_FULL:
        return FullError(f"The disk of {location} is full. Nothing was written.", hint="Free some space and try again.")
    if code == sqlite3.SQLITE_CORRUPT:
        return CorruptError(f"{location} is damaged ({error}).", hint="Restore it from a backup.")
    if code == sqlite3.SQLITE_NOTADB:
        return ForeignDatabaseError(
            f"{location} is no SQLite database. It was not touched.", hint="Choose another path, or move the file away."
        )
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN):
        return UnavailableError(
            f"{location} cannot be opened for writing ({error}).",
            hint="Check that the directory exists and that this user may write to it and to the file.",
        )
    return UnavailableError(f"{location} failed ({error}).", hint="Check the disk, then try again.")
