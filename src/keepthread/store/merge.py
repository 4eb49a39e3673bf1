"""The three-way merge of a saved thread, as a pure function: base, mine and theirs in, a list of changes out.

Base is what was loaded, mine is the list as the caller left it, theirs is what the store holds now. New messages go
after what others appended. Once the caller has sliced, inserted or reordered, the result is exactly the caller's
list, and then what others appended meanwhile.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

from keepthread.errors import ConflictError
from keepthread.model.record import Record

from .append import taken_id
from .queries import Mark
from .turn import STEP


class GapUsedUp(Exception):  # no error: the thread is numbered anew and merged again
    """There is no room left between two positions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mine:
    """One message of the caller's list."""

    id: str
    record: Record | None
    """What it says; None where it is the object that was loaded, unchanged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What was loaded. For a thread that no store knows, nothing was."""

    digests: dict[str, bytes]
    """By message id, in order."""
    known: bool
    """Whether the thread came from a store. If not, this is an upsert: mine wins."""


@dataclass(slots=True, kw_only=True)
class Plan:
    """What has to change."""

    inserts: list[tuple[Record, int]] = field(default_factory=list[tuple[Record, int]])
    edits: list[Record] = field(default_factory=list[Record])
    removes: list[Mark] = field(default_factory=list[Mark])
    moves: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    """(message id, position), also of removed messages that are shown again."""
    shown_again: int = 0
    next_position: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing has to change."""
        return not (self.inserts or self.edits or self.removes or self.moves)


def plan(thread_id: str, base: Base, mine: Sequence[Mine], marks: Sequence[Mark], next_position: int) -> Plan:
    """Return the changes that make *mine* of what the store holds.

    Args:
        thread_id: For the messages of errors.
        base: What was loaded.
        mine: The caller's list, in order, no id twice.
        marks: Every message of the stored thread, shown and removed, by position.
        next_position: The first position that nothing has ever had.

    Raises:
        ConflictError: Mine and theirs changed the same message.
        GapUsedUp: Number the view anew and call again.
    """
    stored = {mark.id: mark for mark in marks}
    result = Plan(next_position=next_position)
    staying = [item for item in mine if _stays(thread_id, base, item, stored.get(item.id), result)]
    kept = {item.id for item in mine}
    for message_id, digest in base.digests.items():
        mark = stored.get(message_id)
        if message_id not in kept and mark is not None and not mark.removed:
            if mark.digest != digest:
                raise _changed_meanwhile(thread_id, message_id)
            result.removes.append(mark)
    if base.known and _was_rearranged(list(base.digests), [item.id for item in mine]):
        _place_exactly(base, staying, marks, stored, result)
    else:
        _place_at_end(staying, stored, result)
    return result


def _stays(thread_id: str, base: Base, item: Mine, mark: Mark | None, result: Plan) -> bool:
    """Return whether the view will show *item*, and note the edit if it is one."""
    if mark is None:
        return True
    loaded = base.digests.get(item.id)
    if item.record is None or item.record.digest == loaded:
        return not mark.removed  # unchanged: whoever took it out of the view meanwhile has it their way
    if item.record.digest == mark.digest:
        return True
    if loaded is None:
        if item.record.digest == mark.first_digest:
            return True  # a repeat of what was edited since
        if base.known:
            raise taken_id(thread_id, item.id)
    elif mark.removed or mark.digest != loaded:
        raise _changed_meanwhile(thread_id, item.id)
    result.edits.append(item.record)
    return True


def _changed_meanwhile(thread_id: str, message_id: str) -> ConflictError:
    return ConflictError(
        f"Somebody else changed message {message_id!r} of thread {thread_id!r} since it was loaded. "
        "Nothing was written.",
        hint="Load the thread again and repeat the change.",
    )


def _was_rearranged(base: Sequence[str], mine: Sequence[str]) -> bool:
    """Return whether the caller did more than add at the end and edit in place."""
    return list(mine[: len(base)]) != list(base)


def _place_at_end(staying: Sequence[Mine], stored: dict[str, Mark], result: Plan) -> None:
    for item in staying:
        mark = stored.get(item.id)
        if mark is None or mark.removed:
            _put(item, mark, result.next_position, result)
            result.next_position += STEP


def _put(item: Mine, mark: Mark | None, position: int, result: Plan) -> None:
    if mark is not None:
        result.moves.append((item.id, position))
        result.shown_again += bool(mark.removed)
    elif item.record is not None:
        result.inserts.append((item.record, position))


def _place_exactly(
    base: Base, staying: Sequence[Mine], marks: Sequence[Mark], stored: dict[str, Mark], result: Plan
) -> None:
    """Keep the longest run of messages that is in order, and put the others between them."""
    view = [mark.position for mark in marks if not mark.removed]
    shown = [item.id for item in staying if item.id in stored and not stored[item.id].removed]
    fixed = _longest_rising(shown, [stored[message_id].position for message_id in shown])
    after = _before_window(base, stored, view)
    for is_fixed, run in groupby(staying, key=lambda item: item.id in fixed):
        items = list(run)
        if is_fixed:
            after = stored[items[-1].id].position
            continue
        upcoming = _next_fixed(staying, items[-1], fixed)
        if upcoming is not None:
            # Right before the next one that stays: what others put in between keeps its place before the run.
            before: int | None = stored[upcoming].position
            place = bisect_left(view, before) - 1
            after = view[place] if place >= 0 else None
        else:
            place = bisect_right(view, after) if after is not None else 0
            before = view[place] if place < len(view) else None
        _fill(items, after, before, stored, result)


def _before_window(base: Base, stored: dict[str, Mark], view: Sequence[int]) -> int | None:
    """Return the position of the last message before what was loaded, if there is one."""
    loaded = [stored[message_id].position for message_id in base.digests if message_id in stored]
    place = bisect_left(view, min(loaded)) - 1 if loaded else -1
    return view[place] if place >= 0 else None


def _next_fixed(staying: Sequence[Mine], last: Mine, fixed: set[str]) -> str | None:
    following = iter(staying)
    for item in following:
        if item is last:
            break
    return next((item.id for item in following if item.id in fixed), None)


def _fill(items: Sequence[Mine], after: int | None, before: int | None, stored: dict[str, Mark], result: Plan) -> None:
    """Give *items* positions between two others, spread evenly; an end that is open goes on in whole steps."""
    if before is None:
        start, step = result.next_position, STEP
        result.next_position += len(items) * STEP
    elif after is None:
        start, step = before - len(items) * STEP, STEP
    else:
        step = (before - after) // (len(items) + 1)
        start = after + step
        if step < 1:
            raise GapUsedUp
    for index, item in enumerate(items):
        _put(item, stored.get(item.id), start + index * step, result)


def _longest_rising(ids: Sequence[str], positions: Sequence[int]) -> set[str]:
    """Return the ids of a longest subsequence whose positions rise: patience sorting, O(n log n)."""
    tops: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for index, position in enumerate(positions):
        pile = bisect_left(tops, position)
        previous.append(ends[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [position]
        ends[pile : pile + 1] = [index]
    found: set[str] = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        found.add(ids[index])
        index = previous[index]
    return found
