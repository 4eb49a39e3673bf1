"""Conversations: adds, turns that commit or roll back, and what of them is reverted (P2, P3, P4, P8)."""

# ruff: noqa: D102, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from keepthread.conversation import Conversation
from keepthread.errors import BusyError, ConflictError, InvalidMessage, InvalidSetting, ThreadNotFound, TooLargeError
from keepthread.model import Message
from keepthread.retention import RetentionPolicy, persist_conversation
from keepthread.store import ThreadStore

from .arrange import OpenStore, texts

FULL = persist_conversation("user", max_frames=4)


async def begin(store: ThreadStore, policy: RetentionPolicy | None = None, **who: Any) -> Conversation:
    """Return alice's conversation with the agent `support`, unless something else is said."""
    values: dict[str, Any] = {"agent": "support", "principal": "alice", **who}
    return await Conversation.open(store, policy=policy or FULL, **values)


async def said(conversation: Conversation) -> list[str]:
    """Return what the whole history of a conversation says; [] for one that was never begun."""
    try:
        return texts(await conversation.store.get_thread(conversation.thread_id))
    except ThreadNotFound:
        return []


class SaidNoError(Exception):
    """What goes wrong in a block."""


@pytest.mark.asyncio
class ConversationContract:
    """What a Conversation promises of its turns."""

    async def test_outside_of_a_turn_each_add_is_a_turn_of_its_own(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        added = [await conversation.add_user("q"), await conversation.add_assistant("a")]

        assert (await store.get_thread(conversation.thread_id)).messages == added
        assert [message.role for message in added] == ["user", "assistant"]

    async def test_a_turn_is_seen_by_others_once_its_block_has_ended(self, store: ThreadStore) -> None:
        conversation, other = await begin(store), await begin(store)

        async with conversation.turn() as turn:
            await turn.add_user("q")
            await conversation.add_assistant("a")
            seen_inside = [message.text for message in await conversation.get_messages()]
            seen_outside = [message.text for message in await other.get_messages()]
            opened = texts(await store.get_thread(conversation.thread_id, include_open=True))

        assert (seen_inside, seen_outside, opened) == (["q", "a"], [], ["q", "a"])
        assert [message.text for message in await other.get_messages()] == ["q", "a"]
        assert [message.position is None for message in turn.messages] == [False, False]

    async def test_tasks_that_a_block_starts_are_in_its_turn_and_others_are_not(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        outside = asyncio.Event()
        inside = asyncio.Event()

        async def elsewhere() -> None:
            await inside.wait()
            await conversation.add_user("elsewhere")
            outside.set()

        task = asyncio.create_task(elsewhere())
        with suppress(SaidNoError):
            async with conversation.turn():
                await asyncio.gather(conversation.add_user("1"), conversation.add_user("2"))
                inside.set()
                await outside.wait()
                raise SaidNoError

        await task
        assert await said(conversation) == ["elsewhere"]

    @pytest.mark.parametrize("failure", [SaidNoError, asyncio.CancelledError, KeyboardInterrupt])
    async def test_whatever_ends_a_block_nothing_of_the_turn_is_kept(
        self, store: ThreadStore, failure: type[BaseException]
    ) -> None:
        conversation = await begin(store)
        await conversation.add_user("before")

        async def fail() -> None:
            async with conversation.turn(idempotency_key="k"):
                await conversation.add_user("q")
                raise failure

        with pytest.raises(failure):
            await fail()

        assert texts(await store.get_thread(conversation.thread_id, include_open=True)) == ["before"]
        async with conversation.turn(idempotency_key="k", resume=True) as turn:
            assert turn.messages == []

    async def test_a_committed_key_returns_its_result_and_takes_nothing_more(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        async with conversation.turn(idempotency_key="k") as first:
            await first.add_user("q")
            first.result = {"message": ["a", 1, None]}

        async with conversation.turn(idempotency_key="k") as again:
            assert (again.is_repeated, again.result, again.messages) == (True, {"message": ["a", 1, None]}, [])
            with pytest.raises(ConflictError, match="is_repeated"):
                await again.add_user("q")

        assert first.result == {"message": ["a", 1, None]}
        assert not first.is_repeated
        assert await said(conversation) == ["q"]

    async def test_a_result_that_json_cannot_hold_rolls_the_turn_back(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        async def answer() -> None:
            async with conversation.turn(idempotency_key="k") as turn:
                await turn.add_user("q")
                turn.result = {1, 2}

        with pytest.raises(InvalidMessage):
            await answer()

        assert texts(await store.get_thread(conversation.thread_id, include_open=True)) == []

    async def test_a_key_that_is_under_way_is_refused(self, store: ThreadStore) -> None:
        conversation, other = await begin(store), await begin(store)

        async with conversation.turn(idempotency_key="k"):
            await conversation.add_user("q")
            with pytest.raises(BusyError):
                async with other.turn(idempotency_key="k"):
                    pass
            with pytest.raises(BusyError):
                async with other.turn(concurrent="refuse"):
                    pass
            async with other.turn() as beside:
                await beside.add_user("beside")

        assert await said(conversation) == ["beside", "q"]

    @pytest.mark.parametrize("resume", [True, False])
    async def test_what_a_dead_attempt_left_is_gone_on_with_or_dropped(self, store: ThreadStore, resume: bool) -> None:  # noqa: FBT001 - of the parametrization
        conversation = await begin(store)
        dead = await store.open_turn(conversation.identity, key="k")
        await store.stage(dead, Message(role="user", content="q"))
        await store.suspend_turn(dead)

        async with conversation.turn(idempotency_key="k", resume=resume) as turn:
            found = [message.text for message in turn.messages]
            await turn.add_assistant("a")

        assert found == (["q"] if resume else [])
        assert await said(conversation) == [*found, "a"]

    async def test_a_turn_that_is_over_takes_nothing_more(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        async with conversation.turn() as turn:
            await turn.add_user("q")

        for late in (turn.add_user("late"), turn.revert_last(), turn.look()):
            with pytest.raises(ConflictError):
                await late

        assert await said(conversation) == ["q"]

    async def test_a_turn_is_begun_once(self, store: ThreadStore) -> None:
        turn = (await begin(store)).turn()
        with pytest.raises(InvalidSetting, match="async with"):
            await turn.add_user("q")

        async with turn:
            await turn.add_user("q")
        with pytest.raises(InvalidSetting, match="begun before"):
            await turn.__aenter__()

        assert await said(await begin(store)) == ["q"]

    async def test_a_handler_that_fails_twice_and_then_answers_leaves_one_question_and_one_answer(
        self, store: ThreadStore
    ) -> None:
        answers: list[str | Exception] = [SaidNoError(), SaidNoError(), "Paris."]
        prompts: list[str] = []

        async def generate(prompt: str) -> str:
            prompts.append(prompt)
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        async def handle(conversation: Conversation, payload: dict[str, str]) -> dict[str, str]:
            await conversation.add_user(payload["prompt"])
            prompt = await conversation.build_prompt_input()
            try:
                output = await generate(prompt)
            except SaidNoError:
                await conversation.revert_last(role="user")
                raise
            await conversation.add_assistant(output)
            return {"message": output}

        async def invoke(key: str) -> object:
            conversation = await begin(store)
            async with conversation.turn(idempotency_key=key) as turn:
                if not turn.is_repeated:
                    turn.result = await handle(conversation, {"prompt": "The capital of France?"})
            return turn.result

        for _ in range(2):
            with pytest.raises(SaidNoError):
                await invoke("k")
        results = [await invoke("k") for _ in range(2)]

        assert results == [{"message": "Paris."}] * 2
        assert prompts == ["user: The capital of France?"] * 3
        assert await said(await begin(store)) == ["The capital of France?", "Paris."]

    async def test_a_message_that_was_made_elsewhere_is_stored_once(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        message = Message(role="user", content="q", metadata={"from": "mail"})

        first, second = await conversation.add(message), await conversation.add(message)

        assert first == second
        assert await said(conversation) == ["q"]

    async def test_many_adds_and_turns_at_once_are_all_kept_whole(
        self, store: ThreadStore, open_store: OpenStore
    ) -> None:
        conversations = [await begin(store), await begin(await open_store())]

        async def speak(n: int) -> None:
            conversation = conversations[n % 2]
            async with conversation.turn():
                await conversation.add_user(f"{n}q")
                await conversation.add_assistant(f"{n}a")

        alone = [conversations[n % 2].add_user(f"{n}") for n in range(10)]
        await asyncio.gather(*alone, *map(speak, range(10)))

        found = await said(conversations[0])
        assert sorted(found) == sorted([*(f"{n}" for n in range(10)), *(f"{n}{x}" for n in range(10) for x in "qa")])
        for n in range(10):
            assert found[found.index(f"{n}q") + 1] == f"{n}a"

    async def test_an_ephemeral_conversation_is_kept_nowhere(self, store: ThreadStore) -> None:
        conversation = await begin(store, session=None)

        async with conversation.turn():
            await conversation.add_user("q")
        await conversation.add_assistant("a")

        assert [message.text for message in await conversation.get_messages()] == ["q", "a"]
        assert await store.count_threads() == 0
        assert await (await begin(store, session=None)).get_messages() == []

    async def test_a_policy_without_summaries_takes_none(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        with pytest.raises(InvalidSetting, match="summary"):
            await conversation.set_summary("so far")

        assert await conversation.get_summary() is None
        assert await store.count_threads() == 0

    async def test_a_summary_over_the_limit_is_refused(self, store: ThreadStore) -> None:
        conversation = await begin(store, persist_conversation("agent", summary_characters=1_000))

        with pytest.raises(TooLargeError):
            await conversation.set_summary("x" * 1_001)

        assert await store.count_threads() == 0
