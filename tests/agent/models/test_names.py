import pytest

from keepthread.agent import EchoModel, OpenAIChat, ScriptedModel
from keepthread.agent.models import named_model
from keepthread.errors import ModelSetupError


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("gpt-4", "gpt-4"),
        ("gpt-3.5-turbo", "gpt-3.5-turbo"),
        ("gpt-4o-2024-11-20", "gpt-4o-2024-11-20"),
        ("o1", "o1"),
        ("o3-mini", "o3-mini"),
        ("o4-mini", "o4-mini"),
        ("chatgpt-4o-latest", "chatgpt-4o-latest"),
        ("openai:gpt-4o-mini", "gpt-4o-mini"),
        ("openai/gpt-4o-mini", "gpt-4o-mini"),
        ("openai:meta-llama/Llama-3:8b", "meta-llama/Llama-3:8b"),
        ("openai:ft:gpt-4o:acme::1", "ft:gpt-4o:acme::1"),
    ],
)
def test_openai_models_are_known_by_their_names(name: str, sent: str) -> None:
    model = named_model(name)

    assert isinstance(model, OpenAIChat)
    assert model.model == sent


def test_models_without_a_network_are_asked_for_by_name() -> None:
    assert isinstance(named_model("echo"), EchoModel)
    assert isinstance(named_model("scripted:no-such-file-yet.txt"), ScriptedModel)


@pytest.mark.parametrize(
    ("name", "near"),
    [("gtp-4o", "gpt-4o"), ("GPT-4o", "gpt-4o"), ("gpt4", "gpt-4"), ("ehco", "echo")],
)
def test_a_misspelt_name_is_refused_with_the_nearest_ones(name: str, near: str) -> None:
    with pytest.raises(ModelSetupError, match=f"Did you mean .*'{near}'"):
        named_model(name)


@pytest.mark.parametrize("name", ["", "scripted:", "openai:", "gpt-4o mini", "ollama:llama3.2", "claude-opus", "demo"])
def test_a_name_that_stands_for_nothing_is_refused_with_what_is_understood(name: str) -> None:
    with pytest.raises(ModelSetupError, match=r"Understood are echo, scripted:FILE, gpt-….*openai:NAME"):
        named_model(name)
