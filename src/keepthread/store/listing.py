"""Lists of threads: newest first for people, by id for what must see every one."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from keepthread.errors import InvalidSetting, InvalidThread
from keepthread.model.ids import to_microseconds
from keepthread.model.json_values import canonical, check_id, frozen_object

from .backends.base import Column, Operation, Tx
from .limits import LARGEST
from .queries import (
    COUNT_TAG,
    NEWEST_TAGGED_BY_TAG,
    NEWEST_TAGGED_BY_WALK,
    NEWEST_TAGGED_FAR,
    NEWEST_THREADS,
    Query,
    ThreadRow,
)
from .tags import principal_tag, tags_of, tags_wanted

T = TypeVar("T")

# Fewer than this carry a rare tag; a common one is looked for among so many of the newest first.
_RARE = 2_000
_WALK = 5_000
_PAGE = 200

_LATEST = LARGEST
_EARLIEST = -LARGEST
# Sorts after every id: no id holds a character beyond Unicode's last.
_LAST_ID = "\U0010ffff" * 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which threads a list shows. Moments are microseconds since 1970; lower bounds are in, upper ones out."""

    tenant: str
    tags: Sequence[bytes] = ()
    """Those that a thread's row tells."""
    principal: bytes | None = None
    """The tag of who a conversation is held with, which only the table of tags tells."""
    archived: bool | None = False
    created_after: int = _EARLIEST
    created_before: int = _LATEST
    updated_after: int = _EARLIEST
    before_at: int = _LATEST
    before_id: str = _LAST_ID
    """Only what is older than this moment, or as old with a smaller id."""

    @property
    def finding(self) -> Sequence[bytes]:
        """The tags by which rows can be found: the principal's alone, for it cannot be checked on a row."""
        return self.tags if self.principal is None else [self.principal]


def wanted(
    tenant: str,
    *,
    metadata: Mapping[str, Any] | None,
    agent: str | None,
    principal: str | None,
    archived: bool | None,
    created_after: datetime | None,
    created_before: datetime | None,
    updated_after: datetime | None,
    updated_before: datetime | None,
    cursor: str | None,
) -> Filter:
    """Return the filter of a list, continued at *cursor*.

    Raises:
        InvalidThread: The metadata could not be a thread's.
        InvalidSetting: The cursor is none, or the principal could not be one.
    """
    values = frozen_object("The metadata filter", InvalidThread)(metadata)
    owner = None if principal is None else principal_tag(check_id(principal, "principal", InvalidSetting))
    before_at, before_id = _LATEST, _LAST_ID
    if updated_before is not None:
        before_at, before_id = _moment(updated_before, _LATEST) - 1, _LAST_ID
    if cursor is not None:
        at, thread_id = _parse_cursor(cursor)
        before_at, before_id = min((before_at, before_id), (at, thread_id))
    return Filter(
        tenant=tenant,
        tags=tags_wanted(values.items(), agent),
        principal=owner,
        archived=archived,
        created_after=_moment(created_after, _EARLIEST),
        created_before=_moment(created_before, _LATEST),
        updated_after=_moment(updated_after, _EARLIEST),
        before_at=before_at,
        before_id=before_id,
    )


def _moment(moment: datetime | None, default: int) -> int:
    try:
        return default if moment is None else to_microseconds(moment)
    except (ValueError, OverflowError) as error:
        raise InvalidSetting("A moment of the filter is outside of the years 1 to 9999 in UTC.") from error


def cursor_after(row: ThreadRow) -> str:
    """Return the cursor of the page that follows *row*."""
    return base64.urlsafe_b64encode(canonical([row.updated_at, row.id]).encode()).decode().rstrip("=")


def _parse_cursor(cursor: str) -> tuple[int, str]:
    try:
        at, thread_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return int(at), check_id(thread_id, "The cursor", InvalidSetting)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidSetting("This cursor is none of keepthread's.", hint="Pass page.cursor as it is.") from error


