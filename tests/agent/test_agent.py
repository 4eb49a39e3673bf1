import subprocess
import sys
from typing import Any, cast

import pytest

from keepthread.agent import Agent, EchoModel, OpenAIChat
from keepthread.errors import InvalidSetting, ModelSetupError

from .conversations import paris


def test_model_and_model_name_are_two_words_for_one_thing() -> None:
    by_model, by_model_name = Agent(name="a", model=paris), Agent(name="a", model_name=paris)

    assert by_model.model is by_model_name.model is paris


def test_purpose_and_system_prompt_are_two_words_for_one_thing() -> None:
    by_purpose, by_prompt = Agent(name="a", model="echo", purpose="P"), Agent(name="a", model="echo", system_prompt="P")

    assert (by_purpose.purpose, by_purpose.system_prompt) == (by_prompt.purpose, by_prompt.system_prompt) == ("P", "P")


def test_both_words_may_say_the_same() -> None:
    agent = Agent(name="a", model="echo", model_name="echo", purpose="P", system_prompt="P")

    assert agent.purpose == "P"


@pytest.mark.parametrize(
    "words", [{"model": "echo", "model_name": "gpt-4o"}, {"model": "echo", "purpose": "P", "system_prompt": "Q"}]
)
def test_two_words_that_differ_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting, match="two words for one thing"):
        Agent(name="a", **words)


def test_a_name_becomes_a_model_at_once() -> None:
    assert isinstance(Agent(name="a", model_name="echo").model, EchoModel)
    assert isinstance(Agent(name="a", model_name="gpt-4o").model, OpenAIChat)


def test_an_unknown_model_is_refused_at_construction() -> None:
    with pytest.raises(ModelSetupError, match=r"'gtp-4o'.*'gpt-4o'"):
        Agent(name="a", model_name="gtp-4o")


def test_an_agent_without_a_model_is_refused() -> None:
    with pytest.raises(ModelSetupError, match=r"no model\. .*echo"):
        Agent(name="a")


@pytest.mark.parametrize("no_model", [EchoModel, 7, {"model": "gpt-4o"}])
def test_what_cannot_be_called_as_a_model_is_refused(no_model: object) -> None:
    with pytest.raises(ModelSetupError, match="is no model"):
        Agent(name="a", model=cast("Any", no_model))


@pytest.mark.parametrize("name", ["", "a\nb", "\ud800", "x" * 256])
def test_a_name_that_cannot_be_stored_is_refused(name: str) -> None:
    with pytest.raises(InvalidSetting, match=r"Agent\.name"):
        Agent(name=name, model="echo")


def test_a_purpose_with_a_nul_is_refused() -> None:
    with pytest.raises(InvalidSetting, match=r"Agent\.purpose"):
        Agent(name="a", model="echo", purpose="be\0nice")


def test_creating_an_agent_imports_no_sdk_and_no_driver() -> None:
    script = """
import sys
from keepthread.agent import Agent
Agent(name="a", model_name="gpt-4o")
print(sorted({"openai", "httpx2", "sqlite3", "asyncpg", "asyncmy"} & sys.modules.keys()))
"""

    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True).stdout

    assert printed == "[]\n"
