"""Writing threads that were kept elsewhere, row by row. No limit applies to them: they were accepted once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from keepthread.errors import ConflictError, CorruptError
from keepthread.model import Identity

from .append import insert_files, insert_thread
from .backends.base import Column, Tx
from .conversations import insert_identity
from .draft import head_of
from .kept import KeptMessage
from .operations import remove
from .queries import (
    CHANGE_STATE,
    CHANGE_THREAD,
    COPY_MARK,
    DELETE_COPY_MARK,
    DELETE_TAG,
    INSERT_COPY_MARK,
    INSERT_KEPT_MESSAGE,
    INSERT_KEPT_REVISION,
    INSERT_STATE,
    INSERT_TAG,
    KEPT_STATE,
    LOCK_THREAD,
    MESSAGE,
    CopyMark,
    KeptState,
    ThreadRow,
)
from .tags import tags_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A piece of a thread on its way into another database."""

    thread: ThreadRow
    """As it is at the source, at the moment as of which it is copied."""
    identity: Identity | None
    """Whose conversation it is."""
    messages: Sequence[KeptMessage]
    mark: CopyMark
    """How the thread is left."""
    is_last: bool
    expected: int | None
    """The version that the thread must have here by now; None: there must be none."""
    replaces: bool = False
    """Whether what is here goes first."""


async def deliver(tx: Tx, *, tenant: str, delivery: Delivery) -> list[str]:
    """Store a piece of a thread, and return the hashes of files that what it replaces referred to.

    Delivering it again, after a commit whose outcome is unknown, changes nothing.

    Raises:
        ConflictError: The thread here is not what was expected. Nothing was written.
        CorruptError: The thread does not hold as many messages as its row says. Nothing was written.
        DuplicateKey: Somebody else stores the same thread at this moment.
    """
    place = {"tenant": tenant, "thread": delivery.thread.id}
    rows = await tx.run(LOCK_THREAD, **place)
    if rows and await _is_there(tx, tenant, rows[0], delivery):
        return []
    if (rows[0].version if rows else None) != delivery.expected:
        raise ConflictError(
            f"Thread {delivery.thread.id!r} was changed by somebody else while it was copied. Nothing was written.",
            hint="Let nobody write to the target before the copy is complete.",
        )
    loose = await remove(tx, tenant=tenant, thread_id=delivery.thread.id) if rows and delivery.replaces else []
    before = None if delivery.replaces or not rows else rows[0]
    await _set_head(tx, tenant, delivery, before)
    await _insert_messages(tx, tenant, delivery)
    await tx.run(DELETE_COPY_MARK, **place)
    await tx.run(INSERT_COPY_MARK, tenant=tenant, **_mark_values(delivery.mark))
    return loose


async def take_back(tx: Tx, *, tenant: str, mark: CopyMark) -> list[str]:
    """Remove what a copy left here, if nobody changed it since, and return the hashes of its files."""
    place = {"tenant": tenant, "thread": mark.thread_id}
    rows = await tx.run(LOCK_THREAD, **place)
    if not rows or rows[0].version != mark.version or await tx.run(COPY_MARK, **place) != [mark]:
        return []
    return await remove(tx, tenant=tenant, thread_id=mark.thread_id)


async def _is_there(tx: Tx, tenant: str, row: ThreadRow, delivery: Delivery) -> bool:
    """Return whether this very delivery was made before."""
    place = {"tenant": tenant, "thread": row.id}
    is_left_so = (row.version, row.created_at) == (delivery.thread.version, delivery.thread.created_at)
    if not is_left_so or await tx.run(COPY_MARK, **place) != [delivery.mark]:
        return False
    last = delivery.messages[-1].row if delivery.messages else None
    return last is None or bool(await tx.run(MESSAGE, **place, id=last.id))


async def _insert_messages(tx: Tx, tenant: str, delivery: Delivery) -> None:
    place: dict[str, Column] = {"tenant": tenant, "thread": delivery.thread.id}
    messages = delivery.messages
    await tx.run_many(
        INSERT_KEPT_MESSAGE,
        [{**place, **message.row._asdict()} for message in messages],
    )
    await tx.run_many(
        INSERT_KEPT_REVISION,
        [{**place, **said._asdict(), "id": said.message_id} for message in messages for said in message.revisions],
    )
    references = [(message.row.id, file.sha256) for message in messages for file in message.files]
    await insert_files(tx, tenant, delivery.thread.id, references)


async def _set_head(tx: Tx, tenant: str, delivery: Delivery, before: ThreadRow | None) -> None:
    """Give the thread its row, or what it has of it so far, and its tags."""
    row = delivery.thread
    shown = (before.message_count if before else 0) + sum(message.is_shown for message in delivery.messages)
    if delivery.is_last and shown != row.message_count:
        raise CorruptError(
            f"Thread {row.id!r} has {shown} messages where {row.message_count} were stored.",
            hint="Restore it from a backup.",
        )
    head = head_of(row)._asdict() | {"archived": row.archived}
    if before is None:
        await insert_thread(tx, tenant, row.id, row.updated_at, created_at=row.created_at, **head)
        if delivery.identity is not None:
            await insert_identity(tx, tenant, delivery.identity)
    await _change_tags(tx, tenant, row, before)
    await tx.run(
        CHANGE_THREAD,
        tenant=tenant,
        thread=row.id,
        **head,
        next_position=row.next_position,
        version=row.version,
        message_count=shown,
        at=row.updated_at,
    )


async def _change_tags(tx: Tx, tenant: str, row: ThreadRow, before: ThreadRow | None) -> None:
    old = tags_of(json.loads(before.metadata), before.agent) if before else set[bytes]()
    new = tags_of(json.loads(row.metadata), row.agent)
    await tx.run_many(DELETE_TAG, _tag_values(tenant, row.id, old - new))
    await tx.run_many(INSERT_TAG, _tag_values(tenant, row.id, new - old))


def _tag_values(tenant: str, thread_id: str, tags: set[bytes]) -> Sequence[dict[str, Column]]:
    return [{"tenant": tenant, "thread": thread_id, "tag": tag} for tag in sorted(tags)]


def _mark_values(mark: CopyMark) -> dict[str, Column]:
    return {**mark._asdict(), "thread": mark.thread_id}


async def keep_state(tx: Tx, *, tenant: str, state: KeptState) -> bool:
    """Store a value of session state as another database has it, unless a newer one is here. Return whether it was."""
    values = state._asdict()
    at = values.pop("updated_at")
    here = await tx.run(KEPT_STATE, tenant=tenant, scope=state.scope, name=state.name)
    if not here:
        await tx.run(INSERT_STATE, tenant=tenant, **values, at=at)
        return True
    if here[0].version == state.version or here[0].updated_at > at:
        return False
    await tx.run(CHANGE_STATE, tenant=tenant, **values, at=at, expected=here[0].version)
    return True
