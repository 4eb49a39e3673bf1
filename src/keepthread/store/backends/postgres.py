"""PostgreSQL: one I/O thread with an event loop, and the connections that belong to it."""

from __future__ import annotations

import asyncio
import os
import weakref
from collections.abc import Sequence
from functools import partial
from typing import TypeVar

from ..migrate import Migration, Schema  # noqa: TID252 - backends are a room inside store
from ..turn import Appended, Turn  # noqa: TID252 - as above
from .base import Backend, DistributedBy, EngineFacts, ManyOperation, Operation, Tx
from .io_thread import IoThread
from .jobs import Job
from .postgres_append import AppendQueue, TurnJob
from .postgres_engine import Engine
from .postgres_schema import script
from .postgres_settings import PostgresSettings

T = TypeVar("T")


class PostgresBackend(Backend):
    """See Backend."""

    def __init__(self, settings: PostgresSettings) -> None:
        self._settings = settings
        self._start()

    def _start(self) -> None:
        self._engine = Engine(self._settings)
        self._thread = IoThread("keepthread-postgres", self._engine.pool.close)
        engine = self._engine
        self._appends = AppendQueue(engine.append, engine.append_whole, self._thread.spawn, engine.may_share)
        # At exit too: the server hears a good-bye, and the thread ends before the interpreter.
        self._end = weakref.finalize(self, self._thread.stop)

    @classmethod
    async def open(cls, settings: PostgresSettings) -> PostgresBackend:
        """Reach the server, make or check the tables, and return the backend. For the errors see Database.open."""
        backend = cls(settings)
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

    async def enable_row_level_security(self) -> None:
        """See Backend.enable_row_level_security."""
        await self._thread.ask(self._engine.secure)

    async def distribute(self, by: DistributedBy) -> None:
        """See Backend.distribute."""
        await self._thread.ask(partial(self._engine.distribute, by))

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
        return script(steps)

    async def close(self) -> None:
        """See Backend.close."""
        await asyncio.to_thread(self._end)

    def after_fork_in_child(self) -> None:
        """Begin anew: the thread and the connections are the parent's."""
        _inherited.append((self._engine, self._thread))
        self._end.detach()
        if not self._thread.is_closed:
            tenancy = self._engine.tenancy
            self._start()
            self._engine.tenancy = tenancy

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


_open: weakref.WeakSet[PostgresBackend] = weakref.WeakSet()
_inherited: list[object] = []
"""What a child has of its parent's. Kept, for nothing of it may be tidied away here."""


def _begin_anew() -> None:
    for backend in list(_open):
        backend.after_fork_in_child()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(after_in_child=_begin_anew)
