import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from keepthread.agent import Agent, ScriptedModel
from keepthread.errors import MessagesNotLoaded, ThreadNotFound
from keepthread.files import FileStore
from keepthread.model import Attachment, Message, Thread
from keepthread.store import ThreadStore

from .conversations import Listener, Tools, asked, paris, question, said


async def test_a_run_stores_the_question_and_the_answer(store: ThreadStore, tmp_path: Path) -> None:
    await Agent(name="guide", model=paris, purpose="Be brief.", thread_store=store).run(asked("Hi"))

    async with ThreadStore(tmp_path / "conversations.db") as later:
        thread = await later.get_thread("t1")
        assert said(thread.messages) == [("user", "Hi"), ("assistant", "Paris.")]
        assert thread.agent == "guide"


async def test_a_run_brings_the_thread_up_to_date(store: ThreadStore) -> None:
    thread = asked()

    result = await Agent(name="guide", model=paris, thread_store=store).run(thread)

    positions = [message.position for message in thread.messages]
    assert None not in positions
    assert thread.message_count == 2
    assert result.new_messages[0] is thread.messages[-1]


async def test_saving_after_a_run_writes_nothing(store: ThreadStore) -> None:
    thread = asked()
    await Agent(name="guide", model=paris, thread_store=store).run(thread)
    version = thread.version

    await store.save_thread(thread)

    assert (await store.get_thread("t1")).version == version


async def test_a_thread_is_run_by_its_id(store: ThreadStore) -> None:
    await store.save_thread(asked("Hi"))

    result = await Agent(name="guide", model=paris, thread_store=store).run("t1")

    assert said(result.thread.messages) == [("user", "Hi"), ("assistant", "Paris.")]


async def test_an_unknown_id_is_an_error_and_creates_nothing(store: ThreadStore) -> None:
    with pytest.raises(ThreadNotFound):
        await Agent(name="guide", model=paris, thread_store=store).run("t1")

    assert await store.count_threads() == 0


async def test_a_header_from_a_list_cannot_be_run(store: ThreadStore) -> None:
    await store.save_thread(asked())
    header = (await store.list_threads())[0]

    with pytest.raises(MessagesNotLoaded):
        await Agent(name="guide", model=paris, thread_store=store).run(header)


async def test_a_run_in_the_window_of_a_long_thread_leaves_the_rest_alone(store: ThreadStore) -> None:
    model = Listener()
    await store.append("t1", [question(str(n)) for n in range(10)], create=True)

    await Agent(name="guide", model=model, thread_store=store).run(await store.get_thread("t1", last=2))

    assert model.seen == [[("user", "8"), ("user", "9")]]
    assert await store.count_messages("t1") == 11


async def test_turns_of_two_processes_in_one_thread_stay_whole(store: ThreadStore, tmp_path: Path) -> None:
    await store.save_thread(Thread(id="t1"))
    both = asyncio.Barrier(2)

    async def repeating(messages: Sequence[Message], tools: Tools) -> str:
        await both.wait()
        return "re: " + messages[-1].text

    async def turn(store: ThreadStore, text: str) -> None:
        thread = await store.get_thread("t1")
        thread.add_message(question(text))
        await Agent(name="guide", model=repeating, thread_store=store).run(thread)

    async with ThreadStore(tmp_path / "conversations.db") as other:
        await asyncio.gather(turn(store, "one"), turn(other, "two"))

    texts = [message.text for message in (await store.get_thread("t1")).messages]
    assert sorted([texts[:2], texts[2:]]) == [["one", "re: one"], ["two", "re: two"]]


async def test_an_answer_is_not_inserted_between_messages_that_are_stored(store: ThreadStore) -> None:
    slow_may_end, thread = asyncio.Event(), asked("slow")

    async def repeating(messages: Sequence[Message], tools: Tools) -> str:
        if messages[-1].text == "slow":
            await slow_may_end.wait()
        return "re: " + messages[-1].text

    agent = Agent(name="guide", model=repeating, thread_store=store)
    slow = asyncio.ensure_future(agent.run(thread))
    await asyncio.sleep(0)
    thread.add_message(question("quick"))
    await agent.run(thread)
    slow_may_end.set()
    await slow

    assert [message.text for message in thread.messages] == ["slow", "quick", "re: quick", "re: slow"]
    assert said((await store.get_thread("t1")).messages) == said(thread.messages)


