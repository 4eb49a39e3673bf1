"""One open database: its engine, its limits, and where its attachments are. Every tenant's view shares it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from keepthread.errors import StoreClosedError
from keepthread.model.blobs import BlobStore

from .attachments import AttachmentFiles
from .backends.base import Backend, Tx
from .backends.opening import EngineSettings, engine_settings, open_backend
from .backends.pool import PoolSettings
from .backends.sqlite_file import Durability
from .limits import Limits
from .queries import META
from .url import masked, parse


class Database:
    """What `ThreadStore.create` was told, and, once open, what came of it."""

    def __init__(
        self,
        url: str | Path | None,
        *,
        files: BlobStore | None,
        durability: Durability | None,
        timeout_seconds: float,
        limits: Limits,
        pool: PoolSettings | None,
        migrate: bool,
        source: str,
    ) -> None:
        self._settings: EngineSettings = engine_settings(
            parse(url), durability=durability, timeout_seconds=timeout_seconds, pool=pool, migrate=migrate
        )
        self._blobs = files
        self._backend: Backend | None = None
        self._store_id = ""
        self._files: AttachmentFiles | None = None
        self.limits = limits
        self.url = masked(str(url)) if url is not None else "memory://"
        """As it was given, its password masked."""
        self.source = source
        """Which setting named it."""

    @property
    def location(self) -> str:
        """The file or server, with no password; "memory" for memory."""
        return self._settings.location

    async def open(self) -> None:
        """Open the engine, and make its tables if it has none. Opening twice does nothing.

        Raises:
            UnavailableError, SchemaError: The database was not touched.
            MissingExtraError: Its driver is not installed.
        """
        if self._backend is not None:
            return
        backend = await open_backend(self._settings)
        self._store_id = await backend.read(_store_id)
        self._files = AttachmentFiles(self._blobs, backend.default_files, self._store_id, is_lasting=backend.is_lasting)
        self._backend = backend

    @asynccontextmanager
    async def as_it_is(self) -> AsyncGenerator[Backend]:
        """Lend another opening of the engine, for a look only and whatever the tables are. Nothing is made or changed.

        Raises:
            UnavailableError: It cannot be reached.
            MissingExtraError: Its driver is not installed.
        """
        backend = await open_backend(replace(self._settings, as_it_is=True))
        try:
            yield backend
        finally:
            await backend.close()

    def adopt(self, files: BlobStore) -> None:
        """Keep attachments in *files* from now on, unless `create` was told where."""
        if self._blobs is None:
            self._blobs = files
            if self._files is not None:
                self._files = self._files.replaced(files)

    async def close(self) -> None:
        """Close the engine. What is on disk stays."""
        if self._backend is not None:
            await self._backend.close()

    @property
    def backend(self) -> Backend:
        """The engine."""
        if self._backend is None:
            raise _not_open()
        return self._backend

    @property
    def store_id(self) -> str:
        """What tells this database from every other, wherever it is moved. A copy of its file has the same."""
        if self._backend is None:
            raise _not_open()
        return self._store_id

    @property
    def files(self) -> AttachmentFiles:
        """Where attachments are."""
        if self._files is None:
            raise _not_open()
        return self._files


def _not_open() -> StoreClosedError:
    return StoreClosedError(
        "This store is not open yet.",
        hint="Use `store = await ThreadStore.create(url)` or `async with ThreadStore(url) as store:`.",
    )


async def _store_id(tx: Tx) -> str:
    return (await tx.run(META, name="store_id"))[0].value
