"""A small pool of connections on one event loop. It knows no driver, and needs no lock: only its loop touches it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from keepthread.errors import BusyError, InvalidSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """How many connections a store may have to its server, and for how long."""

    size: int = 5
    """Connections that are kept."""
    max_overflow: int = 10
    """Connections beyond these while many are needed: `size + max_overflow` is the most there ever are."""
    timeout_seconds: float = 30.0
    """How long an operation waits for a free connection; then it is a BusyError."""
    recycle_seconds: float = 300.0
    """How old a connection gets before it is replaced, so that no firewall forgets it first."""

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InvalidSetting: One of them makes no sense.
        """
        if self.size < 1 or self.max_overflow < 0:
            raise InvalidSetting("A connection pool needs a size of at least 1, and an overflow of 0 or more.")
        if self.timeout_seconds < 0 or self.recycle_seconds <= 0:
            raise InvalidSetting(
                "A pool's timeout must not be negative, and it must recycle after more than 0 seconds."
            )


class Poolable(Protocol):
    """What a pool needs of a connection."""

    def is_closed(self) -> bool:
        """Whether it was closed, by either side."""
        ...

    def terminate(self) -> None:
        """Close it at once, whatever it does."""
        ...

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - the drivers' signature
        """Say good-bye and close it."""
        ...


C = TypeVar("C", bound=Poolable)


@dataclass(slots=True)
class _Held(Generic[C]):
    connection: C
    opened_at: float


_GOODBYE_SECONDS = 1.0


class Pool(Generic[C]):
    """Connections that are lent and come back. The one that came back last is lent first."""

    def __init__(self, connect: Callable[[], Awaitable[C]], settings: PoolSettings, where: str) -> None:
        """Open nothing yet. *where* names the server in errors."""
        self._connect = connect
        self._settings = settings
        self._where = where
        self._idle: list[_Held[C]] = []
        self._count = 0
        self._waiting: deque[asyncio.Future[_Held[C] | None]] = deque()

    @property
    def lent(self) -> int:
        """How many connections are in use, or being opened."""
        return self._count - len(self._idle)

    @asynccontextmanager
    async def lend(self) -> AsyncGenerator[C]:
        """Lend a connection. One that is closed when it comes back is given up; so is one that a failure came out of.

        Raises:
            BusyError: All are in use, and none came back in time.
        """
        held = await self._take()
        try:
            yield held.connection
        except (asyncio.CancelledError, TimeoutError):
            held.connection.terminate()  # nobody knows what it is in the middle of
            raise
        finally:
            self._put_back(held)

    async def _take(self) -> _Held[C]:
        oldest = time.monotonic() - self._settings.recycle_seconds
        while self._idle:
            held = self._idle.pop()
            if not held.connection.is_closed() and held.opened_at >= oldest:
                return held
            held.connection.terminate()
            self._count -= 1
        if self._count < self._settings.size + self._settings.max_overflow:
            self._count += 1
            return await self._open()
        held = await self._wait()
        return held if held is not None else await self._open()

    async def _open(self) -> _Held[C]:
        try:
            return _Held(await self._connect(), time.monotonic())
        except BaseException:
            self._free_place()
            raise

    async def _wait(self) -> _Held[C] | None:
        """Wait for a connection that comes back, or None for the place of one that was given up."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Held[C] | None] = loop.create_future()
        self._waiting.append(future)
        timer = loop.call_later(self._settings.timeout_seconds, self._expire, future)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled() and future.exception() is None:
                self._return(future.result())
            raise
        finally:
            timer.cancel()

    def _expire(self, future: asyncio.Future[_Held[C] | None]) -> None:
        if not future.done():
            most = self._settings.size + self._settings.max_overflow
            future.set_exception(
                BusyError(
                    f"All {most} connections to {self._where} were in use for {self._settings.timeout_seconds:g} s. "
                    "Nothing was written.",
                    hint="Raise KEEPTHREAD_DB_POOL_SIZE or KEEPTHREAD_DB_MAX_OVERFLOW, or PoolSettings(size=…).",
                )
            )

    def _return(self, held: _Held[C] | None) -> None:
        if held is None:
            self._free_place()
        else:
            self._put_back(held)

    def _put_back(self, held: _Held[C]) -> None:
        if held.connection.is_closed():
            self._free_place()
        elif (waiter := self._next_waiter()) is not None:
            waiter.set_result(held)
        elif len(self._idle) < self._settings.size:
            self._idle.append(held)
        else:
            held.connection.terminate()
            self._free_place()

    def _free_place(self) -> None:
        if (waiter := self._next_waiter()) is not None:
            waiter.set_result(None)
        else:
            self._count -= 1

    def _next_waiter(self) -> asyncio.Future[_Held[C] | None] | None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                return waiter
        return None

    async def close(self) -> None:
        """Close every connection that is not in use."""
        while self._idle:
            held = self._idle.pop()
            self._count -= 1
            try:
                await held.connection.close(timeout=_GOODBYE_SECONDS)
            except (OSError, TimeoutError):
                held.connection.terminate()
