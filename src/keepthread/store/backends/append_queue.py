"""Turns that wait to be appended: those that wait at the same time are stored together, each with its own outcome.

Nothing here knows an engine: it is told how turns are stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol

from ..turn import Appended, Turn  # noqa: TID252 - backends are a room inside store
from .base import DuplicateKey
from .jobs import Job, deliver

_MOST_TURNS = 512
_MOST_BYTES = 8 * 1024 * 1024
"""So that the first caller of a batch does not wait for all the others without end, and no server refuses its size."""

_SLOW_SECONDS = 0.05
_MOST_BESIDE = 4
"""The other connections of the pool are for everything else."""

TurnJob = Job["Appended | None"]
Waiting = tuple[TurnJob, Turn]
Outcome = Appended | Exception | None
"""None where there is no such thread, or where somebody else holds it."""

Spawn = Callable[[Coroutine[Any, Any, None]], None]


class StoreTurns(Protocol):
    """Stores turns, together: one outcome for each, in their order."""

    def __call__(self, turns: Sequence[Turn], *, waits: bool) -> Coroutine[Any, Any, list[Outcome]]:
        """Store *turns*, again if the connection is lost or another writer is met. Raises our errors.

        A turn alone, and turns of one thread if it *waits*, are stored once nobody else holds their thread. Several
        wait for nobody: those whose thread is held are left out.
        """
        ...


class AppendQueue:
    """Turns that wait. One batch is under way at a time: a second one would find its company split.

    Nobody waits for a thread that another process holds but the turns of that thread: a batch leaves them out, and they
    are stored beside the others.
    """

    def __init__(self, store: StoreTurns, spawn: Spawn, may_share: Callable[[Turn, Turn], bool]) -> None:
        """Store nothing yet.

        Args:
            store: Stores turns together.
            spawn: Runs a coroutine beside everything else.
            may_share: Whether two turns may be stored together.
        """
        self._store_turns = store
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
        """Let others go past what takes long: a lone turn, which waits for its thread by itself."""
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
        try:
            outcomes = await self._store_turns([turn for _, turn in batch], waits=waits)
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
