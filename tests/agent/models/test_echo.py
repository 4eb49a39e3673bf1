import pytest

from keepthread.agent import Agent, EchoModel
from keepthread.model import Message
from tests.agent.conversations import asked, question


async def test_echo_says_that_it_is_no_model_what_it_was_told_and_how_much() -> None:
    messages = [question("Hello"), Message(role="assistant", content="Hi"), question("Bye")]

    echo = await EchoModel()(messages, ())

    assert echo.text == "[echo, not a language model] I was sent 3 messages. The last one of a user says: Bye"


async def test_echo_answers_without_a_question() -> None:
    echo = await EchoModel()([Message(role="system", content="Be brief.")], ())

    assert echo.text == "[echo, not a language model] I was sent 1 message. No message of a user is among them."


async def test_echo_says_the_same_again() -> None:
    agent = Agent(name="guide", model_name="echo")

    assert (await agent.run(asked("Hi"))).content == (await agent.run(asked("Hi"))).content


async def test_echo_counts_no_token_and_marks_that_as_an_estimate() -> None:
    usage = (await Agent(name="guide", model_name="echo").run(asked())).usage

    assert usage is not None
    assert (usage.model, usage.total_tokens, usage.estimated) == ("echo", 0, True)


async def test_echo_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    await Agent(name="guide", model_name="echo").ask("Hi")

    assert capsys.readouterr() == ("", "")
