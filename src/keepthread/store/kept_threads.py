"""A tenant's threads as they are kept, for the rooms that take them along: past limits, merges and checks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

from keepthread.errors import ConflictError
from keepthread.model.blobs import BlobStore

from . import operations
from .attachments import AttachmentFiles
from .backends.base import Backend, DuplicateKey, Tx
from .keeping import Delivery, deliver, keep_state, take_back
from .kept import Piece, Place, Tally, piece, tally
from .limits import LARGEST
from .queries import (
    ANY_FILE,
    COPY_MARK,
    COPY_MARKS,
    COUNT_THREADS,
    HIDES_TENANTS,
    KEPT_STATES,
    NEXT_TENANT,
    NEXT_THREADS,
    THREAD,
    CopyMark,
    KeptState,
    ThreadRow,
    Totals,
)
from .reading import Reading

_PAGE = 200
_STATES = 50
"""Values of session state that are read at once: each may have 256 KiB."""


class Held(NamedTuple):
    """A thread's row, and how a copy left it, if one brought it."""

    row: ThreadRow
    mark: CopyMark | None


class KeptThreads:
    """One tenant's threads as rows."""

    def __init__(self, backend: Backend, files: AttachmentFiles, store_id: str, tenant: str) -> None:
        self._backend = backend
        self._files = files
        self.store_id = store_id
        """Which database it is."""
        self.tenant = tenant

    def of(self, tenant: str) -> KeptThreads:
        """Return another tenant's."""
        return KeptThreads(self._backend, self._files, self.store_id, tenant)

    @property
    def blobs(self) -> BlobStore | None:
        """Where the bytes of attachments are read; None if there is no such place."""
        return self._files.blobs

    async def writable_blobs(self) -> BlobStore:
        """Return where the bytes of attachments are written. For the errors see AttachmentFiles.writable."""
        return await self._files.writable()

    async def tenants(self) -> AsyncIterator[str]:
        """Yield every tenant that has a thread, in order."""
        after = ""
        while found := await self._next_tenant(after):
            yield found
            after = found

    async def _next_tenant(self, after: str) -> str | None:
        async def read(tx: Tx) -> str | None:
            rows = await tx.run(NEXT_TENANT, after=after)
            return rows[0].value if rows else None

        return await self._backend.read(read)

    async def hides_tenants(self) -> bool:
        """Return whether the server keeps this user from seeing more than one tenant at a time: `tenants` is empty."""

        async def read(tx: Tx) -> bool:
            return bool((await tx.run(HIDES_TENANTS))[0].value)

        return await self._backend.read(read)

    async def totals(self) -> Totals:
        """Count threads, and the messages that they show."""

        async def read(tx: Tx) -> Totals:
            return (await tx.run(COUNT_THREADS, tenant=self.tenant))[0]

        return await self._backend.read(read)

    async def has_files(self) -> bool:
        """Return whether any message has an attachment."""

        async def read(tx: Tx) -> bool:
            return (await tx.run(ANY_FILE, tenant=self.tenant))[0].value > 0

        return await self._backend.read(read)

    async def pages(self) -> AsyncIterator[list[ThreadRow]]:
        """Yield every thread's row, by id, in pages. What is there throughout is seen once, whoever writes."""
        after = ""
        while page := await self._page(after):
            yield page
            after = page[-1].id

    async def held_between(self, after: str, last: str | None) -> AsyncIterator[Held]:
        """Yield the threads behind an id, up to another one or to the end, by id."""
        while page := await self._page(after):
            inside = [row for row in page if last is None or row.id <= last]
            marks = await self._marks(after, page[-1].id)
            for row in inside:
                yield Held(row, marks.get(row.id))
            if len(inside) < len(page):
                return
            after = page[-1].id

    async def held(self, thread_id: str) -> Held | None:
        """Return one thread; None if there is none."""

        async def read(tx: Tx) -> Held | None:
            place = {"tenant": self.tenant, "thread": thread_id}
            rows, marks = await tx.run_two(THREAD, COPY_MARK, **place)
            return Held(rows[0], marks[0] if marks else None) if rows else None

        return await self._backend.read(read)

    async def _page(self, after: str) -> list[ThreadRow]:
        async def read(tx: Tx) -> list[ThreadRow]:
            return await tx.run(NEXT_THREADS, tenant=self.tenant, after=after, limit=_PAGE)

        return await self._backend.read(read)

    async def _marks(self, after: str, last: str) -> dict[str, CopyMark]:
        async def read(tx: Tx) -> list[CopyMark]:
            return await tx.run(COPY_MARKS, tenant=self.tenant, after=after, last=last)

        return {mark.thread_id: mark for mark in await self._backend.read(read)}

    async def piece(self, thread_id: str, after: Place, *, before: int = LARGEST) -> Piece | None:
        """Return the next piece of a thread; see kept.piece."""
        return await self._backend.read(
            partial(piece, tenant=self.tenant, thread_id=thread_id, after=after, before=before)
        )

    async def tally(
        self, thread_id: str, *, begin: Tally | None = None, before: int = LARGEST, messages: int | None = None
    ) -> tuple[ThreadRow, Tally] | None:
        """Count a thread and digest it; see kept.tally."""
        read = partial(tally, tenant=self.tenant, thread_id=thread_id, begin=begin or Tally())
        return await self._backend.read(partial(read, before=before, messages=messages))

    async def deliver(self, delivery: Delivery) -> None:
        """Store a piece of a thread, durably and whole. Bytes that nothing refers to any more are removed.

        Raises:
            ConflictError: Somebody else changed the thread meanwhile. Nothing was written.
            CorruptError: It contradicts itself. Nothing was written.
        """
        try:
            loose = await self._backend.write(partial(deliver, tenant=self.tenant, delivery=delivery))
        except DuplicateKey:
            raise ConflictError(
                f"Thread {delivery.thread.id!r} is stored by somebody else at this moment. Nothing was written.",
                hint="Let one copy run at a time.",
            ) from None
        await self._discard(loose)

    async def take_back(self, mark: CopyMark) -> None:
        """Remove what a copy left of a thread, unless somebody changed it since."""
        await self._discard(await self._backend.write(partial(take_back, tenant=self.tenant, mark=mark)))

    async def states(self) -> AsyncIterator[list[KeptState]]:
        """Yield every value of session state in pages, by scope and name."""
        scope, name = "", ""
        while True:
            read = partial(_states, tenant=self.tenant, scope=scope, name=name)
            page = await self._backend.read(read)
            if page:
                yield page
                scope, name = page[-1].scope, page[-1].name
            if len(page) < _STATES:
                return

    async def deliver_state(self, state: KeptState) -> bool:
        """Store a value of session state; see keeping.keep_state."""
        return await self._backend.write(partial(keep_state, tenant=self.tenant, state=state))

    async def _discard(self, hashes: list[str]) -> None:
        await self._files.discard(self.tenant, hashes, self._is_unused)

    async def _is_unused(self, sha256: str) -> bool:
        return await self._backend.read(partial(operations.is_unused, tenant=self.tenant, sha256=sha256))


def kept_threads(store: Reading) -> KeptThreads:
    """Return the threads of an open store's tenant as they are kept."""
    database = store._database  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - the key that this room gives out
    files = store._files  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - as above
    return KeptThreads(database.backend, files, database.store_id, store.tenant)


async def _states(tx: Tx, *, tenant: str, scope: str, name: str) -> list[KeptState]:
    return await tx.run(KEPT_STATES, tenant=tenant, scope=scope, name=name, limit=_STATES)
