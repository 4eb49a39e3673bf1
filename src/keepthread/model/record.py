"""A message as a row: what is kept in columns of its own, and the digest that finds damage.

`extra` is canonical JSON of everything that has no column. `digest` is BLAKE2b of 16 bytes over id, role, content and
extra, with their lengths before them. Thread and position are left out, so that a copy in another thread keeps it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from keepthread.errors import CorruptError, InvalidMessage

from .attachment import Attachment
from .blobs import BlobStore
from .ids import from_microseconds, to_microseconds
from .json_values import EMPTY, FrozenDict, canonical, freeze
from .message import Message
from .parts import ImagePart, OtherPart, TextPart, ToolCall
from .usage import Usage
from .value import Value

_VERSION = b"keepthread.msg.1"
_CHAIN_VERSION = b"keepthread.fold1"
_NO_EXTRA = "{}"

Source = tuple[BlobStore, str]


class Row(Protocol):
    """What of a stored row makes a message; a Record is one."""

    @property
    def id(self) -> str:
        """Unique in its thread."""
        ...

    @property
    def role(self) -> str:
        """Who."""
        ...

    @property
    def content(self) -> str | None:
        """The text."""
        ...

    @property
    def extra(self) -> str:
        """Canonical JSON of the rest."""
        ...

    @property
    def created_at(self) -> int:
        """Microseconds since 1970."""
        ...


class Record(NamedTuple):
    """A message, ready to be stored."""

    id: str
    role: str
    content: str | None
    """The text of the content; what is no text of it is in `extra`."""
    extra: str
    digest: bytes
    created_at: int
    """Microseconds since 1970."""
    size: int
    """Bytes of content and extra."""


def digest_of(message_id: str, role: str, content: str | None, extra: str) -> bytes:
    """Return the digest of a message's row."""
    return _digest(message_id.encode(), role.encode(), None if content is None else content.encode(), extra.encode())


def _digest(message_id: bytes, role: bytes, content: bytes | None, extra: bytes) -> bytes:
    lengths = (len(message_id), len(role), -1 if content is None else len(content), len(extra))
    text = b"%d %d %d %d\n%b%b%b%b" % (*lengths, message_id, role, content or b"", extra)
    return blake2b(text, digest_size=16, person=_VERSION).digest()


def chained(start: bytes, digests: Iterable[bytes]) -> bytes:
    """Return the chain over *digests* that goes on from *start*, b"" at first: no other messages, or order, have it."""
    chain = start
    for digest in digests:
        chain = blake2b(chain + digest, digest_size=16, person=_CHAIN_VERSION).digest()
    return chain


def encode(message: Message) -> Record:
    """Return *message* as a row. Its attachments must be stored."""
    content = message.text if isinstance(message.content, tuple) else message.content
    extra = _extra_of(message)
    text = canonical(extra) if extra else _NO_EXTRA
    content_bytes, extra_bytes = None if content is None else content.encode(), text.encode()
    digest = _digest(message.id.encode(), message.role.encode(), content_bytes, extra_bytes)
    size = len(content_bytes or b"") + len(extra_bytes)
    return Record(message.id, message.role, content, text, digest, to_microseconds(message.created_at), size)


def _extra_of(message: Message) -> dict[str, Any]:
    fields = vars(message)
    extra: dict[str, Any] = {}
    for name in ("name", "tool_call_id", "metadata", "provider"):
        # An empty name is a name; empty metadata are none.
        if fields[name] or fields[name] == "":
            extra[name] = fields[name]
    if isinstance(message.content, tuple):
        extra["parts"] = [part.to_json() for part in message.content]
    if message.tool_calls:
        extra["tool_calls"] = [vars(call) for call in message.tool_calls]
    if message.attachments:
        extra["attachments"] = [attachment.to_json() for attachment in message.attachments]
    if message.usage is not None:
        extra["usage"] = message.usage.model_dump(exclude_defaults=True)
    return extra


def decode(row: Row, position: int | None, source: Source | None = None) -> Message:
    """Return the message of a row. *source* is where its attachments' bytes can be read.

    Raises:
        CorruptError: The row is not what was written. Names the message.
    """
    try:
        fields: dict[str, Any] = {
            "id": row.id,
            "role": row.role,
            "content": row.content,
            "name": None,
            "tool_calls": (),
            "tool_call_id": None,
            "attachments": (),
            "metadata": EMPTY,
            "usage": None,
            "provider": EMPTY,
            "created_at": from_microseconds(row.created_at),
            "position": position,
        }
        if row.extra != _NO_EXTRA:
            fields.update(_fields_of(json.loads(row.extra), source))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as damage:
        raise CorruptError(
            f"Message {row.id!r} cannot be read: its row is damaged ({type(damage).__name__}).",
            hint="Restore it from a backup.",
        ) from damage
    return Message.trusted(fields)


def _fields_of(extra: dict[str, Any], source: Source | None) -> dict[str, Any]:
    fields: dict[str, Any] = {name: extra[name] for name in ("name", "tool_call_id") if name in extra}
    for name in ("metadata", "provider"):
        if name in extra:
            fields[name] = _refreeze(extra[name])
    if "parts" in extra:
        fields["content"] = tuple(_part(part) for part in extra["parts"])
    if "tool_calls" in extra:
        fields["tool_calls"] = tuple(ToolCall.trusted(call) for call in extra["tool_calls"])
    if "attachments" in extra:
        fields["attachments"] = tuple(Attachment.from_json(item, source) for item in extra["attachments"])
    if "usage" in extra:
        fields["usage"] = Usage(**extra["usage"])
    return fields


def _refreeze(value: dict[str, Any]) -> FrozenDict:
    # Most metadata is flat, and then the frozen form is one shallow copy of what was parsed.
    if any(isinstance(item, dict | list) for item in value.values()):
        return freeze(value, "A stored message", InvalidMessage)
    return FrozenDict(value)


def _part(part: dict[str, Any]) -> Value:
    kinds: dict[str, type[Value]] = {"text": TextPart, "image_url": ImagePart}
    return kinds.get(part["type"], OtherPart)(**part)
