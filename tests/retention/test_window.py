"""Which frames a window keeps: written out, one fact each."""

from itertools import chain
from typing import cast

import pytest

from keepthread import Message, RetentionPolicy
from keepthread.errors import InvalidSetting
from keepthread.retention import select_window

from .conversations import places, said


def keeping(frames: int | None, tokens: int | None = None) -> RetentionPolicy:
    """A policy that counts a token for each frame."""
    return RetentionPolicy(max_frames=frames, max_tokens=tokens, count_tokens=lambda _: 1)


def test_a_short_conversation_is_kept_whole() -> None:
    window = select_window(said("s u a u a"), keeping(4))

    assert places(window.leading) == [0]
    assert places(window.kept) == [1, 2, 3, 4]
    assert (window.folded, window.omitted, window.exceeds) == ((), (), False)


def test_an_empty_conversation_has_an_empty_window() -> None:
    window = select_window([], keeping(4))

    assert (window.leading, window.folded, window.omitted, window.kept) == ((), (), (), ())
    assert (window.tokens, window.exceeds) == (0, False)


def test_the_oldest_turns_leave_first() -> None:
    window = select_window(said("u a u a u a"), keeping(4))

    assert places(window.folded) == [0, 1]
    assert places(window.kept) == [2, 3, 4, 5]


def test_a_turn_leaves_as_a_whole_though_a_part_of_it_would_fit() -> None:
    window = select_window(said("u a u a u a"), keeping(5))

    assert places(window.kept) == [2, 3, 4, 5]


def test_leading_frames_are_kept_and_not_counted_as_frames() -> None:
    window = select_window(said("s d s u a u a"), keeping(2))

    assert places(window.leading) == [0, 1, 2]
    assert places(window.folded) == [3, 4]
    assert places(window.kept) == [5, 6]


def test_leading_frames_are_counted_as_tokens() -> None:
    window = select_window(said("s d s u a u a"), keeping(None, 6))

    assert places(window.kept) == [5, 6]
    assert window.tokens == 5


def test_a_note_before_a_question_belongs_to_that_question() -> None:
    window = select_window(said("u a s u a"), keeping(3))

    assert places(window.kept) == [2, 3, 4]


def test_a_note_inside_of_a_turn_stays_inside() -> None:
    window = select_window(said("u a u s a"), keeping(4))

    assert places(window.folded) == [0, 1]
    assert places(window.kept) == [2, 3, 4]


def test_a_note_at_the_end_begins_no_turn() -> None:
    assert places(select_window(said("u a u a s"), keeping(3)).kept) == [2, 3, 4]


def test_two_questions_in_a_row_are_two_turns() -> None:
    assert places(select_window(said("u u u u"), keeping(3)).kept) == [1, 2, 3]


def test_a_greeting_before_the_first_question_is_a_turn() -> None:
    window = select_window(said("a u a"), keeping(2))

    assert places(window.folded) == [0]
    assert places(window.kept) == [1, 2]


def test_a_window_never_starts_with_a_result_whose_call_left() -> None:
    window = select_window(said("u A:12 1 2 a u a"), keeping(5))

    assert places(window.folded) == [0, 1, 2, 3, 4]
    assert places(window.kept) == [5, 6]


def test_a_question_between_a_call_and_its_result_parts_neither() -> None:
    window = select_window(said("u a u A:1 u 1 a u a"), keeping(6))

    assert places(window.folded) == [0, 1, 2, 3, 4, 5, 6]
    assert places(window.kept) == [7, 8]


def test_ids_of_calls_may_repeat_in_every_turn() -> None:
    window = select_window(said("u A:1 1 a u A:1 1 a u A:1 1 a"), keeping(9))

    assert places(window.kept) == [4, 5, 6, 7, 8, 9, 10, 11]


def test_a_newest_turn_over_the_limit_keeps_its_question_and_its_last_steps() -> None:
    window = select_window(said("u a u A:1 1 A:23 2 3 A:4 4"), keeping(5))

    assert places(window.folded) == [0, 1]
    assert places(window.kept) == [2, 8, 9]
    assert places(window.omitted) == [3, 4, 5, 6, 7]
    assert not window.exceeds


def test_parallel_calls_are_one_step() -> None:
    window = select_window(said("u A:1 1 A:23 2 3 A:4 4"), keeping(6))

    assert places(window.kept) == [0, 3, 4, 5, 6, 7]


