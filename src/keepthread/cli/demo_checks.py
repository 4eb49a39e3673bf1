"""What the demo claims, held against what the database says. Nothing here talks to a process or prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .render import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the processes reported, and what the database holds at the end. Messages are ids, in order."""

    told: Sequence[str]
    """Acknowledged by the process before it was killed."""
    exit_code: int
    interrupted: str
    """The question that the model was thinking about."""
    found: Sequence[str]
    """What the next process loaded."""
    last_found_role: str
    file_sent: str
    """The SHA-256 of the attached bytes."""
    files_read: Sequence[str]
    continued: Sequence[str]
    """Acknowledged by that next process."""
    trip: Sequence[str]
    """The thread of both, as stored at the end."""
    trip_history: Sequence[str]
    """Everything that was ever stored in it."""
    written: dict[str, Sequence[str]]
    """What each of two writers had acknowledged, in its order."""
    shared: Sequence[str]
    """The thread of the two, as stored at the end."""
    seconds_writing: float
    """How long the slower of the two took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A claim, whether it holds, and the figures that say so."""

    name: str
    ok: bool
    measured: str


def checks(evidence: Evidence) -> list[Check]:
    """Return every claim of the demo with its verdict."""
    return [
        _nothing_lost(evidence),
        _nothing_dangling(evidence),
        _file_intact(evidence),
        _continued(evidence),
        _both_writers(evidence),
        _each_in_order(evidence),
    ]


def _nothing_lost(evidence: Evidence) -> Check:
    stored = Counter(evidence.trip)
    there = sum(stored[message] == 1 for message in evidence.told)
    return Check(
        name="Every message acknowledged before the kill is there, exactly once",
        ok=bool(evidence.told) and list(evidence.found) == list(evidence.told) and there == len(evidence.told),
        measured=f"{there} of {len(evidence.told)}, after exit code {evidence.exit_code}",
    )


def _nothing_dangling(evidence: Evidence) -> Check:
    left = evidence.trip_history.count(evidence.interrupted) + len(set(evidence.found) - set(evidence.told))
    last = evidence.last_found_role
    return Check(
        name="The interrupted turn left nothing dangling",
        ok=left == 0 and last == "assistant",
        measured=f"{count(left, 'message')} of it in the history; the last one found was of role {last}",
    )


def _file_intact(evidence: Evidence) -> Check:
    return Check(
        name="The attached file came back byte for byte",
        ok=list(evidence.files_read) == [evidence.file_sent],
        measured=f"SHA-256 {evidence.files_read[0][:12] if evidence.files_read else 'of nothing'}…",
    )


def _continued(evidence: Evidence) -> Check:
    return Check(
        name="Another process went on where the first one stopped",
        ok=bool(evidence.continued) and list(evidence.trip) == [*evidence.told, *evidence.continued],
        measured=f"{len(evidence.continued)} more, {count(len(evidence.trip), 'message')} in all",
    )


def _both_writers(evidence: Evidence) -> Check:
    wanted = [message for messages in evidence.written.values() for message in messages]
    stored = Counter(evidence.shared)
    there = sum(stored[message] == 1 for message in wanted)
    writer_of = {message: writer for writer, messages in evidence.written.items() for message in messages}
    changes = sum(writer_of.get(one) != writer_of.get(next_) for one, next_ in pairwise(evidence.shared))
    return Check(
        name="Two processes appended to one thread at once, and nothing was lost",
        ok=bool(wanted) and there == len(wanted) == len(evidence.shared),
        measured=f"{there} of {len(wanted)} in {evidence.seconds_writing:.2f} s, alternating {changes} times",
    )


def _each_in_order(evidence: Evidence) -> Check:
    in_order = {
        writer: [message for message in evidence.shared if message in set(messages)] == list(messages)
        for writer, messages in evidence.written.items()
    }
    said = (f"{writer} {'yes' if ok else 'NO'}" for writer, ok in in_order.items())
    return Check(
        name="Each writer's messages are in its own order",
        ok=bool(in_order) and all(in_order.values()),
        measured=", ".join(said),
    )
