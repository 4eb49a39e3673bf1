import pytest

from keepthread.conversation.calls import awaiting, check_next, check_whole, tail_from_last, unanswered
from keepthread.errors import InvalidMessage
from keepthread.model import Message, ToolCall


def question() -> Message:
    return Message(role="user", content="q")


def calls(*ids: str) -> Message:
    return Message(role="assistant", tool_calls=tuple(ToolCall(id=each, name="look") for each in ids))


def result(call_id: str) -> Message:
    return Message(role="tool", tool_call_id=call_id, content="r")


def test_a_call_waits_until_its_result_is_there() -> None:
    frames = [calls("1", "2"), result("2"), calls("3")]

    assert unanswered(frames) == ["1", "3"]
    with pytest.raises(InvalidMessage, match="'1'"):
        check_whole(frames)
    check_whole([*frames, result("3"), result("1")])


@pytest.mark.parametrize("message", [result("1"), calls("1"), calls("2", "2")], ids=["result", "call", "twice"])
def test_a_result_without_a_call_and_a_call_twice_are_refused(message: Message) -> None:
    with pytest.raises(InvalidMessage, match="Nothing was written"):
        check_next([calls("1"), result("1")], message)


def test_a_further_call_goes_to_calls_that_nothing_answered() -> None:
    both = calls("1", "2")

    assert awaiting([question(), both]) is both
    assert awaiting([both, result("1")]) is awaiting([question()]) is awaiting([]) is None


def test_what_is_taken_back_leaves_no_call_without_its_result() -> None:
    frames = [question(), calls("1"), calls("2"), result("2"), question(), result("1"), calls("3"), result("3")]

    assert tail_from_last(frames, "tool") == frames[6:]
    assert tail_from_last(frames[:6], "tool") == frames[1:6]
    assert tail_from_last(frames[:6], "user") == frames[1:6]
    assert tail_from_last(frames, None) == frames[6:]
