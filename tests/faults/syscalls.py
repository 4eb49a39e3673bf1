"""Faults at a chosen system call of a child, by strace: the Nth write fails, the Nth write is the last thing it does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from .needs import need
from .processes import PATIENCE_SECONDS, Child


def need_strace() -> None:
    """Skip the test where no strace is installed."""
    if shutil.which("strace") is None:
        need("strace")


@contextmanager
def injected(child: Child, fault: str) -> Iterator[None]:
    """Inject *fault*, in the words of strace's option `--inject`, from the child's next system call to its end.

    The block hears the child to its end: a strace that is told to let go of a process that is just dying waits for ever.
    """
    traced = fault.partition(":")[0]
    command = ["strace", "-f", "-e", f"trace={traced}", "-e", f"inject={fault}", "-p", str(child.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        first = strace.stderr.readline()
        assert "attached" in first, first
        try:
            yield
            strace.communicate(timeout=PATIENCE_SECONDS)
        finally:
            strace.kill()
