"""Saving a thread: what the caller changed, merged with what others did, in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from keepthread.errors import ConflictError, ThreadNotFound
from keepthread.model.json_values import canonical
from keepthread.model.record import Record

from .append import insert_files, insert_thread, message_rows
from .backends.base import Tx
from .conversation_queries import DELETE_SUMMARIES
from .draft import Draft, Head, head_of
from .limits import LARGEST, Limits
from .merge import Base, GapUsedUp, Mine, Plan, plan
from .queries import (
    CHANGE_MESSAGE,
    CHANGE_THREAD,
    DELETE_TAG,
    INSERT_MESSAGE,
    INSERT_TAG,
    KEEP_REVISION,
    LOCK_THREAD,
    MARKS,
    MESSAGE,
    PLACE_MESSAGE,
    THREAD,
    Mark,
    MessageRow,
    ThreadRow,
)
from .summaries import drop_over
from .tags import tags_of
from .turn import STEP

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What the store holds after a save."""

    row: ThreadRow
    marks: tuple[Mark, ...]
    """The view, in order."""
    others: dict[str, MessageRow]
    """What the caller does not have: messages that others added or changed."""


async def save(
    tx: Tx, *, draft: Draft, records: dict[str, Record], files: Sequence[tuple[str, str]], limits: Limits
) -> Saved:
    """Merge *draft* into the store. *records* are its changed messages by id, *files* the attachments among them.

    Raises:
        ThreadNotFound: The thread was deleted since it was loaded.
        ConflictError: Somebody else changed the same thing. Nothing was written.
        TooLargeError: The metadata of both together are over the limit. Nothing was written.
        DuplicateKey: Another process creates the thread at this moment: call again.
    """
    rows = await tx.run(LOCK_THREAD, tenant=draft.tenant, thread=draft.thread_id)
    if draft.base is not None and (not rows or rows[0].created_at != draft.base.born):
        raise ThreadNotFound(draft.thread_id, hint="It was deleted since it was loaded.")
    if not rows:
        await _create(tx, draft)
        rows = await tx.run(THREAD, tenant=draft.tenant, thread=draft.thread_id)
    row = rows[0]
    head = _merged_head(draft, row)
    changes = await _plan(tx, draft, records, row)
    if changes.is_empty and head == head_of(row):
        return await result(tx, draft, row, records)
    limits.check_metadata(head.metadata)
    await _apply(tx, draft, changes, row)
    await insert_files(tx, draft.tenant, draft.thread_id, files)
    row = await change_thread(tx, draft.tenant, row, head, at=draft.at, changes=changes)
    return await result(tx, draft, row, records)


async def change_thread(
    tx: Tx, tenant: str, row: ThreadRow, head: Head, *, at: int, changes: Plan | None = None
) -> ThreadRow:
    """Give a thread its new head, tags, version and counters, and return its new row."""
    changes = changes or Plan(next_position=row.next_position)
    place = {"tenant": tenant, "thread": row.id}
    old, new = tags_of(json.loads(row.metadata), row.agent), tags_of(json.loads(head.metadata), head.agent)
    await tx.run_many(DELETE_TAG, [{**place, "tag": tag} for tag in sorted(old - new)])
    await tx.run_many(INSERT_TAG, [{**place, "tag": tag} for tag in sorted(new - old)])
    await tx.run(
        CHANGE_THREAD,
        **place,
        title=head.title,
        metadata=head.metadata,
        agent=head.agent,
        archived=int(head.archived),
        next_position=changes.next_position,
        version=row.version + 1,
        message_count=row.message_count + len(changes.inserts) + changes.shown_again - len(changes.removes),
        at=at,
    )
    return (await tx.run(THREAD, **place))[0]


async def _create(tx: Tx, draft: Draft) -> None:
    head = draft.head
    await insert_thread(
        tx,
        draft.tenant,
        draft.thread_id,
        draft.at,
        title=head.title,
        metadata=head.metadata,
        agent=head.agent,
        archived=int(head.archived),
        created_at=draft.created_at,
    )
    tags = tags_of(json.loads(head.metadata), head.agent)
    place = {"tenant": draft.tenant, "thread": draft.thread_id}
    await tx.run_many(INSERT_TAG, [{**place, "tag": tag} for tag in sorted(tags)])


def _merged_head(draft: Draft, row: ThreadRow) -> Head:
    """Return the head of the thread after the merge; a field or key that both changed differently is a conflict."""
    base, mine, theirs = draft.base, draft.head, head_of(row)
    if mine == theirs or (base is not None and mine == head_of(base)):
        return theirs
    if base is None:
        metadata = {**json.loads(theirs.metadata), **json.loads(mine.metadata)}
        return Head(
            mine.title or theirs.title,
            canonical(metadata),
            mine.agent or theirs.agent,
            mine.archived or theirs.archived,
        )
    was = head_of(base)
    return Head(
        title=_merged(draft, "title", was.title, mine.title, theirs.title),
        metadata=_merged_metadata(draft, was.metadata, mine.metadata, theirs.metadata),
        # The agent that answered last: two that answer at once are no conflict.
        agent=mine.agent if mine.agent != was.agent else theirs.agent,
        archived=_merged(draft, "archived", was.archived, mine.archived, theirs.archived),
    )


def _merged(draft: Draft, what: str, was: T, mine: T, theirs: T) -> T:
    if mine in (was, theirs):
        return theirs
    if theirs != was:
        raise ConflictError(
            f"Somebody else changed {what} of thread {draft.thread_id!r} since it was loaded. Nothing was written.",
            hint="Load the thread again and repeat the change.",
        )
    return mine


