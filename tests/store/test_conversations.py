"""What of conversations is ours to see, on each of our own backends: cancellations, leases and damage."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Coroutine
from contextlib import closing, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from keepthread.conversation.lease import Renewal
from keepthread.errors import ConflictError, CorruptError, UnavailableError
from keepthread.model import Message
from keepthread.store import ThreadStore
from tests.faults.conversing import begin, keys_of, speak
from tests.faults.waits import watch


async def test_a_cancelled_attempt_to_go_on_leaves_the_users_words_to_the_next_one(store: ThreadStore) -> None:
    conversation = await begin(store)
    dead = await store.open_turn(conversation.identity, key="k")
    await store.stage(dead, Message(role="user", content="q of k"))
    await store.suspend_turn(dead)

    assert await is_cancelled_at(1, 1, speak(conversation, "k"))
    await speak(conversation, "k")

    (question, *_) = (await store.get_thread(conversation.thread_id)).messages
    assert question.id == dead.messages[0].id


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_a_cancellation_at_any_wait_leaves_whole_turns_and_nothing_else(store: ThreadStore, times: int) -> None:
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    rounds = await cancelled_again_and_again(store, times)

    kept = keys_of((await store.get_thread((await begin(store)).thread_id)).messages)
    assert kept == [key for key, is_kept in rounds.items() if is_kept]
    assert len(rounds) > 10
    # As many as there are connections, and more: none is kept by a caller that is gone.
    await asyncio.gather(*(store.count_threads() for _ in range(40)))
    assert complaints == []


async def cancelled_again_and_again(store: ThreadStore, times: int) -> dict[str, bool]:
    """Cancel a turn at its first wait, the next one at its second, and so on; return of each whether it was kept.

    Each is cancelled so many *times*: at the waits that follow as well.
    """
    conversation = await begin(store)
    rounds: dict[str, bool] = {}
    is_cancelled = True
    while is_cancelled:
        key = f"{len(rounds) + 1}"
        is_cancelled = await is_cancelled_at(len(rounds) + 1, times, speak(conversation, key))
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (await store.status()).open_turns == 0
        async with conversation.turn(idempotency_key=key) as free:
            rounds[key] = free.is_repeated
    return rounds


async def is_cancelled_at(number: int, times: int, work: Coroutine[Any, Any, None]) -> bool:
    """Run *work*, cancel it at its wait of this number and at those after it, and return whether it came to that."""
    numbers = count(1)
    tasks: list[asyncio.Task[None]] = []

    def on_wait() -> None:
        if number <= next(numbers) < number + times:
            tasks[0].cancel()

    tasks.append(watch(work, on_wait))
    with suppress(asyncio.CancelledError):
        await tasks[0]
    return tasks[0].cancelled()


async def test_the_lease_of_an_open_turn_is_renewed(tmp_path: Path) -> None:
    path = tmp_path / "t.db"

    def lease_until() -> int:
        with closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT lease_until FROM kt_turns").fetchone()[0]

    async with ThreadStore(path) as store:
        conversation = await begin(store)
        async with conversation.turn(lease_seconds=1):
            await conversation.add_user("q")
            at_first = lease_until()
            while lease_until() == at_first:  # noqa: ASYNC110 - it changes in the database, which tells nobody
                await asyncio.sleep(0.01)

        assert [message.text for message in await conversation.get_messages()] == ["q"]
        assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_renewal_that_fails_is_tried_again_until_the_lease_is_lost() -> None:
    outcomes = iter([UnavailableError("gone"), None, ConflictError("lost")])
    is_lost = asyncio.Event()

    async def renew() -> None:
        outcome = next(outcomes)
        if isinstance(outcome, ConflictError):
            is_lost.set()
        if outcome is not None:
            raise outcome

    renewal = Renewal(renew, 0.001)
    await is_lost.wait()
    await renewal.stop()

    assert isinstance(renewal.lost, ConflictError)


async def test_a_summary_that_cannot_be_read_is_named_damage(tmp_path: Path) -> None:
    path = tmp_path / "t.db"
    async with ThreadStore(path) as store:
        conversation = await begin(store)
        for number in range(10):
            await conversation.add_user(f"{number}")
        await conversation.get_summary()
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("UPDATE kt_summaries SET summary = '{'").rowcount == 1
            database.commit()

        with pytest.raises(CorruptError, match="summary"):
            await conversation.build_prompt_input()
