"""What a message takes, refuses and keeps."""

# ruff: noqa: ANN401, DTZ901 - any value is input here, also a naive moment.

import copy
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from keepthread.errors import InvalidAttachment, InvalidError, InvalidMessage
from keepthread.model import (
    Attachment,
    ImagePart,
    ImageUrl,
    Message,
    OtherPart,
    TextPart,
    ToolCall,
    Usage,
)


def user(content: Any = "hello", **fields: Any) -> Message:
    values: dict[str, Any] = {"role": "user", "content": content, **fields}
    return Message(**values)


def test_a_message_needs_only_a_role() -> None:
    message = Message(role="assistant")

    assert (message.content, message.text, message.metadata, message.tool_calls, message.position) == (
        None,
        "",
        {},
        (),
        None,
    )
    assert message.created_at.utcoffset() == timedelta()


def test_two_messages_have_two_ids() -> None:
    assert user().id < user().id


@pytest.mark.parametrize(
    "fields",
    [
        {"role": "villain"},
        {"role": None},
        {"content": 1},
        {"content": b"\xff"},
        {"content": ["a"]},
        {"content": [{"type": "text", "text": 1}]},
        {"content": [{"type": "image_url"}]},
        {"tool_calls": [{"id": "1"}]},
        {"tool_calls": "x"},
        {"metadata": [1]},
        {"metadata": "x"},
        {"role": "tool"},
        {"role": "tool", "tool_call_id": ""},
        {"usage": {"input_tokens": -1}},
        {"unknown": 1},
        {"created_at": "yesterday"},
        {"created_at": datetime.min},
        {"attachments": [b"x"]},
        {"position": "x"},
    ],
    ids=str,
)
def test_what_is_no_message_is_refused_with_our_error(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage) as failure:
        user(**fields)

    assert not isinstance(failure.value, ValidationError)
    assert failure.value.__cause__ is None


def test_a_refusal_names_the_field_and_never_what_it_held() -> None:
    with pytest.raises(InvalidMessage, match=r"^Message\.role: ") as failure:
        user(role="a secret")

    assert "secret" not in str(failure.value)


@pytest.mark.parametrize("name", ["id", "role", "content", "metadata", "position", "created_at"])
def test_fields_are_frozen(name: str) -> None:
    message = user(metadata={"k": [1]})

    with pytest.raises((ValidationError, InvalidError)):
        setattr(message, name, getattr(message, name))


def test_metadata_are_frozen_at_every_level() -> None:
    message = user(metadata={"k": [1, {"x": []}]})

    for change in (lambda: message.metadata.update(x=1), lambda: message.metadata["k"].append(1)):
        with pytest.raises(TypeError, match="edit_message"):
            change()


def test_metadata_are_the_messages_own() -> None:
    metadata = {"k": [1]}
    message = user(metadata=metadata)

    metadata["k"].append(2)

    assert message.metadata == {"k": [1]}


def test_none_is_empty() -> None:
    message = user(metadata=None, provider=None, tool_calls=None, attachments=None)

    assert (message.metadata, message.provider, message.tool_calls, message.attachments) == ({}, {}, (), ())


def test_attributes_are_metadata_under_an_older_name() -> None:
    assert user(attributes={"k": 1}).metadata == user(metadata={"k": 1}).attributes == {"k": 1}


def test_a_moment_is_kept_in_utc() -> None:
    moment = datetime(2024, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    message = user(created_at=moment)

    assert message.created_at == moment
    assert message.created_at.tzinfo is UTC


def test_the_text_of_parts_is_their_text_joined() -> None:
    parts = [TextPart(text="a"), ImagePart(image_url=ImageUrl(url="x")), {"type": "text", "text": "b"}, {"type": "odd"}]

    assert user(parts).text == "a\nb"
    assert (user("a").text, user(None).text, user([]).text) == ("a", "", "")


def test_parts_are_of_the_type_that_they_name() -> None:
    content = user(
        [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "x"}}, {"type": "odd", "z": 1}]
    )

    assert isinstance(content.content, tuple)
    assert [type(part) for part in content.content] == [TextPart, ImagePart, OtherPart]


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": "a"},
        {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}, "annotations": []},
        {"type": "image_url", "image_url": {"url": "x"}},
        {"type": "image_url", "image_url": {"url": "x", "detail": "low", "new": [1]}, "more": None},
        {"type": "input_audio", "input_audio": {"data": "x", "format": "wav"}},
        {"type": "odd", "self": 1, "model_config": 2, "type_": 3},
    ],
    ids=str,
)
def test_a_part_is_given_back_as_it_came(part: dict[str, Any]) -> None:
    content = user([part]).content

    assert isinstance(content, tuple)
    assert [kept.to_json() for kept in content] == [part]


