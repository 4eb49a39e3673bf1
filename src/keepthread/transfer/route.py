"""From where to where the threads of one tenant go, and who keeps count."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from keepthread.store.kept_threads import KeptThreads

from .report import CopyReport, Problem, ProblemKind

Watcher = Callable[[CopyReport], None]


class Route(NamedTuple):
    """The two ends of a copy."""

    source: KeptThreads
    target: KeptThreads
    report: CopyReport
    watch: Watcher
    """Called whenever something was copied."""

    def note(self, thread_id: str, kind: ProblemKind, detail: str) -> None:
        """Report a problem with a thread."""
        self.report.add(Problem(kind=kind, tenant=self.source.tenant, thread_id=thread_id, detail=detail))
