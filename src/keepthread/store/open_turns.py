"""Turns that are open: staged durably, invisible to who does not ask, and committed whole or not at all.

Every operation here locks the thread's row first. So one holder is all that a turn ever has, and a commit takes its
positions under the lock that every append takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from keepthread.errors import BusyError, ConflictError, ThreadNotFound
from keepthread.model import Identity, Message
from keepthread.model.record import Record, Source, decode

from .append import insert_files, insert_thread, store_turns, taken_id
from .backends.base import Operation, Tx
from .conversations import insert_conversation
from .queries import (
    CHANGE_TURN,
    DELETE_FRAME,
    DELETE_FRAMES,
    DELETE_MESSAGE_FILES,
    DELETE_TURN,
    FRAME_MARKS,
    FRAMES,
    INSERT_FRAME,
    INSERT_TURN,
    LOCK_THREAD,
    MARK,
    MESSAGE,
    MESSAGE_FILES,
    THREAD_TURNS,
    TURN,
    FrameRow,
    TurnRow,
)
from .summaries import SummaryChange, keep
from .turn import Hold, Turn

KEPT_MICROSECONDS = 7 * 24 * 3600 * 1_000_000
"""How long a key is remembered, and a turn that nobody goes on with."""


class Opened(NamedTuple):
    """A turn that was opened, or one of its key that is over."""

    row: TurnRow
    frames: list[FrameRow]
    """What an earlier attempt staged, in speaking order."""
    unused: list[str]
    """Hashes of bytes that turns which were given up referred to."""


async def open_turn(
    tx: Tx,
    *,
    hold: Hold,
    identity: Identity | None,
    key: str | None,
    at: int,
    lease_until: int,
    resume: bool,
    alone: bool,
) -> Opened:
    """Open a turn, or take over the one of *key*: with what it had, or from the beginning if not to *resume*.

    A thread that is not there is made, as the conversation of *identity* if there is one.

    Raises:
        BusyError: Somebody works on this very turn; or, if it is to be *alone*, on another one of the thread.
        DuplicateKey: The thread was made at the same moment.
    """
    if not await tx.run(LOCK_THREAD, **hold.thread):
        if identity is None:
            await insert_thread(tx, hold.tenant, hold.thread_id, at)
        else:
            await insert_conversation(tx, hold.tenant, identity, at)
    turns = await tx.run(THREAD_TURNS, **hold.thread)
    # By its id as well: the connection was lost at the commit of an earlier attempt, and that attempt opened it.
    same = next((row for row in turns if row.id == hold.turn_id or (key and row.turn_key == key)), None)
    busy = [row for row in turns if row.state == "open" and row.lease_until > at and row.holder != hold.holder]
    if busy and (alone or same in busy):
        raise _busy(hold.thread_id, of_this_key=same in busy)
    unused = [sha256 for row in turns if _is_forgotten(row, at) for sha256 in await _drop(tx, hold, row)]
    if same is None or _is_forgotten(same, at):
        await tx.run(INSERT_TURN, **hold.place, key=key, holder=hold.holder, lease_until=lease_until, at=at)
        return Opened((await tx.run(TURN, **hold.place))[0], [], unused)
    if same.state == "committed":
        return Opened(same, [], unused)
    mine = hold._replace(turn_id=same.id)
    if not resume:
        unused += await _drop_frames(tx, mine)
    taken = same._replace(state="open", holder=hold.holder, lease_until=lease_until)
    await _change(tx, mine, taken, at)
    return Opened(taken, await tx.run(FRAMES, **mine.place), unused)


async def stage(
    tx: Tx, *, hold: Hold, records: Sequence[Record], files: Sequence[tuple[str, str]], at: int, lease_until: int
) -> None:
    """Add messages to an open turn, all of them or none. What it has already is not added again.

    Raises:
        ThreadNotFound, ConflictError: The turn is not this holder's any more, or an id stands for something else.
    """
    row = await _held(tx, hold)
    had = {mark.id: mark.digest for mark in await tx.run(FRAME_MARKS, **hold.place)}
    for record in records:
        if had.get(record.id, record.digest) != record.digest:
            raise taken_id(hold.thread_id, record.id)
    new = [record for record in records if record.id not in had]
    rows = [
        {
            **hold.place,
            "number": number,
            "id": record.id,
            "role": record.role,
            "content": record.content,
            "extra": record.extra,
            "digest": record.digest,
            "created_at": record.created_at,
        }
        for number, record in enumerate(new, row.next_frame)
    ]
    await tx.run_many(INSERT_FRAME, rows)
    await insert_files(tx, hold.tenant, hold.thread_id, files)
    await _change(tx, hold, row._replace(lease_until=lease_until, next_frame=row.next_frame + len(new)), at)


async def unstage(tx: Tx, *, hold: Hold, message_ids: Sequence[str], at: int, lease_until: int) -> list[str]:
    """Take messages out of an open turn again. Return the hashes of bytes that they referred to.

    Raises:
        ThreadNotFound, ConflictError: The turn is not this holder's any more.
    """
    row = await _held(tx, hold)
    hashes = [sha256 for message_id in message_ids for sha256 in await _drop_files(tx, hold, message_id)]
    await tx.run_many(DELETE_FRAME, [{**hold.place, "id": message_id} for message_id in message_ids])
    await _change(tx, hold, row._replace(lease_until=lease_until), at)
    return hashes


async def renew(tx: Tx, *, hold: Hold, at: int, lease_until: int, state: str = "open") -> None:
    """Keep the turn for longer, or leave it for the next attempt with *state* "suspended".

    Raises:
        ThreadNotFound, ConflictError: It is not this holder's any more.
    """
    row = await _held(tx, hold)
    await _change(tx, hold, row._replace(lease_until=lease_until, state=state), at)


def discard(*, hold: Hold) -> Operation[list[str]]:
    """Return what drops a turn and all that it staged, and returns the hashes of bytes that it referred to."""
    dropped: list[str] | None = None

    async def drop(tx: Tx) -> list[str]:
        nonlocal dropped
        try:
            dropped = await _drop(tx, hold, await _held(tx, hold))
        except (ThreadNotFound, ConflictError):
            # The connection was lost at the commit of an earlier attempt, and that attempt dropped it.
            if dropped is None:
                raise
        return dropped

    return drop


def commit(
    *, hold: Hold, result: str | None, summary: SummaryChange | None, at: int, source: Source | None
) -> Operation[list[Message]]:
    """Return what makes a turn's messages a part of the thread, and returns them as they are stored, in order.

    Its key is remembered with *result*, and *summary* is kept if it still holds. A message whose id the thread holds
    already is a repeat, as in an append.
    """
    committed: list[Message] | None = None

    async def store(tx: Tx) -> list[Message]:
        nonlocal committed
        try:
            row = await _held(tx, hold)
        except (ThreadNotFound, ConflictError):
            # As in `discard`: an earlier attempt came to its end.
            if committed is None:
                raise
            return committed
        committed = await _commit(tx, hold, row, result=result, at=at, source=source)
        if summary is not None:
            await keep(tx, tenant=hold.tenant, thread_id=hold.thread_id, change=summary)
        return committed

    return store


async def _commit(
    tx: Tx, hold: Hold, row: TurnRow, *, result: str | None, at: int, source: Source | None
) -> list[Message]:
    frames = await tx.run(FRAMES, **hold.place)
    repeated = await _repeated(tx, hold, frames, source)
    records = tuple(Record(*frame, size=0) for frame in frames if frame.id not in repeated)
    positions: dict[str, int] = {}
    if records:
        turn = Turn(tenant=hold.tenant, thread_id=hold.thread_id, records=records, files=(), at=at)
        (stored,) = await store_turns(tx, [turn])
        positions = stored.positions if stored else {}
    await tx.run(DELETE_FRAMES, **hold.place)
    if row.turn_key is None:
        await tx.run(DELETE_TURN, **hold.place)
    else:
        await _change(tx, hold, row._replace(state="committed", result=result), at)
    return [repeated.get(frame.id) or decode(frame, positions[frame.id], source) for frame in frames]


async def _repeated(tx: Tx, hold: Hold, frames: Sequence[FrameRow], source: Source | None) -> dict[str, Message]:
    found: dict[str, Message] = {}
    for frame in frames:
        for mark in await tx.run(MARK, **hold.thread, id=frame.id):
            if mark.first_digest != frame.digest:
                raise taken_id(hold.thread_id, frame.id)
            for row in await tx.run(MESSAGE, **hold.thread, id=frame.id):
                found[frame.id] = decode(row, row.position, source)
    return found


async def _held(tx: Tx, hold: Hold) -> TurnRow:
    """Return an open turn's row, its thread locked."""
    if not await tx.run(LOCK_THREAD, **hold.thread):
        raise ThreadNotFound(hold.thread_id, hint="It was deleted while a turn in it was open.")
    rows = await tx.run(TURN, **hold.place)
    if not rows or rows[0].state != "open" or rows[0].holder != hold.holder:
        raise ConflictError(
            f"The turn in thread {hold.thread_id!r} is not yours any more: it is over, or somebody took it over. "
            "Nothing was written.",
            hint="Open it again; a lease that is not renewed ends after a minute.",
        )
    return rows[0]


