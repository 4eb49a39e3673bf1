"""One thread of many: brought, found there, or noted in the report, so that the others follow."""

from __future__ import annotations

from keepthread.errors import ConflictError, CorruptError
from keepthread.store.kept_threads import Held
from keepthread.store.queries import ThreadRow

from .comparison import DeletedError, ElsewhereError, compare
from .files import FileCopy
from .passage import EditedError, Passage
from .route import Route

_ATTEMPTS = 3
"""For a thread whose messages are edited while it is copied; what is only appended to it needs one."""


class ThreadCopy:
    """Brings the threads of one tenant."""

    def __init__(self, route: Route, files: FileCopy, *, reads_all: bool) -> None:
        self._route = route
        self._files = files
        self._reads_all = reads_all

    async def bring(self, row: ThreadRow, held: Held | None) -> None:
        """Make the target's thread equal to the source's, or note why it is not.

        Args:
            row: The source's thread, as it was a moment ago.
            held: What the target had of it then.

        Raises:
            BusyError, UnavailableError, FullError: One of the databases. What is there stays; the next copy goes on.
        """
        try:
            await self._bring(row, held)
        except ElsewhereError as conflict:
            self._route.note(row.id, "conflict", str(conflict))
        except DeletedError:
            self._route.report.deleted += 1
        except CorruptError as error:
            self._route.note(row.id, "damaged", error.message)

    async def _bring(self, row: ThreadRow, held: Held | None) -> None:
        for _ in range(_ATTEMPTS):
            try:
                await self._attempt(row, held)
            except (ConflictError, EditedError):
                held = await self._route.target.held(row.id)
            else:
                return
        self._route.note(row.id, "unfinished", "It was changed all the time while it was copied. Copy it again.")

    async def _attempt(self, row: ThreadRow, held: Held | None) -> None:
        start = await compare(self._route.source, self._route.target, row, held, reads_all=self._reads_all)
        if start is None:
            self._route.report.unchanged += 1
            self._route.report.passed_messages += row.message_count
            return
        passage = Passage(row.id, start, self._route, self._files)
        await passage.run()
        if start.theirs is None:
            self._route.report.copied += 1
        elif passage.is_idle:
            self._route.report.unchanged += 1
        else:
            self._route.report.updated += 1
