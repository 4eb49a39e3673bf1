"""Summaries that are kept with a thread: read with what follows on them, replaced at a commit, dropped by an edit.

What they say, and which messages they should stand for, is somebody else's to decide.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from keepthread.model import Message
from keepthread.model.record import Source, chained

from .backends.base import Tx
from .conversation_queries import (
    DELETE_SUMMARY,
    DROP_SUMMARIES,
    INSERT_SUMMARY,
    SUMMARY,
    VIEW_DIGESTS,
    VIEW_HEAD,
    KeptSummary,
)
from .limits import LARGEST
from .queries import LOCK_THREAD, VIEW_PAGE, VIEW_TAIL
from .rows import messages_of

BEFORE_ALL = -LARGEST
"""A position before every message's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryChange:
    """A summary in the place of the one that it continues."""

    kept: KeptSummary
    continues: KeptSummary | None
    """What was kept when it was begun."""


class Remembered(NamedTuple):
    """A thread as its summary leaves it."""

    summary: KeptSummary | None
    leading: list[Message]
    """The messages before what the summary stands for; [] without one."""
    messages: list[Message]
    """The next ones behind it, in order; the first ones without one."""


class Ends(NamedTuple):
    """The two ends of a thread's view, which may overlap."""

    first: list[Message]
    last: list[Message]


async def remembered(
    tx: Tx, *, tenant: str, thread_id: str, kind: str, limit: int, source: Source | None
) -> Remembered:
    """Return the summary of a kind and the messages behind it, *limit* at most. A thread that is not there is empty."""
    place = {"tenant": tenant, "thread": thread_id}
    found = await tx.run(SUMMARY, **place, kind=kind)
    summary = found[0] if found else None
    leading = await tx.run(VIEW_HEAD, **place, through=summary.behind) if summary else []
    after = summary.through if summary else BEFORE_ALL
    rows = await tx.run(VIEW_PAGE, **place, after=after, limit=limit)
    return Remembered(summary, messages_of(leading, source), messages_of(rows, source))


async def ends(tx: Tx, *, tenant: str, thread_id: str, first: int, last: int, source: Source | None) -> Ends:
    """Return the *first* and the *last* messages of a view, each in order. A thread that is not there is empty."""
    place = {"tenant": tenant, "thread": thread_id}
    head = await tx.run(VIEW_PAGE, **place, after=BEFORE_ALL, limit=first)
    tail = await tx.run(VIEW_TAIL, **place, before=LARGEST, limit=last)
    return Ends(messages_of(head, source), messages_of(tail[::-1], source))


async def keep(tx: Tx, *, tenant: str, thread_id: str, change: SummaryChange) -> bool:
    """Keep a summary, unless what it stands for or continues is not what it was; return whether it is kept."""
    place = {"tenant": tenant, "thread": thread_id}
    kept, continues = change.kept, change.continues
    if not await tx.run(LOCK_THREAD, **place):
        return False
    stored = await tx.run(SUMMARY, **place, kind=kept.kind)
    if stored != ([continues] if continues else []):
        return False
    after = max(kept.behind, continues.through) if continues else kept.behind
    added = await tx.run(VIEW_DIGESTS, **place, after=after, through=kept.through)
    if chained(continues.digest if continues else b"", (row.value for row in added)) != kept.digest:
        return False
    await tx.run(DELETE_SUMMARY, **place, kind=kept.kind)
    await tx.run(
        INSERT_SUMMARY,
        **place,
        kind=kept.kind,
        behind=kept.behind,
        through=kept.through,
        digest=kept.digest,
        summary=kept.text,
    )
    return True


async def drop_over(tx: Tx, tenant: str, thread_id: str, message_ids: Iterable[str]) -> None:
    """Forget the summaries that stand for one of these messages, by where it is now, or begin behind it."""
    place = {"tenant": tenant, "thread": thread_id}
    await tx.run_many(DROP_SUMMARIES, [{**place, "id": message_id} for message_id in message_ids])
