"""What is read of a thread is enough: the prompt is the one of all messages, whatever the thread looks like."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepthread.conversation import reading
from keepthread.conversation.sight import Sight, look
from keepthread.model import Message, Role, ToolCall
from keepthread.retention import RetentionPolicy, Summary, build_prompt, fold, persist_conversation, select_window
from keepthread.store import ThreadStore

ROLES: dict[str, Role] = {"system": "system", "developer": "developer", "user": "user", "assistant": "assistant"}
FRAMES = st.sampled_from([*ROLES, "call", "call of two", "result", "other result"])


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of a few messages, so that a thread of twenty takes many of them."""
    monkeypatch.setattr(reading, "_PAGE", 3)
    monkeypatch.setattr(reading, "_FIRST", 1)
    monkeypatch.setattr(reading, "_LEAST", 2)


def messages_of(kinds: Sequence[str]) -> list[Message]:
    """Return messages of these kinds; a result answers the oldest call that waits, if there is one, or nothing."""
    messages: list[Message] = []
    waiting: list[str] = []
    for number, kind in enumerate(kinds):
        if kind.startswith("call"):
            calls = [f"{number}-{each}" for each in range(2 if kind == "call of two" else 1)]
            waiting += calls
            tool_calls = tuple(ToolCall(id=each, name="look") for each in calls)
            messages.append(Message(role="assistant", tool_calls=tool_calls))
        elif kind in ROLES:
            messages.append(Message(role=ROLES[kind], content=f"{number}"))
        else:
            answered = waiting.pop(0) if waiting and kind == "result" else f"{number}-of nothing"
            messages.append(Message(role="tool", tool_call_id=answered, content=f"{number}"))
    return messages


def as_turns_leave_them(messages: Sequence[Message]) -> list[Message]:
    """Return *messages* with every call answered before anything else is said, and no other results."""
    kept: list[Message] = []
    for message in messages:
        if message.role != "tool":
            kept.append(message)
            kept += [Message(role="tool", tool_call_id=call.id, content="r") for call in message.tool_calls]
    return kept


async def seen(messages: Sequence[Message], staged: Sequence[Message], policy: RetentionPolicy) -> Sight:
    async with ThreadStore() as store:
        await store.append("t", messages, create=True)
        return await look(store, "t", policy, staged=staged)


async def check(messages: Sequence[Message], last: int, policy: RetentionPolicy) -> None:
    """Look at *messages*, of which the *last* ones are staged."""
    place = max(0, len(messages) - last)

    sight = await seen(messages[:place], messages[place:], policy)

    window = select_window(messages, policy)
    summary = fold(Summary(characters=policy.summary_characters), window.folded)
    assert sight.prompt() == build_prompt(window, policy, summary=summary)
    assert [*sight.window.leading, *sight.window.kept] == [*window.leading, *window.kept]


PATIENT = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@PATIENT
@given(st.lists(FRAMES, max_size=25), st.integers(0, 6), st.integers(1, 5))
def test_in_full_the_window_is_that_of_all_messages(kinds: list[str], last: int, frames: int) -> None:
    policy = persist_conversation("user", max_frames=frames)

    asyncio.run(check(messages_of(kinds), last, policy))


@PATIENT
@given(st.lists(FRAMES, max_size=25), st.integers(0, 6), st.integers(1, 5))
def test_with_a_summary_as_well_where_every_call_has_its_result(kinds: list[str], last: int, frames: int) -> None:
    policy = persist_conversation("agent", max_frames=frames)

    asyncio.run(check(as_turns_leave_them(messages_of(kinds)), last, policy))
