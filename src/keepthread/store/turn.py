"""A turn on its way into a thread, and what became of it. Nothing here knows how either is stored."""

from __future__ import annotations

from typing import NamedTuple

from keepthread.model import Message
from keepthread.model.record import Record

STEP = 1 << 20
"""The gap between two positions: twenty insertions at one place before the thread has to be numbered anew."""


class Turn(NamedTuple):
    """What one call adds to a thread, ready to be stored."""

    tenant: str
    thread_id: str
    records: tuple[Record, ...]
    files: tuple[tuple[str, str], ...]
    """(message id, SHA-256) of every attachment."""
    at: int
    """Microseconds since 1970."""
    born: int | None = None
    """Only append to the thread that was made at this moment; None for any."""


class Appended(NamedTuple):
    """What became of a turn."""

    positions: dict[str, int]
    """By message id."""
    version: int | None
    """The thread's, if this turn was all that changed it; None if a part was there already."""
    repeated: tuple[Message, ...] = ()
    """The messages that were stored before, as they are now."""


class Hold(NamedTuple):
    """Which turn, and in whose hands."""

    tenant: str
    thread_id: str
    turn_id: str
    holder: str

    @property
    def thread(self) -> dict[str, str]:
        """What names the thread in a statement."""
        return {"tenant": self.tenant, "thread": self.thread_id}

    @property
    def place(self) -> dict[str, str]:
        """What names the turn in a statement."""
        return {**self.thread, "turn": self.turn_id}


def appended(turn: Turn, *, next_position: int, version: int) -> Appended:
    """Return what became of a turn that was stored whole, right before *next_position*."""
    first = next_position - len(turn.records) * STEP
    placed = {record.id: first + index * STEP for index, record in enumerate(turn.records)}
    return Appended(positions=placed, version=version)
