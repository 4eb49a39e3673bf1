"""The policy value and its presets."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest

import keepthread
from keepthread import Message, RetentionPolicy, persist_conversation
from keepthread.errors import InvalidSetting
from keepthread.retention.presets import Preset, RetentionOptions


async def shorten(previous: str | None, messages: Sequence[Message]) -> str:
    return ""


def test_the_user_preset_keeps_40_frames_and_drops_older_ones() -> None:
    policy = persist_conversation("user")

    assert (policy.strategy, policy.max_frames) == ("full", 40)


def test_the_agent_preset_keeps_20_frames_and_summarises_older_ones() -> None:
    policy = persist_conversation("agent")

    assert (policy.strategy, policy.max_frames) == ("summary", 20)


def test_the_rest_is_the_same_in_both_presets() -> None:
    user, agent = persist_conversation("user"), persist_conversation("agent")

    assert dataclasses.replace(user, strategy="summary", max_frames=20) == agent
    assert (user.max_tokens, user.store_name, user.isolate_versions) == (None, "default", False)
    assert (user.summarizer, user.summary_characters, user.count_tokens) == (None, 4_000, None)


def test_the_documented_override_gives_what_it_says() -> None:
    policy = persist_conversation("user", max_frames=80, strategy="summary")

    assert (policy.max_frames, policy.strategy) == (80, "summary")


@pytest.mark.parametrize("preset", ["user", "agent"])
def test_every_option_can_be_overridden(preset: Preset) -> None:
    options: dict[str, Any] = {
        "strategy": "summary",
        "max_frames": 7,
        "max_tokens": 900,
        "store_name": "billing",
        "isolate_versions": True,
        "summarizer": shorten,
        "summary_characters": 2_000,
        "count_tokens": lambda message: 1,  # pyright: ignore[reportUnknownLambdaType] - a test of any callable
    }

    policy = persist_conversation(preset, **options)

    assert {field.name for field in dataclasses.fields(RetentionPolicy)} == options.keys()
    assert RetentionOptions.__annotations__.keys() == options.keys()
    assert {name: getattr(policy, name) for name in options} == options


def test_none_lifts_a_limit_of_the_preset() -> None:
    assert persist_conversation("user", max_frames=None).max_frames is None


def test_a_policy_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        persist_conversation("user").max_frames = 3  # pyright: ignore[reportAttributeAccessIssue] - what is tested


def test_the_two_public_names_are_the_package_s() -> None:
    assert keepthread.persist_conversation is persist_conversation
    assert {"persist_conversation", "RetentionPolicy"} <= set(keepthread.__all__)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategy": "summmary"}, r'strategy must be "full" or "summary", not \'summmary\'. Did you mean "summary"\?'),
        ({"strategy": None}, 'strategy must be "full" or "summary", not None.'),
        ({"max_frames": 0}, "max_frames= must be at least 1. max_frames=None sets no limit."),
        ({"max_frames": -1}, "max_frames= must be at least 1."),
        ({"max_frames": True}, "max_frames= must be a number or None, not bool."),
        ({"max_frames": "40"}, "max_frames= must be a number or None, not str."),
        ({"max_frames": 2.5}, "max_frames= must be a number or None, not float."),
        ({"max_tokens": 0}, "max_tokens= must be at least 1."),
        ({"store_name": ""}, "store_name is empty."),
        ({"store_name": "a\nb"}, "store_name holds a control character."),
        ({"store_name": None}, "store_name must be text, not NoneType."),
        ({"isolate_versions": "yes"}, "isolate_versions= must be True or False."),
        ({"summary_characters": 999}, "summary_characters= must be a whole number of at least 1000."),
        ({"summary_characters": 1e4}, "summary_characters= must be a whole number"),
        ({"strategy": "summary", "summarizer": "gpt-4o"}, r"summarizer= must be an async callable .*, not str."),
        ({"summarizer": shorten}, "summarizer= has nothing .* strategy='full'. Add strategy=\"summary\"."),
        ({"count_tokens": 4}, "count_tokens= must be a callable that takes a message, not int."),
    ],
)
def test_what_has_no_meaning_is_refused_with_the_remedy(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        persist_conversation("user", **options)
    with pytest.raises(InvalidSetting, match=message):
        RetentionPolicy(**options)


@pytest.mark.parametrize("preset", ["usr", "User", " user "])
def test_an_unknown_preset_is_refused_and_the_nearest_named(preset: Preset) -> None:
    with pytest.raises(InvalidSetting, match=r'The preset must be "user" or "agent", .* Did you mean "user"\?'):
        persist_conversation(preset)


def test_a_preset_that_is_no_text_is_refused() -> None:
    with pytest.raises(InvalidSetting, match='The preset must be "user" or "agent", not None'):
        persist_conversation(None)  # pyright: ignore[reportArgumentType] - callers without a type checker


def test_names_in_camel_case_are_not_known() -> None:
    with pytest.raises(TypeError, match="maxFrames"):
        persist_conversation("user", maxFrames=80)  # pyright: ignore[reportCallIssue] - what is tested
