"""The agent's own place for files: attachments are read from it, and stored in it where there is no ThreadStore."""

from __future__ import annotations

from collections.abc import Sequence

from keepthread.model import Attachment, Message
from keepthread.model.blobs import BlobStore


async def readable(messages: Sequence[Message], files: BlobStore, tenant: str) -> list[Message]:
    """Return *messages* as the model shall see them: what *files* holds of their attachments is read from there.

    A thread that the caller loaded knows only the files of the caller's own store.
    """
    return [await _readable(message, files, tenant) for message in messages]


async def _readable(message: Message, files: BlobStore, tenant: str) -> Message:
    found: list[Attachment] = []
    for attachment in message.attachments:
        is_here = attachment.content is None and await files.exists(tenant, attachment.sha256 or "")
        found.append(Attachment.from_json(attachment.to_json(), (files, tenant)) if is_here else attachment)
    return message.trusted({**message.__dict__, "attachments": tuple(found)}) if found else message


async def store_attachments(messages: Sequence[Message], files: BlobStore, tenant: str) -> None:
    """Store the bytes of *messages* that no file store has, and then bring all the messages up to date in place.

    Raises:
        InvalidAttachment, TooLargeError, FullError, UnavailableError: No message was changed.
    """
    stored: dict[int, Attachment] = {}
    for attachment in [a for message in messages for a in message.attachments]:
        if not attachment.is_stored and attachment.content is not None:
            blob = await files.put(
                tenant, attachment.content, filename=attachment.filename, mime_type=attachment.mime_type
            )
            stored[id(attachment)] = attachment.stored_as(blob, (files, tenant))
    for message in messages:
        if any(id(attachment) in stored for attachment in message.attachments):
            # In place, as add_attachment does: where its bytes are is all that storing changes in a frozen message.
            vars(message)["attachments"] = tuple(stored.get(id(a), a) for a in message.attachments)
