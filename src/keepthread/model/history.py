"""What a thread's view no longer shows."""

from __future__ import annotations

from dataclasses import dataclass

from .message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One version of one message, shown or not."""

    message: Message
    revision: int
    """0 for what was first stored, one more for every edit."""
    current: bool
    """Whether this is the latest version of the message."""
    removed_in: int | None
    """The version of the thread that took the message out of its view; None while it is shown."""
