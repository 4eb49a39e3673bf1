"""One open database: its engine, its limits, and where its attachments are. Every tenant's view shares it."""

from __future__ import annotations

from pathlib import Path

from keepthread.errors import InvalidSetting, StoreClosedError
from keepthread.model.blobs import BlobStore

from .attachments import AttachmentFiles
from .backends.base import Backend, Tx
from .backends.sqlite import SqliteBackend
from .backends.sqlite_file import Durability, SqliteSettings
from .limits import Limits
from .queries import META
from .url import DatabaseUrl, masked, parse


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
        source: str,
    ) -> None:
        self._parsed = parse(url)
        self._settings = _sqlite_settings(self._parsed, durability, timeout_seconds)
        self._blobs = files
        self._backend: Backend | None = None
        self._files: AttachmentFiles | None = None
        self.limits = limits
        self.url = masked(str(url)) if url is not None else "memory://"
        """As it was given, its password masked."""
        self.source = source
        """Which setting named it."""

    async def open(self) -> None:
        """Open the engine, and make its tables if it has none. Opening twice does nothing.

        Raises:
            UnavailableError, SchemaError: The database was not touched.
        """
        if self._backend is not None:
            return
        backend = await SqliteBackend.open(self._settings)
        store_id = await backend.read(_store_id)
        self._files = AttachmentFiles(self._blobs, backend.default_files, store_id, is_lasting=backend.is_lasting)
        self._backend = backend

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


def _sqlite_settings(parsed: DatabaseUrl, durability: Durability | None, timeout_seconds: float) -> SqliteSettings:
    options = dict(parsed.options)
    named = options.pop("durability", None)
    timeout_seconds = _seconds(options.pop("timeout", None), timeout_seconds)
    # What SQLAlchemy's URLs say about threads and caches has no meaning here, and does no harm.
    if unknown := options.keys() - {"check_same_thread", "cache", "uri"}:
        raise InvalidSetting(
            f"The database URL has an unknown option {min(unknown)!r}.", hint="Known: durability, timeout (in seconds)."
        )
    chosen = durability or named or "full"
    if chosen not in ("full", "relaxed"):
        raise InvalidSetting(f"Durability {chosen!r} is unknown.", hint="Choose 'full' or 'relaxed'.")
    if timeout_seconds < 0:
        raise InvalidSetting("timeout_seconds must not be negative.")
    path = parsed.path.absolute() if parsed.path else None
    return SqliteSettings(
        path=path, durability="full" if chosen == "full" else "relaxed", timeout_seconds=timeout_seconds
    )


def _seconds(text: str | None, default: float) -> float:
    try:
        return default if text is None else float(text)
    except ValueError:
        raise InvalidSetting(f"The database URL's timeout {text!r} is no number of seconds.") from None


async def _store_id(tx: Tx) -> str:
    return (await tx.run(META, name="store_id"))[0].value
