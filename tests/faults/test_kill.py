"""kill -9, at random moments and at every single write: what was acknowledged stays, and nothing is half."""

from __future__ import annotations

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from keepthread.store import ThreadStore

from . import programs
from .processes import Child
from .syscalls import at_each_call, injected, need_strace
from .turns import check_kept, kept_turns, turn

ROUNDS = 50
"""On each of four databases."""

WRITES = ("pwrite64", "fdatasync", "ftruncate", "unlink")
"""All the system calls by which SQLite changes a file."""


@pytest.mark.slow
def test_no_acknowledged_turn_is_lost_or_doubled_or_half_by_200_kills(tmp_path: Path) -> None:
    paths = [tmp_path / f"{letter}.db" for letter in "abcd"]

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

    def kill_at(number: int) -> bool:
        path = tmp_path / f"{number}.db"
        with Child(programs.store_four_when_told, path) as child:
            with injected(child, f"{syscall}:signal=KILL:when={number}"):
                child.say("go")
                acknowledged = list(child.hear_all())
            is_killed = child.is_killed()
        asyncio.run(check_kept(path, acknowledged))
        assert is_killed or acknowledged == ["turn-0", "turn-1", "turn-2", "turn-3"]
        return is_killed

    assert at_each_call(kill_at) > 0


async def test_a_reader_that_is_killed_hinders_no_writer(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    async with await ThreadStore.create(path) as store:
        await store.append("t", turn("before"), create=True)
        with Child(programs.read_without_end, path) as reader:
            assert reader.hear() == 3
            for number in range(300):
                await store.append("t", turn(f"during-{number}"))
            reader.kill()
        log_before = path.with_name("t.db-wal").stat().st_size
        for number in range(600):
            await store.append("t", turn(f"after-{number}"))

        # Its snapshot holds nothing back any more: the log is written over from its beginning.
        assert path.with_name("t.db-wal").stat().st_size < 2 * log_before
    assert len((await kept_turns(path))["t"]) == 901
