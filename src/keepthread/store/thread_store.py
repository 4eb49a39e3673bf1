"""ThreadStore: one database of conversations. Its docstrings promise, the modules beside it do the work."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

from keepthread.errors import InvalidSetting
from keepthread.model.blobs import BlobStore, open_default
from keepthread.model.json_values import check_id

from .attachments import AttachmentFiles
from .backends.base import DistributedBy
from .backends.pool import PoolSettings
from .backends.sqlite_file import Durability
from .database import Database
from .environment import FILES_VARIABLE, database_setting, environment, pool_settings
from .limits import Limits
from .migrate import Migration
from .narrator import NarratorNames

DEFAULT_TENANT = "default"


class ThreadStore(NarratorNames):
    """Threads and messages that outlive the process.

    Every write is durable when it returns, and whole: all of it is stored, or none. Any number of stores, processes and
    threads may write to one database. One store may be used from several event loops and threads, and, on a file,
    on both sides of a fork. Forgetting to close it loses nothing.

    Every method raises `BusyError`, `UnavailableError`, `FullError` or `CorruptError` when the database fails it,
    `StoreClosedError` when it is not open, and `InvalidError` for what cannot be stored, before anything is written.
    """

    def __init__(
        self,
        url: str | Path | None = None,
        *,
        files: BlobStore | None = None,
        durability: Durability | None = None,
        timeout_seconds: float = 30.0,
        limits: Limits | None = None,
        pool: PoolSettings | None = None,
        migrate: bool = False,
        _source: str = "argument",
    ) -> None:
        """Name a database; `async with` or `await store.open()` opens it.

        Args:
            url: `sqlite:///relative.db`, `sqlite:////absolute.db`, a path, or None for a database in memory.
            files: Where attachments are kept: a FileStore, or anything with the protocol `BlobStore`. By default
                beside the database, in `<database>.files`, or in memory for a database in memory.
            durability: "full" (the default) survives a pulled plug; "relaxed" survives a killed process, and may lose
                the last moments before a power loss.
            timeout_seconds: How long a write waits for another process, or for a server that is gone.
            limits: How large things may be.
            pool: How many connections to a database server there may be.
            migrate: Whether a server's database that an earlier version prepared is brought up to date. A new one
                always is, and so is a file.

        Raises:
            InvalidSetting: The URL or an option cannot be understood.
        """
        database = Database(
            url,
            files=files,
            durability=durability,
            timeout_seconds=timeout_seconds,
            limits=limits or Limits(),
            pool=pool,
            migrate=migrate,
            source=_source,
        )
        super().__init__(database, DEFAULT_TENANT, None)

    @classmethod
    async def create(
        cls,
        url: str | Path | None = None,
        *,
        files: BlobStore | None = None,
        durability: Durability | None = None,
        timeout_seconds: float = 30.0,
        limits: Limits | None = None,
        pool: PoolSettings | None = None,
        migrate: bool = False,
    ) -> Self:
        """Open a database, made if it is not there, and return its store. See the constructor for the arguments.

        Raises:
            UnavailableError: It cannot be opened. The message says why.
            ForeignDatabaseError, SchemaTooNewError: It is not ours, or a newer version's. It was not touched.
            SchemaError: It is an older version's, and *migrate* is false. It was not touched.
            MissingExtraError: Its driver is not installed.
        """
        store = cls(
            url,
            files=files,
            durability=durability,
            timeout_seconds=timeout_seconds,
            limits=limits,
            pool=pool,
            migrate=migrate,
        )
        await store.open()
        return store

    @classmethod
    async def from_env(cls, *, files: BlobStore | None = None, limits: Limits | None = None) -> Self:
        """Open the database that the environment names.

        The first of KEEPTHREAD_DATABASE_URL, NARRATOR_DATABASE_URL and DB_URL that is set, in the environment or in
        `.env` in the working directory; else `./keepthread.db`. Attachments go to KEEPTHREAD_FILES if that is set. The
        pool is what KEEPTHREAD_DB_POOL_SIZE, …_DB_MAX_OVERFLOW, …_DB_POOL_TIMEOUT and …_DB_POOL_RECYCLE say, or the
        same names that begin with NARRATOR.
        """
        settings = environment()
        setting = database_setting(settings)
        folder = settings.get(FILES_VARIABLE)
        if files is None and folder is not None and folder.value:
            files = open_default(folder.value)
        pool = pool_settings(settings)
        store = cls(setting.value, files=files, limits=limits, pool=pool, _source=setting.source)
        await store.open()
        return store

    async def open(self) -> None:
        """Open the database. Opening an open store does nothing."""
        await self._database.open()

    async def close(self) -> None:
        """Give up connections and threads. Every view of the same store is closed with it."""
        await self._database.close()

    async def enable_row_level_security(self) -> None:
        """Let a PostgreSQL server itself keep tenants apart: for its owner's task, once. Twice changes nothing.

        Every table with rows of tenants gets a policy, all of them or none: a transaction sees and writes rows of the
        tenant that it has named, and none before. Stores find that when they open, and name the tenant of each
        transaction. Others that are open now have to be opened again: until then they find no rows. No row is changed.

        Raises:
            InvalidSetting: The database is not on PostgreSQL.
            UnavailableError: The user does not own the tables. Nothing was changed.
        """
        await self._database.backend.enable_row_level_security()

    async def distribute(self, by: DistributedBy) -> None:
        """Spread the tables of a new database over a Citus cluster: on its coordinator, before the first row.

        One table after the other; repeat a call that was interrupted. Repeated when all is done, it changes nothing.

        Args:
            by: "tenant" keeps all rows of a tenant on one node, and each statement goes to one. "thread" spreads a
                tenant that is too large for one node: what concerns one thread goes to one node; lists, counts and the
                look before a file's bytes are removed go to all of them.

        Raises:
            InvalidSetting: There is no Citus, or this is not the coordinator; a table has rows, or is distributed in
                another way. Nothing was distributed.
        """
        await self._database.backend.distribute(by)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def applied_migrations(self) -> list[Migration]:
        """The steps that opening this store applied to the database, in order; [] where it was up to date."""
        return list(self._database.backend.applied)

    def for_tenant(self, tenant: str) -> ThreadStore:
        """Return a view of one tenant's data: the same methods, and nothing of any other tenant's.

        Raises:
            InvalidSetting: *tenant* is not 1 to 255 bytes of UTF-8 without control characters.
        """
        return self._view(check_id(tenant, "The tenant", InvalidSetting), self._own_files)

    def with_files(self, files: BlobStore) -> ThreadStore:
        """Return a view of the same data whose attachments are kept in *files*."""
        return self._view(self.tenant, self._database.files.replaced(files))

    def adopt_files(self, files: BlobStore) -> None:
        """Keep attachments in *files* from now on, in every view, unless this store was created with files of its own.

        An Agent does so with its file store, so that a thread which it answered in can be read without it.
        """
        self._database.adopt(files)

    def _view(self, tenant: str, files: AttachmentFiles | None) -> ThreadStore:
        view = ThreadStore.__new__(ThreadStore)
        NarratorNames.__init__(view, self._database, tenant, files)
        return view

    def __repr__(self) -> str:
        return f"ThreadStore({self._database.url!r}, tenant={self.tenant!r})"