def test_one_step_is_kept_though_it_exceeds_the_limit() -> None:
    window = select_window(said("u A:1 1 A:23 2 3"), keeping(2))

    assert places(window.kept) == [0, 3, 4, 5]
    assert places(window.omitted) == [1, 2]
    assert window.exceeds


def test_a_newest_question_over_the_limit_is_kept_all_the_same() -> None:
    window = select_window(said("u a u"), RetentionPolicy(max_tokens=1))

    assert places(window.kept) == [2]
    assert window.exceeds


def test_a_question_over_the_limit_keeps_the_note_before_it() -> None:
    window = select_window(said("u a d u a a a"), keeping(3))

    assert places(window.kept) == [2, 3, 6]
    assert places(window.omitted) == [4, 5]


def test_leading_frames_over_the_limit_of_tokens_leave_the_newest_step() -> None:
    window = select_window(said("s s s u a u a"), keeping(40, 2))

    assert places(chain(window.leading, window.kept)) == [0, 1, 2, 5, 6]
    assert window.exceeds


def test_a_turn_without_a_question_keeps_its_last_steps() -> None:
    window = select_window(said("s a a a a"), keeping(2))

    assert places(window.kept) == [3, 4]
    assert places(window.omitted) == [1, 2]


def test_a_result_without_a_call_is_never_kept() -> None:
    window = select_window(said("u a u 9 a"), keeping(40))

    assert places(window.kept) == [0, 1, 2, 4]
    assert places(window.omitted) == [3]


def test_a_result_without_a_call_does_not_hold_older_turns() -> None:
    window = select_window(said("u a u 9 a u a"), keeping(4))

    assert places(window.folded) == [0, 1]
    assert places(window.kept) == [2, 4, 5, 6]
    assert places(window.omitted) == [3]


def test_a_result_without_a_call_is_folded_with_its_turn() -> None:
    window = select_window(said("u 9 a u a"), keeping(2))

    assert places(window.folded) == [0, 1, 2]
    assert places(window.kept) == [3, 4]


def test_a_call_that_still_waits_for_its_result_is_kept() -> None:
    assert places(select_window(said("u a u A:12 1"), keeping(3)).kept) == [2, 3, 4]


def test_both_limits_hold() -> None:
    assert places(select_window(said("u a u a u a"), keeping(2, 100)).kept) == [4, 5]
    assert places(select_window(said("u a u a u a"), keeping(100, 2)).kept) == [4, 5]


def test_without_limits_everything_is_kept() -> None:
    assert len(select_window(said("u a " * 500), keeping(None)).kept) == 1_000


def test_nothing_is_folded_that_a_shorter_turn_would_bring_back() -> None:
    frames = said("u a u a u A:1 1 A:2 2 a")
    during = select_window(frames, keeping(4))

    after = select_window(frames[:4], keeping(4))

    assert places(during.folded) == [0, 1, 2, 3]
    assert places(after.kept) == [0, 1, 2, 3]


def test_frames_behind_a_checkpoint_bring_the_leading_ones_along() -> None:
    frames = said("s u a s u a u a")

    window = select_window(frames[3:], keeping(5), leading=frames[:1])

    assert places(window.leading) == [0]
    assert places(window.kept) == [3, 4, 5, 6, 7]


def test_the_tokens_are_an_estimate_unless_the_policy_counts_them() -> None:
    estimated = select_window(said("u a"), RetentionPolicy())
    counted = select_window(said("u a"), keeping(40))

    assert (estimated.is_estimate, estimated.tokens) == (True, 10)
    assert (counted.is_estimate, counted.tokens) == (False, 2)


@pytest.mark.parametrize("count", [-1, 1.5, None, "4"])
def test_a_counter_that_does_not_count_is_refused(count: object) -> None:
    def counter(message: Message) -> int:
        return count  # pyright: ignore[reportReturnType] - what is tested

    with pytest.raises(InvalidSetting, match="count_tokens= must return a whole number, 0 or more"):
        select_window(said("u a"), RetentionPolicy(count_tokens=counter))


def test_the_work_is_that_of_the_window_and_not_of_the_conversation() -> None:
    counted: list[str] = []
    policy = RetentionPolicy(max_frames=40, count_tokens=lambda frame: counted.append(frame.id) or 1)
    # Objects that have nothing of a message: whoever looks at one fails.
    older = cast("list[Message]", [object()] * 9_952)

    window = select_window([*older, *said("u A:1 1 a " * 12)], policy, leading=())

    assert (len(window.folded), len(window.kept)) == (9_960, 40)
    assert len(counted) == len(set(counted)) <= 44
