"""A disk that fails, at every single call: an error of ours, nothing half, and all goes on once it works again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from . import programs
from .processes import Child
from .syscalls import WAS_INJECTED, at_each_call, injected, need_strace
from .turns import check_kept

pytestmark = pytest.mark.slow

GENERAL = {"UnavailableError", "FullError"}
"""Errors of the -shm file, which SQLite does not explain, may be called either."""


@pytest.mark.parametrize(
    ("fault", "step", "error"),
    [
        ("pwrite64:error=EIO", 2, "UnavailableError"),
        ("fdatasync:error=EIO", 1, "UnavailableError"),
        ("openat:error=EMFILE", 1, "UnavailableError"),
        # What cannot be read counts as damaged: so says SQLite.
        ("pread64:error=EIO", 1, "CorruptError"),
    ],
)
def test_a_call_that_fails_once_is_one_error_and_no_more(tmp_path: Path, fault: str, step: int, error: str) -> None:
    met = errors_met(tmp_path, f"{fault}:when=%d", step)

    assert error in met
    assert met <= {error, *GENERAL}


@pytest.mark.parametrize(
    ("fault", "step", "error"),
    [("pwrite64:error=ENOSPC", 4, "FullError"), ("fdatasync:error=EIO", 1, "UnavailableError")],
)
def test_a_disk_that_fails_from_some_call_on_loses_nothing_from_before(
    tmp_path: Path, fault: str, step: int, error: str
) -> None:
    met = errors_met(tmp_path, f"{fault}:when=%d+", step)

    assert error in met
    assert met <= {error, *GENERAL}


def errors_met(folder: Path, fault: str, step: int) -> set[str]:
    """Let a child work through the fault at each call; return the errors that it met."""
    need_strace()
    seen: set[str] = set()

    def work_through(number: int) -> bool:
        hit, failed = run_through(folder / f"{number}.db", fault % number)
        seen.update(failed)
        return hit

    at_each_call(work_through, step=step)
    return seen


def run_through(path: Path, fault: str) -> tuple[bool, list[str]]:
    """Let a child work through *fault*, and then without it; check what is kept.

    Returns:
        Whether the fault came, and the errors that it led to.
    """
    words: list[tuple[str, str]] = []
    with Child(programs.store_through_a_fault, path) as child:
        with injected(child, fault) as strace:
            child.say("go")
            while (word := child.hear()) != "through":
                words.append(word)
            strace.terminate()
            _, trace = strace.communicate()
        child.say("go on")
        words += child.finish()
    stored = [what for kind, what in words if kind == "stored"]
    asyncio.run(check_kept(path, stored))

    assert stored[-1] == "last"
    return WAS_INJECTED in trace, [what for kind, what in words if kind == "failed"]
