from pathlib import Path

from keepthread import ThreadStore
from tests.openai_server import OpenAIServer, text

from .program import run_program
from .running import source

CONTINUED = """\
    thread.add_message(Message(role="user", content=input()))
    result = await agent.run(thread)
    print(result.content)

asyncio.run(main())
"""
"""Where the quick start stops and says that the conversation continues, it is continued, by one message a run."""


def write_program(folder: Path, *, model: str) -> Path:
    code = source("quick_start").replace("    # Continue the conversation...\n", CONTINUED).replace("gpt-4", model)
    program = folder / "quick_start.py"
    program.write_text(code, encoding="utf-8")
    return program


async def test_the_first_run_greets_and_the_second_one_remembers(tmp_path: Path) -> None:
    program = write_program(tmp_path, model="echo")

    first = run_program(program, typed="One.")
    second = run_program(program, typed="Two.")

    assert first.splitlines()[0] == "Nice to meet you!"
    assert second.splitlines()[0] == "Welcome back!"
    async with ThreadStore(tmp_path / "conversations.db") as store:
        thread = await store.get_thread("user-123-main")
    assert [message.role for message in thread.messages] == ["user", "assistant"] * 2
    assert [thread.messages[0].content, thread.messages[2].content] == ["One.", "Two."]


def test_with_a_real_client_the_model_is_sent_what_was_said_in_the_run_before(
    tmp_path: Path, server: OpenAIServer
) -> None:
    program = write_program(tmp_path, model="gpt-4")
    server.will_answer(text("First."), text("Second."))

    run_program(program, typed="One.")
    second = run_program(program, typed="Two.")

    assert second.splitlines() == ["Welcome back!", "Second."]
    assert server.requests[1].body["model"] == "gpt-4"
    assert server.requests[1].messages == [
        {"role": "system", "content": "To be a helpful assistant that maintains conversation history"},
        {"role": "user", "content": "One."},
        {"role": "assistant", "content": "First."},
        {"role": "user", "content": "Two."},
    ]
