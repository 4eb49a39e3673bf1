"""A summarizer of the user's own: when it is called, and what becomes of a conversation when it fails."""

# ruff: noqa: D102, PLR2004, S101 - A test's name states its fact, its numbers are the expectation, and it is made of asserts.

from __future__ import annotations

from collections.abc import Sequence

import pytest

from keepthread.conversation import Conversation
from keepthread.errors import ModelFailedError
from keepthread.model import Message, Thread
from keepthread.retention import persist_conversation
from keepthread.store import ThreadStore

from .conversation_contract import SaidNoError, begin, said


class Writer:
    """Summarises by naming what it is given, until it is told to fail."""

    def __init__(self) -> None:
        self.calls: list[tuple[str | None, list[str]]] = []
        self.answer: object = None
        """Returned, or raised, in the place of a summary."""

    async def __call__(self, previous: str | None, messages: Sequence[Message]) -> str:
        self.calls.append((previous, [message.text for message in messages]))
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer  # pyright: ignore[reportReturnType] - what a careless one returns
        return " ".join([previous or "They said", *self.calls[-1][1]])


async def spoken(store: ThreadStore, writer: Writer, count: int) -> Conversation:
    """Return a conversation of so many questions, of which a model sees the last two."""
    policy = persist_conversation("agent", max_frames=2, summarizer=writer)
    conversation = await begin(store, policy)
    for n in range(count):
        await conversation.add_user(f"q{n}")
    return conversation


@pytest.mark.asyncio
class SummarizerContract:
    """What a Conversation promises to a `summarizer=`."""

    async def test_it_is_called_once_for_what_left_and_continues_what_it_said(self, store: ThreadStore) -> None:
        writer = Writer()
        conversation = await spoken(store, writer, 4)

        summaries = [await conversation.get_summary() for _ in range(2)]
        async with conversation.turn():
            await conversation.add_user("q4")
            summaries += [await conversation.get_summary() for _ in range(2)]
        summaries.append(await (await begin(store, conversation.policy)).get_summary())

        assert summaries == ["They said q0 q1"] * 2 + ["They said q0 q1 q2"] * 3
        assert writer.calls == [(None, ["q0", "q1"]), ("They said q0 q1", ["q2"])]

    @pytest.mark.parametrize(
        "answer",
        [ModelFailedError("down"), SaidNoError(), 7, "a\x00b"],
        ids=["a model's error", "any error", "no text", "unstorable text"],
    )
    async def test_its_failure_leaves_the_conversation_usable_and_unchanged(
        self, store: ThreadStore, answer: object, caplog: pytest.LogCaptureFixture
    ) -> None:
        writer = Writer()
        conversation = await spoken(store, writer, 4)
        await conversation.get_summary()
        writer.answer = answer

        async with conversation.turn():
            await conversation.add_user("q4")
            while_it_fails = await conversation.get_summary()
        writer.answer = None
        afterwards = await conversation.get_summary()

        assert while_it_fails == "They said q0 q1\nuser: q2"
        assert afterwards == "They said q0 q1 q2"
        assert await said(conversation) == [f"q{n}" for n in range(5)]
        assert "summarizer" in caplog.text
        assert "q2" not in caplog.text

    async def test_what_it_writes_is_cut_to_the_limit(self, store: ThreadStore) -> None:
        writer = Writer()
        writer.answer = "x" * 10_000
        conversation = await spoken(store, writer, 4)

        assert await conversation.get_summary() == "x" * 4_000
        writer.answer = SaidNoError()
        for n in range(100):
            await conversation.add_user(f"{n} and on" * 20)
        summary = await conversation.get_summary()

        assert summary is not None
        assert len(summary) <= 4_000
        assert summary.startswith("xxx")
        assert "97 and on" in summary.split("\n")[-1]

    async def test_the_store_can_be_used_while_it_writes(self, store: ThreadStore) -> None:
        async def shorten(_previous: str | None, _messages: Sequence[Message]) -> str:
            await store.append(conversation.thread_id, Message(role="user", content="meanwhile"))
            return "short"

        conversation = await begin(store, persist_conversation("agent", max_frames=2, summarizer=shorten))
        for n in range(4):
            await conversation.add_user(f"q{n}")

        async with conversation.turn():
            await conversation.add_user("q4")
            assert await conversation.get_summary() == "short"

        assert await said(conversation) == ["q0", "q1", "q2", "q3", "meanwhile", "q4"]

    async def test_a_text_that_was_set_is_what_it_continues(self, store: ThreadStore) -> None:
        writer = Writer()
        conversation = await spoken(store, writer, 3)

        await conversation.set_summary("set")
        await conversation.add_user("q3")

        assert await conversation.get_summary() == "set q1"

    async def test_a_long_thread_is_given_to_it_in_pages(self, store: ThreadStore) -> None:
        writer = Writer()
        conversation = await begin(store, persist_conversation("agent", max_frames=2, summarizer=writer))
        messages = [Message(role="user", content=f"{n}") for n in range(450)]
        await store.save_thread(Thread(id=conversation.thread_id, messages=messages))

        await conversation.get_summary()

        assert [text for _, given in writer.calls for text in given] == [f"{n}" for n in range(448)]
        assert max(len(given) for _, given in writer.calls) <= 202
