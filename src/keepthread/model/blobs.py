"""What a place for attachments' bytes must be able to do. Nothing here knows a disk or a network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """Bytes that are stored: what names them and what they look like."""

    sha256: str
    """64 hexadecimal digits in lower case; with the tenant, the blob's only name."""
    size: int
    """In bytes."""
    detected_type: str
    """The media type that the bytes themselves suggest."""


class BlobStore(Protocol):
    """Bytes by tenant and SHA-256. The same bytes are kept once per tenant and never shared between tenants."""

    async def put(self, tenant: str, content: bytes, *, filename: str, mime_type: str | None = None) -> Blob:
        """Store *content* durably, or find it stored, before returning.

        *filename* and *mime_type* only help to decide whether the file is accepted; no path is built from them.

        Raises:
            InvalidAttachment: Files of this type are not accepted. Nothing was written.
            TooLargeError: The file is over the limit. Nothing was written.
            FullError: There is no room left. Nothing was written.
        """
        ...

    async def get(self, tenant: str, sha256: str) -> bytes:
        """Return the bytes, verified against their hash.

        Raises:
            FileContentNotFound: They are not there.
            CorruptError: They are not what was stored.
        """
        ...

    async def exists(self, tenant: str, sha256: str) -> bool:
        """Return whether the bytes are there, without reading them."""
        ...

    async def discard(self, tenant: str, sha256: str, unused: Callable[[], Awaitable[bool]]) -> bool:
        """Remove bytes whose last reference went; return whether they are gone.

        They are hidden first, then *unused* is asked, then they are removed, or shown again if somebody refers to them
        by now. A writer stores bytes, commits its reference and then looks whether the bytes are still there: whatever
        the order of the two, at least one of them sees the other.
        """
        ...

    async def claim(self, store_id: str) -> bool:
        """Make this place the one of the database *store_id*, if nobody's yet; return whether it is.

        Raises:
            ForeignDatabaseError: It belongs to another database, which would lose files when this one deletes its own.
        """
        ...


Opener = Callable[[str], BlobStore]

_openers: list[Opener] = []


def offer_default(opener: Opener) -> None:
    """Let *opener* make the place for files where a store was given none. It gets a folder's path, or "" for memory."""
    _openers[:] = [opener]


def open_default(folder: str) -> BlobStore | None:
    """Return the default place for files, or None if no room offers one."""
    return _openers[0](folder) if _openers else None
