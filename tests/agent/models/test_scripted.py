from pathlib import Path

import pytest

from keepthread.agent import Agent, ScriptedModel
from keepthread.errors import ModelFailedError, ModelSetupError
from keepthread.model import Message, Usage
from tests.agent.conversations import asked


async def test_replies_come_in_the_order_of_the_script() -> None:
    agent = Agent(
        name="guide", model=ScriptedModel(["one", Message(role="assistant", content="two"), {"content": "three"}])
    )

    assert [await agent.ask(text) for text in "abc"] == ["one", "two", "three"]


async def test_an_exception_in_the_script_is_raised() -> None:
    with pytest.raises(ModelFailedError) as caught:
        await Agent(name="guide", model=ScriptedModel([OSError("cut off")])).ask("Hi")

    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("replies", [[], ["one"]])
async def test_a_script_that_is_over_is_a_failure_that_no_retry_mends(replies: list[str]) -> None:
    agent = Agent(name="guide", model=ScriptedModel(replies))
    for _reply in replies:
        await agent.ask("Hi")

    with pytest.raises(ModelFailedError, match="The script is over") as caught:
        await agent.ask("Hi")

    assert not caught.value.retryable


@pytest.mark.parametrize("reply", ["one", {"content": "one"}, Message(role="assistant", content="one")])
async def test_a_scripted_answer_says_that_it_is_scripted(reply: str | Message) -> None:
    result = await Agent(name="guide", model=ScriptedModel([reply])).run(asked())

    assert result.usage == Usage(model="scripted", estimated=True)


async def test_a_script_may_tell_its_own_usage() -> None:
    usage = Usage(input_tokens=3, output_tokens=1, model="gpt-4o")
    reply = Message(role="assistant", content="one", usage=usage)

    assert (await Agent(name="guide", model=ScriptedModel([reply])).run(asked())).usage == usage


async def test_a_text_file_has_one_reply_a_line(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_text('Hello.\n\n{"content": "as it is"}\nGrüße\n', encoding="utf-8-sig")
    agent = Agent(name="guide", model_name=f"scripted:{script}")

    assert [await agent.ask("Hi") for _line in range(3)] == ["Hello.", '{"content": "as it is"}', "Grüße"]


async def test_a_jsonl_file_has_one_chat_dict_a_line(tmp_path: Path) -> None:
    call = '{"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}'
    script = tmp_path / "script.jsonl"
    script.write_text(f'{{"content": "Hello."}}\n{{"role": "assistant", "content": null, "tool_calls": [{call}]}}\n')
    agent = Agent(name="guide", model_name=f"scripted:{script}")

    first, second = await agent.run(asked()), await agent.run(asked())

    assert first.content == "Hello."
    assert [tool_call.name for tool_call in second.new_messages[0].tool_calls] == ["look"]


async def test_a_script_is_not_read_before_the_first_call(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    agent = Agent(name="guide", model_name=f"scripted:{script}")

    script.write_text("Written later.\n")

    assert await agent.ask("Hi") == "Written later."


async def test_a_script_that_is_missing_is_named_and_can_be_supplied(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    agent = Agent(name="guide", model_name=f"scripted:{script}")

    with pytest.raises(ModelSetupError, match=r"script\.txt' cannot be read: No such file"):
        await agent.ask("Hi")
    script.write_text("Here.\n")

    assert await agent.ask("Hi") == "Here."


async def test_a_script_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_bytes(b"\xff\xfe")

    with pytest.raises(ModelSetupError, match="it is not UTF-8"):
        await Agent(name="guide", model_name=f"scripted:{script}").ask("Hi")


@pytest.mark.parametrize("line", ['"text"', "{", "[]", "7", '{"content": 7}', '{"role": "boss", "content": "x"}'])
async def test_a_line_that_is_no_chat_dict_is_named(tmp_path: Path, line: str) -> None:
    script = tmp_path / "script.jsonl"
    script.write_text(f'{{"content": "Hello."}}\n\n{line}\n')

    with pytest.raises(ModelSetupError, match=r"Line 3 of the script .* is no chat message"):
        await Agent(name="guide", model_name=f"scripted:{script}").ask("Hi")
