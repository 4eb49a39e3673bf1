"""Attachments' bytes, by content hash: on disk or in memory. Nothing here knows a message or a database."""

from keepthread.model.blobs import offer_default

from .file_store import FileStore

__all__ = ["FileStore"]


def _default(folder: str) -> FileStore:
    return FileStore(folder or None)


offer_default(_default)
