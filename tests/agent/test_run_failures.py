import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from keepthread.agent import Agent, ScriptedModel
from keepthread.errors import InvalidAttachment, ModelFailedError, StoreClosedError, ThreadNotFound
from keepthread.files import FileStore
from keepthread.model import Attachment, Message
from keepthread.model.blobs import Blob
from keepthread.store import ThreadStore

from .conversations import Tools, asked, failing, paris, question, said


async def test_a_model_that_fails_leaves_the_thread_as_it_was() -> None:
    thread = asked("Hi")

    with pytest.raises(ModelFailedError) as caught:
        await Agent(name="guide", model=failing).run(thread)

    assert said(thread.messages) == [("user", "Hi")]
    assert thread.agent is None
    assert caught.value.retryable


async def test_an_error_of_a_model_names_its_kind_and_never_what_was_said() -> None:
    with pytest.raises(ModelFailedError) as caught:
        await Agent(name="guide", model=failing).run(asked("my secret"))

    assert str(caught.value) == "The model of agent 'guide' failed with RuntimeError."
    assert isinstance(caught.value.__cause__, RuntimeError)


async def test_an_error_that_is_ours_already_is_raised_as_it_is() -> None:
    failure = ModelFailedError("Overloaded.")

    with pytest.raises(ModelFailedError) as caught:
        await Agent(name="guide", model=ScriptedModel([failure])).run(asked())

    assert caught.value is failure


@pytest.mark.parametrize("reply", [None, 7, b"Paris.", ["Paris."], {"content": "Paris."}, question("Paris?")])
async def test_what_is_no_answer_is_refused(reply: object) -> None:
    async def babbling(messages: Sequence[Message], tools: Tools) -> object:
        return reply

    with pytest.raises(ModelFailedError, match="is no answer") as caught:
        await Agent(name="guide", model=cast("Any", babbling)).run(asked())

    assert not caught.value.retryable


async def test_a_model_that_is_not_async_is_refused() -> None:
    def blocking(messages: Sequence[Message], tools: Tools) -> str:
        return "Paris."

    with pytest.raises(ModelFailedError, match="async callable"):
        await Agent(name="guide", model=cast("Any", blocking)).run(asked())


async def test_a_run_that_is_cancelled_while_the_model_thinks_leaves_the_thread_as_it_was(store: ThreadStore) -> None:
    thinking = asyncio.Event()

    async def endless(messages: Sequence[Message], tools: Tools) -> str:
        thinking.set()
        await asyncio.Event().wait()
        return "never"

    thread = asked("Hi")
    running = asyncio.ensure_future(Agent(name="guide", model=endless, thread_store=store).run(thread))
    await thinking.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert said(thread.messages) == [("user", "Hi")]
    assert await store.count_threads() == 0


async def test_a_model_that_fails_writes_nothing(store: ThreadStore) -> None:
    thread = await store.save_thread(asked("first"))
    thread.add_message(question("second"))

    with pytest.raises(ModelFailedError):
        await Agent(name="guide", model=failing, thread_store=store).run(thread)

    assert said((await store.get_thread("t1")).messages) == [("user", "first")]
    assert said(thread.messages) == [("user", "first"), ("user", "second")]


async def test_a_retry_stores_the_question_once(store: ThreadStore) -> None:
    agent = Agent(name="guide", model=ScriptedModel([RuntimeError(), RuntimeError(), "Paris."]), thread_store=store)
    thread = asked("Hi")

    for _attempt in range(2):
        with pytest.raises(ModelFailedError):
            await agent.run(thread)
    await agent.run(thread)

    assert said((await store.get_thread("t1")).messages) == [("user", "Hi"), ("assistant", "Paris.")]


