"""A pulled plug: whatever was not told to be safe is gone from the disk. What was acknowledged is not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from . import programs
from .disks import Disk
from .processes import Child
from .turns import check_kept

ROUNDS = 8


@pytest.mark.slow
async def test_no_acknowledged_turn_is_lost_when_the_plug_is_pulled(tmp_path: Path) -> None:
    disk = Disk(tmp_path)
    path = disk.place / "t.db"
    chance = random.Random(1)
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        with disk.plugged_in(), Child(programs.keep_storing, path, f"{number}") as child:
            # In the first round a database is made, and the plug is pulled right after its first turn.
            acknowledged += [child.hear() for _ in range(1 if number == 0 else chance.randrange(1, 200))]
            disk.pull_the_plug()
            # A machine without power acknowledges nothing. This one does: the kernel lets a sync that is under way at
            # its shutdown of ext4 return without an error.
            child.kill()
        with disk.plugged_in():
            await check_kept(path, acknowledged)