def end_of_prefix(prefix: str) -> str:
    """Return the least text that is greater than every text that begins with *prefix*."""
    kept = prefix.rstrip("\U0010ffff")
    if not kept:
        return _LAST_ID
    following = ord(kept[-1]) + 1
    # Between these two are the halves of surrogate pairs, which are no characters.
    return kept[:-1] + ("\ue000" if following == 0xD800 else chr(following))  # noqa: PLR2004 - the first of them


class Read(Protocol):
    """Backend.read: each operation on a snapshot of its own."""

    async def __call__(self, operation: Operation[T]) -> T:
        """Return what *operation* returns."""
        ...


async def newest(read: Read, *, wish: Filter, limit: int | None) -> list[ThreadRow]:
    """Return the newest threads that pass *wish*, newest first, at most *limit*; None is all.

    The rows of one call are of one snapshot. What is read before them only chooses how to find them, and needs none.
    """
    if wish.archived is None:
        return await read(partial(_both, wish=wish, limit=limit))
    if not wish.finding:
        return await read(partial(_pages, query=NEWEST_THREADS, wish=wish, limit=limit))
    # The rarest tag finds the rows, and the others are checked on them.
    carriers, tag = await read(partial(_rarest, wish=wish))
    if carriers == 0:
        return []
    if carriers < _RARE or limit is None:
        return await read(partial(_pages, query=NEWEST_TAGGED_BY_TAG, wish=wish, limit=limit, tag=tag))
    found = await read(partial(_pages, query=NEWEST_TAGGED_BY_WALK, wish=wish, limit=limit, tag=tag))
    if len(found) == limit:
        return found
    return await read(partial(_pages, query=NEWEST_TAGGED_FAR, wish=wish, limit=limit, tag=tag))


async def _both(tx: Tx, *, wish: Filter, limit: int | None) -> list[ThreadRow]:
    async def here(operation: Operation[T]) -> T:
        return await operation(tx)

    both = [row for flag in (False, True) for row in await newest(here, wish=replace(wish, archived=flag), limit=limit)]
    return sorted(both, key=lambda row: (row.updated_at, row.id), reverse=True)[:limit]


async def _rarest(tx: Tx, *, wish: Filter) -> tuple[int, bytes]:
    """Return the tag that the fewest threads carry, after how many these are, counted up to what is no longer rare."""
    return min([(await _carriers(tx, wish.tenant, tag), tag) for tag in wish.finding])


async def _carriers(tx: Tx, tenant: str, tag: bytes) -> int:
    return (await tx.run(COUNT_TAG, tenant=tenant, tag=tag, limit=_RARE))[0].value


async def _pages(
    tx: Tx, *, query: Query[ThreadRow], wish: Filter, limit: int | None, tag: bytes | None = None
) -> list[ThreadRow]:
    """Run *query* page after page until *limit* rows pass every filter."""
    found: list[ThreadRow] = []
    values: dict[str, Column] = {
        "tenant": wish.tenant,
        "archived": int(bool(wish.archived)),
        "updated_after": wish.updated_after,
        "before_at": wish.before_at,
        "before_id": wish.before_id,
        "created_after": wish.created_after,
        "created_before": wish.created_before,
        "tag": tag,
        "walk": _WALK,
    }
    unchecked = [other for other in wish.tags if other != tag]
    # Each page of the far ones reads every carrier of the tag again: few large ones, then.
    page = limit if limit is not None and not unchecked else _PAGE * 10 if query is NEWEST_TAGGED_FAR else _PAGE
    if limit is None or (query is NEWEST_TAGGED_BY_TAG and unchecked):
        page = _LATEST  # in one go: each further page would sort the carriers of the tag again
    while True:
        rows = await tx.run(query, **values, limit=page)
        found += [row for row in rows if _carries(row, unchecked)] if unchecked else rows
        if len(rows) < page or (limit is not None and len(found) >= limit):
            return found[:limit]
        values.update(before_at=rows[-1].updated_at, before_id=rows[-1].id)


def _carries(row: ThreadRow, tags: Sequence[bytes]) -> bool:
    return tags_of(json.loads(row.metadata), row.agent).issuperset(tags)
