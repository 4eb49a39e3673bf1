import dataclasses
import sys

import pytest

from keepthread.agent import Agent, OpenAIChat
from keepthread.errors import MissingExtraError, ModelFailedError, ModelSetupError
from keepthread.model import Message, Thread, ToolCall, Usage, to_openai
from tests.agent.conversations import asked, question
from tests.openai_server import Answer, OpenAIServer, completion, text, tool_calls


@pytest.fixture
def model(server: OpenAIServer) -> OpenAIChat:
    return OpenAIChat("gpt-4o", base_url=server.base_url, api_key="sk-test", max_retries=0)


async def test_the_conversation_arrives_as_it_is(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(text("Berlin."))
    thread = Thread(
        messages=[
            question("France?"),
            Message(role="assistant", content=None, tool_calls=(ToolCall(id="c1", name="look", arguments="{}"),)),
            Message(role="tool", tool_call_id="c1", content="Paris"),
            Message(role="developer", content="Be polite."),
            Message(role="user", content="Germany?", name="bob"),
        ]
    )

    await Agent(name="guide", model=model, purpose="Be brief.").run(thread)

    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    assert server.requests[0].body == {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "France?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "Paris"},
            {"role": "developer", "content": "Be polite."},
            {"role": "user", "content": "Germany?", "name": "bob"},
        ],
    }


