"""Appending on PostgreSQL: turns that wait at the same time are stored by one statement, in one round trip."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from asyncpg.exceptions import UniqueViolationError

from keepthread.model.record import Record

from ..queries import LOCK_THREAD, Query, Taken  # noqa: TID252 - backends are a room inside store
from ..turn import STEP, Turn, appended  # noqa: TID252 - as above
from .append_queue import Outcome
from .base import DuplicateKey
from .postgres_tx import Connection, statement


class _Outcome(NamedTuple):
    """What became of one turn of a batch. Turns without a thread have none."""

    number: int
    """From 1, in the order of the batch."""
    is_repeated: bool
    next_position: int
    version: int


_ALONE = Query("append_alone", Taken._make)
_BATCH = Query("append_batch", _Outcome._make)


async def store_waiting(connection: Connection, turns: Sequence[Turn]) -> list[Outcome]:
    """Store turns of one thread, in a transaction, once nobody else holds it."""
    sql, arguments = statement(LOCK_THREAD)
    if not await connection.fetch(sql, *arguments({"tenant": turns[0].tenant, "thread": turns[0].thread_id})):
        return [None] * len(turns)
    return await store(connection, turns)


async def store(connection: Connection, turns: Sequence[Turn]) -> list[Outcome]:
    """Store turns in one statement, which is a transaction by itself. Several wait for nobody."""
    try:
        if len(turns) == 1:
            return [await _store_alone(connection, turns[0])]
        return await _store_batch(connection, turns)
    except UniqueViolationError as error:
        raise DuplicateKey from error


async def _store_alone(connection: Connection, turn: Turn) -> Outcome:
    records = turn.records
    sql, arguments = statement(_ALONE)
    values = {
        "tenant": turn.tenant,
        "thread": turn.thread_id,
        "taken": len(records) * STEP,
        "count": len(records),
        "at": turn.at,
        "born": turn.born,
        "step": STEP,
        "turn_id": records[0].id,
        **_columns([records]),
    }
    taken = list(map(_ALONE.make, await connection.fetch(sql, *arguments(values))))
    return appended(turn, next_position=taken[0].next_position, version=taken[0].version) if taken else None


async def _store_batch(connection: Connection, turns: Sequence[Turn]) -> list[Outcome]:
    sql, arguments = statement(_BATCH)
    counts = [len(turn.records) for turn in turns]
    values = {
        "step": STEP,
        "tenants": [turn.tenant for turn in turns],
        "threads": [turn.thread_id for turn in turns],
        "borns": [turn.born for turn in turns],
        "ats": [turn.at for turn in turns],
        "counts": counts,
        "turn_ids": [turn.records[0].id for turn in turns],
        "numbers": [number for number, count in enumerate(counts, 1) for _ in range(count)],
        "places": [place for count in counts for place in range(count)],
        **_columns([turn.records for turn in turns]),
    }
    outcomes: list[Outcome] = [None] * len(turns)
    for row in map(_BATCH.make, await connection.fetch(sql, *arguments(values))):
        turn = turns[row.number - 1]
        if row.is_repeated:
            outcomes[row.number - 1] = DuplicateKey()
        else:
            outcomes[row.number - 1] = appended(turn, next_position=row.next_position, version=row.version)
    return outcomes


def _columns(turns: Iterable[Sequence[Record]]) -> dict[str, Sequence[Any]]:
    """Return what the messages of all *turns* say, column by column."""
    ids, roles, contents, extras, digests, created, _ = zip(*chain.from_iterable(turns), strict=True)
    return {
        "ids": ids,
        "roles": roles,
        "contents": contents,
        "extras": extras,
        "digests": digests,
        "created": created,
    }
