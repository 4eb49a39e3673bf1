"""What a thread looked like when it was loaded: the base of the three-way merge when it is saved."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter, is_
from typing import Literal

from .attachment import Attachment
from .message import Message

_attachments_of = attrgetter("attachments")

Extent = Literal["all", "tail", "middle"]


@dataclass(slots=True, kw_only=True)
class Snapshot:
    """A thread as the store had it, beside the copy that the caller may change."""

    version: int
    born: int
    """`created_at` of the row, in microseconds: a thread that was deleted and made anew is another one."""
    title: str | None
    metadata: str
    """Canonical JSON."""
    agent: str | None
    archived: bool
    extent: Extent = "all"
    """Which part of the view `messages` are: all of it, its end (`last=`), or a part before its end (`before=`)."""
    messages: list[Message] = field(default_factory=list[Message])
    digests: list[bytes] = field(default_factory=list[bytes])
    attachments: list[tuple[Attachment, ...]] = field(default_factory=list[tuple[Attachment, ...]])
    """Two lists beside `messages`, item by item."""
    ids: set[str] = field(default_factory=set[str])
    """Of `messages`."""
    open_ids: frozenset[str] = frozenset()
    """Of messages that are only shown with the thread: their turns are not committed."""

    def is_prefix_of(self, messages: Sequence[Message]) -> bool:
        """Return whether *messages* begins with the very objects that were loaded, none of them changed.

        Messages are frozen, so that identity answers it without encoding one; only attachments can be added in place.
        """
        return (
            len(messages) >= len(self.messages)
            and all(map(is_, messages, self.messages))
            and all(map(is_, map(_attachments_of, self.messages), self.attachments))
        )

    def digest_by_id(self) -> dict[str, bytes]:
        """Return the digest of every loaded message, in order."""
        return {message.id: digest for message, digest in zip(self.messages, self.digests, strict=True)}

    def copied(self) -> Snapshot:
        """Return a snapshot with messages of its own."""
        messages = [Message.trusted(dict(vars(message))) for message in self.messages]
        return replace(
            self, messages=messages, digests=list(self.digests), attachments=list(self.attachments), ids=set(self.ids)
        )

    def extend(self, messages: list[Message], digests: list[bytes]) -> None:
        """Take in *messages* that were appended, with their positions."""
        self.messages += messages
        self.digests += digests
        self.attachments += map(_attachments_of, messages)
        self.ids.update(message.id for message in messages)
