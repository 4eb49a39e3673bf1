"""The bytes of attachments on their way into another file store: always there before the row that names them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from keepthread.errors import CorruptError, FileContentNotFound, InvalidError
from keepthread.model.blobs import BlobStore
from keepthread.store.kept import FileReference, KeptMessage

from .route import Route


class FileCopy:
    """Brings the files of one tenant. A file that cannot be brought is noted, and what refers to it is copied."""

    def __init__(self, route: Route, *, are_there_any: bool) -> None:
        self._route = route
        self.are_there_any = are_there_any
        """Whether the tenant had any when the copy began."""

    async def bring(self, thread_id: str, messages: Iterable[KeptMessage]) -> bool:
        """Store what *messages* refer to, and return whether all of it is there.

        Raises:
            FullError, UnavailableError: One of the file stores. Bringing it again is safe.
        """
        is_complete = True
        for file in _files_of(messages):
            is_complete &= await self._is_brought(thread_id, file)
        return is_complete

    async def confirm(self, messages: Iterable[KeptMessage]) -> None:
        """Look, once what refers to them is stored, whether the bytes are still there, and bring them again if not.

        Somebody who deleted their last other reference may have removed them meanwhile; see BlobStore.discard.
        """
        blobs = self._route.target.blobs
        for file in _files_of(messages):
            if blobs is not None and not await blobs.exists(self._route.target.tenant, file.sha256):
                with suppress(FileContentNotFound, CorruptError, InvalidError):  # noted before it was stored
                    await self._put(file, blobs)

    async def _is_brought(self, thread_id: str, file: FileReference) -> bool:
        blobs = await self._route.target.writable_blobs()
        try:
            if not await blobs.exists(self._route.target.tenant, file.sha256):
                await self._put(file, blobs)
                self._route.report.files += 1
        except (FileContentNotFound, CorruptError, InvalidError) as error:
            detail = f"The file {file.filename!r} was not copied: {error.message}"
            self._route.note(thread_id, "file", detail)
            return False
        return True

    async def _put(self, file: FileReference, blobs: BlobStore) -> None:
        found = self._route.source.blobs
        if found is None:
            raise FileContentNotFound("The source has no place for files.")
        content = await found.get(self._route.source.tenant, file.sha256)
        await blobs.put(self._route.target.tenant, content, filename=file.filename, mime_type=file.mime_type)


def _files_of(messages: Iterable[KeptMessage]) -> list[FileReference]:
    """Return each file once."""
    return list({file.sha256: file for message in messages for file in message.files}.values())
