"""What a thread takes, refuses and does with its list."""

# ruff: noqa: ANN401, DTZ901 - any value is input here, also a naive moment.

import copy
import pickle
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from keepthread.errors import InvalidError, InvalidMessage, InvalidThread, MessageNotFound
from keepthread.model import Message, Thread
from keepthread.testing.arrange import say, texts


@pytest.fixture
def thread() -> Thread:
    return Thread(id="t", metadata={"k": [1]}, messages=[say("a"), say("b", role="assistant"), say("c")])


def test_a_thread_needs_nothing() -> None:
    thread = Thread()

    assert (thread.title, thread.metadata, thread.messages, thread.version, thread.archived) == (None, {}, [], 0, False)
    assert thread.id < Thread().id


@pytest.mark.parametrize(
    "fields",
    [
        {"id": ""},
        {"id": "a\nb"},
        {"id": 1},
        {"title": 1},
        {"title": "\x00"},
        {"agent": "\ud800"},
        {"metadata": [1]},
        {"metadata": {"k": float("nan")}},
        {"messages": "x"},
        {"messages": [1]},
        {"messages": None},
        {"archived": "perhaps"},
        {"unknown": 1},
        {"created_at": datetime.min},
    ],
    ids=str,
)
def test_what_is_no_thread_is_refused_with_our_error(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidThread):
        Thread(**fields)


@pytest.mark.parametrize(
    "fields",
    [{"title": "\x00"}, {"title": 1}, {"metadata": {1: 1}}, {"messages": [1]}, {"archived": "perhaps"}, {"id": "x"}],
    ids=str,
)
def test_an_assignment_is_checked_and_leaves_the_thread_as_it_was(thread: Thread, fields: dict[str, Any]) -> None:
    before = thread.model_copy(deep=True)

    for name, value in fields.items():
        with pytest.raises(InvalidThread):
            setattr(thread, name, value)

    assert thread == before


def test_messages_are_a_real_list(thread: Thread) -> None:
    a, b, c = thread.messages

    thread.messages.insert(0, say("first"))
    thread.messages[1:3] = [b]
    del thread.messages[-1]
    thread.messages += [c, a]
    thread.messages.reverse()

    assert texts(thread) == ["a", "c", "b", "first"]
    assert len(thread.messages) == 4
    assert thread.messages[-1].text == "first"


def test_assigned_messages_are_the_very_objects(thread: Thread) -> None:
    messages = thread.messages[1:]

    thread.messages = messages

    assert [id(message) for message in thread.messages] == [id(message) for message in messages]


def test_messages_are_added_and_returned(thread: Thread) -> None:
    message = say("d")

    assert thread.add_message(message) is message
    thread.add_messages(iter([say("e"), say("f")]))

    assert texts(thread) == list("abcdef")


@pytest.mark.parametrize(
    "wrong", [None, "hello", {"role": "user", "content": "a"}, [say("x")]], ids=["None", "text", "dict", "list"]
)
def test_what_is_no_message_is_not_added(thread: Thread, wrong: Any) -> None:
    with pytest.raises(InvalidMessage):
        thread.add_message(wrong)

    assert texts(thread) == ["a", "b", "c"]


def test_a_message_is_edited_in_its_place(thread: Thread) -> None:
    edited = thread.edit_message("b", content="B")

    assert texts(thread) == ["a", "B", "c"]
    assert thread.messages[1] is edited
    with pytest.raises(MessageNotFound):
        thread.edit_message("x", content="X")
    with pytest.raises(InvalidMessage):
        thread.edit_message("a", content="\x00")
    assert texts(thread) == ["a", "B", "c"]


def test_the_last_message_of_a_role_is_found(thread: Thread) -> None:
    found = (thread.last(), thread.last("assistant"), thread.last("user"), thread.last("system"))

    assert [message and message.text for message in found] == ["c", "b", "c", None]
    assert Thread().last() is None


def test_metadata_are_the_threads_own_and_open_to_change() -> None:
    metadata: dict[str, Any] = {"k": [1]}
    thread = Thread(metadata=metadata)

    thread.metadata["k"].append(2)
    thread.metadata.update(x=1)

    assert metadata == {"k": [1]}
    assert thread.metadata == {"k": [1, 2], "x": 1}


def test_attributes_are_metadata_under_an_older_name() -> None:
    values: dict[str, Any] = {"attributes": {"k": 1}}
    thread = Thread(**values)

    thread.attributes["x"] = 2
    assert thread.metadata == {"k": 1, "x": 2}
    thread.attributes = {}
    assert thread.metadata == {}


def test_a_thread_that_was_never_stored_was_never_updated(thread: Thread) -> None:
    assert thread.metadata.get("last_updated") is None
    assert thread.metadata.get("last_updated", "never") == "never"
    with pytest.raises(KeyError):
        _ = thread.metadata["last_updated"]


COPIES: dict[str, Callable[[Thread], Thread]] = {
    "deepcopy": copy.deepcopy,
    "pickle": lambda t: pickle.loads(pickle.dumps(t)),  # noqa: S301 - our own
    "model_copy": lambda t: t.model_copy(deep=True),
    "dump": lambda t: Thread.model_validate(t.model_dump()),
    "json": lambda t: Thread.model_validate_json(t.model_dump_json()),
    "fields": lambda t: Thread(**t.model_dump()),
}


@pytest.mark.parametrize("copied", COPIES)
def test_a_copy_is_equal_and_its_own(thread: Thread, copied: str) -> None:
    other = COPIES[copied](thread)

    assert other.model_dump() == thread.model_dump()
    other.add_message(say("d"))
    other.metadata["k"].append(2)
    assert texts(thread) == ["a", "b", "c"]
    assert thread.metadata == {"k": [1]}


def test_a_threads_messages_are_checked_as_messages() -> None:
    thread = Thread(messages=[Message(role="user", content="a")])

    with pytest.raises(InvalidError) as failure:
        thread.messages = [{"role": "a secret"}]  # type: ignore[list-item] - as an untyped caller
    assert "secret" not in str(failure.value)
