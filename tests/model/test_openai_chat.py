"""To and from OpenAI's chat dicts, without loss."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.errors import InvalidMessage
from keepthread.model import ToolCall, from_openai, to_openai
from keepthread.model.record import decode, encode

from .test_json_values import JSON, TEXT

Strategies = dict[str, st.SearchStrategy[Any]]


def objects(required: Strategies, **optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Dicts with these keys."""
    return st.fixed_dictionaries(required, optional=optional)


CALLS = st.lists(
    objects(
        {
            "id": TEXT,
            "type": st.just("function"),
            "function": objects({"name": TEXT, "arguments": TEXT}, strict=st.booleans()),
        },
        index=st.integers(),
    ),
    max_size=3,
)
PARTS = st.lists(
    objects({"type": st.just("text"), "text": TEXT}, cache_control=JSON)
    | objects({"type": st.just("image_url"), "image_url": objects({"url": TEXT}, detail=st.none() | TEXT)})
    | objects({"type": st.just("input_audio"), "input_audio": JSON}),
    max_size=3,
)
SPOKEN = objects(
    {"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": st.none() | TEXT | PARTS},
    name=TEXT,
    tool_calls=st.none() | CALLS,
    refusal=st.none() | TEXT,
    audio=JSON,
    x=JSON,
)
RESULTS = objects({"role": st.just("tool"), "tool_call_id": TEXT.filter(bool), "content": TEXT | PARTS})
CHATS = SPOKEN | RESULTS

NO_CHATS: list[dict[Any, Any]] = [
    {},
    {"content": "a"},
    {"role": "function", "content": "a"},
    {"role": "user", "content": 1},
    {"role": "user", "content": "\x00"},
    {"role": "tool", "content": "a"},
    {"role": "assistant", "tool_calls": ["x"]},
    {"role": "assistant", "tool_calls": [{}]},
    {"role": "assistant", "tool_calls": [{"id": "1", "function": "f"}]},
    {"role": "assistant", "tool_calls": [{"id": 1, "function": {"name": "f"}}]},
    {"role": "user", "content": "a", "x": {1, 2}},
    {"role": "user", "content": "a", 1: 1},
]


def spelled(value: Any) -> str:  # noqa: ANN401 - any JSON
    """A form in which 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return repr({key: spelled(item) for key, item in sorted(value.items())})  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - any JSON
    if isinstance(value, list | tuple):
        return repr([spelled(item) for item in value])  # pyright: ignore[reportUnknownVariableType] - any JSON
    return repr(value)


@given(CHATS)
def test_a_chat_dict_comes_back_as_it_was(chat: dict[str, Any]) -> None:
    assert spelled(to_openai(from_openai(chat))) == spelled(chat)


@given(CHATS)
def test_it_survives_being_stored(chat: dict[str, Any]) -> None:
    message = decode(encode(from_openai(chat)), 0)

    assert spelled(to_openai(message)) == spelled(chat)


@given(CHATS)
def test_what_was_made_of_a_message_makes_an_equal_message(chat: dict[str, Any]) -> None:
    message = from_openai(chat)

    again = from_openai(to_openai(message), id=message.id, created_at=message.created_at)

    assert again == message


def test_a_plain_dict_needs_no_form_beside_it() -> None:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    chat = {"role": "assistant", "content": None, "tool_calls": [call]}

    message = from_openai(chat)

    assert message.tool_calls == (ToolCall(id="1", name="f", arguments="{}"),)
    assert message.provider == {}


def test_what_we_have_no_word_for_is_kept_beside_it() -> None:
    chat = {"role": "assistant", "content": "no", "refusal": None, "annotations": [{"x": 1}]}

    message = from_openai(chat)

    assert (message.content, message.provider) == ("no", {"openai": chat})
    assert to_openai(message) == chat


def test_an_edit_drops_what_was_kept_beside_it() -> None:
    message = from_openai({"role": "user", "content": "a", "refusal": None})

    assert to_openai(message.edited(content="b")) == {"role": "user", "content": "b"}


def test_fields_of_our_own_are_passed_beside_it() -> None:
    message = from_openai({"role": "user", "content": "a"}, id="m", metadata={"k": 1})

    assert (message.id, message.metadata) == ("m", {"k": 1})


def test_a_custom_tool_is_a_tool_call() -> None:
    chat = {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom", "custom": {"name": "f", "input": "x"}}]}

    message = from_openai(chat)

    assert message.tool_calls == (ToolCall(id="1", name="f", arguments="x"),)
    assert to_openai(message) == chat


@pytest.mark.parametrize("chat", NO_CHATS, ids=str)
def test_what_is_no_chat_message_is_refused(chat: dict[Any, Any]) -> None:
    with pytest.raises(InvalidMessage):
        from_openai(chat)
