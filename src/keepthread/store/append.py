"""Appending a turn: the hot path, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from keepthread.errors import ConflictError, ThreadNotFound
from keepthread.model.record import Record, Source, decode

from .backends.base import Backend, Column, DuplicateKey, Tx
from .queries import (
    INSERT_FILE,
    INSERT_MESSAGE,
    INSERT_THREAD,
    LOCK_THREAD,
    MARK,
    MESSAGE,
    TAKE_POSITIONS,
)
from .turn import STEP, Appended, Turn, appended


async def append(backend: Backend, turn: Turn, *, create: bool, source: Source | None) -> Appended:
    """Store *turn*, all of it or none; what is there already is found and not stored again.

    Raises:
        ThreadNotFound: There is no such thread, and *create* is false.
        ConflictError: A message id stands for other content. Nothing was written.
    """
    try:
        stored = await backend.append_turn(turn, store_turns)
    except DuplicateKey:
        return await backend.write(partial(_store_rest, turn=turn, source=source))
    if stored is not None:
        return stored
    if not create:
        raise ThreadNotFound(
            turn.thread_id, hint="Create it with store.save_thread(Thread(id=…)), or pass create=True."
        )
    try:
        return await backend.write(partial(_store_new, turn=turn))
    except DuplicateKey:
        # Another process created the thread at the same moment.
        return await append(backend, turn, create=False, source=source)


async def store_turns(tx: Tx, turns: Sequence[Turn]) -> list[Appended | None]:
    """Store each of *turns* whose thread exists; None for one without a thread. Together, in their order.

    Raises:
        DuplicateKey: A message id is there already. Nothing was written.
    """
    outcomes: list[Appended | None] = []
    rows: list[dict[str, Column]] = []
    for turn in turns:
        count = len(turn.records)
        taken = await tx.run(
            TAKE_POSITIONS,
            tenant=turn.tenant,
            thread=turn.thread_id,
            taken=count * STEP,
            count=count,
            at=turn.at,
            born=turn.born,
        )
        if not taken:
            outcomes.append(None)
            continue
        first = taken[0].next_position - count * STEP
        positions = range(first, first + count * STEP, STEP)
        rows += message_rows(turn.tenant, turn.thread_id, zip(turn.records, positions, strict=True))
        await insert_files(tx, turn.tenant, turn.thread_id, turn.files)
        outcomes.append(appended(turn, next_position=taken[0].next_position, version=taken[0].version))
    await tx.run_many(INSERT_MESSAGE, rows)
    return outcomes


def message_rows(tenant: str, thread_id: str, placed: Iterable[tuple[Record, int]]) -> list[dict[str, Column]]:
    """Return the rows of new messages at their positions, as one turn, which is named after its first message."""
    messages = list(placed)
    return [
        {
            "tenant": tenant,
            "thread": thread_id,
            "position": position,
            "id": record.id,
            "turn_id": messages[0][0].id,
            "role": record.role,
            "content": record.content,
            "extra": record.extra,
            "digest": record.digest,
            "created_at": record.created_at,
        }
        for record, position in messages
    ]


async def insert_files(tx: Tx, tenant: str, thread_id: str, files: Sequence[tuple[str, str]]) -> None:
    """Note which messages refer to which bytes."""
    if files:
        await tx.run_many(
            INSERT_FILE,
            [{"tenant": tenant, "thread": thread_id, "id": message, "sha256": sha256} for message, sha256 in files],
        )


async def insert_thread(tx: Tx, tenant: str, thread_id: str, at: int, **fields: Column) -> None:
    """Store a thread without messages. *fields*: title, metadata as canonical JSON, agent, archived, created_at.

    Raises:
        DuplicateKey: It is there already.
    """
    values: dict[str, Column] = {"title": None, "metadata": "{}", "agent": None, "archived": 0, "created_at": at}
    await tx.run(INSERT_THREAD, tenant=tenant, thread=thread_id, updated_at=at, **{**values, **fields})


async def _store_new(tx: Tx, turn: Turn) -> Appended:
    await insert_thread(tx, turn.tenant, turn.thread_id, turn.at)
    (stored,) = await store_turns(tx, [turn._replace(born=None)])
    if stored is None:
        raise ThreadNotFound(turn.thread_id)
    return stored


async def _store_rest(tx: Tx, turn: Turn, source: Source | None) -> Appended:
    """Store what of *turn* is not there, once what is there has been found to be a repeat."""
    # Locked before it is looked at: what is not there now is not there either when it is stored.
    await tx.run(LOCK_THREAD, **_place(turn))
    marks = [mark for record in turn.records for mark in await tx.run(MARK, **_place(turn), id=record.id)]
    first_said = {mark.id: mark.first_digest for mark in marks}
    for record in turn.records:
        if first_said.get(record.id, record.digest) != record.digest:
            raise taken_id(turn.thread_id, record.id)
    repeated = [
        decode(row, row.position, source) for mark in marks for row in await tx.run(MESSAGE, **_place(turn), id=mark.id)
    ]
    positions = {mark.id: mark.position for mark in marks}
    rest = tuple(record for record in turn.records if record.id not in positions)
    if rest:
        (stored,) = await store_turns(tx, [turn._replace(records=rest)])
        if stored is None:
            raise ThreadNotFound(turn.thread_id)
        positions.update(stored.positions)
    return Appended(positions=positions, version=None, repeated=tuple(repeated))


def taken_id(thread_id: str, message_id: str) -> ConflictError:
    """Return the error for an id under which something else was stored first."""
    return ConflictError(
        f"Thread {thread_id!r} already holds another message with id {message_id!r}. Nothing was written.",
        hint="Give the new message its own id, or change the stored one with store.edit_message.",
    )


def _place(turn: Turn) -> dict[str, str]:
    return {"tenant": turn.tenant, "thread": turn.thread_id}
