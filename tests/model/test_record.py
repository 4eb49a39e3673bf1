"""A message as a row. What is stored once must be read for ever: the golden values never change."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepthread.errors import CorruptError
from keepthread.model import Attachment, Message, ToolCall, Usage
from keepthread.model.record import Record, decode, digest_of, encode

from .test_json_values import JSON, TEXT

MOMENT = datetime(2024, 1, 1, tzinfo=UTC)

VALUES = (
    '{"metadata":{"a":{"é":-0.0},"b":[1,1.0,true,null]},"provider":{"p":{"n":1180591620717411303424}},'
    '"usage":{"input_tokens":1,"model":"gpt"}}'
)

GOLDEN: dict[str, tuple[Message, str, str]] = {
    "text": (
        Message(id="m1", role="user", content="hello", created_at=MOMENT),
        "{}",
        "f8b8442ef6e8abe1145ffcf6f66c42e3",
    ),
    "no content": (Message(id="m2", role="assistant", created_at=MOMENT), "{}", "283b98c87a96aa0234c7a38ae0d8738b"),
    "unicode": (
        Message(id="é", role="system", content="日本 😀\n", name="Ann", created_at=MOMENT),
        '{"name":"Ann"}',
        "c4f839f8d9ba143f5e0e812bff7142dd",
    ),
    "a call": (
        Message(
            id="m4", role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments='{"x":1}'),), created_at=MOMENT
        ),
        '{"tool_calls":[{"arguments":"{\\"x\\":1}","id":"c","name":"f"}]}',
        "431936914f7819b7510ec797083341d0",
    ),
    "a result": (
        Message(id="m5", role="tool", tool_call_id="c", content="1", created_at=MOMENT),
        '{"tool_call_id":"c"}',
        "edabe2c0682fead470852c4c3a69c00e",
    ),
    "values": (
        Message(
            id="m6",
            role="user",
            content="",
            metadata={"b": [1, 1.0, True, None], "a": {"é": -0.0}},
            provider={"p": {"n": 2**70}},
            usage=Usage(input_tokens=1, model="gpt"),
            created_at=MOMENT,
        ),
        VALUES,
        "cd3b4e4e19018a8db5ab0b64e1fdb2dc",
    ),
    "parts": (
        Message.model_validate(
            {
                "id": "m7",
                "role": "user",
                "content": [{"type": "text", "text": "a"}, {"type": "odd", "z": 1, "a": 2}],
                "created_at": MOMENT,
            }
        ),
        '{"parts":[{"text":"a","type":"text"},{"a":2,"type":"odd","z":1}]}',
        "73add9c1a13a82527a8a919cde3977b3",
    ),
    "a file": (
        Message(
            id="m8",
            role="user",
            content="see",
            attachments=(
                Attachment(
                    filename="a.txt", mime_type="text/plain", detected_type="text/plain", sha256="0" * 64, size=3
                ),
            ),
            created_at=MOMENT,
        ),
        '{"attachments":[{"detected_type":"text/plain","filename":"a.txt","mime_type":"text/plain","sha256":"'
        + "0" * 64
        + '","size":3}]}',
        "907c691009cf4a8d932524afafedcac6",
    ),
}
"""A message, its extra and its digest in hexadecimal, as the first release stored them."""


@pytest.mark.parametrize("kind", GOLDEN)
def test_a_stored_row_never_changes(kind: str) -> None:
    message, extra, digest = GOLDEN[kind]

    record = encode(message)

    assert (record.extra, record.digest.hex()) == (extra, digest)
    assert record.created_at == 1_704_067_200_000_000


@pytest.mark.parametrize("kind", GOLDEN)
def test_a_stored_row_is_read_as_the_message_that_it_was(kind: str) -> None:
    message, extra, digest = GOLDEN[kind]
    content = message.text if isinstance(message.content, tuple) else message.content

    row = Record(message.id, message.role, content, extra, bytes.fromhex(digest), 1_704_067_200_000_000, 0)

    assert decode(row, None) == message


MESSAGES = st.builds(
    Message.model_validate,
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "developer", "user", "assistant"]), "content": st.none() | TEXT},
        optional={
            "name": TEXT,
            "metadata": st.dictionaries(TEXT, JSON, max_size=3),
            "provider": st.dictionaries(TEXT, JSON, max_size=3),
            "tool_calls": st.lists(st.builds(ToolCall, id=TEXT, name=TEXT, arguments=TEXT), max_size=2),
            "usage": st.builds(Usage, input_tokens=st.integers(0), model=st.none() | TEXT, estimated=st.booleans()),
        },
    ),
)


@given(MESSAGES)
def test_a_message_survives_as_a_row(message: Message) -> None:
    record = encode(message)

    again = decode(record, 7)

    assert again == message.at(7, ())
    assert encode(again) == record
    assert json.dumps(again.model_dump(mode="json"), sort_keys=True) == json.dumps(
        message.model_dump(mode="json"), sort_keys=True
    )


@given(MESSAGES)
def test_the_digest_is_of_the_row_alone(message: Message) -> None:
    record = encode(message)

    assert record.digest == digest_of(record.id, record.role, record.content, record.extra)
    assert encode(message.trusted({**vars(message), "position": 9, "created_at": MOMENT})).digest == record.digest


def test_text_cannot_move_from_one_field_to_the_next_unseen() -> None:
    digests = {
        digest_of(*fields)
        for fields in [
            ("ab", "c", "d", "e"),
            ("a", "bc", "d", "e"),
            ("ab", "cd", "", "e"),
            ("ab", "c", "de", ""),
            ("ab", "c", None, "de"),
            ("ab", "c", "", "de"),
            ("ab", "c", "d\n", "e"),
            ("1 1 1 1\nab", "c", "d", "e"),
        ]
    }

    assert len(digests) == 8


def row(**changes: Any) -> Record:
    return encode(Message(id="m", role="user", content="a", metadata={"k": 1}))._replace(**changes)


@pytest.mark.parametrize(
    "extra",
    [
        *("", "{", "1", "null", '{"parts":1}', '{"parts":[1]}', '{"parts":[{}]}', '{"usage":{"odd":1}}'),
        *(
            '{"attachments":[{}]}',
            '{"tool_calls":[1]}',
            '{"metadata":1}',
            '{"metadata":{"k":1}',
            '{"parts":[{"type":"text"}]}',
        ),
        *('{"metadata":[]}', '{"provider":null}'),
    ],
)
def test_a_damaged_row_is_named_and_never_guessed_at(extra: str) -> None:
    with pytest.raises(CorruptError, match="'m'"):
        decode(row(extra=extra), 0)
