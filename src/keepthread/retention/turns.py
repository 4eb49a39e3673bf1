"""Where a conversation can be cut: between turns, between the steps of one, and never between a call and its result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from keepthread.model import Message

PREFACE = frozenset({"system", "developer"})


def leading_frames(messages: Sequence[Message]) -> int:
    """Return how many system and developer frames *messages* begins with."""
    for index, message in enumerate(messages):
        if message.role not in PREFACE:
            return index
    return len(messages)


class Seam(NamedTuple):
    """A place where frames may be parted."""

    start: int
    """The index of the frame behind it."""
    is_turn: bool
    """Whether a turn begins here; else it is a further step of one."""


def seams_from_the_end(frames: Sequence[Message]) -> Iterator[Seam]:
    """Yield every seam, the last one first.

    A turn begins with a user frame, or with the system and developer frames directly before it; what stands before the
    first user frame is a turn as well. Between a call and the last of its results is no seam, so that frames with a
    result of no call do not begin with one.
    """
    unanswered: set[str | None] = set()
    leads_to_user = False
    for index in range(len(frames) - 1, -1, -1):
        frame = frames[index]
        if frame.role == "tool":
            unanswered.add(frame.tool_call_id)
        if frame.tool_calls:
            unanswered.difference_update(call.id for call in frame.tool_calls)
        if frame.role not in PREFACE:
            leads_to_user = frame.role == "user"
        if not unanswered:
            is_first = index == 0 or (leads_to_user and frames[index - 1].role not in PREFACE)
            yield Seam(index, is_first)


def orphan_results(frames: Sequence[Message]) -> set[int]:
    """Return the indexes of tool frames that no call stands before."""
    called: set[str] = set()
    orphans: set[int] = set()
    for index, frame in enumerate(frames):
        if frame.role == "tool" and frame.tool_call_id not in called:
            orphans.add(index)
        called.update(call.id for call in frame.tool_calls)
    return orphans


def opening_of(frames: Sequence[Message], start: int) -> int:
    """Return where the opening of the turn at *start* ends: behind its user frame, or at *start* if it has none."""
    end = start + leading_frames(frames[start:])
    return end + 1 if end < len(frames) and frames[end].role == "user" else start
