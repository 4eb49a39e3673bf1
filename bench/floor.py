"""The floor: the leanest that we know how to do in Python what the store does, with its statements and its tables."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from keepthread.model import Message, Thread
from keepthread.model.json_values import EMPTY, FrozenDict

TENANT = "default"
LARGEST = 2**62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Stored = Callable[[], Awaitable[object]]


class Floor(ABC):
    """One database that the store has made, on the bare driver."""

    @abstractmethod
    async def open(self) -> None:
        """Connect."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect."""

    @abstractmethod
    def turn(self, thread_id: str, messages: Sequence[Message]) -> Stored:
        """Return a turn as work that stores it: everything is ready but the positions."""

    @abstractmethod
    async def tail(self, thread_id: str, last: int) -> Thread:
        """Return a thread with its last messages: rows, JSON, and the objects that keepthread returns, unchecked."""


def thread_of(row: Sequence[Any], messages: Iterable[Sequence[Any]]) -> Thread:
    """Return a thread of the row that the store's statements give, and of those of its messages."""
    thread_id, title, metadata, agent, archived, _, version, count, created_at, updated_at = row
    return Thread.model_construct(
        id=thread_id,
        title=title,
        metadata=json.loads(metadata),
        messages=list(map(_message, messages)),
        agent=agent,
        archived=bool(archived),
        message_count=count,
        version=version,
        created_at=_EPOCH + timedelta(microseconds=created_at),
        updated_at=_EPOCH + timedelta(microseconds=updated_at),
    )


def _message(row: Sequence[Any]) -> Message:
    position, _, message_id, role, content, extra, _, created_at = row
    rest = json.loads(extra)
    return Message.trusted(
        {
            "id": message_id,
            "role": role,
            "content": content,
            "name": None,
            "tool_calls": (),
            "tool_call_id": None,
            "attachments": (),
            "metadata": FrozenDict(rest["metadata"]) if "metadata" in rest else EMPTY,
            "usage": None,
            "provider": EMPTY,
            "created_at": _EPOCH + timedelta(microseconds=created_at),
            "position": position,
        }
    )
