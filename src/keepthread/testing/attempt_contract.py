"""Attempts at a turn: its key, what the next attempt finds, and in whose hands it is (P4, P8)."""

# ruff: noqa: D102, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio

import pytest

from keepthread.errors import BusyError, ConflictError, InvalidMessage, InvalidSetting
from keepthread.store import OpenTurn, ThreadStore

from .arrange import OpenStore, say, stored, texts


@pytest.mark.asyncio
class AttemptContract:
    """What `open_turn` promises about keys, leases and attempts."""

    async def test_the_words_of_a_suspended_turn_are_there_for_the_next_attempt(self, store: ThreadStore) -> None:
        first = await store.open_turn("t", key="k")
        await store.stage(first, [say("a"), say("b")])
        await store.suspend_turn(first)

        second = await store.open_turn("t", key="k")
        await store.stage(second, say("c"))
        await store.commit_turn(second)

        assert second.id == first.id
        assert await stored(store) == ["a", "b", "c"]

    async def test_an_attempt_may_begin_anew(self, store: ThreadStore) -> None:
        first = await store.open_turn("t", key="k")
        await store.stage(first, say("a"))
        await store.suspend_turn(first)

        second = await store.open_turn("t", key="k", resume=False)

        assert second.messages == []
        assert texts(await store.get_thread("t", include_open=True)) == []

    async def test_a_turn_without_a_key_cannot_be_suspended(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t")

        with pytest.raises(InvalidSetting):
            await store.suspend_turn(turn)

    async def test_a_committed_key_returns_its_result(self, store: ThreadStore) -> None:
        first = await store.open_turn("t", key="k")
        await store.stage(first, say("a"))
        await store.commit_turn(first, {"said": ["x", 1, None]})

        again = await store.open_turn("t", key="k")

        assert (again.state, again.result, again.messages) == ("committed", {"said": ["x", 1, None]}, [])
        assert await stored(store) == ["a"]

    async def test_keys_belong_to_their_thread(self, store: ThreadStore) -> None:
        for thread_id in ("one", "two"):
            turn = await store.open_turn(thread_id, key="k")
            await store.stage(turn, say("a"))
            await store.commit_turn(turn, thread_id)

        assert (await store.open_turn("one", key="k")).result == "one"
        assert (await store.open_turn("two", key="k")).result == "two"

    async def test_a_turn_that_is_under_way_is_refused_to_others(
        self, store: ThreadStore, open_store: OpenStore
    ) -> None:
        other = await open_store()
        turn = await store.open_turn("t", key="k")
        await store.stage(turn, say("a"))

        with pytest.raises(BusyError):
            await other.open_turn("t", key="k")

        await store.commit_turn(turn, "done")
        assert (await other.open_turn("t", key="k")).result == "done"

    async def test_after_its_lease_a_turn_can_be_taken_over_and_its_holder_is_told(self, store: ThreadStore) -> None:
        first = await store.open_turn("t", key="k", lease_seconds=1)
        await store.stage(first, say("a"), lease_seconds=1)
        second = await _taken_over(store)

        with pytest.raises(ConflictError):
            await store.stage(first, say("late"))
        with pytest.raises(ConflictError):
            await store.commit_turn(first)
        with pytest.raises(ConflictError):
            await store.discard_turn(first)

        await store.commit_turn(second)
        assert await stored(store) == ["a"]

    async def test_a_second_turn_can_be_refused(self, store: ThreadStore) -> None:
        first = await store.open_turn("t")

        with pytest.raises(BusyError):
            await store.open_turn("t", concurrent="refuse")

        await store.commit_turn(first)
        assert (await store.open_turn("t", concurrent="refuse")).state == "open"

    @pytest.mark.parametrize("result", [{1, 2}, {1: "x"}, float("nan")])
    async def test_a_result_that_json_cannot_hold_is_refused_and_the_turn_stays_open(
        self, store: ThreadStore, result: object
    ) -> None:
        turn = await store.open_turn("t", key="k")
        await store.stage(turn, say("a"))

        with pytest.raises(InvalidMessage):
            await store.commit_turn(turn, result)

        assert await stored(store) == []
        await store.commit_turn(turn, [])
        assert await stored(store) == ["a"]

    @pytest.mark.parametrize("key", ["", "a\x00b", "x" * 300, "\ud800"])
    async def test_a_key_that_no_backend_could_hold_is_refused(self, store: ThreadStore, key: str) -> None:
        with pytest.raises(InvalidSetting):
            await store.open_turn("t", key=key)

        assert await store.count_threads() == 0


async def _taken_over(store: ThreadStore) -> OpenTurn:
    while True:
        try:
            return await store.open_turn("t", key="k")
        except BusyError:
            await asyncio.sleep(0.05)
