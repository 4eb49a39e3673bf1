"""A thread's row as a Thread, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from keepthread.errors import CorruptError
from keepthread.model import Message, Thread
from keepthread.model.ids import from_microseconds
from keepthread.model.record import Source, decode
from keepthread.model.snapshot import Extent, Snapshot
from keepthread.model.thread import stored_thread

from .queries import MessageRow, ThreadRow


def fields_of(row: ThreadRow) -> dict[str, Any]:
    """Return a thread's fields, all but its messages."""
    try:
        return {
            "id": row.id,
            "title": row.title,
            "metadata": dict(json.loads(row.metadata)),
            "agent": row.agent,
            "archived": bool(row.archived),
            "message_count": row.message_count,
            "version": row.version,
            "created_at": from_microseconds(row.created_at),
            "updated_at": from_microseconds(row.updated_at),
        }
    except (ValueError, TypeError, OverflowError) as damage:
        raise CorruptError(
            f"Thread {row.id!r} cannot be read: its row is damaged ({type(damage).__name__}).",
            hint="Restore it from a backup.",
        ) from damage


def snapshot(row: ThreadRow, extent: Extent = "all") -> Snapshot:
    """Return what the store has of a thread, without messages yet."""
    return Snapshot(
        version=row.version,
        born=row.created_at,
        title=row.title,
        metadata=row.metadata,
        agent=row.agent,
        archived=bool(row.archived),
        extent=extent,
    )


def messages_of(rows: Sequence[MessageRow], source: Source | None) -> list[Message]:
    """Return the messages of *rows*, in their order."""
    return [decode(row, row.position, source) for row in rows]


def header(row: ThreadRow) -> Thread:
    """Return a thread without its messages."""
    return stored_thread(fields_of(row), snapshot(row), messages=False)


def loaded(row: ThreadRow, rows: Sequence[MessageRow], source: Source | None, extent: Extent) -> Thread:
    """Return a thread with the messages of *rows*, which are this part of its view."""
    base = snapshot(row, extent)
    base.extend(messages_of(rows, source), [message.digest for message in rows])
    return stored_thread(fields_of(row), base, messages=True)