async def test_a_model_may_answer_with_a_message_of_another_thread(store: ThreadStore) -> None:
    other = await store.save_thread(Thread(id="t0", messages=[Message(role="assistant", content="Paris.")]))

    async def remembering(messages: Sequence[Message], tools: Tools) -> Message:
        return other.messages[0]

    result = await Agent(name="guide", model=remembering, thread_store=store).run(asked("Hi"))

    assert said((await store.get_thread("t1")).messages) == [("user", "Hi"), ("assistant", "Paris.")]
    assert result.new_messages[0].position != other.messages[0].position


async def test_one_agent_runs_in_several_event_loops(store: ThreadStore) -> None:
    agent = Agent(name="guide", model=paris, thread_store=store)

    def run(n: int) -> None:
        asyncio.run(agent.run(asked(thread_id=f"t{n}")))

    threads = [threading.Thread(target=run, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)

    assert [await store.count_messages(f"t{n}") for n in range(4)] == [2, 2, 2, 2]


async def test_what_only_the_provider_understands_survives_the_store(store: ThreadStore) -> None:
    form = {"content": None, "refusal": "I cannot help with that.", "tomorrow": {"key": [1]}}

    await Agent(name="guide", model=ScriptedModel([form]), thread_store=store).run(asked())

    stored = (await store.get_thread("t1")).messages[-1]
    assert stored.provider["openai"] == {"role": "assistant", **form}


def with_file(name: str = "notes.txt", content: bytes = b"The capital is Paris.") -> Thread:
    thread = asked()
    thread.messages[0].add_attachment(Attachment(filename=name, content=content))
    return thread


async def test_attachments_are_stored_in_the_files_of_the_agent(store: ThreadStore, tmp_path: Path) -> None:
    files = await FileStore.create(tmp_path / "agent-files")
    thread = with_file()

    await Agent(name="guide", model=paris, thread_store=store, file_store=files).run(thread)

    attachment = thread.messages[0].attachments[0]
    assert await files.get(store.tenant, attachment.sha256 or "") == b"The capital is Paris."


async def test_attachments_are_stored_without_a_thread_store_too(tmp_path: Path) -> None:
    files = await FileStore.create(tmp_path / "agent-files")
    thread = with_file()

    await Agent(name="guide", model=paris, file_store=files).run(thread)

    attachment = thread.messages[0].attachments[0]
    assert await files.get("default", attachment.sha256 or "") == await attachment.read()


async def test_a_file_that_is_refused_without_a_thread_store_leaves_the_thread_as_it_was() -> None:
    thread = with_file()
    thread.messages[0].add_attachment(Attachment(filename="a.exe", content=b"MZ\0"))
    before = thread.messages[0].attachments

    with pytest.raises(ValueError, match="does not accept"):
        await Agent(name="guide", model=paris, file_store=FileStore(accept="text/plain")).run(thread)

    assert said(thread.messages) == [("user", thread.messages[0].text)]
    assert thread.messages[0].attachments is before


async def test_a_thread_of_another_store_can_be_run_by_an_agent_that_has_only_files(store: ThreadStore) -> None:
    thread = await store.save_thread(asked("Hi"))

    await Agent(name="guide", model=paris, file_store=FileStore()).run(thread)
    await store.save_thread(thread)

    assert said((await store.get_thread("t1")).messages) == [("user", "Hi"), ("assistant", "Paris.")]


async def test_the_model_reads_files_of_the_agent_in_a_thread_that_the_caller_loaded(
    store: ThreadStore, tmp_path: Path
) -> None:
    read: list[bytes] = []

    async def reading(messages: Sequence[Message], tools: Tools) -> str:
        read.extend([await a.read() for message in messages for a in message.attachments])
        return "Read."

    files = await FileStore.create(tmp_path / "agent-files")
    agent = Agent(name="guide", model=reading, thread_store=store, file_store=files)
    await agent.run(with_file())
    await agent.run(await store.get_thread("t1"))

    assert read == [b"The capital is Paris."] * 2
