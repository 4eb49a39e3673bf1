"""Ids and the clock: the only place in this room that reads the time."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_NOISE_BYTES = 9
_IDS_PER_READ = 256

_lock = threading.Lock()
_last = 0
_noise = b""


def new_id() -> str:
    """Return a UUIDv7 as text: unique, and greater than every id made before it in this process.

    Layout of RFC 9562 §5.7: 48 bits of milliseconds, a 12-bit counter in `rand_a`, and 62 random bits. When the
    clock goes back, or a millisecond's counter is used up, the count goes on from the last id instead.
    """
    global _last, _noise  # noqa: PLW0603 - one counter for the process is what makes ids monotonic in it
    now = time.time_ns() // 1_000_000 << 12
    with _lock:
        if not _noise:
            # Asking the kernel for each id gives the interpreter lock away, which costs more than all the rest.
            _noise = os.urandom(_NOISE_BYTES * _IDS_PER_READ)
        noise, _noise = int.from_bytes(_noise[:_NOISE_BYTES], "big"), _noise[_NOISE_BYTES:]
        # A fresh millisecond starts its counter in the lower half, so that 2,048 more ids fit before it spills over.
        _last = stamp = max(now | (noise >> 61 & 0x7FF), _last + 1)
    value = (stamp >> 12) << 80 | 0x7000 << 64 | (stamp & 0xFFF) << 64 | 0x8 << 60 | noise & (1 << 62) - 1
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _forget_noise() -> None:
    """A forked child must not repeat its parent's random bits, nor wait for a lock that was held at the fork."""
    global _noise, _lock
    _noise, _lock = b"", threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_forget_noise)


def now() -> datetime:
    """Return the current time in UTC, to the microsecond."""
    return datetime.now(UTC)


def now_microseconds() -> int:
    """Return the current time as microseconds since 1970."""
    return time.time_ns() // 1000


def to_microseconds(moment: datetime) -> int:
    """Return *moment* as microseconds since 1970. A naive moment counts as local time, as everywhere in Python."""
    if moment.tzinfo is None:
        moment = moment.astimezone()
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return the moment in UTC. Exact, where a division by a million would round."""
    return _EPOCH + timedelta(microseconds=microseconds)
