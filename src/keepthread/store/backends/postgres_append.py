"""Appending on PostgreSQL: turns that wait at the same time are stored by one statement, in one round trip."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from asyncpg.exceptions import UniqueViolationError

from keepthread.model.record import Record

from ..queries import Query, Taken  # noqa: TID252 - backends are a room inside store
from ..turn import STEP, Appended, Turn, appended  # noqa: TID252 - as above
from .base import DuplicateKey
from .jobs import Job, deliver
from .postgres_tx import Connection, statement

_MOST_TURNS = 512
_MOST_BYTES = 8 * 1024 * 1024
"""So that the first caller of a batch does not wait for all the others without end, and no server refuses its size."""


class _Outcome(NamedTuple):
    """What became of one turn of a batch. Turns without a thread have none."""

    number: int
    """From 1, in the order of the batch."""
    is_repeated: bool
    next_position: int
    version: int


_ALONE = Query("append_alone", Taken._make)
_BATCH = Query("append_batch", _Outcome._make)

TurnJob = Job["Appended | None"]
Outcome = Appended | Exception | None

Run = Callable[[Callable[[Connection], Awaitable[list[Outcome]]]], Awaitable[list[Outcome]]]
"""Runs something on a connection, again if that is lost or another writer is met. Raises our errors."""


class AppendQueue:
    """Turns that wait. One statement is under way at a time: a second one would find its company split."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._waiting: list[tuple[TurnJob, Turn]] = []
        self._is_storing = False

    def add(self, job: TurnJob, turn: Turn) -> bool:
        """Let *turn* wait. True: nobody is storing, and the caller must see to it that `store` runs."""
        self._waiting.append((job, turn))
        must_store, self._is_storing = not self._is_storing, True
        return must_store

    async def store(self) -> None:
        """Store what waits, until nothing does, and wake each caller with its own outcome."""
        while self._waiting:
            batch = self._next_batch()
            if batch:
                await self._settle(batch)
            deliver([job for job, _ in batch])
        self._is_storing = False

    def _next_batch(self) -> list[tuple[TurnJob, Turn]]:
        """Take the turns that go together. One that repeats a message of another waits: it must see that one stored."""
        batch: list[tuple[TurnJob, Turn]] = []
        later: list[tuple[TurnJob, Turn]] = []
        taken: set[tuple[str, str, str]] = set()
        size = 0
        for job, turn in self._waiting:
            if job.future.cancelled():
                continue
            places = {(turn.tenant, turn.thread_id, record.id) for record in turn.records}
            size += sum(record.size for record in turn.records)
            is_full = len(batch) >= _MOST_TURNS or (batch and size > _MOST_BYTES)
            if is_full or later or not taken.isdisjoint(places):
                later.append((job, turn))
            else:
                taken |= places
                batch.append((job, turn))
        self._waiting = later
        return batch

    async def _settle(self, batch: Sequence[tuple[TurnJob, Turn]], *, again: bool = True) -> None:
        try:
            outcomes = await self._run(partial(_store, turns=[turn for _, turn in batch]))
        except Exception as error:  # noqa: BLE001 - it is handed to the callers that wait for it
            if len(batch) > 1:
                # Where another process stored one of the ids after the statement had looked, it can be seen now.
                parts = [batch] if again and isinstance(error, DuplicateKey) else [[one] for one in batch]
                for part in parts:
                    await self._settle(part, again=False)
                return
            outcomes = [error]
        for (job, _), outcome in zip(batch, outcomes, strict=True):
            job.outcome = outcome


async def _store(connection: Connection, turns: Sequence[Turn]) -> list[Outcome]:
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
