"""A copy in a process of its own, which is killed."""

from __future__ import annotations

from pathlib import Path

from keepthread import FileStore, ThreadStore
from keepthread.store import kept
from keepthread.transfer import CopyReport, copy_store
from tests.faults.processes import Line


async def keep_copying(line: Line, source_url: str, target_url: str, files: Path) -> None:
    """Copy in small pieces; after each say how many messages are stored, and wait for a word."""

    def tell(report: CopyReport) -> None:
        line.say(report.messages)
        line.hear()

    kept._MOST_MESSAGES = 5  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - so that a small thread is a long one
    async with (
        ThreadStore(source_url, files=FileStore(files / "source")) as source,
        ThreadStore(target_url, files=FileStore(files / "target")) as target,
    ):
        await copy_store(source, target, watch=tell)
