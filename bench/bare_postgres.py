"""The floor on PostgreSQL: keepthread's own statements on one asyncpg connection, on the caller's event loop."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import asyncpg

from keepthread.model import Message, Thread
from keepthread.model.ids import new_id, now, to_microseconds
from keepthread.model.record import encode
from keepthread.store.backends.postgres_tx import THREAD_AND_VIEW_TAIL, statement
from keepthread.store.queries import Query, Taken
from keepthread.store.turn import STEP

from .floor import LARGEST, TENANT, Floor, Stored, thread_of

_APPEND = Query("append_alone", Taken._make)
_THREAD_COLUMNS = 10


class BarePostgres(Floor):
    """One database that the store has made."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._append = statement(_APPEND)
        self._tail = statement(THREAD_AND_VIEW_TAIL)

    async def open(self) -> None:
        """See Floor.open."""
        self._connection = await asyncpg.connect(self._url)

    async def close(self) -> None:
        """See Floor.close."""
        await self._connection.close()

    def turn(self, thread_id: str, messages: Sequence[Message]) -> Stored:
        """See Floor.turn: one statement, which is a transaction by itself."""
        records = [encode(message)._asdict() for message in messages]
        columns = ("id", "role", "content", "extra", "digest", "created_at")
        ids, roles, contents, extras, digests, created = ([record[name] for record in records] for name in columns)
        values = {
            "tenant": TENANT,
            "thread": thread_id,
            "taken": len(records) * STEP,
            "count": len(records),
            "at": to_microseconds(now()),
            "born": None,
            "step": STEP,
            "turn_id": new_id(),
            "ids": ids,
            "roles": roles,
            "contents": contents,
            "extras": extras,
            "digests": digests,
            "created": created,
        }
        return partial(self._connection.fetch, self._append.sql, *self._append.arguments(values))

    async def tail(self, thread_id: str, last: int) -> Thread:
        """See Floor.tail: the one statement that the store has for it."""
        place = {"tenant": TENANT, "thread": thread_id, "before": LARGEST, "limit": last}
        row, *found = await self._connection.fetch(self._tail.sql, *self._tail.arguments(place))
        return thread_of(row[:_THREAD_COLUMNS], [values[_THREAD_COLUMNS:] for values in reversed(found)])
