"""Whose conversation a thread is: made with its thread, moved and deleted with it."""

from __future__ import annotations

import json

from keepthread.errors import BusyError, ConflictError, ThreadNotFound
from keepthread.model import Identity

from .append import insert_thread
from .backends.base import Operation, Tx
from .conversation_queries import (
    CONVERSATION,
    INSERT_CONVERSATION,
    MOVE_CONVERSATION,
    MOVE_FILES,
    MOVE_FRAMES,
    MOVE_MESSAGES,
    MOVE_REVISIONS,
    MOVE_STATES,
    MOVE_SUMMARIES,
    MOVE_TAG,
    MOVE_THREAD,
    MOVE_TURNS,
)
from .queries import DELETE_COPY_MARK, INSERT_TAG, LOCK_THREAD, STATE_NAMES, THREAD, THREAD_TURNS, ThreadRow
from .tags import principal_tag, tags_of

_MOVES = (
    MOVE_THREAD,
    MOVE_MESSAGES,
    MOVE_REVISIONS,
    MOVE_FILES,
    MOVE_TURNS,
    MOVE_FRAMES,
    MOVE_SUMMARIES,
    MOVE_STATES,
)


async def insert_conversation(tx: Tx, tenant: str, identity: Identity, at: int) -> None:
    """Store a conversation without messages, as a thread of its agent.

    Raises:
        DuplicateKey: It is there already.
    """
    await insert_thread(tx, tenant, identity.thread_id, at, agent=identity.agent)
    place = {"tenant": tenant, "thread": identity.thread_id}
    await tx.run_many(INSERT_TAG, [{**place, "tag": tag} for tag in sorted(tags_of({}, identity.agent))])
    await insert_identity(tx, tenant, identity)


async def insert_identity(tx: Tx, tenant: str, identity: Identity) -> None:
    """Store whose conversation a thread is, which is there by now."""
    place = {"tenant": tenant, "thread": identity.thread_id}
    await tx.run(
        INSERT_CONVERSATION,
        **place,
        store_name=identity.store_name,
        agent=identity.agent,
        version=identity.version,
        principal=identity.principal,
        session=identity.session,
    )
    await tx.run_many(INSERT_TAG, [{**place, "tag": tag} for tag in _principal_tags(identity)])


async def identity_of(tx: Tx, *, tenant: str, thread_id: str) -> Identity | None:
    """Return whose conversation a thread is; None if nobody said.

    Raises:
        ThreadNotFound: There is no such thread.
    """
    place = {"tenant": tenant, "thread": thread_id}
    threads, rows = await tx.run_two(THREAD, CONVERSATION, **place)
    if not threads:
        raise ThreadNotFound(thread_id)
    return Identity(**rows[0]._asdict()) if rows else None


async def tags_carried(tx: Tx, tenant: str, row: ThreadRow) -> list[bytes]:
    """Return every tag that a thread carries: what its row tells, and its principal's."""
    rows = await tx.run(CONVERSATION, tenant=tenant, thread=row.id)
    told = tags_of(json.loads(row.metadata), row.agent)
    return sorted(told.union(*(_principal_tags(Identity(**found._asdict())) for found in rows)))


def moving(*, tenant: str, identity: Identity, moved: Identity, at: int) -> Operation[None]:
    """Return what gives a conversation another namespace, with all that belongs to it."""
    is_moved = False

    async def move(tx: Tx) -> None:
        nonlocal is_moved
        try:
            await _move(tx, tenant, identity, moved, at)
        except ThreadNotFound:
            # The connection was lost at the commit of an earlier attempt, and that attempt moved it.
            if not is_moved:
                raise
        is_moved = True

    return move


async def _move(tx: Tx, tenant: str, identity: Identity, moved: Identity, at: int) -> None:
    place = {"tenant": tenant, "thread": identity.thread_id}
    rows = await tx.run(LOCK_THREAD, **place)
    if not rows or not await tx.run(CONVERSATION, **place):
        raise ThreadNotFound(identity.thread_id, hint="No such conversation was ever begun.")
    # A session may keep state before its conversation says a word.
    if await tx.run(THREAD, tenant=tenant, thread=moved.thread_id) or await tx.run(
        STATE_NAMES, tenant=tenant, scope=moved.thread_id
    ):
        raise occupied(moved)
    turns = await tx.run(THREAD_TURNS, **place)
    if any(turn.state == "open" and turn.lease_until > at for turn in turns):
        raise BusyError("A turn is under way in the conversation. Nothing was moved.", hint="Try again after it.")
    tags = await tags_carried(tx, tenant, rows[0])
    for query in _MOVES:
        await tx.run(query, **place, moved=moved.thread_id)
    await tx.run_many(MOVE_TAG, [{**place, "tag": tag, "moved": moved.thread_id} for tag in tags])
    await tx.run(MOVE_CONVERSATION, **place, moved=moved.thread_id, store_name=moved.store_name)
    # A copy from elsewhere brought the other id: what stands here now it did not bring.
    await tx.run(DELETE_COPY_MARK, **place)


def occupied(identity: Identity) -> ConflictError:
    """Return the error for a place that another conversation has already."""
    return ConflictError(
        f"The same conversation is kept under store_name={identity.store_name!r} already. Nothing was moved.",
        hint="Delete one of the two first.",
    )


def _principal_tags(identity: Identity) -> set[bytes]:
    return set() if identity.principal is None else {principal_tag(identity.principal)}
