"""A file on a message."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, PlainValidator, PrivateAttr, StrictStr, model_validator

from keepthread.errors import FileContentNotFound, InvalidAttachment, InvalidError

from .blobs import Blob, BlobStore
from .json_values import EMPTY, check_text, frozen_object
from .value import OBJECT, Value

_SHA256 = re.compile("[0-9a-f]{64}")


def _bytes_of(content: object) -> object:
    return content.encode() if isinstance(content, str) else content


class Attachment(Value):
    """A file by its name, with its bytes until it is stored and with their hash from then on.

    The bytes are no part of what is dumped or compared by a message: the hash stands for them.
    """

    refused_as: ClassVar[type[InvalidError]] = InvalidAttachment

    filename: StrictStr
    """The user's name for it, kept as it is and never used as a path."""
    content: Annotated[bytes | None, BeforeValidator(_bytes_of)] = Field(default=None, exclude=True, repr=False)
    """The bytes; text is taken as UTF-8. None for a file that was loaded with its thread: `await attachment.read()`."""
    mime_type: StrictStr | None = None
    """The media type that the user declared, or that the file's name suggests."""
    detected_type: str | None = None
    """The media type that the bytes suggest; None until stored."""
    sha256: str | None = None
    """64 hexadecimal digits; None until stored."""
    size: int | None = None
    """In bytes."""
    metadata: Annotated[
        dict[str, Any], PlainValidator(frozen_object("Attachment.metadata", InvalidAttachment)), OBJECT
    ] = Field(default_factory=lambda: EMPTY)

    _source: tuple[BlobStore, str] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _storable(self) -> Self:
        check_text(self.filename, "Attachment.filename", InvalidAttachment)
        check_text(self.mime_type or "", "Attachment.mime_type", InvalidAttachment)
        if self.sha256 is not None and not _SHA256.fullmatch(self.sha256):
            raise InvalidAttachment("Attachment.sha256 must be 64 hexadecimal digits in lower case.")
        if self.content is None and self.sha256 is None:
            raise InvalidAttachment(
                f"Attachment {self.filename!r} has neither content nor a hash.",
                hint="Pass content=…, the file's bytes.",
            )
        if self.mime_type is None:
            vars(self)["mime_type"] = mimetypes.guess_type(self.filename)[0]
        if self.content is not None:
            vars(self)["size"] = len(self.content)
        return self

    @classmethod
    def from_path(cls, path: str | Path, *, mime_type: str | None = None) -> Self:
        """Return the file at *path* as an attachment, its bytes read now."""
        path = Path(path)
        return cls(filename=path.name, content=path.read_bytes(), mime_type=mime_type)

    def __eq__(self, other: object) -> bool:
        # Where the bytes can be read is no part of what the file is; once they are stored their hash stands for them.
        if not isinstance(other, Attachment):
            return NotImplemented
        same_bytes = self.is_stored or self.content == other.content
        return same_bytes and self.model_dump() == other.model_dump()

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return self  # frozen, and what it reads from is shared anyway

    def __getstate__(self) -> dict[Any, Any]:
        # A file store stays in its process; a pickled attachment is its reference, and its bytes if it has them.
        return {**super().__getstate__(), "__pydantic_private__": {"_source": None}}

    def __hash__(self) -> int:
        return hash((self.filename, self.sha256, self.size))

    @property
    def is_stored(self) -> bool:
        """Whether a file store has the bytes."""
        return self.sha256 is not None

    def is_elsewhere(self, place: tuple[BlobStore, str] | None) -> bool:
        """Whether the bytes are in another file store, or another tenant's part of it, than *place*."""
        return self._source is not None and place is not None and self._source != place

    async def read(self) -> bytes:
        """Return the bytes: the ones in memory, or else those of the file store, verified against the hash.

        Raises:
            FileContentNotFound: They are not there, or the thread was loaded by a store without a file store.
            CorruptError: They are not what was stored.
        """
        if self.content is not None:
            return self.content
        if self._source is None or self.sha256 is None:
            raise FileContentNotFound(
                f"The bytes of {self.filename!r} are not here.",
                hint="Load the thread from a ThreadStore that was created with files=….",
            )
        blobs, tenant = self._source
        try:
            return await blobs.get(tenant, self.sha256)
        except FileContentNotFound as missing:
            raise FileContentNotFound(
                f"The bytes of {self.filename!r} are not in {blobs!r}.",
                hint="Open the ThreadStore with the files=… that they were stored in.",
            ) from missing

    def stored_as(self, blob: Blob, source: tuple[BlobStore, str]) -> Self:
        """Return the attachment as it is once its bytes are in a file store."""
        stored = self.model_copy(update={"sha256": blob.sha256, "size": blob.size, "detected_type": blob.detected_type})
        stored._source = source  # noqa: SLF001 - our own class
        return stored

    @classmethod
    def from_json(cls, fields: dict[str, Any], source: tuple[BlobStore, str] | None) -> Self:
        """Return a stored attachment from its reference; *source* is where its bytes can be read."""
        attachment = cls(**fields)
        attachment._source = source
        return attachment

    def to_json(self) -> dict[str, Any]:
        """Return the reference that is kept with the message: all but the bytes."""
        return self.model_dump(exclude_defaults=True)
