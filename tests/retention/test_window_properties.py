"""What holds of the window of every conversation, whatever stands in it."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain, pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from keepthread import Message, RetentionPolicy
from keepthread.retention import Window, select_window

from .conversations import CONVERSATION, TURN


def size(message: Message) -> int:
    return 1 + len(message.text) % 7


POLICY = st.builds(
    RetentionPolicy,
    max_frames=st.none() | st.integers(1, 30),
    max_tokens=st.none() | st.integers(1, 100),
    count_tokens=st.just(size),
)
PREFACE = ("system", "developer")


def ids(frames: Sequence[Message]) -> list[str]:
    return [frame.id for frame in frames]


def calls_by_result(frames: Sequence[Message]) -> dict[int, int]:
    """The nearest call before each result, by their places; a result that no call stands before is not in it."""
    called: dict[str | None, int] = {}
    pairs: dict[int, int] = {}
    for place, frame in enumerate(frames):
        if frame.role == "tool" and frame.tool_call_id in called:
            pairs[place] = called[frame.tool_call_id]
        called.update((call.id, place) for call in frame.tool_calls)
    return pairs


def turn_starts(frames: Sequence[Message]) -> list[int]:
    """Where turns begin, as docs/retention.md defines it: forwards, and as slowly as one likes."""
    starts: list[int] = []
    for place in range(len(frames)):
        rest = [frame.role for frame in frames[place:] if frame.role not in PREFACE]
        notes = next((n for n, frame in enumerate(frames[place:]) if frame.role not in PREFACE), len(frames))
        asks = rest[:1] == ["user"] and (place == 0 or frames[place - 1].role not in PREFACE)
        parts = any(call < place <= result for result, call in calls_by_result(frames).items())
        if (place == 0 or (asks and notes < len(frames))) and not parts:
            starts.append(place)
    return starts


def without_orphans(frames: Sequence[Message]) -> list[Message]:
    answered = calls_by_result(frames)
    return [frame for place, frame in enumerate(frames) if frame.role != "tool" or place in answered]


def opening_of(turn: Sequence[Message]) -> list[Message]:
    """The question, and the notes before it."""
    place = next((place for place, frame in enumerate(turn) if frame.role not in PREFACE), 0)
    return list(turn[: place + 1]) if turn[place].role == "user" else []


def fits(policy: RetentionPolicy, leading: Sequence[Message], kept: Sequence[Message]) -> bool:
    tokens = sum(map(size, [*leading, *kept]))
    return (policy.max_frames is None or len(kept) <= policy.max_frames) and (
        policy.max_tokens is None or tokens <= policy.max_tokens
    )


def behind_leading(conversation: Sequence[Message], window: Window) -> Sequence[Message]:
    return conversation[len(window.leading) :]


@given(CONVERSATION, POLICY)
def test_every_frame_is_in_one_list_and_in_order(conversation: list[Message], policy: RetentionPolicy) -> None:
    window = select_window(conversation, policy)
    order = {frame.id: place for place, frame in enumerate(conversation)}

    lists = [window.leading, window.folded, window.omitted, window.kept]

    assert Counter(ids([frame for part in lists for frame in part])) == Counter(ids(conversation))
    assert all([order[i] for i in ids(part)] == sorted(order[i] for i in ids(part)) for part in lists)
    assert [*window.leading, *window.folded] == conversation[: len(window.leading) + len(window.folded)]
    assert all(frame.role in PREFACE for frame in window.leading)


@given(CONVERSATION, POLICY)
def test_no_result_is_kept_without_its_call_and_no_call_without_its_results(
    conversation: list[Message], policy: RetentionPolicy
) -> None:
    window = select_window(conversation, policy)
    where = {frame.id: name for name in ("folded", "omitted", "kept") for frame in getattr(window, name)}
    frames = behind_leading(conversation, window)
    pairs = calls_by_result(frames)

    assert all(where[frames[result].id] == where[frames[call].id] for result, call in pairs.items())
    orphans = {frame.id for place, frame in enumerate(frames) if frame.role == "tool" and place not in pairs}
    assert not orphans & set(ids(window.kept))


@given(CONVERSATION, POLICY)
def test_the_limits_hold_unless_the_window_says_that_they_do_not(
    conversation: list[Message], policy: RetentionPolicy
) -> None:
    window = select_window(conversation, policy)

    assert window.exceeds == (not fits(policy, window.leading, window.kept))
    assert window.tokens == sum(map(size, [*window.leading, *window.kept]))


@given(CONVERSATION, POLICY)
def test_kept_are_as_many_whole_turns_as_fit_and_at_least_the_newest(
    conversation: list[Message], policy: RetentionPolicy
) -> None:
    window = select_window(conversation, policy)
    whole = behind_leading(conversation, window)
    frames = without_orphans(whole)
    # Where a result of no call stands among the notes before a question, they may begin a turn, or those behind it.
    assume(not any(a.role in PREFACE and b not in frames for a, b in pairwise(whole)))
    starts = turn_starts(frames)

    fitting = [start for start in starts if fits(policy, window.leading, frames[start:])]

    if fitting:
        assert list(window.kept) == frames[fitting[0] :]
    elif frames:
        assert without_orphans(window.folded) == frames[: starts[-1]]


@given(CONVERSATION, POLICY)
def test_a_newest_turn_that_does_not_fit_keeps_its_question_and_its_last_steps(
    conversation: list[Message], policy: RetentionPolicy
) -> None:
    window = select_window(conversation, policy)
    turn = without_orphans(behind_leading(conversation, window)[len(window.folded) :])
    if not turn or fits(policy, window.leading, turn):
        return

    opening = opening_of(turn)
    inner = calls_by_result(turn)
    seams = [n for n in range(len(opening), len(turn)) if not any(call < n <= end for end, call in inner.items())]
    choices = [[*opening, *turn[n:]] for n in seams] or [opening]
    fitting = [choice for choice in choices if fits(policy, window.leading, choice)]

    assert list(window.kept) == (fitting[0] if fitting else choices[-1])


@given(CONVERSATION, POLICY)
def test_a_window_of_a_window_is_the_same(conversation: list[Message], policy: RetentionPolicy) -> None:
    window = select_window(conversation, policy)

    again = select_window(window.kept, policy, leading=window.leading)

    assert (again.kept, again.folded, again.omitted) == (window.kept, (), ())
    assert (again.tokens, again.exceeds) == (window.tokens, window.exceeds)


@given(st.lists(TURN, max_size=8), st.lists(TURN, max_size=8), POLICY)
def test_a_turn_that_left_does_not_come_back_and_need_not_be_loaded_again(
    earlier: list[list[Message]], later: list[list[Message]], policy: RetentionPolicy
) -> None:
    first, more = [*chain(*earlier)], [*chain(*later)]
    before = select_window(first, policy, leading=())

    after = select_window([*first, *more], policy, leading=())
    continued = select_window([*first[len(before.folded) :], *more], policy, leading=())

    assert after.folded[: len(before.folded)] == before.folded
    assert (continued.kept, continued.omitted) == (after.kept, after.omitted)
    assert (*before.folded, *continued.folded) == after.folded
