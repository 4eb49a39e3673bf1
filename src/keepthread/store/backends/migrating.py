"""Bringing a server's tables up to date, one migrator at a time. Nothing here knows a driver."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from keepthread.errors import BusyError, SchemaError

from ..migrate import Applied, Migration, missing  # noqa: TID252 - backends are a room inside store


@dataclass(frozen=True, slots=True, kw_only=True)
class Migrator:
    """What an engine does for it, on one connection. The lease is a row with an end, and the server's clock counts."""

    location: str
    """For the messages of errors."""
    applied: Callable[[], Awaitable[list[Applied]]]
    """The steps that the database has had."""
    lease_is_held: Callable[[], Awaitable[object]]
    """Whether anybody is at it: true or false as a value."""
    took_lease: Callable[[], Awaitable[bool]]
    apply: Callable[[Migration], Awaitable[None]]
    """Do one step, with its record, while the lease holds."""
    give_lease_up: Callable[[], Awaitable[None]]

    async def upgrade(self, known: Sequence[Migration], *, allowed: bool, seconds: float) -> list[Migration]:
        """Apply those of *known* that the database still needs, in order, and return them.

        Of several that try at once, one does it and the others wait for it.

        Args:
            known: The steps.
            allowed: Whether a database that an earlier version prepared may be changed. A new one always may.
            seconds: How long to wait for another one that is at it.

        Raises:
            SchemaTooNewError, SchemaError: Nothing was changed.
            BusyError: Another one took longer.
        """
        deadline = time.monotonic() + seconds
        while True:
            applied = await self.applied()
            if not missing(known, applied, self.location):
                return []
            if applied and not allowed and await self._is_left_alone(applied):
                raise SchemaError(
                    f"{self.location} was prepared by an earlier keepthread, and needs a migration. It was not "
                    "touched.",
                    hint="Back it up, then run `keepthread migrate`, or open it once with "
                    "ThreadStore.create(url, migrate=True).",
                )
            if await self.took_lease():
                break
            if time.monotonic() > deadline:
                raise BusyError(
                    f"Another process has been migrating {self.location} for longer than the timeout.",
                    hint="Try again.",
                )
            await asyncio.sleep(random.uniform(0.02, 0.1))  # noqa: S311 - jitter, not a secret
        try:
            steps = missing(known, await self.applied(), self.location)
            for migration in steps:
                await self.apply(migration)
        finally:
            await self.give_lease_up()
        return steps

    async def _is_left_alone(self, applied: list[Applied]) -> bool:
        """Return whether nobody is at the database, nor has finished since it had had *applied*."""
        return not await self.lease_is_held() and applied == await self.applied()


def taken_over(location: str) -> BusyError:
    """Return the error of whose lease ended in the middle of its work."""
    return BusyError(f"Another process took over the migration of {location}.", hint="Try again.")
