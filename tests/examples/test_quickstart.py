import os
import shutil
from pathlib import Path

import pytest

from keepthread import ThreadStore
from tests.guide.program import run_program
from tests.openai_server import OpenAIServer, text

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example, copied out of the repository; and none of the desk's settings."""
    for variable in os.environ:
        if variable.startswith(("KEEPTHREAD_", "NARRATOR_", "DB_URL", "OPENAI_")):
            monkeypatch.delenv(variable)
    return Path(shutil.copytree(EXAMPLES / "quickstart", tmp_path / "quickstart")) / "quickstart.py"


async def test_the_conversation_goes_on_in_the_next_run(program: Path) -> None:
    first = run_program(program, typed="My name is Ada.\n")
    second = run_program(program, typed="What is my name?\n")

    assert first.startswith("Nice to meet you!\n")
    assert second.startswith("Welcome back! We have 2 messages so far.\n")
    assert "I was sent 4 messages. The last one of a user says: What is my name?" in second
    async with ThreadStore(program.with_name("conversations.db")) as store:
        thread = await store.get_thread("user-123-main")
    assert [message.role for message in thread.messages] == ["user", "assistant"] * 2


def test_a_model_is_named_by_the_environment(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with OpenAIServer() as server:
        server.will_answer(text("Hello, Ada."))
        for setting, value in (
            ("KEEPTHREAD_MODEL", "gpt-4o-mini"),
            ("OPENAI_API_KEY", "sk-test"),
            ("OPENAI_BASE_URL", server.base_url),
        ):
            monkeypatch.setenv(setting, value)

        printed = run_program(program, typed="My name is Ada.\n")

    assert printed.endswith("assistant: Hello, Ada.\n")
    assert server.requests[0].body["model"] == "gpt-4o-mini"


def test_every_example_has_its_place_in_the_index() -> None:
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")

    assert [folder.name for folder in EXAMPLES.iterdir() if folder.is_dir() and f"]({folder.name}/)" not in index] == []
