"""Ids and the clock: the only place in this room that reads the time."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a UUIDv7 as text: unique, and greater than every id made before it in this process.

    Layout of RFC 9562 §5.7: 48 bits of milliseconds, then a 12-bit counter in `rand_a`, then 62 random bits. When the clock
    goes back, or a millisecond's counter is used up, the count goes on from the last id instead.
    """
    global _last  # noqa: PLW0603 - one counter for the process is what makes ids monotonic in it
    noise = int.from_bytes(os.urandom(9), "big")
    now = time.time_ns() // 1_000_000 << 12
    with _lock:
        # A fresh millisecond starts its counter in the lower half, so that 2,048 more ids fit before it spills over.
        _last = stamp = max(now | (noise >> 61 & 0x7FF), _last + 1)
    value = (stamp >> 12) << 80 | 0x7000 << 64 | (stamp & 0xFFF) << 64 | 0x8 << 60 | noise & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def now() -> datetime:
    """Return the current time in UTC, to the microsecond."""
    return datetime.now(UTC)


def to_microseconds(moment: datetime) -> int:
    """Return *moment* as microseconds since 1970. A naive moment counts as local time, as everywhere in Python."""
    if moment.tzinfo is None:
        moment = moment.astimezone()
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the moment in UTC. Exact, where a division by a million would round."""
    return _EPOCH + timedelta(microseconds=microseconds)
