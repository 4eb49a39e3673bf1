"""What came of a copy."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

ProblemKind = Literal["conflict", "damaged", "different", "file", "unfinished"]

_MOST_NAMED = 1_000
"""Problems in memory. The counts go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something of a thread that was not copied as it should be."""

    kind: ProblemKind
    """
    conflict: the target holds another thread of this id, and nothing of it was changed;
    damaged: what the source holds is not what was written;
    different: what the target holds after the copy is not what was copied;
    file: an attachment's bytes could not be copied, and all else was;
    unfinished: the thread was changed all the time; the next copy goes on.
    """
    tenant: str
    thread_id: str
    detail: str
    """A sentence. It holds no message's content."""


@dataclass(slots=True, kw_only=True)
class CopyReport:
    """How much was copied, and what was not."""

    tenants: int = 0
    copied: int = 0
    """Threads that the target did not hold."""
    updated: int = 0
    """Threads of which the target held an earlier state."""
    unchanged: int = 0
    """Threads that the target held already, just as they are."""
    deleted: int = 0
    """Threads that the source deleted while they were copied."""
    messages: int = 0
    """Written now, shown and removed."""
    revisions: int = 0
    """Earlier versions of messages, written now."""
    files: int = 0
    """Attachments whose bytes were written now."""
    states: int = 0
    """Values of session state, written now."""
    has_other_tenants: bool = False
    """Whether the source has threads of tenants that were not to be copied."""
    left_behind: int = 0
    """Threads that an earlier copy brought and that the source no longer has. The target keeps them."""
    source_threads: int = 0
    source_messages: int = 0
    """What the source had when the copy began, as its threads show it."""
    target_threads: int = 0
    target_messages: int = 0
    """What the target had when the copy ended, of the same tenants."""
    counts: Counter[ProblemKind] = field(default_factory=Counter[ProblemKind])
    """Problems by kind, all of them."""
    problems: list[Problem] = field(default_factory=list[Problem])
    """The first thousand."""
    passed_messages: int = 0
    """Of `source_messages`, for a progress bar."""

    @property
    def is_complete(self) -> bool:
        """Whether the target now holds everything that the source held, compared message by message."""
        return not self.counts

    def add(self, problem: Problem) -> None:
        """Note a problem."""
        self.counts[problem.kind] += 1
        if len(self.problems) < _MOST_NAMED:
            self.problems.append(problem)
