"""One thread on its way into another database, piece by piece."""

from __future__ import annotations

from collections.abc import Sequence

from keepthread.store.keeping import Delivery
from keepthread.store.kept import KeptMessage, Piece, Tally
from keepthread.store.limits import LARGEST
from keepthread.store.queries import CopyMark, ThreadRow

from .comparison import DeletedError, Start
from .files import FileCopy
from .route import Route


class EditedError(Exception):
    """What was copied so far is not what the source holds by now."""


class Passage:
    """The copy of one thread, as it was at one moment: when its first piece is read, or was compared."""

    def __init__(self, thread_id: str, start: Start, route: Route, files: FileCopy) -> None:
        self._id = thread_id
        self._start = start
        self._route = route
        self._files = files
        self._row = start.row
        self._tally = start.tally
        self._expected = start.expected
        self._replaces = start.replaces
        self._has_files = True
        self._mark: CopyMark | None = None
        """How the target's thread was left a moment ago."""

    async def run(self) -> None:
        """Bring what the target lacks, and see that it is all there.

        Raises:
            EditedError: The source edited the thread meanwhile. What is in the target is a part of it, and says so.
            DeletedError: The source deleted it meanwhile. It is gone from the target as well.
            ConflictError: Somebody else changed it in the target.
            CorruptError: It cannot be read, or contradicts itself.
        """
        if self._files.are_there_any and not self._start.has_files:
            await self._bring_files_of_what_is_there()
        is_last = False
        while not is_last:
            piece = await self._next()
            is_last = piece.is_last
            row = self._row = self._row or piece.thread
            for message in piece.messages:
                self._tally = self._tally.over(message)
            if is_last and piece.thread.version != row.version:
                await self._check_unedited(row)
            await self._take_over(row, piece)
            if is_last:
                await self._verify(row)

    @property
    def is_idle(self) -> bool:
        """Whether the target had it all."""
        return self._row == self._start.theirs and self._tally == self._start.tally

    async def _next(self) -> Piece:
        # What is appended from now on lies behind, and is left for the next copy.
        before = self._row.next_position if self._row else LARGEST
        piece = await self._route.source.piece(self._id, self._tally.place, before=before)
        if piece is None or (self._row and piece.thread.created_at != self._row.created_at):
            if self._mark is not None:
                await self._route.target.take_back(self._mark)
            raise DeletedError
        return piece

    async def _check_unedited(self, row: ThreadRow) -> None:
        """See, on one snapshot, that the thread was only appended to since it was first read."""
        found = await self._route.source.tally(self._id, before=row.next_position)
        if found is None or found[1] != self._tally:
            raise EditedError

    async def _take_over(self, row: ThreadRow, piece: Piece) -> None:
        messages = piece.messages
        self._note_damage(messages)
        self._has_files &= await self._files.bring(self._id, messages)
        mark = CopyMark(self._id, self._route.source.store_id, row.version, int(piece.is_last and self._has_files))
        delivery = Delivery(
            thread=row,
            identity=piece.identity,
            messages=messages,
            mark=mark,
            is_last=piece.is_last,
            expected=self._expected,
            replaces=self._replaces,
        )
        await self._route.target.deliver(delivery)
        await self._files.confirm(messages)
        self._mark, self._expected, self._replaces = mark, row.version, False
        self._route.report.messages += len(messages)
        self._route.report.revisions += sum(len(message.revisions) for message in messages)
        self._route.report.passed_messages += sum(message.is_shown for message in messages)
        self._route.watch(self._route.report)

    async def _bring_files_of_what_is_there(self) -> None:
        """Bring those that an earlier copy did not find, or did not come to, with the messages that are there."""
        end, tally = self._start.tally, Tally()
        while tally.messages < end.messages:
            before = self._row.next_position if self._row else LARGEST
            piece = await self._route.source.piece(self._id, tally.place, before=before)
            messages = piece.messages[: end.messages - tally.messages] if piece else []
            if not messages:
                return  # deleted or edited since: it is noticed below
            for message in messages:
                tally = tally.over(message)
            self._has_files &= await self._files.bring(self._id, messages)

    async def _verify(self, row: ThreadRow) -> None:
        """Read the target's thread and compare it with what was read from the source."""
        found = await self._route.target.tally(self._id, begin=self._start.tally, before=row.next_position)
        if found is None or found[1] != self._tally:
            self._route.note(self._id, "different", "What the target holds after the copy is not what was copied.")

    def _note_damage(self, messages: Sequence[KeptMessage]) -> None:
        for message in messages:
            if not message.is_sound:
                detail = f"Message {message.row.id!r} is not what was written. It was copied as it is."
                self._route.note(self._id, "damaged", detail)
