"""Appending on MySQL and MariaDB: a turn alone in one round trip, turns that wait at the same time together in two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from keepthread.model.record import Record

from ..queries import INSERT_MESSAGE, TAKE_POSITIONS, Nothing, Query, Taken  # noqa: TID252 - backends are a room inside store
from ..turn import STEP, Turn, appended  # noqa: TID252 - as above
from .append_queue import Outcome
from .base import DuplicateKey
from .mysql_tx import BEGIN, COMMIT, Bound, Connection, Key, statement

_FEW = 16
"""Messages of a turn that are stored one by one rather than in a second round trip."""
_KEYS = 256
"""Keys that one statement looks up: from a thousand values on MariaDB makes a table of a list, and joins it."""


class _Locked(NamedTuple):
    """What a batch needs to know of a thread."""

    tenant: str
    thread_id: str
    created_at: int
    next_position: int
    version: int


_MESSAGE = Query("append_message", Nothing._make)
_LOCK = Query("append_lock", _Locked._make)
_LOCK_FREE = Query("append_lock_free", _Locked._make)
_REPEATED = Query("append_repeated", tuple[str, str, str])
_TAKEN = Query("append_taken", Nothing._make)


async def store(connection: Connection, turns: Sequence[Turn], *, waits: bool) -> list[Outcome]:
    """Store turns in a transaction of their own. See StoreTurns."""
    if len(turns) > 1:
        return await _store_batch(connection, turns, _LOCK if waits else _LOCK_FREE)
    if len(turns[0].records) > _FEW:
        return await _store_batch(connection, turns, _LOCK)
    return [await _store_alone(connection, turns[0])]


async def _store_alone(connection: Connection, turn: Turn) -> Outcome:
    count = len(turn.records)
    place = {"tenant": turn.tenant, "thread": turn.thread_id, "born": turn.born}
    taking = statement(TAKE_POSITIONS).bind({**place, "taken": count * STEP, "count": count, "at": turn.at})
    messages = [
        statement(_MESSAGE).bind({**place, **_columns(turn, record), "from_end": (count - index) * STEP})
        for index, record in enumerate(turn.records)
    ]
    (rows,) = await connection.run(BEGIN, taking, *messages, COMMIT)
    taken = list(map(Taken._make, rows))
    return appended(turn, next_position=taken[0].next_position, version=taken[0].version) if taken else None


def _columns(turn: Turn, record: Record) -> dict[str, Any]:
    return {
        "tenant": turn.tenant,
        "thread": turn.thread_id,
        "id": record.id,
        "turn_id": turn.records[0].id,
        "role": record.role,
        "content": record.content,
        "extra": record.extra,
        "digest": record.digest,
        "created_at": record.created_at,
    }


async def _store_batch(connection: Connection, turns: Sequence[Turn], lock: Query[_Locked]) -> list[Outcome]:
    keys = sorted({(turn.tenant, turn.thread_id) for turn in turns})
    ids = [(turn.tenant, record.id, turn.thread_id) for turn in turns for record in turn.records]
    locking = [statement(lock).bind({"threads": some}) for some in _some(keys)]
    looking = [statement(_REPEATED).bind({"messages": some}) for some in _some(ids)]
    found = await connection.run(BEGIN, *locking, *looking)
    locked = map(_Locked._make, chain.from_iterable(found[: len(locking)]))
    batch = _Batch(locked, chain.from_iterable(found[len(locking) :]))
    outcomes = [batch.take(turn) for turn in turns]
    await connection.run(*batch.statements(), COMMIT)
    return outcomes


def _some(keys: Sequence[Key]) -> Iterator[Sequence[Key]]:
    for first in range(0, len(keys), _KEYS):
        yield keys[first : first + _KEYS]


class _Batch:
    """The turns of a batch that can be stored, and what they leave in their threads."""

    def __init__(self, locked: Iterable[_Locked], there: Iterable[Sequence[Any]]) -> None:
        self._threads = {(row.tenant, row.thread_id): row for row in locked}
        self._there = {tuple(row) for row in there}
        self._messages: list[dict[str, Any]] = []
        self._changes: dict[Key, dict[str, Any]] = {}

    def take(self, turn: Turn) -> Outcome:
        """Put *turn* into the batch behind the others, and return its outcome; nothing of it unless it is stored."""
        key = turn.tenant, turn.thread_id
        row = self._threads.get(key)
        if row is None or turn.born not in (None, row.created_at):
            return None
        if any((*key, record.id) in self._there for record in turn.records):
            return DuplicateKey()
        count = len(turn.records)
        row = row._replace(next_position=row.next_position + count * STEP, version=row.version + 1)
        self._threads[key] = row
        self._messages += [
            {**_columns(turn, record), "position": row.next_position - (count - index) * STEP}
            for index, record in enumerate(turn.records)
        ]
        before = self._changes.get(key, {"count": 0, "at": turn.at})
        self._changes[key] = {
            "tenant": turn.tenant,
            "thread": turn.thread_id,
            "next_position": row.next_position,
            "version": row.version,
            "count": before["count"] + count,
            "at": max(before["at"], turn.at),
        }
        return appended(turn, next_position=row.next_position, version=row.version)

    def statements(self) -> list[Bound]:
        """Return what stores it."""
        messages = statement(INSERT_MESSAGE).bind_many(self._messages)
        return [*messages, *statement(_TAKEN).bind_many(self._changes.values())]
