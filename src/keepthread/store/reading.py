"""What can be asked of a store: threads, messages, lists of them, and their history."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from keepthread.errors import InvalidMessage, InvalidThread
from keepthread.model import HistoryEntry, Message, Page, Thread
from keepthread.model.json_values import check_id
from keepthread.model.record import Source

from . import operations
from .attachments import AttachmentFiles
from .backends.base import Backend, Tx
from .cache import ThreadCache
from .database import Database
from .limits import LARGEST, check_number
from .listing import cursor_after, end_of_prefix, newest, wanted
from .migrate import MigrationPlan
from .queries import COUNT_THREADS, COUNT_TURNS, NEXT_THREADS, THREADS_LIKE, Query, ThreadRow, Totals
from .rows import header
from .status import StoreStatus, status_of

_PAGE = 200
_BEFORE_ALL = -LARGEST
_TURNS_SINCE = 2
"""The schema's version that has a table for turns: a database is also looked at before it is brought up to date."""


class Reading:
    """The half of ThreadStore that changes nothing."""

    def __init__(self, database: Database, tenant: str, files: AttachmentFiles | None) -> None:
        self.tenant = tenant
        self._database = database
        self._own_files = files

    @property
    def _backend(self) -> Backend:
        return self._database.backend

    @property
    def _files(self) -> AttachmentFiles:
        return self._own_files or self._database.files

    @property
    def _source(self) -> Source | None:
        return self._files.source(self.tenant)

    async def get_thread(
        self, thread_id: str, *, last: int | None = None, before: int | None = None, include_open: bool = False
    ) -> Thread:
        """Return a thread with its messages, in order, as of one moment.

        Args:
            thread_id: Its id.
            last: Only the last so many messages. Saving such a thread never touches the others.
            before: Only messages before this position, for paging backwards: the `position` of the earliest one so far.
            include_open: Whether the messages of turns that are not committed yet follow at the end, without a
                position. Saving the thread neither stores nor changes them.

        Raises:
            ThreadNotFound: There is no such thread. It is a KeyError.
        """
        place = self._place(thread_id)
        check_number("last", last, least=0)
        check_number("before", before)
        load = partial(operations.load, **place, last=last, before=before, source=self._source)
        return await self._backend.read(
            partial(operations.with_open, load=load, **place, source=self._source) if include_open else load
        )

    async def get_message(self, thread_id: str, message_id: str) -> Message:
        """Return one message that the thread shows.

        Raises:
            ThreadNotFound, MessageNotFound: There is none, or it was taken out of the view.
        """
        place = self._place(thread_id)
        check_id(message_id, "The message's id", InvalidMessage)
        read = partial(operations.message, **place, message_id=message_id, source=self._source)
        return await self._backend.read(read)

    async def count_messages(self, thread_id: str) -> int:
        """Return how many messages the thread shows, exactly, without counting them.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        row = await self._backend.read(partial(operations.thread_row, **self._place(thread_id)))
        return row.message_count

    async def count_threads(self) -> int:
        """Return how many threads the tenant has."""
        return (await self._totals(self._backend)).threads

    async def list_threads(
        self,
        *,
        metadata: Mapping[str, Any] | None = None,
        agent: str | None = None,
        principal: str | None = None,
        archived: bool | None = False,
        created_after: datetime | None = None,
        created_before: datetime | None = None,
        updated_after: datetime | None = None,
        updated_before: datetime | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Page[Thread]:
        """Return threads without their messages, the ones last changed first. Best effort while others write.

        Args:
            metadata: Top-level keys and values that a thread must hold, equal in JSON type and value: 1, 1.0, "1"
                and true differ.
            agent: Only threads in which this agent answered last, or conversations that are held with it.
            principal: Only conversations with this principal.
            archived: False leaves archived threads out, True shows only those, None shows both.
            created_after, created_before, updated_after, updated_before: From the first moment, up to the second.
            limit: At most so many. None is all.
            cursor: The `cursor` of the page before.

        Returns:
            A list with a `cursor`, None on the last page. `thread.messages` of a header raises MessagesNotLoaded.
        """
        check_number("limit", limit, least=1)
        wish = wanted(
            self.tenant,
            metadata=metadata,
            agent=agent,
            principal=principal,
            archived=archived,
            created_after=created_after,
            created_before=created_before,
            updated_after=updated_after,
            updated_before=updated_before,
            cursor=cursor,
        )
        # One more than asked for tells whether there is a next page.
        more = None if limit is None else limit + 1
        rows = await newest(self._backend.read, wish=wish, limit=more)
        shown = rows[:limit]
        return Page(map(header, shown), cursor_after(shown[-1]) if len(rows) > len(shown) else None)

    async def iter_threads(self) -> AsyncIterator[Thread]:
        """Yield every thread without its messages, by id. What is there throughout is seen once, whoever writes."""
        after = ""
        while True:
            rows = await self._rows(NEXT_THREADS, after=after)
            for row in rows:
                yield header(row)
            if len(rows) < _PAGE:
                return
            after = rows[-1].id

    async def find_threads(self, prefix: str, *, limit: int = 2) -> list[Thread]:
        """Return threads whose id begins with *prefix*, without messages, by id. Two tell that it is not unique."""
        check_number("limit", limit, least=1)
        rows = await self._rows(THREADS_LIKE, first=prefix, end=end_of_prefix(prefix), limit=limit)
        return [header(row) for row in rows]

    async def iter_messages(self, thread_id: str, *, after: int | None = None) -> AsyncIterator[Message]:
        """Yield a thread's messages in order, in pages, from *after* a position on. Those appended meanwhile come too.

        Raises:
            ThreadNotFound: There is no such thread, or it is deleted on the way.
        """
        place = self._place(thread_id)
        check_number("after", after)
        position = _BEFORE_ALL if after is None else after
        while True:
            read = partial(operations.page, **place, after=position, limit=_PAGE, source=self._source)
            messages = await self._backend.read(read)
            for message in messages:
                yield message
            if len(messages) < _PAGE:
                return
            last = messages[-1].position
            position = position if last is None else last

    async def history(self, thread_id: str) -> list[HistoryEntry]:
        """Return every version of every message, also the edited and removed ones, by position and revision.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        read = partial(operations.history, **self._place(thread_id), source=self._source)
        return await self._backend.read(read)

    def cached(self, max_threads: int = 100) -> ThreadCache:
        """Return a cache of the last threads that were asked for: `await cache.get_thread(id)` is never stale."""
        check_number("max_threads", max_threads, least=1)
        return ThreadCache(self.get_thread, self._header, max_threads)

    async def status(self) -> StoreStatus:
        """Return which database this is, and how much is in it."""
        return await self._status(self._backend)

    async def inspect(self) -> StoreStatus:
        """Return what `status` does, of a database that this store need not have opened. Nothing is made or changed.

        Tables of an earlier version are no error, nor is a server's database without any: `pending` names the steps.

        Raises:
            UnavailableError: It cannot be reached, or there is no such file.
            ForeignDatabaseError, SchemaTooNewError: It is not ours, or a newer version's.
        """
        async with self._database.as_it_is() as backend:
            return await self._status(backend)

    async def plan_migration(self) -> MigrationPlan:
        """Return what the database still needs, and the SQL that does it. Nothing is made or changed.

        The store need not be open. A file that does not exist needs every step, like a database without tables.

        Raises:
            UnavailableError: It cannot be reached.
            ForeignDatabaseError, SchemaTooNewError: It is not ours, or a newer version's.
        """
        async with self._database.as_it_is() as backend:
            schema = await backend.schema()
            return MigrationPlan(
                location=self._database.location,
                version=schema.version,
                is_new=schema.is_new,
                steps=schema.pending,
                sql=backend.script(schema.pending),
            )

    async def _status(self, backend: Backend) -> StoreStatus:
        schema = await backend.schema()
        totals = Totals(0, 0) if schema.is_new else await self._totals(backend)
        return status_of(
            url=self._database.url,
            source=self._database.source,
            facts=await backend.facts(),
            schema=schema,
            tenant=self.tenant,
            totals=totals,
            open_turns=0 if schema.version < _TURNS_SINCE else await backend.read(self._count_turns),
        )

    async def _count_turns(self, tx: Tx) -> int:
        return (await tx.run(COUNT_TURNS, tenant=self.tenant))[0].value

    async def _totals(self, backend: Backend) -> Totals:
        async def count(tx: Tx) -> Totals:
            return (await tx.run(COUNT_THREADS, tenant=self.tenant))[0]

        return await backend.read(count)

    async def _rows(self, query: Query[ThreadRow], *, limit: int = _PAGE, **values: str) -> list[ThreadRow]:
        async def read(tx: Tx) -> list[ThreadRow]:
            return await tx.run(query, tenant=self.tenant, limit=limit, **values)

        return await self._backend.read(read)

    async def _header(self, thread_id: str) -> Thread:
        return header(await self._backend.read(partial(operations.thread_row, **self._place(thread_id))))

    def _place(self, thread_id: str) -> dict[str, str]:
        return {"tenant": self.tenant, "thread_id": check_id(thread_id, "The thread's id", InvalidThread)}
