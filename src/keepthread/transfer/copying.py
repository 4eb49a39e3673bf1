"""Copying a database of conversations into another one, of any engine, and again until nothing is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from dataclasses import dataclass

from keepthread.errors import InvalidSetting
from keepthread.store import ThreadStore
from keepthread.store.kept_threads import Held, KeptThreads, kept_threads
from keepthread.store.queries import ThreadRow

from .comparison import DeletedError, ElsewhereError, compare
from .files import FileCopy
from .report import CopyReport, Problem
from .route import Route, Watcher
from .thread_copy import ThreadCopy

_AT_ONCE = 8
"""Threads on their way at the same time: they share the target's commits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """From where to where one tenant's threads go, and what is done on it."""

    source: KeptThreads
    target: KeptThreads | None
    report: CopyReport
    reads_all: bool
    watch: Watcher


async def copy_store(
    source: ThreadStore,
    target: ThreadStore | None,
    *,
    all_tenants: bool = False,
    reads_all: bool = False,
    rehearses: bool = False,
    watch: Watcher | None = None,
) -> CopyReport:
    """Copy the threads of *source*'s tenant into *target*, just as they are, with all that is kept of them.

    Ids, positions, times, versions, the history and what was taken out of the view, the bytes of attachments, and
    session state, of which the newer value stays. Turns that are not committed are left behind, and so are summaries,
    which are made anew. What the target holds already is not copied again; of what an earlier copy left there, the rest
    follows. A copy that was interrupted, also by a kill, is completed by the next one. Each thread is copied as it is
    at one moment, whoever writes to it; it appears in the target whole, or, if it is long, from its beginning on.
    Nothing in the target that did not come from this source is changed, and nothing is removed there but what the
    source replaced or deleted while it was copied.

    Every thread that is copied is read from the target again and compared. No limit of the target's store applies. A
    file that its file store does not accept is noted: open it with `FileStore(…, accept="*", max_file_bytes=None)`.

    Args:
        source: Where from; also while others write to it.
        target: Where to. None, only when rehearsing, for a database that does not exist yet.
        all_tenants: Every tenant's threads instead.
        reads_all: Also read and compare what the target holds already by its version.
        rehearses: Write nothing, and count what would be copied.
        watch: Called with the report whenever something was copied.

    Raises:
        InvalidSetting: Both are the same database, there are attachments and one side has no place for them, or the
            source hides all tenants but one. Nothing was copied.
        BusyError, UnavailableError, FullError: One of the databases or file stores. What was copied stays.
    """
    ours = kept_threads(source)
    theirs = kept_threads(target) if target is not None else None
    if theirs is not None and ours.store_id == theirs.store_id:
        raise InvalidSetting(
            "Both sides are the same database, or one is a copy of the other's file.",
            hint="Name another target. A copied file needs no copying.",
        )
    report = CopyReport()
    tenants = await _every_tenant(ours) if all_tenants else [source.tenant]
    if not all_tenants:
        report.has_other_tenants = any([tenant != source.tenant async for tenant in ours.tenants()])
    ways = [
        _Way(
            source=ours.of(tenant),
            target=theirs.of(tenant) if theirs is not None else None,
            report=report,
            reads_all=reads_all,
            watch=watch or _nobody,
        )
        for tenant in tenants
    ]
    for way in ways:
        await _prepare(way)
    for way in ways:
        await (_rehearse(way) if rehearses else _copy(way))
    return report


def _nobody(_report: CopyReport) -> None:
    """Nobody watches."""


async def _every_tenant(source: KeptThreads) -> list[str]:
    if await source.hides_tenants():
        raise InvalidSetting(
            "The source shows this user one tenant at a time: row-level security is on.",
            hint="Copy tenant by tenant, or as a user whom no policy stops.",
        )
    return [tenant async for tenant in source.tenants()]


async def _prepare(way: _Way) -> None:
    """Count what there is, and see that its files can be copied."""
    totals = await way.source.totals()
    way.report.tenants += 1
    way.report.source_threads += totals.threads
    way.report.source_messages += totals.messages
    if not await way.source.has_files():
        return
    if way.source.blobs is None:
        raise InvalidSetting(
            "The threads have attachments, and the source names no place for files. Nothing was copied.",
            hint="Say where they are with --files-from, or ThreadStore.create(url, files=…).",
        )
    if way.target is not None and way.target.blobs is None:
        raise InvalidSetting(
            "The threads have attachments, and the target has no place for files. Nothing was copied.",
            hint="Say where they go with --files-to, or ThreadStore.create(url, files=…).",
        )


async def _copy(way: _Way) -> None:
    if way.target is None:
        raise InvalidSetting("There is no target to copy to.")
    route = Route(way.source, way.target, way.report, way.watch)
    files = FileCopy(route, are_there_any=await way.source.has_files())
    copy = ThreadCopy(route, files, reads_all=way.reads_all)
    places = asyncio.Semaphore(_AT_ONCE)

    async def bring(row: ThreadRow, held: Held | None) -> None:
        async with places:
            await copy.bring(row, held)

    async for pairs in _pairs(way):
        await _all_of([bring(row, held) for row, held in pairs])
        way.watch(way.report)
    async for states in way.source.states():
        for state in states:
            way.report.states += await way.target.deliver_state(state)
    totals = await way.target.totals()
    way.report.target_threads += totals.threads
    way.report.target_messages += totals.messages


async def _rehearse(way: _Way) -> None:
    async for pairs in _pairs(way):
        for row, held in pairs:
            await _foresee(way, row, held)
        way.watch(way.report)


async def _foresee(way: _Way, row: ThreadRow, held: Held | None) -> None:
    """Count a thread as it would be."""
    report = way.report
    report.passed_messages += row.message_count
    if way.target is None or held is None:
        report.copied += 1
        report.messages += row.message_count
        return
    try:
        start = await compare(way.source, way.target, row, held, reads_all=way.reads_all)
    except ElsewhereError as conflict:
        report.add(Problem(kind="conflict", tenant=way.source.tenant, thread_id=row.id, detail=str(conflict)))
    except DeletedError:
        report.deleted += 1
    else:
        if start is None or (start.theirs == start.row and start.has_files):
            report.unchanged += 1
        else:
            report.updated += 1
            report.messages += row.message_count - start.tally.shown


async def _pairs(way: _Way) -> AsyncIterator[list[tuple[ThreadRow, Held | None]]]:
    """Yield the source's threads in pages, each with what the target holds under its id."""
    after = ""
    async for page in way.source.pages():
        last = page[-1].id
        held = await _held_beside(way, after, last, {row.id for row in page})
        yield [(row, held.get(row.id)) for row in page]
        after = last
    await _held_beside(way, after, None, set())


async def _held_beside(way: _Way, after: str, last: str | None, ids: set[str]) -> dict[str, Held]:
    """Return what the target holds of *ids*, and count what an earlier copy brought and the source no longer has."""
    found: dict[str, Held] = {}
    if way.target is None:
        return found
    async for held in way.target.held_between(after, last):
        if held.row.id in ids:
            found[held.row.id] = held
        elif held.mark is not None and held.mark.source_id == way.source.store_id:
            way.report.left_behind += 1
    return found


async def _all_of(work: Iterable[Coroutine[None, None, None]]) -> None:
    """Run all of *work*; the first error ends the rest and is raised by itself."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
