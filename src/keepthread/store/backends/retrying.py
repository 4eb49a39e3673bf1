"""Doing work on a server again, when it met another writer or its connection was lost. Nothing here knows a driver."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from keepthread.errors import BusyError, UnavailableError

from .pool import Pool, Poolable

C = TypeVar("C", bound=Poolable)
T = TypeVar("T")

_MOST_CLASHES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a driver's errors mean."""

    kinds: tuple[type[Exception], ...]
    """The driver's errors, and ours of a server that cannot be reached, or is busy."""
    is_clash: Callable[[BaseException], bool]
    """Whether two writers met, and the work is done again at once."""
    is_lost: Callable[[BaseException], bool]
    """Whether the connection, or the server, went away: the work is done again once it is back."""
    translate: Callable[[BaseException, str], BaseException]
    """The error of ours that says what one means at a location."""


class Retrying(Generic[C]):
    """Runs work on the connections of a pool."""

    def __init__(self, pool: Pool[C], faults: Faults, location: str, timeout_seconds: float) -> None:
        """Run nothing yet. *location* names the server in errors."""
        self._pool = pool
        self._faults = faults
        self._location = location
        self._timeout_seconds = timeout_seconds

    async def run(self, attempt: Callable[[C], Awaitable[T]]) -> T:
        """Run *attempt* on a connection, and again when it met another writer or the connection was lost.

        After a connection that was lost at the commit nobody knows whether it happened. Doing it again is safe: a
        message id is stored once, and what an operation changes is as it says after one run as after two.
        """
        deadline = time.monotonic() + self._timeout_seconds
        failures = 0
        was_lost = False
        while True:
            try:
                async with self._pool.lend() as connection:
                    return await self._attempt(connection, attempt)
            except self._faults.kinds as error:
                failures += 1
                pause = self._pause(error, failures)
                if pause is None or time.monotonic() + pause > deadline:
                    raise self._given_up(error, was_lost=was_lost) from None
                was_lost = was_lost or self._faults.is_lost(error)
            await asyncio.sleep(pause)

    async def _attempt(self, connection: C, attempt: Callable[[C], Awaitable[T]]) -> T:
        try:
            return await attempt(connection)
        except self._faults.kinds as error:
            if self._faults.is_lost(error):
                connection.terminate()
            elif connection.is_closed() and not isinstance(error, TimeoutError):
                raise ConnectionResetError from error
            raise

    def _given_up(self, error: BaseException, *, was_lost: bool) -> BaseException:
        ours = self._faults.translate(error, self._location)
        if was_lost and isinstance(ours, BusyError):
            # Not "nothing was written": whether an earlier attempt was, nobody knows.
            return UnavailableError(
                f"The connection to {self._location} was lost, and then it was busy.", hint=ours.hint
            )
        return ours

    def _pause(self, error: BaseException, failures: int) -> float | None:
        """Return how long to wait before the work is done again; None: it is not."""
        chance = random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
        if self._faults.is_clash(error):
            return 0.002 * 2 ** min(failures, 6) * chance if failures < _MOST_CLASHES else None
        if self._faults.is_lost(error) or (isinstance(error, UnavailableError) and error.retryable):
            # The first time at once: mostly one connection was cut, and the server is well.
            return 0.0 if failures == 1 else 0.02 * 2 ** min(failures, 6) * chance
        return None
