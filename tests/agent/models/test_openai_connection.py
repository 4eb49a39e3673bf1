import asyncio
import gc
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from keepthread.agent import Agent, OpenAIChat
from keepthread.agent.models.openai_connection import OpenAIConnection
from tests.openai_server import OpenAIServer, text

ROOT = Path(__file__).parents[3]


@pytest.fixture
def model(server: OpenAIServer) -> OpenAIChat:
    server.otherwise = lambda _request: text("Paris.")
    return OpenAIChat("gpt-4o", base_url=server.base_url)


async def test_calls_share_a_connection(server: OpenAIServer, model: OpenAIChat) -> None:
    agent = Agent(name="guide", model=model)

    await agent.ask("Hi")
    await agent.ask("Hi")

    assert server.connections == 1


async def test_first_calls_at_once_are_all_answered(server: OpenAIServer, model: OpenAIChat) -> None:
    agent = Agent(name="guide", model=model)

    assert await asyncio.gather(*(agent.ask("Hi") for _call in range(8))) == ["Paris."] * 8


async def test_a_closed_model_opens_new_connections(server: OpenAIServer, model: OpenAIChat) -> None:
    agent = Agent(name="guide", model=model)

    await agent.ask("Hi")
    await model.close()
    await model.close()
    await agent.ask("Hi")

    assert server.connections == 2


async def test_a_model_that_was_never_called_can_be_closed() -> None:
    await OpenAIChat("gpt-4o").close()


async def test_an_agent_closes_a_model_that_it_made_itself(
    monkeypatch: pytest.MonkeyPatch, server: OpenAIServer, model: OpenAIChat
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)

    async with Agent(name="guide", model_name="gpt-4o") as agent:
        await agent.ask("Hi")
    await agent.ask("Hi")

    assert server.connections == 2


async def test_an_agent_leaves_a_model_that_it_was_given_to_its_owner(server: OpenAIServer, model: OpenAIChat) -> None:
    async with Agent(name="guide", model=model) as agent:
        await agent.ask("Hi")
    await agent.ask("Hi")

    assert server.connections == 1


async def test_a_model_can_be_closed_from_another_event_loop(server: OpenAIServer, model: OpenAIChat) -> None:
    called, may_end = threading.Event(), threading.Event()

    async def call_and_stay() -> None:
        await Agent(name="guide", model=model).ask("Hi")
        called.set()
        await asyncio.to_thread(may_end.wait)

    thread = threading.Thread(target=lambda: asyncio.run(call_and_stay()))
    thread.start()
    await asyncio.to_thread(called.wait)
    await model.close()
    await asyncio.to_thread(server.wait_until_all_hung_up)
    may_end.set()
    await asyncio.to_thread(thread.join)

    assert await Agent(name="guide", model=model).ask("Hi") == "Paris."


def test_a_model_does_not_keep_event_loops_that_are_closed(model: OpenAIChat) -> None:
    loops: list[weakref.ref[asyncio.AbstractEventLoop]] = []

    async def call() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await Agent(name="guide", model=model).ask("Hi")

    for _loop in range(3):
        asyncio.run(call())
    gc.collect()

    assert [loop() for loop in loops[:2]] == [None, None]


@pytest.mark.parametrize(
    ("base_url", "is_openai"),
    [
        (None, True),
        ("https://api.openai.com/v1", True),
        ("https://eu.api.openai.com/v1", True),
        ("http://localhost:11434/v1", False),
        ("https://example.com/api.openai.com/v1", False),
    ],
)
def test_openai_itself_is_told_from_other_servers(base_url: str | None, *, is_openai: bool) -> None:
    connection = OpenAIConnection(base_url=base_url, api_key="sk-test", timeout_seconds=None, max_retries=0)

    assert connection.is_openai is is_openai


START = """
import asyncio, sys, threading
from keepthread.agent import Agent, OpenAIChat
from keepthread.agent.models.openai_connection import OpenAIConnection
agent = Agent(name="guide", model=OpenAIChat("gpt-4o", base_url=sys.argv[1]))
"""

FORGOTTEN = {
    "once": "print(asyncio.run(agent.ask('Hi')))",
    "in a loop that goes on": """
async def main():
    global agent
    print(await agent.ask("Hi"))
    del agent
    await asyncio.sleep(0)
asyncio.run(main())
""",
    "in one loop after the other": "print(*{asyncio.run(agent.ask('Hi')) for _loop in range(3)})",
    "in the middle of a call": """
async def main():
    running = asyncio.ensure_future(agent.ask("Hi"))
    await asyncio.wait([running], timeout=0.01)
asyncio.run(main())
print("Paris.")
""",
    "in threads": """
threads = [threading.Thread(target=lambda: asyncio.run(agent.ask("Hi"))) for _thread in range(3)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("Paris.")
""",
}


@pytest.mark.parametrize("script", FORGOTTEN.values(), ids=FORGOTTEN.keys())
@pytest.mark.usefixtures("model")
def test_an_agent_that_is_never_closed_neither_hangs_nor_warns(server: OpenAIServer, script: str) -> None:
    command = [sys.executable, "-W", "error", "-c", START + script, server.base_url]

    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Paris.\n", "")


async def test_an_agent_that_nobody_refers_to_leaves_no_open_connection(server: OpenAIServer) -> None:
    server.otherwise = lambda _request: text("Paris.")
    own = OpenAIChat("gpt-4o", base_url=server.base_url)
    cycle: list[object] = [Agent(name="guide", model=own)]
    cycle.append(cycle)  # so that only the garbage collector finds it
    await Agent(name="guide", model=own).ask("Hi")

    del own, cycle
    gc.collect()

    await asyncio.to_thread(server.wait_until_all_hung_up)
