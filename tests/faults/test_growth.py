"""A process that runs for long: as much memory, as many threads and open files as at the beginning."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from . import programs
from .needs import need
from .processes import Child

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def linux() -> None:
    if sys.platform != "linux":
        need("Linux, to look at a process")


def test_twenty_thousand_appends_leave_the_process_as_large_as_it_was(tmp_path: Path) -> None:
    with Child(programs.append_a_lot, tmp_path / "t.db", 400, 80) as child:
        before, after = child.finish()

    assert (after["threads"], after["files"]) == (before["threads"], before["files"])
    assert after["bytes"] - before["bytes"] < 4_000_000


def test_two_hundred_stores_leave_no_thread_and_no_open_file_behind(tmp_path: Path) -> None:
    with Child(programs.open_and_close, tmp_path / "t.db", 200) as child:
        before, after = child.finish()

    assert (after["threads"], after["files"]) == (before["threads"], before["files"])
    assert after["bytes"] - before["bytes"] < 4_000_000
