"""kill -9, at random moments and at every single write: what was acknowledged stays, and nothing is half."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest

from . import programs
from .processes import Child
from .syscalls import injected, need_strace
from .turns import check_kept

ROUNDS = 100
"""On each of two databases."""

WRITES = ("pwrite64", "fdatasync", "ftruncate", "unlink")
"""All the system calls by which SQLite changes a file."""


@pytest.mark.slow
def test_no_acknowledged_turn_is_lost_or_doubled_or_half_by_200_kills(tmp_path: Path) -> None:
    paths = [tmp_path / "a.db", tmp_path / "b.db"]

    with ThreadPoolExecutor(len(paths)) as pool:
        acknowledged = list(pool.map(kill_again_and_again, paths))

    for path, keys in zip(paths, acknowledged, strict=True):
        assert len(keys) > ROUNDS
        asyncio.run(check_kept(path, keys))


def kill_again_and_again(path: Path) -> list[str]:
    chance = random.Random(path.name)
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        with Child(programs.keep_storing, path, f"{number}") as child:
            acknowledged += [child.hear() for _ in range(chance.randrange(12))]
            acknowledged += child.hear_for(chance.uniform(0, 0.02))
            child.kill()
            acknowledged += child.hear_all()
    return acknowledged


@pytest.mark.slow
@pytest.mark.parametrize("syscall", WRITES)
def test_a_kill_at_any_write_leaves_every_turn_whole_or_absent(tmp_path: Path, syscall: str) -> None:
    need_strace()
    for number in count(1):
        path = tmp_path / f"{number}.db"
        with Child(programs.store_four_when_told, path) as child:
            with injected(child, f"{syscall}:signal=KILL:when={number}"):
                child.say("go")
                acknowledged = list(child.hear_all())
            is_killed = child.is_killed()
        asyncio.run(check_kept(path, acknowledged))
        if not is_killed:
            break

    assert acknowledged == ["turn-0", "turn-1", "turn-2", "turn-3"]
    assert number > 1
