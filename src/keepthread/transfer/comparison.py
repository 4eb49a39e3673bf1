"""Whether the target holds a thread already, an earlier state of it, or another one. Nothing here writes."""

from __future__ import annotations

from typing import NamedTuple

from keepthread.store.draft import head_of
from keepthread.store.kept import Tally
from keepthread.store.kept_threads import Held, KeptThreads
from keepthread.store.queries import ThreadRow


class ElsewhereError(Exception):
    """The target holds another thread of this id."""

    def __init__(self) -> None:
        super().__init__("The target holds another thread of this id. It was left as it is.")


class DeletedError(Exception):
    """The source deleted the thread."""


class Start(NamedTuple):
    """Where the copy of a thread begins."""

    expected: int | None = None
    """The version of the target's thread; None where it has none."""
    replaces: bool = False
    """Whether what the target has goes first."""
    row: ThreadRow | None = None
    """The source's, as of which it is copied; None for as it is when it is read."""
    theirs: ThreadRow | None = None
    """The target's."""
    tally: Tally = Tally()
    """What the target has of it."""
    has_files: bool = False
    """Whether the target has the files of that as well."""


async def compare(
    source: KeptThreads, target: KeptThreads, row: ThreadRow, held: Held | None, *, reads_all: bool
) -> Start | None:
    """Return where the copy of a thread begins; None if the target has all of it.

    What an earlier copy left is brought up to date whatever changed at the source, for nobody has touched it since.
    What came there otherwise is only added to, and only if it is the source's thread without its last messages.

    Args:
        source: The one.
        target: The other.
        row: The source's thread, as it was a moment ago.
        held: The target's.
        reads_all: Whether threads are read that an earlier copy brought and that have not changed by their rows.

    Raises:
        ElsewhereError, DeletedError: It cannot be copied.
    """
    if held is None:
        return Start()
    is_whole = _is_left_by(source, held) and held.mark is not None and held.mark.is_whole == 1
    if is_whole and held.row == row and not reads_all:
        return None
    theirs = await target.tally(row.id)
    if theirs is None:
        return Start()
    ours = await source.tally(row.id, messages=theirs[1].messages)
    if ours is None:
        raise DeletedError
    (our_row, our_tally), (their_row, their_tally) = ours, theirs
    is_ours = _is_left_by(source, Held(their_row, held.mark))
    is_earlier = their_row == our_row or their_row.version < our_row.version
    if our_tally == their_tally and our_row.created_at == their_row.created_at:
        if is_ours or (is_earlier and head_of(their_row) == head_of(our_row)):
            has_files = is_whole and not reads_all
            return Start(their_row.version, row=our_row, theirs=their_row, tally=our_tally, has_files=has_files)
    elif is_ours:
        return Start(their_row.version, replaces=True, theirs=their_row)
    raise ElsewhereError


def _is_left_by(source: KeptThreads, held: Held) -> bool:
    """Return whether the target's thread is as a copy from this source left it."""
    return held.mark is not None and held.mark[1:3] == (source.store_id, held.row.version)
