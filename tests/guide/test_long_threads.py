"""Summaries, injected context and the cap: what the guide does to `thread.messages` is what is reloaded."""

import json

from keepthread import Agent, Message, Thread, ThreadStore
from tests.openai_server import OpenAIServer, text

from .running import run_block

SUMMARY = "Previous conversation summary: They counted."


async def stored_thread(store: ThreadStore, count: int) -> Thread:
    """A thread of so many messages, as it is loaded."""
    messages = [Message(role="user", content=f"note {n}") for n in range(count)]
    await store.append("t1", messages, create=True)
    return await store.get_thread("t1")


async def summarized(store: ThreadStore, server: OpenAIServer) -> Thread:
    """A thread of 60 messages after the guide's function, saved."""
    thread = await stored_thread(store, 60)
    server.will_answer(text("They counted."))
    await (await run_block("conversation_summarization"))["summarize_old_conversations"](thread)
    return await store.save_thread(thread)


async def test_a_summary_and_the_last_fifty_are_what_is_reloaded(
    store: ThreadStore, restarted: ThreadStore, server: OpenAIServer
) -> None:
    await summarized(store, server)

    messages = (await restarted.get_thread("t1")).messages
    assert [(message.role, message.content) for message in messages] == [
        ("system", SUMMARY),
        *(("user", f"note {n}") for n in range(10, 60)),
    ]


async def test_the_summarizer_is_sent_what_it_replaces(store: ThreadStore, server: OpenAIServer) -> None:
    await summarized(store, server)

    notes = "\n".join(f"user: note {n}" for n in range(10))
    assert server.requests[0].body["model"] == "gpt-3.5-turbo"
    assert server.requests[0].messages == [
        {"role": "system", "content": "To create concise summaries"},
        {"role": "user", "content": f"Summarize this conversation:\n\n{notes}"},
    ]


async def test_the_model_is_sent_the_summary(store: ThreadStore, restarted: ThreadStore, server: OpenAIServer) -> None:
    await summarized(store, server)

    await Agent(name="assistant", model_name="gpt-4", thread_store=restarted).run("t1")

    sent = server.requests[1].messages
    assert sent[:2] == [{"role": "system", "content": SUMMARY}, {"role": "user", "content": "note 10"}]
    assert len(sent) == 51


async def test_injected_context_reaches_the_model_and_is_stored_first(
    store: ThreadStore, restarted: ThreadStore, server: OpenAIServer
) -> None:
    async def load_user_preferences(user_id: str) -> dict[str, str]:
        return {"user": user_id, "language": "en"}

    names = await run_block("context_injection", json=json, load_user_preferences=load_user_preferences)
    context = 'User preferences: {"user": "alice", "language": "en"}'

    thread = await names["inject_user_context"](await stored_thread(store, 1), "alice")
    await Agent(name="assistant", model_name="gpt-4", thread_store=store).run(thread)

    assert server.requests[0].messages[0] == {"role": "system", "content": context}
    stored = (await restarted.get_thread("t1")).messages
    assert [(message.role, message.content) for message in stored] == [
        ("system", context),
        ("user", "note 0"),
        ("assistant", "answer to message 2"),
    ]


async def test_the_cap_keeps_the_last_hundred_and_the_history_all(store: ThreadStore, restarted: ThreadStore) -> None:
    thread = await stored_thread(store, 130)

    await run_block("message_limits", thread=thread)
    await store.save_thread(thread)

    reloaded = await restarted.get_thread("t1")
    assert [message.content for message in reloaded.messages] == [f"note {n}" for n in range(30, 130)]
    assert len(await restarted.history("t1")) == 130
