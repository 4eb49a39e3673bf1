"""The smaller operations on threads and messages, each over named queries and whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from keepthread.errors import CorruptError, MessageNotFound, ThreadNotFound
from keepthread.model import HistoryEntry, Message, Thread
from keepthread.model.json_values import canonical
from keepthread.model.record import Source, decode, encode
from keepthread.model.thread import add_open

from .append import insert_files, insert_thread
from .backends.base import Operation, Tx
from .conversation_queries import DELETE_CONVERSATION, DELETE_SUMMARIES
from .conversations import tags_carried
from .draft import Head, head_of
from .limits import LARGEST, Limits
from .queries import (
    DELETE_COPY_MARK,
    DELETE_FILES,
    DELETE_MESSAGES,
    DELETE_REVISIONS,
    DELETE_TAG,
    DELETE_THREAD,
    DELETE_THREAD_FRAMES,
    DELETE_THREAD_STATES,
    DELETE_THREAD_TURNS,
    EVERYTHING,
    FILE_USERS,
    INSERT_TAG,
    LOCK_THREAD,
    MESSAGE,
    OPEN_FRAMES,
    REVISIONS,
    STATE_NAMES,
    THREAD,
    THREAD_FILES,
    VIEW,
    VIEW_PAGE,
    VIEW_TAIL,
    ThreadRow,
)
from .rows import loaded, messages_of
from .save import change_message, change_thread
from .tags import tags_of

_BELONGINGS = (
    DELETE_MESSAGES,
    DELETE_REVISIONS,
    DELETE_FILES,
    DELETE_THREAD_FRAMES,
    DELETE_THREAD_TURNS,
    DELETE_CONVERSATION,
    DELETE_SUMMARIES,
    DELETE_THREAD_STATES,
    DELETE_COPY_MARK,
)
"""What a thread takes along, beside its tags."""


async def thread_row(tx: Tx, *, tenant: str, thread_id: str) -> ThreadRow:
    """Return a thread's row.

    Raises:
        ThreadNotFound: There is none.
    """
    rows = await tx.run(THREAD, tenant=tenant, thread=thread_id)
    if not rows:
        raise ThreadNotFound(thread_id)
    return rows[0]


async def locked_row(tx: Tx, *, tenant: str, thread_id: str) -> ThreadRow:
    """Return a thread's row, which nobody else changes until the transaction ends.

    Raises:
        ThreadNotFound: There is none.
    """
    rows = await tx.run(LOCK_THREAD, tenant=tenant, thread=thread_id)
    if not rows:
        raise ThreadNotFound(thread_id)
    return rows[0]


async def load(
    tx: Tx, *, tenant: str, thread_id: str, last: int | None, before: int | None, source: Source | None
) -> Thread:
    """Return a thread with its view, or with the *last* messages of it *before* a position."""
    is_whole = last is None and before is None
    threads, rows = await tx.run_two(
        THREAD,
        VIEW if is_whole else VIEW_TAIL,
        tenant=tenant,
        thread=thread_id,
        before=LARGEST if before is None else before,
        limit=LARGEST if last is None else last,
    )
    if not threads:
        raise ThreadNotFound(thread_id)
    if is_whole:
        if len(rows) != threads[0].message_count:
            raise CorruptError(
                f"Thread {thread_id!r} has {len(rows)} messages where {threads[0].message_count} were stored.",
                hint="Restore it from a backup.",
            )
        return loaded(threads[0], rows, source, "all")
    return loaded(threads[0], rows[::-1], source, "tail" if before is None else "middle")


async def with_open(tx: Tx, *, load: Operation[Thread], tenant: str, thread_id: str, source: Source | None) -> Thread:
    """Return the thread that *load* finds, and behind its messages those of turns that are not committed."""
    thread = await load(tx)
    add_open(
        thread, [decode(frame, None, source) for frame in await tx.run(OPEN_FRAMES, tenant=tenant, thread=thread_id)]
    )
    return thread


async def get_or_create(tx: Tx, *, tenant: str, thread_id: str, head: Head, at: int, source: Source | None) -> Thread:
    """Return a thread with its messages, made now if there was none."""
    if not await tx.run(LOCK_THREAD, tenant=tenant, thread=thread_id):
        await insert_thread(tx, tenant, thread_id, at, title=head.title, metadata=head.metadata, agent=head.agent)
        tags = tags_of(json.loads(head.metadata), head.agent)
        await tx.run_many(INSERT_TAG, [{"tenant": tenant, "thread": thread_id, "tag": tag} for tag in sorted(tags)])
    return await load(tx, tenant=tenant, thread_id=thread_id, last=None, before=None, source=source)


async def update(
    tx: Tx,
    *,
    tenant: str,
    thread_id: str,
    at: int,
    changes: Mapping[str, Any],
    metadata: Mapping[str, Any],
    limits: Limits,
) -> ThreadRow:
    """Change a thread's head: *changes* by field, *metadata* merged by key, where None takes a key away."""
    row = await locked_row(tx, tenant=tenant, thread_id=thread_id)
    merged = {**json.loads(row.metadata), **metadata}
    text = canonical({key: value for key, value in merged.items() if value is not None or key not in metadata})
    limits.check_metadata(text)
    head = head_of(row)._replace(metadata=text, **changes)
    return row if head == head_of(row) else await change_thread(tx, tenant, row, head, at=at)