async def test_the_answer_comes_with_the_providers_count(server: OpenAIServer, model: OpenAIChat) -> None:
    usage = {
        "prompt_tokens": 30,
        "completion_tokens": 20,
        "total_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 16, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    server.will_answer(text("Paris.", usage=usage, model="gpt-4o-2024-11-20"))

    result = await Agent(name="guide", model=model).run(asked())

    assert result.content == "Paris."
    assert result.usage == Usage(
        input_tokens=30, output_tokens=20, cached_tokens=16, reasoning_tokens=12, model="gpt-4o-2024-11-20"
    )


@pytest.mark.parametrize(
    "usage", [None, {}, {"prompt_tokens": None, "completion_tokens": -1, "prompt_tokens_details": 7}]
)
async def test_a_server_that_does_not_count_is_no_error(
    server: OpenAIServer, model: OpenAIChat, usage: dict[str, object] | None
) -> None:
    server.will_answer(text("Paris.", usage=usage))

    result = await Agent(name="guide", model=model).run(asked())

    assert result.usage == (None if usage is None else Usage(model="gpt-4o"))


async def test_tool_calls_are_kept_and_sent_back(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(tool_calls(("c1", "look", '{"where": "France"}'), ("c2", "look", "not json")), text("Paris."))
    agent, thread = Agent(name="guide", model=model), asked()

    answer = (await agent.run(thread)).new_messages[0]
    await agent.run(thread)

    assert answer.tool_calls == (
        ToolCall(id="c1", name="look", arguments='{"where": "France"}'),
        ToolCall(id="c2", name="look", arguments="not json"),
    )
    assert server.requests[1].messages[-1] == to_openai(answer)


async def test_what_a_provider_adds_is_kept_and_sent_back(server: OpenAIServer, model: OpenAIChat) -> None:
    form = {"refusal": "I cannot.", "reasoning_content": "Hm.", "tomorrow": {"n": 12345678901234567890}}
    server.will_answer(completion(form), text("Paris."))
    agent, thread = Agent(name="guide", model=model), asked()

    answer = (await agent.run(thread)).new_messages[0]
    await agent.run(thread)

    assert answer.provider["openai"] == {"role": "assistant", "content": None, **form}
    assert server.requests[1].messages[-1] == {"role": "assistant", "content": None, **form}


async def test_a_plain_answer_is_stored_once_and_not_in_the_providers_form_too(
    server: OpenAIServer, model: OpenAIChat
) -> None:
    server.will_answer(text("Paris."))

    answer = (await Agent(name="guide", model=model).run(asked())).new_messages[0]

    assert answer.provider == {}


async def test_an_empty_answer_does_not_spoil_the_next_turn(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(completion({"content": None}), text("Paris."))
    agent, thread = Agent(name="guide", model=model), asked()

    await agent.run(thread)
    thread.add_message(question("Again?"))

    assert (await agent.run(thread)).content == "Paris."


async def test_what_no_backend_can_store_is_replaced_visibly(server: OpenAIServer, model: OpenAIChat) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a\0": "\ud800"}'}}
    server.will_answer(completion({"content": "a\0b\ud83d", "tool_calls": [call], "thoughts": ["\udc00"]}))

    answer = (await Agent(name="guide", model=model).run(asked())).new_messages[0]

    mark = "\N{REPLACEMENT CHARACTER}"
    assert answer.text == f"a{mark}b{mark}"
    assert answer.tool_calls[0].arguments == f'{{"a{mark}": "{mark}"}}'
    assert answer.provider["openai"]["thoughts"] == [mark]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Welcome</html>",
        b'"text"',
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": "x", "score": NaN}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"id": "c1"}]}}]}',
        b'{"choices": ' + b"[" * 100_000,
    ],
)
async def test_what_is_no_completion_is_a_failure_that_no_retry_mends(
    server: OpenAIServer, model: OpenAIChat, body: bytes
) -> None:
    server.will_answer(Answer(body=body, content_type="text/html" if b"<" in body else "application/json"))
    thread = asked()

    with pytest.raises(ModelFailedError, match=r"something else than a chat completion\. Check base_url=") as caught:
        await Agent(name="guide", model=model).run(thread)

    assert not caught.value.retryable
    assert len(thread.messages) == 1


async def test_an_answer_of_another_role_is_refused(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(completion({"role": "user", "content": "Paris?"}))

    with pytest.raises(ModelFailedError, match="a message of role 'user'"):
        await Agent(name="guide", model=model).run(asked())


async def test_options_are_sent_in_the_words_that_the_server_knows(server: OpenAIServer) -> None:
    server.will_answer(text("Paris."))
    model = OpenAIChat("llama3", base_url=server.base_url, temperature=0, max_tokens=5)

    await Agent(name="guide", model=model).ask("Hi")

    assert server.requests[0].body.items() >= {"model": "llama3", "temperature": 0, "max_tokens": 5}.items()


async def test_tools_are_sent_where_there_are_any(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(text("Paris."))
    tool: dict[str, object] = {
        "type": "function",
        "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
    }

    await model([question()], [tool])

    assert server.requests[0].body["tools"] == [tool]


async def test_without_a_key_one_line_says_what_to_do() -> None:
    agent = Agent(name="guide", model_name="gpt-4o")

    with pytest.raises(ModelSetupError) as caught:
        await agent.ask("Hi")

    assert str(caught.value) == (
        "The model 'gpt-4o' needs an API key. Set OPENAI_API_KEY, or try model_name=\"echo\" without a key, or name a "
        "server of your own: model=OpenAIChat(…, base_url=…)."
    )


async def test_a_key_that_is_set_later_is_found(monkeypatch: pytest.MonkeyPatch, server: OpenAIServer) -> None:
    server.will_answer(text("Paris."))
    agent = Agent(name="guide", model_name="gpt-4o")
    with pytest.raises(ModelSetupError):
        await agent.ask("Hi")

    monkeypatch.setenv("OPENAI_API_KEY", "sk-later\n")
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    await agent.ask("Hi")

    assert server.requests[0].headers["authorization"] == "Bearer sk-later"


async def test_a_server_of_ones_own_needs_no_key(monkeypatch: pytest.MonkeyPatch, server: OpenAIServer) -> None:
    server.will_answer(text("Paris."))
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)

    assert await Agent(name="guide", model_name="openai:llama3").ask("Hi") == "Paris."


async def test_a_key_with_a_strange_character_is_refused_without_being_shown(model: OpenAIChat) -> None:
    broken = OpenAIChat("gpt-4o", api_key="sk-se\ncret")

    with pytest.raises(ModelSetupError) as caught:
        await Agent(name="guide", model=broken).ask("Hi")

    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["localhost:11434", "ftp://host/v1", "http://", "http://[bad/v1", "http://host:99999/v1"]
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(ModelSetupError, match="base_url= is no web address"):
        OpenAIChat("gpt-4o", base_url=url)


async def test_without_the_sdk_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, model: OpenAIChat
) -> None:
    monkeypatch.delitem(sys.modules, "keepthread.agent.models.openai_connection", raising=False)
    monkeypatch.delitem(sys.modules, "keepthread.agent.models.openai_errors", raising=False)
    monkeypatch.setitem(sys.modules, "openai", None)

    with pytest.raises(MissingExtraError, match=r'pip install "keepthread\[openai\]"'):
        await Agent(name="guide", model=model).ask("Hi")


async def test_an_answer_may_hold_any_character(server: OpenAIServer, model: OpenAIChat) -> None:
    answer = text("Grüße aus Zürich 😀")
    server.will_answer(dataclasses.replace(answer, content_type="application/json; charset=utf-8"))

    assert await Agent(name="guide", model=model).ask("Hi") == "Grüße aus Zürich 😀"
