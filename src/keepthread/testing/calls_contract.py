"""The frames of a turn: calls with their results, and what is taken back (P8)."""

# ruff: noqa: D102, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

import pytest

from keepthread.errors import InvalidMessage
from keepthread.model import ToolCall
from keepthread.store import ThreadStore

from .arrange import texts
from .conversation_contract import begin, said


@pytest.mark.asyncio
class CallsContract:
    """What a turn of a Conversation promises of its frames."""

    async def test_a_call_and_its_result_are_kept_together(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        async with conversation.turn() as turn:
            await turn.add_user("q")
            await turn.add_tool("look", call_id="1", arguments={"b": 1, "a": [None]})
            await turn.add_tool("look", call_id="2", arguments="not json")
            await turn.add_tool_result(call_id="2", content="second")
            await turn.add_tool_result(call_id="1", content="first")
            await turn.add_assistant("a")

        messages = (await store.get_thread(conversation.thread_id)).messages
        assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "assistant"]
        assert messages[1].tool_calls == (
            ToolCall(id="1", name="look", arguments='{"a":[null],"b":1}'),
            ToolCall(id="2", name="look", arguments="not json"),
        )
        assert [message.tool_call_id for message in messages[2:4]] == ["2", "1"]

    async def test_a_result_that_no_call_waits_for_is_refused_and_nothing_is_written(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        async with conversation.turn() as turn:
            await turn.add_tool("look", call_id="1")
            await turn.add_tool_result(call_id="1", content="r")
            for call_id in ("1", "2"):
                with pytest.raises(InvalidMessage, match=call_id):
                    await turn.add_tool_result(call_id=call_id, content="again")
            with pytest.raises(InvalidMessage, match="already"):
                await turn.add_tool("look", call_id="1")

        assert await said(conversation) == ["", "r"]

    async def test_calls_and_results_are_refused_outside_of_a_turn(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        for alone in (
            conversation.add_tool("look", call_id="1"),
            conversation.add_tool_result(call_id="1", content="r"),
            conversation.add_assistant(tool_calls=[ToolCall(id="1", name="look")]),
        ):
            with pytest.raises(InvalidMessage, match="turn"):
                await alone

        assert await store.count_threads() == 0

    async def test_a_turn_with_an_unanswered_call_is_rolled_back(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        async def call() -> None:
            async with conversation.turn() as turn:
                await turn.add_user("q")
                await turn.add_tool("look", call_id="1")

        with pytest.raises(InvalidMessage, match="no result"):
            await call()

        assert texts(await store.get_thread(conversation.thread_id, include_open=True)) == []

    async def test_a_revert_takes_back_the_last_of_a_role_and_what_stands_on_it(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        await conversation.add_user("committed")

        async with conversation.turn() as turn:
            await turn.add_user("q1")
            await turn.add_user("q2")
            await turn.add_tool("look", call_id="1")
            await turn.add_tool_result(call_id="1", content="r")
            reverted = await turn.revert_last(role="user")

        assert [message.role for message in reverted] == ["user", "assistant", "tool"]
        assert await said(conversation) == ["committed", "q1"]

    async def test_a_reverted_result_takes_its_call_along(self, store: ThreadStore) -> None:
        conversation = await begin(store)

        async with conversation.turn() as turn:
            await turn.add_user("q")
            await turn.add_assistant(tool_calls=[ToolCall(id="1", name="look")], id="one")
            await turn.add_assistant(tool_calls=[ToolCall(id="2", name="look")], id="two")
            await turn.add_tool_result(call_id="1", content="r1", id="r1")
            await turn.add_tool_result(call_id="2", content="r2", id="r2")
            reverted = await turn.revert_last(role="tool")

        assert [message.id for message in reverted] == ["one", "two", "r1", "r2"]
        assert await said(conversation) == ["q"]

    async def test_what_is_committed_is_never_reverted(self, store: ThreadStore) -> None:
        conversation = await begin(store)
        await conversation.add_user("q1")
        await conversation.add_assistant("a1")

        with pytest.raises(InvalidMessage, match="outside of a turn"):
            await conversation.revert_last(role="user")
        async with conversation.turn() as turn:
            with pytest.raises(InvalidMessage, match="Nothing"):
                await turn.revert_last()
            await turn.add_assistant("a2")
            with pytest.raises(InvalidMessage, match="'user'"):
                await turn.revert_last(role="user")

        assert await said(conversation) == ["q1", "a1", "a2"]
