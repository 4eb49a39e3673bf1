"""A thread as its caller left it: what changed since it was loaded, taken down before anything is awaited."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from keepthread.errors import InvalidThread
from keepthread.model import Message, Thread
from keepthread.model.ids import now_microseconds, to_microseconds
from keepthread.model.json_values import canonical, check_text, frozen_object
from keepthread.model.snapshot import Snapshot
from keepthread.model.thread import snapshot_of

from .queries import ThreadRow


class Head(NamedTuple):
    """A thread without its messages, as far as a caller may change it."""

    title: str | None
    metadata: str
    """Canonical JSON."""
    agent: str | None
    archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A thread as the caller left it, taken down before anything is awaited."""

    tenant: str
    thread_id: str
    head: Head
    base: Snapshot | None
    messages: tuple[Message, ...] | None
    """None for a header: its messages were not loaded and do not change."""
    changed: tuple[Message, ...]
    """Those of `messages` that are new, or other objects than what was loaded."""
    extends: bool
    """Whether `changed` only stands behind what was loaded."""
    created_at: int
    at: int

    @property
    def head_changed(self) -> bool:
        """Whether anything but messages changed."""
        return self.base is None or self.head != head_of(self.base)

    @property
    def is_unchanged(self) -> bool:
        """Whether it says what was loaded."""
        if self.base is None or self.head_changed:
            return False
        return self.messages is None or (self.extends and not self.changed)

    @property
    def is_append(self) -> bool:
        """Whether all that changed is messages added at the end of a thread that was loaded."""
        return self.extends and not self.head_changed


def head_of(stored: Snapshot | ThreadRow) -> Head:
    """Return what a caller may change of a stored thread."""
    return Head(stored.title, stored.metadata, stored.agent, bool(stored.archived))


def take_down(tenant: str, thread: Thread) -> Draft:
    """Return what *thread* says now.

    Raises:
        InvalidThread: Its title, metadata or list of messages cannot be stored.
    """
    for field in ("title", "agent"):
        check_text(getattr(thread, field) or "", f"Thread.{field}", InvalidThread)
    metadata = canonical(frozen_object("Thread.metadata", InvalidThread)(thread.metadata))
    base = snapshot_of(thread)
    messages = tuple(thread.messages) if thread.has_messages else None
    if messages and base and base.open_ids:
        messages = tuple(message for message in messages if message.id not in base.open_ids)
    changed, extends = _changed(messages or (), base)
    return Draft(
        tenant=tenant,
        thread_id=thread.id,
        head=Head(thread.title, metadata, thread.agent, thread.archived),
        base=base,
        messages=messages,
        changed=changed,
        extends=extends,
        created_at=to_microseconds(thread.created_at),
        at=now_microseconds(),
    )


def _changed(messages: tuple[Message, ...], base: Snapshot | None) -> tuple[tuple[Message, ...], bool]:
    """Return the messages that are not what was loaded, and whether they only stand behind it."""
    if base is not None and base.is_prefix_of(messages):
        added = messages[len(base.messages) :]
        _check_list(added, base.ids)
        return added, True
    _check_list(messages, frozenset())
    loaded = {id(m): files for m, files in zip(base.messages, base.attachments, strict=True)} if base else {}
    return tuple(message for message in messages if loaded.get(id(message)) is not message.attachments), False


def _check_list(messages: Sequence[Message], before: AbstractSet[str]) -> None:
    seen: set[str] = set()
    for message in messages:
        if not isinstance(message, Message):  # pyright: ignore[reportUnnecessaryIsInstance] - a list takes anything at run time
            raise InvalidThread(f"thread.messages holds a {type(message).__name__}; it takes Message objects.")
        if message.id in seen or message.id in before:
            raise InvalidThread(
                f"thread.messages holds message {message.id!r} twice.",
                hint="Give a copy its own id: Message(role=…, content=…).",
            )
        seen.add(message.id)
