"""Threads as their rows, read just as they are kept: what a copy, an export or a backup takes along.

A thread is read in pieces, so that a long one fits in memory. Their order is that of the messages' key, those that were
taken out of the view first: what is appended to a thread comes after all that was read before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from keepthread.errors import CorruptError
from keepthread.model import Identity
from keepthread.model.record import digest_of

from .backends.base import Tx
from .conversation_queries import CONVERSATION
from .limits import LARGEST
from .queries import KEPT_PAGE, KEPT_REVISIONS, THREAD, KeptRow, RevisionRow, ThreadRow

_MOST_MESSAGES = 500
_MOST_CHARACTERS = 4 * 1024 * 1024
"""Of one piece. A message comes whole, with all its versions, also if it alone has more."""


class Place(NamedTuple):
    """Between two messages: behind the one with this key."""

    removed: int
    position: int


BEGINNING = Place(0, LARGEST)
_VIEW = Place(0, -LARGEST)


class FileReference(NamedTuple):
    """A file that a message, or an earlier version of it, refers to."""

    sha256: str
    filename: str
    mime_type: str | None


class KeptMessage(NamedTuple):
    """A message with everything that is kept of it."""

    row: KeptRow
    revisions: tuple[RevisionRow, ...]
    """What it said before its edits, the first one first."""

    @property
    def is_shown(self) -> bool:
        """Whether the view of the thread shows it."""
        return self.row.removed == 0

    @property
    def is_sound(self) -> bool:
        """Whether each of its versions is what was written."""
        versions = (self.row, *self.revisions)
        return all(said.digest == digest_of(self.row.id, said.role, said.content, said.extra) for said in versions)

    @property
    def files(self) -> list[FileReference]:
        """The files that it refers to, and those that it referred to before its edits.

        Raises:
            CorruptError: It cannot be read.
        """
        found: dict[str, FileReference] = {}
        for said in (self.row, *self.revisions):
            if '"attachments"' in said.extra:
                found.update((file.sha256, file) for file in _files_in(self.row.id, said.extra))
        return list(found.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far a thread was read, how much that was, and a digest over all of it in order."""

    place: Place = BEGINNING
    messages: int = 0
    """Shown and removed."""
    shown: int = 0
    revisions: int = 0
    digest: bytes = b""
    """Of every message's place, time and digests. Two threads whose digests are equal hold the same."""

    def over(self, message: KeptMessage) -> Tally:
        """Return the tally once *message* was read."""
        row = message.row
        earlier = [(said.revision, said.digest, said.replaced_at) for said in message.revisions]
        said = (row.removed, row.position, row.id, row.turn_id, row.created_at, row.digest, message.is_sound, earlier)
        return replace(
            self,
            place=Place(row.removed, row.position),
            messages=self.messages + 1,
            shown=self.shown + message.is_shown,
            revisions=self.revisions + len(earlier),
            digest=blake2b(self.digest + repr(said).encode(), digest_size=16).digest(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a thread, and the thread's row at the same moment."""

    thread: ThreadRow
    identity: Identity | None
    """Whose conversation it is; None if nobody said."""
    messages: list[KeptMessage]
    is_last: bool


async def piece(tx: Tx, *, tenant: str, thread_id: str, after: Place, before: int) -> Piece | None:
    """Return the next piece of a thread, of its messages before a position; None if there is no such thread."""
    rows, whose = await tx.run_two(THREAD, CONVERSATION, tenant=tenant, thread=thread_id)
    if not rows:
        return None
    identity = Identity(**whose[0]._asdict()) if whose else None
    messages, is_last = await _read(tx, _Part(tenant, thread_id, before), after, _MOST_MESSAGES)
    return Piece(thread=rows[0], identity=identity, messages=messages, is_last=is_last)


async def tally(
    tx: Tx, *, tenant: str, thread_id: str, begin: Tally, before: int, messages: int | None
) -> tuple[ThreadRow, Tally] | None:
    """Read on from *begin* to a position, or until so many *messages* were counted, all of it on one snapshot.

    Nothing but the tally is kept in memory. Returns it with the thread's row, or None if there is no such thread.
    """
    rows = await tx.run(THREAD, tenant=tenant, thread=thread_id)
    if not rows:
        return None
    counted, is_last = begin, False
    while not is_last and (messages is None or counted.messages < messages):
        limit = _MOST_MESSAGES if messages is None else min(_MOST_MESSAGES, messages - counted.messages)
        found, is_last = await _read(tx, _Part(tenant, thread_id, before), counted.place, limit)
        for message in found:
            counted = counted.over(message)
    return rows[0], counted


class _Part(NamedTuple):
    """A thread up to a position."""

    tenant: str
    thread_id: str
    before: int


async def _read(tx: Tx, part: _Part, after: Place, limit: int) -> tuple[list[KeptMessage], bool]:
    """Return the next messages, and whether there are no more of them."""
    found: list[KeptMessage] = []
    if after == BEGINNING or after.removed:
        found, is_last = await _read_range(tx, part, after, LARGEST, limit)
        if not is_last:
            return found, False
        after = _VIEW
    shown, is_last = await _read_range(tx, part, after, 0, limit - len(found))
    return found + shown, is_last


async def _read_range(tx: Tx, part: _Part, after: Place, most: int, limit: int) -> tuple[list[KeptMessage], bool]:
    place = {"tenant": part.tenant, "thread": part.thread_id, "removed": after.removed, "after": after.position}
    rows = await tx.run(KEPT_PAGE, **place, most=most, before=part.before, limit=limit, budget=_MOST_CHARACTERS)
    earlier: dict[str, tuple[RevisionRow, ...]] = {}
    if any(row.revisions for row in rows):
        last = rows[-1]
        found = await tx.run(KEPT_REVISIONS, **place, last_removed=last.removed, last=last.position)
        earlier = {message: tuple(said) for message, said in groupby(found, attrgetter("message_id"))}
    is_last = len(rows) < limit and not (rows and rows[-1].is_full)
    return [KeptMessage(row, earlier.get(row.id, ())) for row in rows], is_last


def _files_in(message_id: str, extra: str) -> Iterator[FileReference]:
    try:
        for file in json.loads(extra).get("attachments", ()):
            yield FileReference(file["sha256"], file["filename"], file.get("mime_type"))
    except (ValueError, KeyError, TypeError, AttributeError) as damage:
        raise CorruptError(
            f"Message {message_id!r} cannot be read: its row is damaged ({type(damage).__name__}).",
            hint="Restore it from a backup.",
        ) from damage