async def test_a_save_that_fails_leaves_the_thread_as_it_was(store: ThreadStore) -> None:
    async def closing(messages: Sequence[Message], tools: Tools) -> str:
        await store.close()
        return "Paris."

    thread = asked("Hi")
    with pytest.raises(StoreClosedError):
        await Agent(name="guide", model=closing, thread_store=store).run(thread)

    assert said(thread.messages) == [("user", "Hi")]
    assert thread.agent is None


async def test_a_thread_that_is_deleted_meanwhile_is_not_resurrected(store: ThreadStore) -> None:
    async def deleting(messages: Sequence[Message], tools: Tools) -> str:
        await store.delete_thread("t1")
        return "Paris."

    thread = await store.save_thread(asked("Hi"))
    with pytest.raises(ThreadNotFound):
        await Agent(name="guide", model=deleting, thread_store=store).run(thread)

    assert await store.count_threads() == 0
    assert said(thread.messages) == [("user", "Hi")]


async def test_a_save_that_fails_takes_back_its_own_answer_only(store: ThreadStore) -> None:
    both = asyncio.Barrier(2)

    def answering(reply: Message) -> Callable[[Sequence[Message], Tools], Awaitable[Message]]:
        async def model(messages: Sequence[Message], tools: Tools) -> Message:
            await both.wait()
            return reply

        return model

    refused = Attachment(filename="virus.exe", content=b"MZ\0")
    good = answering(Message(role="assistant", content="good"))
    bad = answering(Message(role="assistant", content="bad", attachments=(refused,)))
    thread, files = asked("Hi"), FileStore(accept="text/plain")
    agents = [Agent(name="a", model=model, thread_store=store, file_store=files) for model in (good, bad)]
    outcomes = await asyncio.gather(*(agent.run(thread) for agent in agents), return_exceptions=True)

    assert isinstance(outcomes[1], InvalidAttachment)
    assert said(thread.messages) == said((await store.get_thread("t1")).messages)
    assert said(thread.messages) == [("user", "Hi"), ("assistant", "good")]


class SlowFiles(FileStore):
    """Files that are stored when they may be."""

    def __init__(self) -> None:
        super().__init__()
        self.storing, self.may_end = asyncio.Event(), asyncio.Event()

    async def put(self, tenant: str, content: bytes, *, filename: str, mime_type: str | None = None) -> Blob:
        self.storing.set()
        await self.may_end.wait()
        return await super().put(tenant, content, filename=filename, mime_type=mime_type)


async def test_a_cancellation_during_the_commit_is_raised_when_thread_and_store_agree(store: ThreadStore) -> None:
    files, thread = SlowFiles(), asked("Hi")
    thread.messages[0].add_attachment(Attachment(filename="a.txt", content=b"x"))
    running = asyncio.ensure_future(Agent(name="a", model=paris, thread_store=store, file_store=files).run(thread))
    await files.storing.wait()
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()
    files.may_end.set()

    with pytest.raises(asyncio.CancelledError):
        await running

    assert said(thread.messages) == [("user", "Hi"), ("assistant", "Paris.")]
    assert said((await store.get_thread("t1")).messages) == said(thread.messages)


async def test_wherever_a_run_is_cancelled_the_thread_is_what_the_store_has(tmp_path: Path) -> None:
    async def yielding(messages: Sequence[Message], tools: Tools) -> str:
        await asyncio.sleep(0)
        return "Paris."

    async with ThreadStore(tmp_path / "cancelled.db") as store:
        agent = Agent(name="guide", model=yielding, thread_store=store)
        for steps in range(40):
            thread = await store.save_thread(asked("Hi", thread_id=f"t{steps}"))
            thread.add_message(question("And now?"))
            running = asyncio.ensure_future(agent.run(thread))
            for _step in range(steps):
                await asyncio.sleep(0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

            kept = await store.get_thread(thread.id)
            assert len(kept.messages) in (1, 3)
            assert len(thread.messages) == (3 if len(kept.messages) == 3 else 2)
            assert said(kept.messages) == said(thread.messages)[: len(kept.messages)]
