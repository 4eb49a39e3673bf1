"""Appending on PostgreSQL: turns that wait at the same time are stored by one statement, in one round trip."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from asyncpg.exceptions import UniqueViolationError

from keepthread.model.record import Record

from ..queries import LOCK_THREAD, Query, Taken  # noqa: TID252 - backends are a room inside store
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

_SLOW_SECONDS = 0.05
_MOST_BESIDE = 4
"""The other connections of the pool are for everything else."""

TurnJob = Job["Appended | None"]
Waiting = tuple[TurnJob, Turn]
Outcome = Appended | Exception | None

Run = Callable[[Callable[[Connection], Awaitable[list[Outcome]]], str], Awaitable[list[Outcome]]]
"""Runs something on a connection, again if that is lost or another writer is met. Raises our errors.

It is told the tenant of the first turn, which is that of all of them where the server wants to know it.
"""

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class AppendQueue:
    """Turns that wait. One statement is under way at a time: a second one would find its company split.

    Nobody waits for a thread that another process holds but the turns of that thread: a batch leaves them out, and they
    are stored beside the others.
    """

    def __init__(self, run: Run, run_whole: Run, spawn: Spawn, may_share: Callable[[Turn, Turn], bool]) -> None:
        """Store nothing yet.

        Args:
            run: Gives one statement a connection.
            run_whole: Gives several statements a transaction.
            spawn: Runs a coroutine beside everything else.
            may_share: Whether two turns may be stored by one statement.
        """
        self._run = run
        self._run_whole = run_whole
        self._spawn = spawn
        self._may_share = may_share
        self._waiting: list[Waiting] = []
        self._held: set[tuple[str, str]] = set()
        """(tenant, thread) of what is under way."""
        self._stores = 0
        self._slow_stores = 0
        self._beside = asyncio.Semaphore(_MOST_BESIDE)

    def add(self, job: TurnJob, turn: Turn) -> None:
        """Let *turn* wait, and see to it that it is stored."""
        self._waiting.append((job, turn))
        self._begin()

    def _begin(self) -> None:
        if self._waiting and self._stores == self._slow_stores and self._stores < _MOST_BESIDE:
            self._stores += 1
            self._spawn(self._store())

    async def _store(self) -> None:
        """Store what waits, until nothing does that may be stored, and wake each caller with its own outcome."""
        while self._stores - self._slow_stores == 1 and (batch := self._next_batch()):
            self._held |= _threads(batch)
            is_slow = asyncio.Event()
            timer = asyncio.get_running_loop().call_later(_SLOW_SECONDS, self._go_past, is_slow)
            left_out = await self._settle(batch)
            timer.cancel()
            self._slow_stores -= is_slow.is_set()
            for thread in _threads(left_out):
                self._spawn(self._store_held([one for one in left_out if _thread(one) == thread]))
            self._finish([one for one in batch if one not in left_out] if left_out else batch)
        self._stores -= 1

    async def _store_held(self, batch: Sequence[Waiting]) -> None:
        """Store turns of one thread, which another process holds, or which is not there."""
        async with self._beside:
            await self._settle(batch, waits=True)
        self._finish(batch)
        self._begin()

    def _finish(self, batch: Sequence[Waiting]) -> None:
        self._held -= _threads(batch)
        deliver([job for job, _ in batch])

    def _go_past(self, is_slow: asyncio.Event) -> None:
        """Let others go past a statement that takes long: of a lone turn, which waits for its thread by itself."""
        is_slow.set()
        self._slow_stores += 1
        self._begin()

    def _next_batch(self) -> list[Waiting]:
        """Take the turns that go together.

        One whose thread is under way waits, and so does one that repeats a message of another: it must see that one
        stored. What comes behind it in its thread waits as well.
        """
        batch: list[Waiting] = []
        later: list[Waiting] = []
        held = set(self._held)
        taken: set[tuple[str, str, str]] = set()
        room = _MOST_BYTES
        for job, turn in self._waiting:
            if job.future.cancelled():
                continue
            thread = turn.tenant, turn.thread_id
            messages = {(*thread, record.id) for record in turn.records}
            size = sum(record.size for record in turn.records)
            is_full = len(batch) == _MOST_TURNS or (batch and (size > room or not self._may_share(batch[0][1], turn)))
            if is_full or thread in held or not taken.isdisjoint(messages):
                later.append((job, turn))
                held.add(thread)
            else:
                taken |= messages
                room -= size
                batch.append((job, turn))
        self._waiting = later
        return batch

    async def _settle(self, batch: Sequence[Waiting], *, waits: bool = False, again: bool = True) -> list[Waiting]:
        """Give each of *batch* its outcome. Return those that were left out, which is none if it *waits*."""
        turns = [turn for _, turn in batch]
        is_whole = waits and len(batch) > 1
        try:
            if is_whole:
                outcomes = await self._run_whole(partial(_store_waiting, turns=turns), turns[0].tenant)
            else:
                outcomes = await self._run(partial(_store, turns=turns), turns[0].tenant)
        except Exception as error:  # noqa: BLE001 - it is handed to the callers that wait for it
            if len(batch) > 1:
                if again and isinstance(error, DuplicateKey):
                    # Another process stored one of the ids after the statement had looked. Now it can be seen.
                    return await self._settle(batch, waits=waits, again=False)
                await asyncio.gather(*(self._settle([one]) for one in batch))
                return []
            outcomes = [error]
        for (job, _), outcome in zip(batch, outcomes, strict=True):
            job.outcome = outcome
        if waits or len(batch) == 1:
            return []
        return [one for one, outcome in zip(batch, outcomes, strict=True) if outcome is None]


def _thread(waiting: Waiting) -> tuple[str, str]:
    _, turn = waiting
    return turn.tenant, turn.thread_id


def _threads(batch: Sequence[Waiting]) -> set[tuple[str, str]]:
    return set(map(_thread, batch))


async def _store_waiting(connection: Connection, turns: Sequence[Turn]) -> list[Outcome]:
    """Store turns of one thread, in a transaction, once nobody else holds it."""
    sql, arguments = statement(LOCK_THREAD)
    if not await connection.fetch(sql, *arguments({"tenant": turns[0].tenant, "thread": turns[0].thread_id})):
        return [None] * len(turns)
    return await _store(connection, turns)


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
