"""A clock that runs backwards: the order is that of the positions, and ids go on rising."""

from __future__ import annotations

from pathlib import Path

from keepthread.store import ThreadStore

from . import programs
from .processes import Child
from .turns import kept_turns


async def test_turns_stay_in_order_and_ids_rise_while_the_clock_runs_backwards(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(programs.append_with_a_clock_that_runs_backwards, path, 40) as child:
        [ids] = child.finish()

    assert await kept_turns(path) == {"t": [f"{number}" for number in range(40)]}
    assert ids == sorted(set(ids))
    async with await ThreadStore.create(path) as store:
        thread = await store.get_thread("t")
    moments = [message.created_at for message in thread.messages[::3]]
    assert moments == sorted(moments, reverse=True)
    assert thread.updated_at >= thread.created_at
