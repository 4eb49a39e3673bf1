"""Bringing a saved thread up to date in place, without losing what its owner did while the save was under way."""

from __future__ import annotations

from collections.abc import Sequence
from operator import is_

from keepthread.model import Message, Thread
from keepthread.model.ids import from_microseconds
from keepthread.model.json_values import canonical
from keepthread.model.record import Source, decode
from keepthread.model.snapshot import Snapshot
from keepthread.model.thread import ThreadMetadata, refresh

from .attachments import Prepared
from .draft import Draft
from .rows import fields_of, snapshot
from .save import Saved
from .turn import Appended


def after_append(thread: Thread, base: Snapshot, draft: Draft, prepared: Prepared, appended: Appended) -> None:
    """Note that the new messages are stored, and that nobody else wrote meanwhile."""
    stored = placed(draft.changed, prepared, appended)
    base.extend(stored, [record.digest for record in prepared.records.values()])
    base.version += 1
    _swap(thread, dict(zip(map(id, draft.changed), stored, strict=True)))
    updated_at = max(thread.updated_at, from_microseconds(draft.at))
    vars(thread).update(version=base.version, message_count=thread.message_count + len(stored), updated_at=updated_at)
    if isinstance(thread.metadata, ThreadMetadata):
        thread.metadata.last_updated = updated_at.isoformat()


def placed(messages: Sequence[Message], prepared: Prepared, appended: Appended) -> list[Message]:
    """Return *messages* as they are stored."""
    return [m.at(appended.positions[m.id], prepared.attachments[m.id]) for m in messages]


def staged(messages: Sequence[Message], prepared: Prepared) -> list[Message]:
    """Return *messages* as they are staged: without a place, their attachments stored."""
    return [m.at(None, prepared.attachments[m.id]) for m in messages]


def _swap(thread: Thread, stored: dict[int, Message]) -> None:
    """Put the stored form of a message in its place, where it is another object: it is in a second thread as well."""
    if all(id(message) == known for known, message in stored.items()):
        return
    thread.messages[:] = [stored.get(id(message), message) for message in thread.messages]


def after_merge(thread: Thread, draft: Draft, prepared: Prepared, saved: Saved, source: Source | None) -> None:
    """Make *thread* what the store holds now: others' messages and changes are in it."""
    base = snapshot(saved.row, draft.base.extent if draft.base else "all")
    fields = fields_of(saved.row)
    if canonical(thread.metadata) != draft.head.metadata:
        fields["metadata"] = thread.metadata  # changed again while the save was under way
    for name, was in (("title", draft.head.title), ("agent", draft.head.agent), ("archived", draft.head.archived)):
        if getattr(thread, name) != was:
            fields[name] = getattr(thread, name)
    if draft.messages is not None:
        mine = {message.id: message for message in draft.messages}
        shown: list[Message] = []
        for mark in saved.marks:
            if mark.id in saved.others:
                shown.append(decode(saved.others[mark.id], mark.position, source))
            else:
                message = mine[mark.id]
                shown.append(message.at(mark.position, prepared.attachments.get(mark.id, message.attachments)))
        base.extend(shown, [mark.digest for mark in saved.marks])
        base.open_ids = draft.base.open_ids - base.ids if draft.base else frozenset()
        thread.messages[:] = _beside_owner(thread.messages, draft.messages, shown)
    refresh(thread, fields, base)


def _beside_owner(now: list[Message], before: tuple[Message, ...], stored: list[Message]) -> list[Message]:
    """Return the list of a thread after a save, with what its owner did to it while the save was under way.

    Args:
        now: The list as it is.
        before: As it was when the save began.
        stored: As it was stored.
    """
    if len(now) == len(before) and all(map(is_, now, before)):
        return stored
    saved = set(map(id, before))
    by_id = {message.id: message for message in stored}
    merged = [by_id.get(message.id) if id(message) in saved else message for message in now]
    kept = [message for message in merged if message is not None]
    # What others added goes behind what it stands behind in the store.
    known = {message.id for message in (*before, *now)}
    for index, message in enumerate(stored):
        if message.id not in known:
            earlier = {other.id for other in stored[:index]}
            place = max((n + 1 for n, other in enumerate(kept) if other.id in earlier), default=0)
            kept.insert(place, message)
    return kept