async def _change(tx: Tx, hold: Hold, row: TurnRow, at: int) -> None:
    await tx.run(
        CHANGE_TURN,
        **hold.place,
        state=row.state,
        holder=row.holder,
        lease_until=row.lease_until,
        next_frame=row.next_frame,
        result=row.result,
        at=at,
    )


def _is_forgotten(row: TurnRow, at: int) -> bool:
    return row.changed_at + KEPT_MICROSECONDS < at and row.lease_until < at


async def _drop(tx: Tx, hold: Hold, row: TurnRow) -> list[str]:
    place = hold._replace(turn_id=row.id)
    hashes = await _drop_frames(tx, place)
    await tx.run(DELETE_TURN, **place.place)
    return hashes


async def _drop_frames(tx: Tx, hold: Hold) -> list[str]:
    marks = await tx.run(FRAME_MARKS, **hold.place)
    hashes = [sha256 for mark in marks for sha256 in await _drop_files(tx, hold, mark.id)]
    await tx.run(DELETE_FRAMES, **hold.place)
    return hashes


async def _drop_files(tx: Tx, hold: Hold, message_id: str) -> list[str]:
    """Forget which bytes a staged message refers to, unless a stored one of the same id does."""
    if await tx.run(MARK, **hold.thread, id=message_id):
        return []
    hashes = [row.value for row in await tx.run(MESSAGE_FILES, **hold.thread, id=message_id)]
    if hashes:
        await tx.run(DELETE_MESSAGE_FILES, **hold.thread, id=message_id)
    return hashes


def _busy(thread_id: str, *, of_this_key: bool) -> BusyError:
    if of_this_key:
        return BusyError(
            f"This turn in thread {thread_id!r} is under way elsewhere. Nothing was written.",
            hint="Wait for its result under the same key; it is free a minute after its process died.",
        )
    return BusyError(
        f"Another turn is under way in thread {thread_id!r}. Nothing was written.",
        hint='Try again, or let both be kept with concurrent="merge".',
    )
