"""A process that forks with a store open: both sides go on, or are told that they cannot. SQLite's own rule forbids it.

A connection that is open at a fork leaves its notes about locks in the child, where they are wrong: a child that opened
the same file anew lost what it wrote after its parent's close, five turns of five in the experiment.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from keepthread.store import ThreadStore

from . import forking, programs
from .processes import Child
from .turns import check_kept, kept_turns


async def test_a_store_on_a_file_works_on_both_sides(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(forking.use_the_same_store, path) as program:
        assert program.finish() == [True, 3 * 62]

    kept = (await kept_turns(path))["t"]
    for side in ("child", "parent"):
        assert [key for key in kept if key.startswith(side)] == [f"{side}-{number}" for number in range(30)]


def test_both_sides_can_read_before_they_write(tmp_path: Path) -> None:
    with Child(forking.read_first, tmp_path / "t.db") as program:
        assert program.finish() == [3, 3]


def test_a_store_in_memory_stays_with_the_parent() -> None:
    with Child(forking.use_the_same_store, None) as program:
        assert program.finish() == ["StoreClosedError", True, 3 * 32]


async def test_a_new_store_in_the_child_outlives_the_parents(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(forking.open_another_store, path) as program:
        [acknowledged] = program.finish()

    await check_kept(path, ["before-0", "parent-0", *acknowledged])


async def test_so_does_one_in_a_child_that_was_forked_during_the_parents_close(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(forking.fork_during_a_close, path, 10) as program:
        acknowledged = program.finish()

    assert len(acknowledged) == 10
    await check_kept(path, [key for keys in acknowledged for key in keys])


@pytest.mark.slow
async def test_forks_in_the_middle_of_everybodys_writes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(forking.fork_again_and_again, path, 30) as program:
        *children, stored, left_open = program.finish()

    assert children == [True] * 30
    assert left_open == 0
    kept = await kept_turns(path)
    assert kept.pop("t") == [f"child-{number}-0" for number in range(30)]
    assert kept == {f"thread-{me}": [f"{me}-{number}" for number in range(count)] for me, count in enumerate(stored)}


async def test_a_child_that_ends_as_python_processes_do_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(forking.leave_through_the_front_door, path) as program:
        assert program.finish() == [0]

    assert await kept_turns(path) == {"t": ["before-0", "child-0", "after-0"]}


@pytest.mark.slow
async def test_a_child_is_refused_where_the_parent_could_not_let_go_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    async with await ThreadStore.create(path):
        pass
    with Child(programs.hold_the_write_lock, path) as holder:
        assert holder.hear() == "holding"
        with Child(forking.fork_while_a_write_waits, path) as program:
            assert program.hear() == "StoreClosedError"
            assert program.hear()
            holder.say("go on")
            assert program.finish() == []

    assert await kept_turns(path) == {"t": ["parent-0"]}


def test_a_child_can_make_ids_whatever_other_threads_did_at_the_fork() -> None:
    with Child(forking.make_ids_in_children, 60) as program:
        assert program.finish() == [True] * 60
