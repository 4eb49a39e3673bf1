"""What a cancellation must not interrupt: it is let come to its end, and the cancellation is raised after it."""

from __future__ import annotations

import asyncio
from typing import Any


async def over(work: asyncio.Future[Any]) -> asyncio.CancelledError | None:
    """Wait until *work* is done, whatever its outcome; return a cancellation that came meanwhile."""
    cancelled = None
    while not work.done():
        try:
            await asyncio.wait([work])
        except asyncio.CancelledError as cancellation:
            cancelled = cancellation
    return cancelled


def failure_of(work: asyncio.Future[Any]) -> BaseException | None:
    """Return what ended *work*, which is done; None if it came to its end."""
    return asyncio.CancelledError() if work.cancelled() else work.exception()