def test_a_part_made_by_hand_says_its_type() -> None:
    assert TextPart(text="a").to_json() == {"type": "text", "text": "a"}
    assert ImagePart(image_url=ImageUrl(url="x")).to_json() == {"type": "image_url", "image_url": {"url": "x"}}
    assert TextPart(text="a") == TextPart.of("a")


def test_an_edit_changes_what_is_said_and_nothing_that_identifies() -> None:
    message = user("a", metadata={"k": 1}, provider={"openai": {"x": 1}})

    edited = message.edited(content="b", name="Ann")

    assert (edited.id, edited.role, edited.created_at, edited.metadata) == (
        message.id,
        "user",
        message.created_at,
        {"k": 1},
    )
    assert (edited.content, edited.name, edited.provider) == ("b", "Ann", {})
    assert message.content == "a"


def test_an_edit_may_bring_a_providers_form() -> None:
    assert user().edited(content="b", provider={"openai": {"x": 2}}).provider == {"openai": {"x": 2}}


@pytest.mark.parametrize(
    "changes", [{"id": "x"}, {"role": "tool"}, {"position": 1}, {"created_at": None}, {"unknown": 1}]
)
def test_what_identifies_a_message_cannot_be_edited(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage, match="cannot be edited"):
        user().edited(**changes)


@pytest.mark.parametrize("changes", [{"content": "\x00"}, {"metadata": {"k": float("nan")}}, {"name": 1}])
def test_an_edit_is_checked_like_a_new_message(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidMessage):
        user().edited(**changes)


def test_a_file_is_added_in_place() -> None:
    message = user()

    message.add_attachment(Attachment(filename="a.txt", content=b"a"))

    assert [attachment.filename for attachment in message.attachments] == ["a.txt"]
    for wrong in (b"a", {"filename": "a.txt"}):
        with pytest.raises(InvalidAttachment):
            message.add_attachment(wrong)  # type: ignore[arg-type] - as an untyped caller


MESSAGES: dict[str, Message] = {
    "text": user(),
    "parts": user([{"type": "text", "text": "a", "x": [1]}, {"type": "odd", "y": {"z": None}}]),
    "values": user(metadata={"k": [1, {"x": None}]}, provider={"p": {"q": [1.0]}}, usage=Usage(input_tokens=1)),
    "calls": Message(role="assistant", tool_calls=(ToolCall(id="1", name="f", arguments="{}"),)),
}

COPIES: dict[str, Callable[[Message], Message]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda m: pickle.loads(pickle.dumps(m)),  # noqa: S301 - our own
    "model_copy": lambda m: m.model_copy(deep=True),
    "dump": lambda m: Message.model_validate(m.model_dump()),
    "json": lambda m: Message.model_validate_json(m.model_dump_json()),
    "fields": lambda m: Message(**m.model_dump()),
}


@pytest.mark.parametrize("kind", MESSAGES)
@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_is_equal(kind: str, copied: str) -> None:
    message = MESSAGES[kind]

    other = COPIES[copied](message)

    assert other == message
    assert other.model_dump() == message.model_dump()


def test_a_message_has_a_json_schema() -> None:
    schema = TypeAdapter(Message).json_schema()

    assert schema["properties"]["metadata"]["type"] == "object"


def test_usage_adds_up() -> None:
    one = Usage(input_tokens=1, output_tokens=2, cached_tokens=1, reasoning_tokens=1, model="a")
    two = Usage(input_tokens=10, output_tokens=20, model="a", estimated=True)

    assert one + two == Usage(
        input_tokens=11, output_tokens=22, cached_tokens=1, reasoning_tokens=1, model="a", estimated=True
    )
    assert (one + Usage(model="b")).model is None
    assert (one + two).total_tokens == 33