def _merged_metadata(draft: Draft, was: str, mine: str, theirs: str) -> str:
    # Values are compared as canonical text, where 1, 1.0 and true differ; None stands for a key that is not there.
    was_items, mine_items, theirs_items = (_items(text) for text in (was, mine, theirs))
    merged: dict[str, Any] = {}
    for key in {**theirs_items, **mine_items, **was_items}:
        value = _merged(draft, f"metadata[{key!r}]", was_items.get(key), mine_items.get(key), theirs_items.get(key))
        if value is not None:
            merged[key] = json.loads(value)
    return canonical(merged)


def _items(metadata: str) -> dict[str, str]:
    return {key: canonical(value) for key, value in json.loads(metadata).items()}


async def _plan(tx: Tx, draft: Draft, records: dict[str, Record], row: ThreadRow) -> Plan:
    if draft.messages is None:
        return Plan(next_position=row.next_position)
    base = Base(
        digests=draft.base.digest_by_id() if draft.base else {},
        known=draft.base is not None,
    )
    mine = [Mine(id=message.id, record=records.get(message.id)) for message in draft.messages]
    marks = await tx.run(MARKS, tenant=draft.tenant, thread=draft.thread_id)
    try:
        return plan(draft.thread_id, base, mine, marks, row.next_position)
    except GapUsedUp:
        next_position = await _number_anew(tx, draft, marks, row.next_position)
        marks = await tx.run(MARKS, tenant=draft.tenant, thread=draft.thread_id)
        return plan(draft.thread_id, base, mine, marks, next_position)


async def _number_anew(tx: Tx, draft: Draft, marks: Sequence[Mark], next_position: int) -> int:
    """Give every message a new position behind all that were ever used, so that none collides; return the next.

    The removed ones as well: they keep their places among the others, in the history and at the edge of a window.
    """
    place = {"tenant": draft.tenant, "thread": draft.thread_id}
    positions = range(next_position, next_position + len(marks) * STEP, STEP)
    moves = [
        {**place, "id": mark.id, "removed": mark.removed, "position": position}
        for mark, position in zip(marks, positions, strict=True)
    ]
    await tx.run_many(PLACE_MESSAGE, moves)
    await tx.run(DELETE_SUMMARIES, **place)
    return positions.stop


async def _apply(tx: Tx, draft: Draft, changes: Plan, row: ThreadRow) -> None:
    place = {"tenant": draft.tenant, "thread": draft.thread_id}
    leaving = [*(mark.id for mark in changes.removes), *(message_id for message_id, _ in changes.moves)]
    await drop_over(tx, draft.tenant, draft.thread_id, leaving)
    for mark in changes.removes:
        await tx.run(PLACE_MESSAGE, **place, id=mark.id, removed=row.version + 1, position=mark.position)
    for message_id, position in changes.moves:
        await tx.run(PLACE_MESSAGE, **place, id=message_id, removed=0, position=position)
    for record in changes.edits:
        await change_message(tx, draft.tenant, draft.thread_id, record, draft.at)
    await tx.run_many(INSERT_MESSAGE, message_rows(draft.tenant, draft.thread_id, changes.inserts))
    placed = [*((record.id, position) for record, position in changes.inserts), *changes.moves]
    # What stands at the end is behind every summary.
    amid = [message_id for message_id, position in placed if position < row.next_position]
    await drop_over(tx, draft.tenant, draft.thread_id, amid)


async def change_message(tx: Tx, tenant: str, thread_id: str, record: Record, at: int) -> None:
    """Put *record* in the place of what the message says now, which goes into its history."""
    place = {"tenant": tenant, "thread": thread_id, "id": record.id}
    await drop_over(tx, tenant, thread_id, [record.id])
    await tx.run(KEEP_REVISION, **place, at=at)
    await tx.run(
        CHANGE_MESSAGE, **place, role=record.role, content=record.content, extra=record.extra, digest=record.digest
    )


async def result(tx: Tx, draft: Draft, row: ThreadRow, records: dict[str, Record]) -> Saved:
    """Return what the store holds now of what the caller has, or would have loaded."""
    if draft.messages is None:
        return Saved(row=row, marks=(), others={})
    place = {"tenant": draft.tenant, "thread": draft.thread_id}
    known = draft.base.digest_by_id() if draft.base else {}
    marks = _in_extent(await tx.run(MARKS, **place), draft, set(known))
    known.update({record.id: record.digest for record in records.values()})
    unknown = [mark.id for mark in marks if known.get(mark.id) != mark.digest]
    return Saved(
        row=row,
        marks=tuple(marks),
        others={message_id: (await tx.run(MESSAGE, **place, id=message_id))[0] for message_id in unknown},
    )


def _in_extent(marks: list[Mark], draft: Draft, loaded: set[str]) -> list[Mark]:
    """Return what the view shows of the part that the caller loaded, and of what was put into it since."""
    shown = [mark for mark in marks if not mark.removed]
    if draft.base is None or draft.base.extent == "all":
        return shown
    mine = {message.id for message in draft.messages or ()}
    if draft.base.extent == "middle":
        return [mark for mark in shown if mark.id in mine]
    start = min((mark.position for mark in marks if mark.id in loaded or mark.id in mine), default=-LARGEST)
    return [mark for mark in shown if mark.position >= start]
