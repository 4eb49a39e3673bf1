"""Where the messages of a store keep their attachments' bytes: stored before the row that names them, gone after it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType

from keepthread.errors import (
    FileContentNotFound,
    ForeignDatabaseError,
    InvalidAttachment,
    InvalidMessage,
    KeepthreadError,
    UnavailableError,
)
from keepthread.model import Attachment, Message
from keepthread.model.blobs import BlobStore, open_default
from keepthread.model.record import Record, Source, encode

from .limits import Limits


@dataclass(slots=True, kw_only=True)
class Prepared:
    """Messages that are ready to be stored, their bytes already in the file store."""

    records: dict[str, Record] = field(default_factory=dict[str, Record])
    """By message id, in order."""
    attachments: dict[str, tuple[Attachment, ...]] = field(default_factory=dict[str, tuple[Attachment, ...]])
    """Of every message, by its id, as they are once stored."""
    fresh: list[tuple[str, str, str | None, bytes]] = field(default_factory=list[tuple[str, str, str | None, bytes]])
    """(SHA-256, filename, media type, content) of what was stored just now."""

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """(message id, SHA-256) of every attachment."""
        return tuple((mid, a.sha256) for mid, files in self.attachments.items() for a in files if a.sha256 is not None)


class AttachmentFiles:
    """The file store of one ThreadStore. Made when the first attachment needs it."""

    def __init__(self, blobs: BlobStore | None, folder: str | None, store_id: str, *, is_lasting: bool) -> None:
        self._blobs = blobs
        self._folder = folder
        self._store_id = store_id
        self._is_lasting = is_lasting

    @property
    def blobs(self) -> BlobStore | None:
        """The place for bytes: the one that was given, or the default one; None if there is neither."""
        if self._blobs is None and self._folder is not None:
            self._blobs = open_default(self._folder)
        return self._blobs

    def replaced(self, blobs: BlobStore) -> AttachmentFiles:
        """Return the same for another place."""
        return AttachmentFiles(blobs, None, self._store_id, is_lasting=self._is_lasting)

    def source(self, tenant: str) -> Source | None:
        """Return where a loaded attachment reads its bytes."""
        blobs = self.blobs
        return (blobs, tenant) if blobs is not None else None

    async def prepare(self, tenant: str, messages: Sequence[Message], limits: Limits, prepared: Prepared) -> None:
        """Fill *prepared* with *messages* as rows, and store their bytes once all of it has been checked.

        Raises:
            InvalidMessage, InvalidAttachment, TooLargeError, FullError: No message was stored.
        """
        prepared.records = {message.id: encoded(message) for message in messages}
        prepared.attachments = {message.id: message.attachments for message in messages}
        limits.check_turn(list(prepared.records.values()))
        for message in messages:
            if message.attachments:
                stored = await self.store_all(tenant, message.attachments, prepared)
                prepared.attachments[message.id] = stored
                prepared.records[message.id] = encoded(message.trusted({**vars(message), "attachments": stored}))

    async def store_all(
        self, tenant: str, attachments: Iterable[Attachment], prepared: Prepared
    ) -> tuple[Attachment, ...]:
        """Return *attachments* as they are once their bytes are stored; *prepared* remembers the new ones."""
        return tuple([await self._stored(tenant, attachment, prepared) for attachment in attachments])

    async def _stored(self, tenant: str, attachment: Attachment, prepared: Prepared) -> Attachment:
        blobs = await self.writable()
        here = (blobs, tenant)
        try:
            # Also of a file that is stored already: whoever deletes its last other reference may be removing it now.
            content = await attachment.read()
        except FileContentNotFound:
            if attachment.is_elsewhere(here):
                raise
            return attachment  # a reference to bytes that are gone stays one: it is found when they are read
        blob = await blobs.put(tenant, content, filename=attachment.filename, mime_type=attachment.mime_type)
        prepared.fresh.append((blob.sha256, attachment.filename, attachment.mime_type, content))
        return attachment.stored_as(blob, here)

    async def writable(self) -> BlobStore:
        """Return the place for bytes, which is this store's from now on if it was nobody's.

        Raises:
            InvalidAttachment: There is none.
            ForeignDatabaseError: It belongs to another store.
        """
        blobs = self.blobs
        if blobs is None:
            raise InvalidAttachment(
                "This store has no place for attachments. Nothing was written.",
                hint="Create it with ThreadStore.create(url, files=await FileStore.create('./files')).",
            )
        if self._is_lasting:
            await blobs.claim(self._store_id)
        return blobs

    async def confirm(self, tenant: str, prepared: Prepared) -> None:
        """Look, after the commit, whether the bytes are still there, and store them again if somebody removed them.

        Somebody who deletes the last other reference removes them at the same time; see BlobStore.discard.
        """
        blobs = self.blobs
        for sha256, filename, mime_type, content in prepared.fresh:
            if blobs is not None and not await blobs.exists(tenant, sha256):
                await blobs.put(tenant, content, filename=filename, mime_type=mime_type)

    async def discard(self, tenant: str, hashes: Sequence[str], unused: Callable[[str], Awaitable[bool]]) -> None:
        """Remove those of *hashes* that nothing refers to any more. A folder of another store's is left alone."""
        blobs = self.blobs
        if blobs is None or (not self._is_lasting and self._folder != ""):
            return
        if self._is_lasting and hashes:
            try:
                await blobs.claim(self._store_id)
            except ForeignDatabaseError:
                return
        for sha256 in hashes:
            if await unused(sha256):
                await blobs.discard(tenant, sha256, partial(unused, sha256))


class StoringFiles:
    """Keeps the bytes that are stored inside of it if what refers to them is written, and removes them if it is not."""

    def __init__(self, files: AttachmentFiles, tenant: str, unused: Callable[[str], Awaitable[bool]]) -> None:
        self._files = files
        self._tenant = tenant
        self._unused = unused
        self._prepared = Prepared()

    async def __aenter__(self) -> Prepared:
        return self._prepared

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._prepared.fresh:
            return
        if error is None:
            await self._files.confirm(self._tenant, self._prepared)
        # After an UnavailableError, or for a caller that was cancelled, it is unknown whether it was written.
        elif isinstance(error, KeepthreadError) and not isinstance(error, UnavailableError):
            hashes = [sha256 for sha256, *_ in self._prepared.fresh]
            await self._files.discard(self._tenant, hashes, self._unused)


def encoded(message: Message) -> Record:
    """Return *message* as a row.

    Raises:
        InvalidMessage: It was made without its checks, by model_construct say.
    """
    try:
        return encode(message)
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidMessage(f"Message {message.id!r} cannot be stored ({type(error).__name__}).") from error
