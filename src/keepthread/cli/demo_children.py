"""Child processes as the demo sees them: started, listened to, killed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from keepthread.errors import KeepthreadError

T = TypeVar("T")

_PATIENCE_SECONDS = 60.0
"""A child that says nothing for so long is stuck. On an ordinary machine it speaks within a second."""


class Child:
    """One process of the demo."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        """The number that the system knows it by."""
        return self._process.pid

    async def report(self) -> dict[str, Any]:
        """Return the next thing that the process reports.

        Raises:
            KeepthreadError: It ended, or says nothing.
        """
        line = b""
        with suppress(TimeoutError):
            # Waiting for the line itself is safe to cut off: the process is given up then.
            line = await asyncio.wait_for(_pipe(self._process.stdout).readline(), _PATIENCE_SECONDS)
        if not line:
            raise KeepthreadError(f"Process {self.pid} of the demo failed.", hint=await self._last_words())
        return json.loads(line)

    async def kill(self) -> int:
        """End the process as a power cut would, without asking it, and return its exit code."""
        with suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    async def start(self) -> None:
        """Let a process that is ready begin."""
        stdin = _pipe(self._process.stdin)
        stdin.write(b"\n")
        await stdin.drain()

    async def _last_words(self) -> str:
        await self.kill()
        errors = (await _pipe(self._process.stderr).read()).decode(errors="replace").strip()
        return errors.splitlines()[-1] if errors else f"It said nothing for {_PATIENCE_SECONDS:.0f} seconds, or ended."


def _pipe(stream: T | None) -> T:
    if stream is None:
        raise RuntimeError("The child was started without its pipes: that is a bug in keepthread.")
    return stream


@asynccontextmanager
async def child(role: str, database: Path, *arguments: str) -> AsyncGenerator[Child]:
    """Start a process of demo_process.py; whatever happens here, it is gone afterwards."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "keepthread.cli.demo_process",
        role,
        str(database),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    started = Child(process)
    try:
        yield started
    finally:
        if process.returncode is None:
            await started.kill()
