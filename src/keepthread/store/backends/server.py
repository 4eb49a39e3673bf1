"""A database on a server: one I/O thread with an event loop, and an engine whose connections belong to it."""

from __future__ import annotations

import asyncio
import os
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import Any, Generic, Self, TypeVar

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..turn import Appended, Turn  # noqa: TID252 - as above
from .append_queue import AppendQueue, Outcome, TurnJob
from .base import Backend, EngineFacts, ManyOperation, Operation, Tx
from .io_thread import IoThread
from .jobs import Job
from .pool import Pool

T = TypeVar("T")


class SecondStatement(Exception):  # no error: the operation is begun again, in a transaction
    """An operation needs more than the one statement that is a snapshot by itself."""


class ServerEngine(ABC):
    """What happens on the I/O thread: connections, transactions, and doing work again."""

    name: str
    """Of the I/O thread."""
    pool: Pool[Any]
    applied: list[Migration]
    """See Backend.applied."""

    @abstractmethod
    async def prepare(self) -> None:
        """Reach the server, make or check the tables, and warn if it gives up durability."""

    @abstractmethod
    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""

    @abstractmethod
    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""

    @abstractmethod
    async def store_turns(self, turns: Sequence[Turn], *, waits: bool) -> list[Outcome]:
        """See StoreTurns."""

    def may_share(self, one: Turn, other: Turn) -> bool:  # noqa: ARG002 - for those that must look
        """Whether two turns may be stored together."""
        return True

    @abstractmethod
    def anew(self) -> Self:
        """Return the engine for a forked child, which knows what this one found, and has none of its connections."""

    @abstractmethod
    async def facts(self) -> EngineFacts:
        """See Backend.facts."""

    @abstractmethod
    async def schema(self) -> Schema:
        """See Backend.schema."""

    @abstractmethod
    def script(self, steps: Sequence[Migration]) -> str:
        """See Backend.script."""


E = TypeVar("E", bound=ServerEngine)


class ServerBackend(Backend, Generic[E]):
    """See Backend."""

    def __init__(self, engine: E) -> None:
        self._start(engine)

    def _start(self, engine: E) -> None:
        self._engine = engine
        self._thread = IoThread(engine.name, engine.pool.close)
        self._appends = AppendQueue(engine.store_turns, self._thread.spawn, engine.may_share)
        # At exit too: the server hears a good-bye, and the thread ends before the interpreter.
        self._end = weakref.finalize(self, self._thread.stop)

    @classmethod
    async def open(cls, engine: E) -> Self:
        """Reach the server, make or check the tables, and return the backend. For the errors see Database.open."""
        backend = cls(engine)
        try:
            await backend._thread.ask(backend._engine.prepare)
        except BaseException:
            await backend.close()
            raise
        _open.add(backend)
        return backend

    async def read(self, operation: Operation[T]) -> T:
        """See Backend.read."""
        return await self._thread.ask(partial(self._engine.read, operation))

    async def write(self, operation: Operation[T]) -> T:
        """See Backend.write."""
        return await self._thread.ask(partial(self._engine.write, operation))

    async def append_turn(self, turn: Turn, store: ManyOperation[Turn, Appended | None]) -> Appended | None:
        """See Backend.append_turn. A turn with attachments has rows in two tables, and takes the general way."""
        if turn.files:

            async def alone(tx: Tx) -> Appended | None:
                return (await store(tx, [turn]))[0]

            return await self.write(alone)
        job: TurnJob = Job()
        self._thread.submit(partial(self._appends.add, job, turn))
        return await job.future

    async def facts(self) -> EngineFacts:
        """See Backend.facts."""
        return await self._thread.ask(self._engine.facts)

    @property
    def applied(self) -> list[Migration]:
        """See Backend.applied."""
        return self._engine.applied

    async def schema(self) -> Schema:
        """See Backend.schema."""
        return await self._thread.ask(self._engine.schema)

    def script(self, steps: Sequence[Migration]) -> str:
        """See Backend.script."""
        return self._engine.script(steps)

    async def close(self) -> None:
        """See Backend.close."""
        await asyncio.to_thread(self._end)

    def after_fork_in_child(self) -> None:
        """Begin anew: the thread and the connections are the parent's."""
        _inherited.append((self._engine, self._thread))
        self._end.detach()
        if not self._thread.is_closed:
            self._start(self._engine.anew())

    @property
    def is_lasting(self) -> bool:
        """See Backend.is_lasting."""
        return True

    @property
    def default_files(self) -> str | None:
        """Nowhere: the server may be on another machine."""
        return None

    @property
    def lent(self) -> int:
        """How many connections are in use at this moment."""
        return self._engine.pool.lent


_open: weakref.WeakSet[ServerBackend[Any]] = weakref.WeakSet()
_inherited: list[object] = []
"""What a child has of its parent's. Kept, for nothing of it may be tidied away here."""


def _begin_anew() -> None:
    for backend in list(_open):
        backend.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_begin_anew)
