"""The public place for attachments' bytes: what is accepted, how much of it, and under which name it is found again."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from hashlib import sha256 as sha256_of
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from keepthread.errors import CorruptError, FileContentNotFound, InvalidSetting, KeepthreadError, TooLargeError
from keepthread.model.blobs import Blob

from .acceptance import DEFAULT_ACCEPT, Acceptance
from .disk import Disk
from .memory import Memory
from .sniff import detect

_SHA256 = re.compile("[0-9a-f]{64}")


class FileStore:
    """Files by tenant and SHA-256, in a folder or in memory. The same bytes are kept once per tenant.

    One object may be used from several event loops and threads, and several processes may use one folder. Nothing is
    touched before the first write, and a store that was never closed holds nothing open.
    """

    DEFAULT_ACCEPT: ClassVar[tuple[str, ...]] = DEFAULT_ACCEPT
    """Text and code, PDF, office documents, images, audio, and archives; no video and no programs."""

    def __init__(
        self,
        base_path: str | os.PathLike[str] | None = None,
        *,
        max_file_bytes: int | None = 50_000_000,
        max_total_bytes: int | None = 5_000_000_000,
        accept: str | Iterable[str] = DEFAULT_ACCEPT,
    ) -> None:
        """Describe the place.

        Args:
            base_path: The folder, created when it is first needed; None keeps the files in memory.
            max_file_bytes: Of one file; None for any size. A file passes through memory whole.
            max_total_bytes: Of all files of all tenants; None for no limit. On disk they are counted once per process,
                when first needed, and again only when the limit seems to be reached: what other processes write
                meanwhile is not seen, so several of them together can exceed it by that much.
            accept: Media types such as "video/mp4", "image/*", or "*" for all. A file whose bytes have a known
                signature is judged by it; other files by the declared type, or by what their name suggests.
        """
        for name, limit in (("max_file_bytes", max_file_bytes), ("max_total_bytes", max_total_bytes)):
            if limit is not None and limit < 0:
                raise InvalidSetting(f"{name} is {limit}, and must be a number of bytes, or None for no limit.")
        path = None if base_path is None else os.fspath(base_path)
        if path is not None and (not path or "\0" in path):
            raise InvalidSetting(
                f"base_path is {path!r}, which is no path.",
                hint="Name a folder, or leave it out to keep files in memory.",
            )
        # Absolute, so that a later change of the working directory does not move the store.
        self.base_path = None if path is None else Path(path).absolute()
        self._max_file_bytes = max_file_bytes
        self._acceptance = Acceptance(accept)
        self._backing = Memory(max_total_bytes) if self.base_path is None else Disk(self.base_path, max_total_bytes)

    @classmethod
    async def create(
        cls,
        base_path: str | os.PathLike[str] | None = None,
        *,
        max_file_bytes: int | None = 50_000_000,
        max_total_bytes: int | None = 5_000_000_000,
        accept: str | Iterable[str] = DEFAULT_ACCEPT,
    ) -> Self:
        """Return a store whose folder is there and can be used; the arguments are those of the class.

        Raises:
            UnavailableError: The folder cannot be created or opened.
            InvalidSetting: An argument cannot be understood. Nothing was touched.
        """
        store = cls(base_path, max_file_bytes=max_file_bytes, max_total_bytes=max_total_bytes, accept=accept)
        await asyncio.to_thread(store._backing.open)
        return store

    def __repr__(self) -> str:
        return f"FileStore({'' if self.base_path is None else repr(str(self.base_path))})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Do nothing: a store holds nothing open between two calls. It can still be used."""

    async def put(self, tenant: str, content: bytes, *, filename: str, mime_type: str | None = None) -> Blob:
        """Store *content* durably, or find it stored, before returning. A cancelled call stores it whole or not at all.

        *filename* and *mime_type* only help to decide whether the file is accepted; no path is built from them.

        Raises:
            InvalidAttachment: Files of this type are not accepted. Nothing was written.
            TooLargeError: The file is over `max_file_bytes`. Nothing was written.
            FullError: The disk or `max_total_bytes` is full. Nothing was written.
            UnavailableError: The folder cannot be written to. Repeating the call is safe.
        """
        if self._max_file_bytes is not None and len(content) > self._max_file_bytes:
            raise TooLargeError(
                f"The file {filename[:80]!r} has {len(content):,} bytes; the limit is {self._max_file_bytes:,}.",
                limit=self._max_file_bytes,
                size=len(content),
                hint="Create the FileStore with a higher max_file_bytes, or None for no limit.",
            )
        return await asyncio.to_thread(self._put, tenant, content, filename, mime_type)

    def _put(self, tenant: str, content: bytes, filename: str, mime_type: str | None) -> Blob:
        detected = detect(content)
        self._acceptance.check(detected, filename, mime_type)
        sha256 = sha256_of(content).hexdigest()
        self._backing.put(tenant, sha256, content)
        return Blob(sha256=sha256, size=len(content), detected_type=detected)

    async def get(self, tenant: str, sha256: str) -> bytes:
        """Return the bytes, verified against their hash.

        Raises:
            FileContentNotFound: The tenant has no such file.
            CorruptError: They are not what was stored.
            UnavailableError: The folder cannot be read.
            BusyError: A process that was stopped in the middle of a discard keeps others from looking for the bytes.
        """
        content = await asyncio.to_thread(self._get, tenant, sha256) if _SHA256.fullmatch(sha256) else None
        if content is None:
            raise FileContentNotFound(f"There is no file with SHA-256 {sha256[:64]!r} in the file store.")
        return content

    def _get(self, tenant: str, sha256: str) -> bytes | None:
        content = self._backing.get(tenant, sha256)
        if content is not None and sha256_of(content).hexdigest() != sha256:
            raise CorruptError(
                f"The bytes of the file with SHA-256 {sha256} are not what was stored.",
                hint="Its copy on disk was damaged or changed. Put it back from a backup.",
            )
        return content

    async def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether the bytes are there, without reading them. A discard that is under way loses them again."""
        return bool(_SHA256.fullmatch(sha256)) and await asyncio.to_thread(self._backing.exists, tenant, sha256)

    async def discard(self, tenant: str, sha256: str, unused: Callable[[], Awaitable[bool]]) -> bool:
        """Remove bytes whose last reference went; return whether they are gone, True also if they never were there.

        They are hidden first, then *unused* is asked, then they are removed, or shown again if somebody refers to them
        by now, if *unused* raises, or if the call is cancelled. A process that dies in between leaves them hidden, and
        the next `get`, `exists` or `discard` finds them.

        Raises:
            UnavailableError, BusyError: The folder cannot be changed. The bytes are still there, or hidden as above.
        """
        if not _SHA256.fullmatch(sha256):
            return True
        hiding = asyncio.ensure_future(asyncio.to_thread(self._backing.hide, tenant, sha256))
        try:
            hidden = await asyncio.shield(hiding)
        except asyncio.CancelledError:
            # The thread goes on hiding: what it hid is shown again once it is done.
            with suppress(KeepthreadError):
                await asyncio.to_thread(self._backing.show, tenant, sha256, await hiding)
            raise
        if not hidden:
            return True
        last = False
        try:
            last = await unused()
        finally:
            if not last:
                await asyncio.to_thread(self._backing.show, tenant, sha256, hidden)
        return last and await asyncio.to_thread(self._backing.drop, tenant, sha256, hidden)

    async def claim(self, store_id: str) -> bool:
        """Make this folder the one of the database *store_id*, if nobody's yet; return True. Memory is nobody's ever.

        Raises:
            ForeignDatabaseError: It belongs to another database, which would lose files when this one deletes its own.
            UnavailableError: The folder cannot be written to.
        """
        await asyncio.to_thread(self._backing.claim, store_id)
        return True

    async def total_bytes(self) -> int:
        """Count what all tenants' files take up now, in bytes. On disk this walks the whole folder."""
        return await asyncio.to_thread(self._backing.total_bytes)
