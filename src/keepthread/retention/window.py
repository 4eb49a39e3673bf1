"""The window: which frames of a conversation a model sees verbatim, and which have left."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from keepthread.model import Message

from .budget import Budget
from .policy import RetentionPolicy
from .turns import leading_frames, opening_of, orphan_results, seams_from_the_end


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A conversation's frames, each in one of four lists, in order. Nothing is removed: the lists say what is seen."""

    leading: tuple[Message, ...]
    """The system and developer frames that it begins with: always kept, and counted by `max_tokens` only."""
    folded: tuple[Message, ...]
    """The whole turns that left; a summary stands for them."""
    omitted: tuple[Message, ...]
    """What is left out behind them: earlier steps of a newest turn that is over the limits by itself, and results of
    calls that never were."""
    kept: tuple[Message, ...]
    """The recent frames, verbatim."""
    tokens: int
    """Of `leading` and `kept`."""
    is_estimate: bool
    """Whether `tokens` is estimated; False where the policy's own counter counted."""
    exceeds: bool
    """Whether `leading` and `kept` are over a limit all the same, because less would be no conversation."""


class _Cut(NamedTuple):
    """What is kept: from `turn` to `opening_end`, and from `resumed` on; for whole turns the three are one."""

    turn: int
    opening_end: int
    resumed: int
    orphans: AbstractSet[int]
    """Results of no call, which are not kept wherever they stand."""


class _Steps(NamedTuple):
    """The steps from `start` to the end."""

    start: int
    tokens: int


def select_window(
    messages: Sequence[Message], policy: RetentionPolicy, *, leading: Sequence[Message] | None = None
) -> Window:
    """Return what *policy* keeps of a conversation, and what has left.

    Kept are as many of the newest turns as fit into both limits, always whole. A newest turn that does not fit by
    itself is kept from its user frame, which is always seen, with as many of its last steps as fit behind it: at least
    one, though that may exceed a limit. A call and its results are one step: no result is kept without its call.

    The work is proportional to what is kept and not to what is given, unless there is a result without a call.

    Args:
        messages: All of them, or those behind a checkpoint, in order.
        leading: The conversation's leading frames, where *messages* begin behind them; None if they begin with them.

    Raises:
        InvalidSetting: The policy's counter returned something else than a count.
    """
    if leading is None:
        count = leading_frames(messages)
        leading, messages = messages[:count], messages[count:]
    budget = Budget(policy, leading)
    cut = _cut(messages, budget, frozenset())
    kept, omitted = _parted(messages, cut)
    tokens = budget.tokens(kept)
    return Window(
        leading=tuple(leading),
        folded=tuple(messages[: cut.turn]),
        omitted=omitted,
        kept=kept,
        tokens=budget.leading_tokens + tokens,
        is_estimate=budget.is_estimate,
        exceeds=not budget.holds(len(kept), tokens),
    )


def _cut(frames: Sequence[Message], budget: Budget, orphans: AbstractSet[int]) -> _Cut:
    newest_turns = start = len(frames)
    tokens = 0
    fits = True
    steps: list[_Steps] = []
    for seam in seams_from_the_end(frames, orphans):
        if fits:
            tokens += budget.tokens(frames[seam.start : start])
            start = seam.start
            steps.append(_Steps(start, tokens))
            fits = budget.holds(len(frames) - start, tokens)
        if fits and seam.is_turn:
            newest_turns = start
        if not fits and newest_turns < len(frames):
            return _Cut(newest_turns, newest_turns, newest_turns, orphans)
        if not fits and seam.is_turn:
            return _within_turn(frames, seam.start, steps, budget, orphans)
    if fits and start == 0:
        return _Cut(0, 0, 0, orphans)
    # Only a result without a call keeps the frames from beginning with a seam. It is searched for here and not before:
    # the search reads every frame, and conversations that an agent wrote have none.
    return _cut(frames, budget, orphan_results(frames))


def _within_turn(
    frames: Sequence[Message], turn: int, steps: Sequence[_Steps], budget: Budget, orphans: AbstractSet[int]
) -> _Cut:
    """Return what is kept of a turn that does not fit: its opening, and the longest of *steps* that fit behind it."""
    opening_end = opening_of(frames, turn)
    tokens = budget.tokens(frames[turn:opening_end])
    resumed = max(steps[0].start, opening_end)
    for step in steps:
        count = opening_end - turn + len(frames) - step.start
        if step.start >= opening_end and budget.holds(count, tokens + step.tokens):
            resumed = step.start
    return _Cut(turn, opening_end, resumed, orphans)


def _parted(frames: Sequence[Message], cut: _Cut) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Return what is kept of *frames* behind the folded ones, and what is omitted."""
    kept: list[Message] = []
    omitted: list[Message] = []
    for index in range(cut.turn, len(frames)):
        is_seen = (index < cut.opening_end or index >= cut.resumed) and index not in cut.orphans
        (kept if is_seen else omitted).append(frames[index])
    return tuple(kept), tuple(omitted)
