"""Turns that take their time: durable while they are open, seen by nobody, then committed whole (P1, P2, P4, P8)."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio

import pytest

from keepthread.errors import ConflictError, InvalidMessage, ThreadNotFound, TooLargeError
from keepthread.model import Attachment
from keepthread.store import ThreadStore

from .arrange import say, stored, talk, texts


@pytest.mark.asyncio
class TurnContract:
    """What `open_turn`, `stage`, `commit_turn` and their companions promise."""

    async def test_nobody_sees_an_open_turn_who_does_not_ask(self, store: ThreadStore) -> None:
        await talk(store, "a")
        before = await store.get_thread("t")
        turn = await store.open_turn("t")

        await store.stage(turn, [say("b"), say("c")])

        thread = await store.get_thread("t")
        assert (texts(thread), thread.message_count, thread.version) == (["a"], 1, before.version)
        assert await store.count_messages("t") == 1
        assert [entry.message.text for entry in await store.history("t")] == ["a"]
        assert texts(await store.get_thread("t", include_open=True)) == ["a", "b", "c"]

    async def test_a_committed_turn_stands_at_the_end_whole(self, store: ThreadStore) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t")
        await store.stage(turn, say("b"))
        await store.stage(turn, say("c"))
        await store.append("t", say("meanwhile"))

        committed = await store.commit_turn(turn)

        thread = await store.get_thread("t")
        assert texts(thread) == ["a", "meanwhile", "b", "c"]
        assert thread.messages[2:] == committed == turn.messages
        assert thread.message_count == 4
        assert texts(await store.get_thread("t", include_open=True)) == texts(thread)

    async def test_the_thread_is_made_if_it_is_not_there(self, store: ThreadStore) -> None:
        turn = await store.open_turn("new")
        await store.stage(turn, say("a"))

        assert texts(await store.get_thread("new", include_open=True)) == ["a"]
        assert await stored(store, "new") == []

    async def test_a_discarded_turn_leaves_nothing(self, store: ThreadStore) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t", key="k")
        await store.stage(turn, [say("b"), say("c")])

        await store.discard_turn(turn)

        assert texts(await store.get_thread("t", include_open=True)) == ["a"]
        assert (await store.open_turn("t", key="k")).messages == []
        assert turn.messages == []

    async def test_what_is_taken_out_of_a_turn_is_not_committed(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t")
        await store.stage(turn, [say("a"), say("b"), say("c")])

        gone = await store.unstage(turn, ["b"])
        await store.stage(turn, say("d"))
        await store.commit_turn(turn)

        assert [message.text for message in gone] == ["b"]
        assert await stored(store) == ["a", "c", "d"]

    async def test_only_what_is_staged_can_be_taken_out(self, store: ThreadStore) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t")
        await store.stage(turn, say("b"))

        with pytest.raises(InvalidMessage):
            await store.unstage(turn, ["b", "a"])

        assert texts(await store.get_thread("t", include_open=True)) == ["a", "b"]

    async def test_of_two_turns_at_once_both_are_kept_whole_in_the_order_of_their_commits(
        self, store: ThreadStore
    ) -> None:
        first, second = await store.open_turn("t"), await store.open_turn("t")
        await store.stage(first, say("q1"))
        await store.stage(second, say("q2"))
        await store.stage(first, say("a1"))
        await store.stage(second, say("a2"))

        await store.commit_turn(second)
        await store.commit_turn(first)

        assert await stored(store) == ["q2", "a2", "q1", "a1"]

    async def test_a_message_is_staged_once(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t")

        await store.stage(turn, say("a"))
        await store.stage(turn, [say("a"), say("b")])

        assert [message.text for message in turn.messages] == ["a", "b"]
        await store.commit_turn(turn)
        assert await stored(store) == ["a", "b"]

    async def test_an_id_with_other_content_conflicts_and_nothing_is_staged(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t")
        await store.stage(turn, say("a"))

        with pytest.raises(ConflictError):
            await store.stage(turn, [say("b"), say("other", id="a")])

        await store.commit_turn(turn)
        assert await stored(store) == ["a"]

    async def test_a_message_that_the_thread_holds_already_is_not_stored_again(self, store: ThreadStore) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t")
        await store.stage(turn, [say("a"), say("b")])

        committed = await store.commit_turn(turn)

        assert await stored(store) == ["a", "b"]
        assert [message.text for message in committed] == ["a", "b"]

    async def test_an_id_that_the_thread_holds_for_other_content_conflicts_and_the_turn_stays_open(
        self, store: ThreadStore
    ) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t")
        await store.stage(turn, [say("b"), say("other", id="a")])

        with pytest.raises(ConflictError):
            await store.commit_turn(turn)

        assert await stored(store) == ["a"]
        await store.unstage(turn, ["a"])
        await store.commit_turn(turn)
        assert await stored(store) == ["a", "b"]

    async def test_a_turn_is_over_once(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t", key="k")
        await store.stage(turn, say("a"))
        await store.commit_turn(turn)

        for late in (store.commit_turn(turn), store.discard_turn(turn), store.stage(turn, say("b"))):
            with pytest.raises(ConflictError):
                await late

        assert await stored(store) == ["a"]

    async def test_a_deleted_thread_takes_its_open_turns_along(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t", key="k")
        await store.stage(turn, say("a"))
        await store.delete_thread("t")

        with pytest.raises(ThreadNotFound):
            await store.commit_turn(turn)

        assert (await store.open_turn("t", key="k")).messages == []

    async def test_saving_what_was_loaded_with_an_open_turn_does_not_commit_it(self, store: ThreadStore) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t")
        await store.stage(turn, say("b"))
        thread = await store.get_thread("t", include_open=True)

        thread.title = "seen"
        thread.add_message(say("c"))
        await store.save_thread(thread)

        assert await stored(store) == ["a", "c"]
        await store.commit_turn(turn)
        assert await stored(store) == ["a", "c", "b"]

    async def test_a_turn_that_is_committed_meanwhile_stays_however_often_it_is_saved(self, store: ThreadStore) -> None:
        await talk(store, "a")
        turn = await store.open_turn("t")
        await store.stage(turn, say("b"))
        thread = await store.get_thread("t", include_open=True)
        await store.commit_turn(turn)

        for text in ("c", "d"):
            thread.add_message(say(text))
            await store.save_thread(thread)

        assert await stored(store) == ["a", "b", "c", "d"]
        assert sorted(texts(thread)) == ["a", "b", "c", "d"]

    async def test_tool_calls_and_all_else_of_a_message_come_back(self, store: ThreadStore) -> None:
        call = {"id": "1", "name": "look", "arguments": '{"x": 1}'}
        said = say("a", metadata={"n": 2**60, "deep": {"list": [1, None]}}, tool_calls=[call], role="assistant")
        turn = await store.open_turn("t", key="k")
        await store.stage(turn, said)
        await store.suspend_turn(turn)

        resumed = await store.open_turn("t", key="k")
        assert resumed.messages == [said]
        (committed,) = await store.commit_turn(resumed)

        assert committed == (await store.get_thread("t")).messages[0]
        assert committed.tool_calls == said.tool_calls
        assert committed.metadata == said.metadata

    async def test_bytes_are_kept_with_a_turn_and_go_with_it(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t")
        kept = say("kept")
        kept.add_attachment(Attachment(filename="a.txt", content=b"stays"))
        gone = say("gone")
        gone.add_attachment(Attachment(filename="b.txt", content=b"goes"))
        await store.stage(turn, [kept, gone])

        await store.unstage(turn, ["gone"])
        await store.commit_turn(turn)

        assert await (await store.get_thread("t")).messages[0].attachments[0].read() == b"stays"
        dropped = await store.open_turn("t")
        await store.stage(dropped, gone)
        await store.discard_turn(dropped)
        assert await (await store.get_thread("t")).messages[0].attachments[0].read() == b"stays"

    async def test_a_turn_has_the_limits_of_an_append(self, store: ThreadStore) -> None:
        turn = await store.open_turn("t")
        await store.stage(turn, [say(f"{n}") for n in range(600)])

        with pytest.raises(TooLargeError):
            await store.stage(turn, [say(f"{n}") for n in range(600, 1_200)])

        assert len(await store.commit_turn(turn)) == 600

    async def test_tenants_do_not_meet_in_their_turns(self, store: ThreadStore) -> None:
        acme, other = store.for_tenant("acme"), store.for_tenant("Acme")
        turn = await acme.open_turn("t", key="k")
        await acme.stage(turn, say("a"))
        await acme.suspend_turn(turn)

        assert (await other.open_turn("t", key="k")).messages == []
        with pytest.raises(ConflictError):
            await other.commit_turn(turn)

    async def test_many_turns_at_once_in_one_thread_are_all_kept_whole(self, store: ThreadStore) -> None:
        async def speak(n: int) -> None:
            turn = await store.open_turn("t")
            await store.stage(turn, say(f"{n}q"))
            await store.stage(turn, say(f"{n}a"))
            await store.commit_turn(turn)

        await asyncio.gather(*(speak(n) for n in range(12)))

        said = await stored(store)
        assert sorted(zip(said[::2], said[1::2], strict=True)) == sorted((f"{n}q", f"{n}a") for n in range(12))

    async def test_status_counts_the_turns_that_are_not_committed(self, store: ThreadStore) -> None:
        turns = [await store.open_turn("t", key=f"{n}") for n in range(3)]
        await store.suspend_turn(turns[1])
        await store.commit_turn(turns[2])

        assert (await store.status()).open_turns == 2
