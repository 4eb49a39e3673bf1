"""Keeping a turn in one's hands for as long as it is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from keepthread.errors import ConflictError, KeepthreadError, ThreadNotFound
from keepthread.model.finishing import over

_log = logging.getLogger(__name__)


class Renewal:
    """Renews a lease in the background until it is stopped, or lost."""

    def __init__(self, renew: Callable[[], Awaitable[None]], every_seconds: float) -> None:
        """Begin. Two renewals may fail before a lease of three times *every_seconds* ends."""
        self._renew = renew
        self._every_seconds = every_seconds
        self.lost: KeepthreadError | None = None
        """Why there is nothing to renew any more."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> asyncio.CancelledError | None:
        """Stop, and return once nothing of it runs any more; return a cancellation that came meanwhile."""
        self._task.cancel()
        cancelled = await over(self._task)
        if not self._task.cancelled():
            self._task.result()
        return cancelled

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every_seconds)
            try:
                await self._renew()
            except (ConflictError, ThreadNotFound) as error:
                self.lost = error
                return
            except KeepthreadError as error:
                # The next one may reach the database again; until then the lease has time left.
                _log.debug("a lease was not renewed: %s", type(error).__name__)
