"""Message history, and the guide's three patterns of conversations."""

import pytest

from keepthread import Agent, Message, Thread, ThreadStore
from tests.openai_server import OpenAIServer

from .running import run_block


def assistant(store: ThreadStore) -> Agent:
    return Agent(name="assistant", model_name="gpt-4", thread_store=store)


async def test_the_agent_sees_all_previous_messages(
    store: ThreadStore, restarted: ThreadStore, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    said = [
        ("user", "What's the capital of France?"),
        ("assistant", "The capital of France is Paris."),
        ("user", "What about Germany?"),
    ]

    await run_block("message_history", thread=Thread(id="t1"), agent=assistant(store))

    assert capsys.readouterr().out.splitlines() == [f"{role}: {content}" for role, content in said]
    assert [(message["role"], message["content"]) for message in server.requests[0].messages] == said
    stored = (await restarted.get_thread("t1")).messages
    assert [(message.role, message.content) for message in stored] == [*said, ("assistant", "answer to message 3")]


async def test_a_user_gets_their_thread_again(store: ThreadStore, restarted: ThreadStore, server: OpenAIServer) -> None:
    names = await run_block("pattern_1_user_threads", thread_store=store)
    thread = names["thread"]
    thread.add_message(Message(role="user", content="Hello."))
    await assistant(store).run(thread)

    again = await names["get_user_thread"]("alice@example.com", restarted)

    assert again.id == "user-alice@example.com-main"
    assert [message.content for message in again.messages] == ["Hello.", "answer to message 1"]


async def test_a_topic_is_kept_and_the_model_is_told_it(
    store: ThreadStore, restarted: ThreadStore, server: OpenAIServer
) -> None:
    names = await run_block("pattern_2_topic_threads")

    await names["create_research_thread"]("Quantum computing", store)

    thread = await restarted.get_thread("research-quantum-computing")
    assert thread.metadata == {"type": "research", "topic": "Quantum computing"}
    thread.add_message(Message(role="user", content="Where to begin?"))
    await assistant(restarted).run(thread)
    assert server.requests[0].messages == [
        {"role": "system", "content": "This thread is for researching: Quantum computing"},
        {"role": "user", "content": "Where to begin?"},
    ]


async def test_a_session_is_resumed_where_it_ended(
    store: ThreadStore, restarted: ThreadStore, server: OpenAIServer
) -> None:
    session_type = (await run_block("pattern_3_sessions"))["ConversationSession"]
    session = session_type(assistant(store), store)

    began = await session.start_or_resume("session-1")
    answers = [await session.send_message("One."), await session.send_message("Two.")]

    assert began == "new"
    assert [[message.content for message in new] for new in answers] == [
        ["answer to message 1"],
        ["answer to message 3"],
    ]
    resumed = session_type(assistant(restarted), restarted)
    assert await resumed.start_or_resume("session-1") == "resumed"
    assert [message.content for message in resumed.thread.messages] == [
        "One.",
        "answer to message 1",
        "Two.",
        "answer to message 3",
    ]


async def test_the_save_after_a_run_writes_nothing(store: ThreadStore, server: OpenAIServer) -> None:
    session = (await run_block("pattern_3_sessions"))["ConversationSession"](assistant(store), store)
    await session.start_or_resume("session-1")
    await session.send_message("One.")
    before = (await store.get_thread("session-1")).version

    await session.send_message("Two.")

    assert (await store.get_thread("session-1")).version == before + 1
