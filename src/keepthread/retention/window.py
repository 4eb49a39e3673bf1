"""The window: which frames of a conversation a model sees verbatim, and which have left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    cut = _cut(messages, budget)
    if cut is None:
        return _around_orphans(messages, policy, leading)
    kept = (*messages[cut.turn : cut.opening_end], *messages[cut.resumed :])
    tokens = budget.tokens(kept)
    return Window(
        leading=tuple(leading),
        folded=tuple(messages[: cut.turn]),
        omitted=tuple(messages[cut.opening_end : cut.resumed]),
        kept=kept,
        tokens=budget.leading_tokens + tokens,
        is_estimate=budget.is_estimate,
        exceeds=not budget.holds(len(kept), tokens),
    )


def _cut(frames: Sequence[Message], budget: Budget) -> _Cut | None:
    """Return what is kept of *frames*; None if there is a result without a call among them, which no cut can spare."""
    newest_turns = start = len(frames)
    tokens = 0
    fits = True
    steps: list[_Steps] = []
    for seam in seams_from_the_end(frames):
        if fits:
            tokens += budget.tokens(frames[seam.start : start])
            start = seam.start
            steps.append(_Steps(start, tokens))
            fits = budget.holds(len(frames) - start, tokens)
        if fits and seam.is_turn:
            newest_turns = start
        if not fits and newest_turns < len(frames):
            return _Cut(newest_turns, newest_turns, newest_turns)
        if not fits and seam.is_turn:
            return _within_turn(frames, seam.start, steps, budget)
    return _Cut(0, 0, 0) if start == 0 else None


def _within_turn(frames: Sequence[Message], turn: int, steps: Sequence[_Steps], budget: Budget) -> _Cut:
    """Return what is kept of a turn that does not fit: its opening, and the longest of *steps* that fit behind it."""
    opening_end = opening_of(frames, turn)
    tokens = budget.tokens(frames[turn:opening_end])
    resumed = max(steps[0].start, opening_end)
    for step in steps:
        # One that begins inside of the opening would be the whole turn and more, which does not fit.
        if budget.holds(opening_end - turn + len(frames) - step.start, tokens + step.tokens):
            resumed = step.start
    return _Cut(turn, opening_end, resumed)


def _around_orphans(messages: Sequence[Message], policy: RetentionPolicy, leading: Sequence[Message]) -> Window:
    """Return the window of what is left without results of no call, and these in its lists again.

    The search for them reads every message. It is made only once a window has met one: an agent's runs leave none.
    """
    orphans = orphan_results(messages)
    places = [place for place in range(len(messages)) if place not in orphans]
    window = select_window([messages[place] for place in places], policy, leading=leading)
    begin = places[len(window.folded)] if window.folded else 0
    kept = set(map(id, window.kept))
    omitted = tuple(message for message in messages[begin:] if id(message) not in kept)
    return replace(window, folded=tuple(messages[:begin]), omitted=omitted)