async def message(tx: Tx, *, tenant: str, thread_id: str, message_id: str, source: Source | None) -> Message:
    """Return one message of the view."""
    await thread_row(tx, tenant=tenant, thread_id=thread_id)
    rows = await tx.run(MESSAGE, tenant=tenant, thread=thread_id, id=message_id)
    if not rows or rows[0].removed:
        raise MessageNotFound(thread_id, message_id)
    return decode(rows[0], rows[0].position, source)


async def page(tx: Tx, *, tenant: str, thread_id: str, after: int, limit: int, source: Source | None) -> list[Message]:
    """Return the next messages of the view after a position."""
    await thread_row(tx, tenant=tenant, thread_id=thread_id)
    rows = await tx.run(VIEW_PAGE, tenant=tenant, thread=thread_id, after=after, limit=limit)
    return messages_of(rows, source)


async def edit(
    tx: Tx,
    *,
    tenant: str,
    thread_id: str,
    message_id: str,
    changes: Mapping[str, Any],
    limits: Limits,
    at: int,
    source: Source | None,
) -> Message:
    """Change a message of the view as it is stored now, and return it. Changing nothing writes nothing."""
    row = await locked_row(tx, tenant=tenant, thread_id=thread_id)
    stored = await message(tx, tenant=tenant, thread_id=thread_id, message_id=message_id, source=source)
    edited = stored.edited(**changes)
    record = encode(edited)
    limits.check_turn([record])
    if record.digest == encode(stored).digest:
        return stored
    await change_message(tx, tenant, thread_id, record, at)
    hashes = [file.sha256 for file in edited.attachments if file.sha256 is not None]
    await insert_files(tx, tenant, thread_id, [(message_id, sha256) for sha256 in hashes])
    await change_thread(tx, tenant, row, head_of(row), at=at)
    return edited


async def history(tx: Tx, *, tenant: str, thread_id: str, source: Source | None) -> list[HistoryEntry]:
    """Return every version of every message, by position and then revision."""
    await thread_row(tx, tenant=tenant, thread_id=thread_id)
    place = {"tenant": tenant, "thread": thread_id}
    earlier: dict[str, list[HistoryEntry]] = {}
    rows = await tx.run(EVERYTHING, **place)
    rows_by_id = {row.id: row for row in rows}
    for old in await tx.run(REVISIONS, **place):
        now = rows_by_id[old.message_id]
        said = now._replace(role=old.role, content=old.content, extra=old.extra, digest=old.digest)
        entry = HistoryEntry(
            message=decode(said, now.position, source),
            revision=old.revision,
            current=False,
            removed_in=now.removed or None,
        )
        earlier.setdefault(now.id, []).append(entry)
    entries: list[HistoryEntry] = []
    for row in rows:
        before = earlier.get(row.id, [])
        current = decode(row, row.position, source)
        entries += [
            *before,
            HistoryEntry(message=current, revision=len(before), current=True, removed_in=row.removed or None),
        ]
    return entries


def deletion(*, tenant: str, thread_id: str) -> Operation[list[str]]:
    """Return what removes a thread and all that belongs to it, and returns the hashes of the files it referred to."""
    found: list[str] | None = None

    async def delete(tx: Tx) -> list[str]:
        nonlocal found
        try:
            found = await remove(tx, tenant=tenant, thread_id=thread_id)
        except ThreadNotFound:
            # The connection was lost at the commit of an earlier attempt, and that attempt was the deletion.
            if found is None:
                raise
        return found

    return delete


async def remove(tx: Tx, *, tenant: str, thread_id: str) -> list[str]:
    """Remove a thread and all that belongs to it, and return the hashes of the files it referred to.

    Raises:
        ThreadNotFound: There is no such thread, and no state beside it.
    """
    place = {"tenant": tenant, "thread": thread_id}
    rows = await tx.run(LOCK_THREAD, **place)
    if not rows:
        if not await tx.run(STATE_NAMES, tenant=tenant, scope=thread_id):
            raise ThreadNotFound(thread_id)
        # A session may keep state before its conversation says a word.
        await tx.run(DELETE_THREAD_STATES, **place)
        return []
    row = rows[0]
    hashes = [file.value for file in await tx.run(THREAD_FILES, **place)]
    tags = await tags_carried(tx, tenant, row)
    # The thread's row first: an append that waits for it then finds no thread.
    await tx.run(DELETE_THREAD, **place)
    for query in _BELONGINGS:
        await tx.run(query, **place)
    await tx.run_many(DELETE_TAG, [{**place, "tag": tag} for tag in tags])
    return hashes


async def is_unused(tx: Tx, *, tenant: str, sha256: str) -> bool:
    """Return whether nothing of the tenant refers to some bytes."""
    return (await tx.run(FILE_USERS, tenant=tenant, sha256=sha256))[0].value == 0
