import asyncio
import dataclasses
import socket

import pytest

from keepthread.agent import Agent, OpenAIChat
from keepthread.errors import ModelError, ModelFailedError, ModelSetupError
from tests.agent.conversations import asked
from tests.openai_server import Answer, OpenAIServer, dropped, refused, text

KEY = "sk-test-very-secret"


@pytest.fixture
def model(server: OpenAIServer) -> OpenAIChat:
    return OpenAIChat("gpt-4o", base_url=server.base_url, api_key=KEY, max_retries=0)


async def failure_of(model: OpenAIChat) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await Agent(name="guide", model=model).run(asked("my secret question"))
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "kind", "retryable"),
    [
        (400, "context_length_exceeded", ModelFailedError, False),
        (401, "invalid_api_key", ModelSetupError, False),
        (403, "unsupported_country_region_territory", ModelSetupError, False),
        (404, "model_not_found", ModelSetupError, False),
        (409, "conflict", ModelFailedError, True),
        (413, "too_large", ModelFailedError, False),
        (422, "unprocessable", ModelFailedError, False),
        (429, "rate_limit_exceeded", ModelFailedError, True),
        (500, "server_error", ModelFailedError, True),
        (503, "overloaded", ModelFailedError, True),
    ],
)
async def test_an_error_of_the_server_says_what_it_is_and_whether_a_retry_helps(
    server: OpenAIServer, model: OpenAIChat, status: int, code: str, kind: type[ModelError], *, retryable: bool
) -> None:
    server.will_answer(refused(status, code))

    failure = await failure_of(model)

    assert type(failure) is kind
    assert failure.retryable is retryable
    assert f"refused a request for 'gpt-4o': {status} {code}." in str(failure)


async def test_neither_the_key_nor_the_conversation_is_in_an_error(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(refused(401, KEY, f"Incorrect API key {KEY} for 'my secret question'"))

    failure = await failure_of(model)

    assert str(failure).endswith("401 invalid_request_error. Check OPENAI_API_KEY, or api_key=.")
    assert "secret" not in str(failure)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "Bad Request"),
        (b"<html>my secret question</html>", "Bad Request"),
        (b'{"error": "my secret question"}', "Bad Request"),
        (b'{"error": {"message": "no", "code": 7, "type": null}}', "Bad Request"),
        (b'{"message": "no", "type": "BadRequestError"}', "BadRequestError"),
    ],
)
async def test_an_error_in_another_form_is_told_by_its_status(
    server: OpenAIServer, model: OpenAIChat, body: bytes, reason: str
) -> None:
    server.will_answer(Answer(status=400, body=body, headers={"x-should-retry": "false"}))

    assert f"400 {reason}." in str(await failure_of(model))


async def test_the_status_that_no_one_knows_is_an_error_as_well(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(dataclasses.replace(refused(599), body=b""))

    failure = await failure_of(model)

    assert "599 for a reason of its own." in str(failure)
    assert failure.retryable


async def test_a_connection_that_breaks_may_be_tried_again(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(dropped())

    failure = await failure_of(model)

    assert type(failure) is ModelFailedError
    assert "127.0.0.1" in str(failure)
    assert "broke off the connection" in str(failure)
    assert failure.retryable


async def test_a_server_that_is_not_there_may_be_tried_again() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        failure = await failure_of(OpenAIChat("llama3", base_url=f"http://127.0.0.1:{port}/v1", max_retries=0))

    assert f"127.0.0.1:{port} cannot be reached" in str(failure)
    assert failure.retryable


async def test_a_password_in_the_address_is_not_shown() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://bob:hunter2@127.0.0.1:{unused.getsockname()[1]}/v1"
        failure = await failure_of(OpenAIChat("llama3", base_url=url, max_retries=0))

    assert "hunter2" not in str(failure)


async def test_a_server_that_takes_too_long_may_be_tried_again(server: OpenAIServer) -> None:
    server.will_answer(dataclasses.replace(text("late"), after=server.gate()))
    model = OpenAIChat("gpt-4o", base_url=server.base_url, timeout_seconds=0.2, max_retries=0)

    failure = await failure_of(model)

    assert "did not answer in time" in str(failure)
    assert failure.retryable


async def test_a_slow_answer_is_waited_for(server: OpenAIServer, model: OpenAIChat) -> None:
    gate = server.gate()
    server.will_answer(dataclasses.replace(text("at last"), after=gate))

    asking = asyncio.ensure_future(Agent(name="guide", model=model).ask("Hi"))
    await asyncio.to_thread(server.wait_for_requests, 1)
    gate.set()

    assert await asking == "at last"


async def test_the_sdk_repeats_what_failed_for_a_passing_reason(server: OpenAIServer) -> None:
    server.will_answer(refused(429, is_final=False), refused(500, is_final=False), text("Paris."))

    assert await Agent(name="guide", model=OpenAIChat("gpt-4o", base_url=server.base_url)).ask("Hi") == "Paris."


async def test_a_call_that_is_cancelled_leaves_the_thread_as_it_was(server: OpenAIServer, model: OpenAIChat) -> None:
    server.will_answer(dataclasses.replace(text("late"), after=server.gate()))
    thread = asked()

    running = asyncio.ensure_future(Agent(name="guide", model=model).run(thread))
    await asyncio.to_thread(server.wait_for_requests, 1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert len(thread.messages) == 1
