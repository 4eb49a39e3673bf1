"""Turns of a conversation whose process is killed at every wait, stopped, or in a crowd."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from keepthread.errors import BusyError
from keepthread.store import OpenTurn, ThreadStore
from tests.store.postgres_server import postgres, postgres_database

from . import conversing
from .conversing import begin, end_leases, keys_of, speak
from .processes import Child, at_once
from .turns import check_file

__all__ = ["postgres", "postgres_database"]


async def test_a_kill_at_any_wait_leaves_whole_turns_and_the_users_words(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    heard: list[str] = []
    keys: list[str] = []
    while "over" not in heard:
        keys.append(f"{len(keys) + 1}")
        with Child(conversing.die_at_a_wait, path, keys[-1], len(keys)) as child:
            heard = list(child.hear_all())
            assert child.is_killed() == ("over" not in heard)
        check_file(path)
        await gone_on_with(path, keys, was_asked="asked" in heard)

    assert heard == ["asked", "over"]
    assert len(keys) > 10


async def gone_on_with(path: Path, keys: list[str], *, was_asked: bool) -> None:
    """Check what the last of *keys* left, and hold its turn again, as the next attempt does."""
    async with await ThreadStore.create(path) as store:
        conversation = await begin(store)
        thread = await store.get_or_create_thread(conversation.thread_id)
        assert keys_of(thread.messages) in (keys, keys[:-1])
        opened = await store.get_thread(conversation.thread_id, include_open=True)
        asked = [message.text for message in opened.messages if message.role == "user"]
        assert asked.count(f"q of {keys[-1]}") == 1 or not was_asked
        end_leases(path)

        await speak(conversation, keys[-1])

        assert keys_of((await store.get_thread(conversation.thread_id)).messages) == keys
        assert (await store.status()).open_turns == 0


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_ten_processes_add_at_once_is_kept(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    url = request.getfixturevalue("postgres") if kind == "postgres" else f"sqlite:///{tmp_path / 't.db'}"
    names = [f"{number}" for number in range(10)]

    at_once(conversing.add_when_told, [(url, name) for name in names])

    async with ThreadStore(url) as store:
        conversation = await begin(store)
        said = [message.text for message in (await store.get_thread(conversation.thread_id)).messages]
        assert sorted(said) == names
        assert await store.get_identity(conversation.thread_id) == conversation.identity


async def test_a_process_that_was_stopped_learns_that_its_turn_was_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    with Child(conversing.hold_until_it_is_lost, path) as child:
        assert child.hear() == "asked"
        child.pause()
        async with await ThreadStore.create(path) as store:
            conversation = await begin(store)
            taken = await taken_over(store)
            assert [message.text for message in taken.messages] == ["q"]
            child.say("go on")
            child.resume()

            assert child.hear() == "ConflictError"
            await store.commit_turn(taken)
            assert [message.text for message in await conversation.get_messages()] == ["q"]


async def taken_over(store: ThreadStore) -> OpenTurn:
    while True:
        try:
            return await store.open_turn((await begin(store)).identity, key="k")
        except BusyError:
            await asyncio.sleep(0.05)
