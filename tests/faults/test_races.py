"""Several processes and handles on one database: nothing overwritten, nothing lost, no lock that anyone has to see."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keepthread.model import Message
from keepthread.store import ThreadStore

from . import programs
from .processes import Child, at_once, several
from .turns import kept_turns


async def test_four_processes_append_to_one_thread_and_each_turn_is_kept_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    names = [[f"{process}-{number:02}" for number in range(25)] for process in range(4)]

    at_once(programs.append_when_told, [(path, ["t"], mine) for mine in names])

    kept = (await kept_turns(path))["t"]
    assert len(kept) == 100
    assert [[key for key in kept if key in mine] for mine in names] == names


async def test_four_processes_with_sixteen_conversations_each_keep_them_all(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    threads = [[f"{process}-{number}" for number in range(16)] for process in range(4)]
    names = ["one", "two", "three", "four", "five"]

    at_once(programs.append_when_told, [(path, mine, names) for mine in threads])

    assert await kept_turns(path) == {thread: names for mine in threads for thread in mine}


@pytest.mark.slow
async def test_eight_processes_create_one_database_at_the_same_moment(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / f"{number}.db"

        at_once(programs.create_when_told, [(path, f"p{process}") for process in range(8)])

        assert sorted((await kept_turns(path))["t"]) == [f"p{process}" for process in range(8)]


async def test_two_processes_save_one_new_thread_at_once_and_both_turns_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    for number in range(20):
        shown = at_once(programs.save_when_told, [(path, f"t{number}", name) for name in ("mine", "theirs")])

        kept = (await kept_turns(path))[f"t{number}"]
        assert sorted(kept) == ["mine", "theirs"]
        assert [kept] in shown


async def test_two_handles_load_a_thread_and_both_additions_are_kept(tmp_path: Path) -> None:
    async with await ThreadStore.create(tmp_path / "t.db") as one, await ThreadStore.create(tmp_path / "t.db") as two:
        await one.append("t", Message(role="user", content="hello"), create=True)
        mine, theirs = await one.get_thread("t"), await two.get_thread("t")

        mine.add_message(Message(role="user", content="mine"))
        theirs.add_message(Message(role="user", content="theirs"))
        await one.save_thread(mine)
        await two.save_thread(theirs)

        stored = await one.get_thread("t")
        assert [message.content for message in stored.messages] == ["hello", "mine", "theirs"]
        assert [message.content for message in theirs.messages] == ["hello", "mine", "theirs"]


@pytest.mark.slow
async def test_a_thread_that_is_deleted_under_an_append_is_gone_with_all_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    rounds = 200
    async with await ThreadStore.create(path) as store:
        await asyncio.gather(
            *(
                store.append(f"t{number}", Message(role="user", content="hello"), create=True)
                for number in range(rounds)
            )
        )
    acknowledged: list[int] = []
    with (
        Child(programs.delete_again_and_again, path, rounds) as deleting,
        several(programs.append_to_the_end, [(path, rounds)] * 2) as appending,
    ):
        for _ in range(rounds):
            for child in (*appending, deleting):
                assert child.hear() == "ready"
            for child in (*appending, deleting):
                child.say("go")
            acknowledged += [child.hear() for child in appending]
        for child in (*appending, deleting):
            child.finish()

    assert sum(acknowledged) > rounds / 10
    assert await kept_turns(path) == {}
