import asyncio
from collections.abc import Sequence

import pytest

from keepthread.agent import Agent, ScriptedModel
from keepthread.errors import InvalidMessage, ModelFailedError
from keepthread.model import Message
from keepthread.store import ThreadStore

from .conversations import Listener, Tools


async def test_ask_answers_with_text() -> None:
    assert await Agent(name="guide", model=ScriptedModel(["Paris."])).ask("France?") == "Paris."


async def test_ask_remembers_the_conversation_of_its_object() -> None:
    model = Listener()
    agent = Agent(name="guide", model=model, purpose="Be brief.")

    await agent.ask("France?")
    await agent.ask("Germany?")

    assert model.seen[1] == [
        ("system", "Be brief."),
        ("user", "France?"),
        ("assistant", "Paris."),
        ("user", "Germany?"),
    ]


async def test_another_object_knows_nothing_of_it() -> None:
    model = Listener()

    await Agent(name="guide", model=model).ask("France?")
    await Agent(name="guide", model=model).ask("Germany?")

    assert model.seen[1] == [("user", "Germany?")]


async def test_ask_stores_nothing(store: ThreadStore) -> None:
    await Agent(name="guide", model=Listener(), thread_store=store).ask("France?")

    assert await store.count_threads() == 0


async def test_a_question_that_failed_is_forgotten() -> None:
    model = Listener()
    agent = Agent(name="guide", model=ScriptedModel([RuntimeError(), "Berlin.", "Rome."]))

    with pytest.raises(ModelFailedError):
        await agent.ask("France?")
    await agent.ask("Germany?")
    agent.model = model
    await agent.ask("Italy?")

    assert model.seen == [[("user", "Germany?"), ("assistant", "Berlin."), ("user", "Italy?")]]


async def test_questions_at_once_do_not_wait_and_are_kept_whole_in_the_order_of_their_answers() -> None:
    slow_may_end = asyncio.Event()

    async def model(messages: Sequence[Message], tools: Tools) -> str:
        if messages[-1].text == "slow":
            await slow_may_end.wait()
        return " ".join(message.text for message in messages)

    agent = Agent(name="guide", model=model)
    slow = asyncio.ensure_future(agent.ask("slow"))
    await asyncio.sleep(0)
    assert await agent.ask("quick") == "quick"
    slow_may_end.set()
    assert await slow == "slow"

    assert await agent.ask("all") == "quick quick slow slow all"


async def test_a_question_that_cannot_be_stored_is_refused_before_the_model_is_asked() -> None:
    model = Listener()

    with pytest.raises(InvalidMessage):
        await Agent(name="guide", model=model).ask("a\0b")

    assert model.seen == []
