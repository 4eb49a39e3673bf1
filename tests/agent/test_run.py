import asyncio
from collections.abc import Sequence

import pytest

from keepthread.agent import Agent
from keepthread.errors import InvalidSetting
from keepthread.model import Message, Thread, Usage

from .conversations import Listener, Tools, asked, paris, question, said


async def test_a_run_adds_the_answer_to_the_thread_it_was_given() -> None:
    thread = asked("Where is Paris?")

    result = await Agent(name="guide", model=paris).run(thread)

    assert result.thread is thread
    assert said(thread.messages) == [("user", "Where is Paris?"), ("assistant", "Paris.")]
    assert result.new_messages == [thread.messages[-1]]
    assert result.content == "Paris."


async def test_a_run_names_the_agent_in_the_thread() -> None:
    thread = asked()

    await Agent(name="guide", model=paris).run(thread)

    assert thread.agent == "guide"


async def test_the_usage_of_a_run_is_what_the_model_says() -> None:
    usage = Usage(input_tokens=7, output_tokens=1, model="m")

    async def counting(messages: Sequence[Message], tools: Tools) -> Message:
        return Message(role="assistant", content="Paris.", usage=usage)

    result = await Agent(name="guide", model=counting).run(asked())

    assert result.usage == usage


async def test_a_model_that_answers_with_text_reports_no_usage() -> None:
    assert (await Agent(name="guide", model=paris).run(asked())).usage is None


async def test_the_instructions_are_sent_first_and_stay_out_of_the_thread() -> None:
    model, thread = Listener(), asked("Hi")

    await Agent(name="guide", model=model, purpose="Be brief.").run(thread)

    assert model.seen == [[("system", "Be brief."), ("user", "Hi")]]
    assert "system" not in [message.role for message in thread.messages]


async def test_without_instructions_the_model_sees_just_the_thread() -> None:
    model = Listener()

    await Agent(name="guide", model=model).run(asked("Hi"))

    assert model.seen == [[("user", "Hi")]]


async def test_system_messages_of_the_user_reach_the_model_in_their_place() -> None:
    model = Listener()
    thread = Thread(messages=[question("Hi"), Message(role="system", content="Now in French."), question("Again")])

    await Agent(name="guide", model=model, purpose="Be brief.").run(thread)

    assert model.seen[0][1:] == [("user", "Hi"), ("system", "Now in French."), ("user", "Again")]


async def test_the_model_sees_what_was_said_in_earlier_runs() -> None:
    model, thread = Listener(), asked("France?")
    agent = Agent(name="guide", model=model)

    await agent.run(thread)
    thread.add_message(question("Germany?"))
    await agent.run(thread)

    assert model.seen[1] == [("user", "France?"), ("assistant", "Paris."), ("user", "Germany?")]


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
        ("a\ud83db", "a\N{REPLACEMENT CHARACTER}b"),
        ("\ude00", "\N{REPLACEMENT CHARACTER}"),
        ("\ud83d\ude00", "\N{GRINNING FACE}"),
    ],
)
async def test_what_no_backend_can_store_is_replaced_visibly_in_a_reply(raw: str, stored: str) -> None:
    async def garbling(messages: Sequence[Message], tools: Tools) -> str:
        return raw

    assert (await Agent(name="guide", model=garbling).run(asked())).content == stored


async def test_a_message_that_a_model_gives_twice_is_two_messages() -> None:
    canned = Message(role="assistant", content="Paris.")

    async def canning(messages: Sequence[Message], tools: Tools) -> Message:
        return canned

    agent, thread = Agent(name="guide", model=canning), asked()
    await agent.run(thread)
    await agent.run(thread)

    assert len({message.id for message in thread.messages}) == 3


async def test_an_id_needs_a_store_to_be_looked_up_in() -> None:
    with pytest.raises(InvalidSetting, match="thread_store="):
        await Agent(name="guide", model="echo").run("t1")


async def test_runs_in_different_threads_share_nothing() -> None:
    everyone = asyncio.Barrier(20)

    async def repeating(messages: Sequence[Message], tools: Tools) -> str:
        await everyone.wait()
        return messages[-1].text.upper()

    agent = Agent(name="guide", model=repeating, purpose="Repeat.")
    threads = [asked(f"question {n}", thread_id=f"t{n}") for n in range(20)]
    await asyncio.gather(*map(agent.run, threads))

    assert [said(thread.messages) for thread in threads] == [
        [("user", f"question {n}"), ("assistant", f"QUESTION {n}")] for n in range(20)
    ]


async def test_two_runs_at_once_in_one_thread_are_both_kept_in_the_order_of_their_ends() -> None:
    slow_may_end, thread = asyncio.Event(), asked("Q")

    async def slow(messages: Sequence[Message], tools: Tools) -> str:
        await slow_may_end.wait()
        return "slow"

    async def quick(messages: Sequence[Message], tools: Tools) -> str:
        return "quick"

    running = asyncio.ensure_future(Agent(name="slow", model=slow).run(thread))
    await asyncio.sleep(0)
    await Agent(name="quick", model=quick).run(thread)
    slow_may_end.set()
    await running

    assert said(thread.messages) == [("user", "Q"), ("assistant", "quick"), ("assistant", "slow")]


async def test_a_question_that_is_added_meanwhile_does_not_come_between() -> None:
    may_end, thread = asyncio.Event(), asked("first")

    async def repeating(messages: Sequence[Message], tools: Tools) -> str:
        await may_end.wait()
        return "re: " + messages[-1].text

    agent = Agent(name="guide", model=repeating)
    first = asyncio.ensure_future(agent.run(thread))
    await asyncio.sleep(0)
    thread.add_message(question("second"))
    second = asyncio.ensure_future(agent.run(thread))
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(first, second)

    assert [message.text for message in thread.messages] == ["first", "re: first", "second", "re: second"]
