"""Faults at a chosen system call of a child, by strace: the Nth write fails, or is the last thing that it does."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count

from .needs import need
from .processes import PATIENCE_SECONDS, Child

WAS_INJECTED = "(INJECTED)"
"""Stands in what strace writes, if the fault came."""


def need_strace() -> None:
    """Skip the test where no strace is installed."""
    if shutil.which("strace") is None:
        need("strace")


@contextmanager
def injected(child: Child, fault: str) -> Generator[subprocess.Popen[str]]:
    """Inject *fault*, in the words of strace's option `--inject`, from the child's next system call on.

    The block hears the child to its end, or terminates the strace while the child is idle: one that is told to let go
    of a process that is just dying waits for ever.
    """
    traced = fault.partition(":")[0]
    command = ["strace", "-f", "-e", f"trace={traced}", "-e", f"inject={fault}", "-p", str(child.pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        first = strace.stderr.readline()
        if "attached" not in first:
            need(f"the right to trace ({first.strip()})")
        try:
            yield strace
            strace.communicate(timeout=PATIENCE_SECONDS)
        finally:
            strace.kill()


def at_each_call(attempt: Callable[[int], bool], *, step: int = 1) -> int:
    """Attempt the 1st, the 2nd … call, some side by side, until the fault finds none any more.

    Args:
        attempt: Returns whether the fault came at that call.
        step: 1 for every call.

    Returns:
        How often it came.
    """
    found = 0
    with ThreadPoolExecutor(3) as pool:
        for first in count(1, 12 * step):
            hits = list(pool.map(attempt, range(first, first + 12 * step, step)))
            found += sum(hits)
            if not all(hits):
                return found
    raise AssertionError("never")
