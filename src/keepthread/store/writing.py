"""What can be done to a store: append, save, edit, delete. Each is durable when it returns, and whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from keepthread.errors import (
    ConflictError,
    InvalidMessage,
    InvalidThread,
    ThreadNotFound,
)
from keepthread.model import Message, Thread
from keepthread.model.ids import now_microseconds
from keepthread.model.json_values import canonical, check_id, check_text, frozen_object
from keepthread.model.object_locks import ObjectLocks
from keepthread.model.thread import snapshot_of

from . import operations
from .append import append, store_turns
from .attachments import Prepared, StoringFiles
from .backends.base import DuplicateKey, Tx
from .draft import Draft, Head, take_down
from .reading import Reading
from .refresh import after_append, after_merge, placed
from .rows import header
from .save import Saved, result, save
from .turn import Appended, Turn

_ATTEMPTS = 5

# One save at a time of one Thread object. On a server the later one could be stored first, and the earlier one would
# then find somebody else's change in its own.
_saves = ObjectLocks()


class Unset:
    """An argument that was not passed, where None has a meaning of its own."""


UNSET: Final = Unset()


class Writing(Reading):
    """The half of ThreadStore that changes something."""

    async def append(
        self, thread_id: str, messages: Message | Sequence[Message], *, create: bool = False
    ) -> list[Message]:
        """Add one turn to the end of a thread: one message or several, all of them or none. The hot path.

        Args:
            thread_id: The thread.
            messages: In speaking order. Each is stored once: what is there already, also from a call whose outcome
                was unknown, is found and not stored again.
            create: Whether to make the thread if it is not there.

        Returns:
            The messages as they are stored, in the same order: the very objects, with their `position`, unless they
            were stored before.

        Raises:
            ThreadNotFound: There is no such thread, and *create* is false. Nothing was written.
            ConflictError: A message's id stands for other content. Nothing was written.
            InvalidMessage, TooLargeError: Nothing was written.
        """
        place = self._place(thread_id)
        new = checked([messages] if isinstance(messages, Message) else list(messages))
        if not new:
            return []
        async with self._storing_files() as prepared:
            await self._files.prepare(self.tenant, new, self._database.limits, prepared)
            turn = self._turn(place["thread_id"], prepared)
            appended = await append(self._backend, turn, create=create, source=self._source)
        if not appended.repeated:
            return placed(new, prepared, appended)
        repeated = {message.id: message for message in appended.repeated}
        fresh = placed([message for message in new if message.id not in repeated], prepared, appended)
        repeated.update({message.id: message for message in fresh})
        return [repeated[message.id] for message in new]

    async def save_thread(self, thread: Thread) -> Thread:
        """Store what changed in *thread* since it was loaded, merged with what others did meanwhile. One transaction.

        New messages go to the end, after what others appended. After the list was sliced, inserted into or reordered,
        the stored view is exactly that list, and then what others appended meanwhile; what was taken out stays in the
        history. A thread that was never loaded is merged into the stored one, and its own values win. Saving an
        unchanged thread writes nothing.

        Returns:
            The same object, brought up to date: positions, counters, and what others added.

        Raises:
            ConflictError: Somebody else changed the same message, field or key. Nothing was written.
            ThreadNotFound: The thread was deleted since it was loaded. Nothing was written.
            InvalidError: A part of it cannot be stored. Nothing was written.
        """
        async with _saves.of(thread):
            for _ in range(_ATTEMPTS):
                base = snapshot_of(thread)
                try:
                    return await self._save_once(thread)
                except ConflictError:
                    if snapshot_of(thread) is base:
                        raise
                    # Another event loop saved this very object: what it stored is what ours begins with now.
            return await self._save_once(thread)

    async def _save_once(self, thread: Thread) -> Thread:
        draft = take_down(self.tenant, thread)
        self._database.limits.check_metadata(draft.head.metadata)
        if draft.is_unchanged:
            return thread
        async with self._storing_files() as prepared:
            await self._files.prepare(self.tenant, draft.changed, self._database.limits, prepared)
            appended = await self._append(draft, prepared) if draft.is_append else None
            if appended is None:
                after_merge(thread, draft, prepared, await self._merge(draft, prepared), self._source)
            elif (
                draft.base is None
                or appended.version != draft.base.version + 1
                or snapshot_of(thread) is not draft.base
            ):
                after_merge(thread, draft, prepared, await self._look(draft, prepared), self._source)
            else:
                after_append(thread, draft.base, draft, prepared, appended)
        return thread

    async def _append(self, draft: Draft, prepared: Prepared) -> Appended | None:
        """Append what *draft* adds; None if a part of it is there already, and it has to be merged."""
        born = draft.base.born if draft.base else None
        turn = self._turn(draft.thread_id, prepared)._replace(at=draft.at, born=born)
        try:
            appended = await self._backend.append_turn(turn, store_turns)
        except DuplicateKey:
            return None
        if appended is None:
            raise ThreadNotFound(draft.thread_id, hint="It was deleted since it was loaded.")
        return appended

    def _storing_files(self) -> StoringFiles:
        return StoringFiles(self._files, self.tenant, self._is_unused)

    async def _is_unused(self, sha256: str) -> bool:
        return await self._backend.read(partial(operations.is_unused, tenant=self.tenant, sha256=sha256))

    def _turn(self, thread_id: str, prepared: Prepared) -> Turn:
        return Turn(
            tenant=self.tenant,
            thread_id=thread_id,
            records=tuple(prepared.records.values()),
            files=prepared.files,
            at=now_microseconds(),
        )

    async def _merge(self, draft: Draft, prepared: Prepared) -> Saved:
        merge = partial(save, draft=draft, records=prepared.records, files=prepared.files, limits=self._database.limits)
        for _ in range(_ATTEMPTS - 1):
            try:
                return await self._backend.write(merge)
            except DuplicateKey:
                continue  # another process created the thread, or took the id, at the same moment: now it can be seen
        return await self._backend.write(merge)

    async def _look(self, draft: Draft, prepared: Prepared) -> Saved:
        """Return what the store holds after an append among others'."""

        async def look(tx: Tx) -> Saved:
            row = await operations.thread_row(tx, tenant=draft.tenant, thread_id=draft.thread_id)
            return await result(tx, draft, row, prepared.records)

        return await self._backend.read(look)

    async def get_or_create_thread(
        self,
        thread_id: str,
        *,
        title: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        agent: str | None = None,
    ) -> Thread:
        """Return a thread with its messages, made with these values if there was none. Of two callers, one makes it."""
        place = self._place(thread_id)
        head = Head(title, self._metadata_text(metadata), agent, archived=False)
        _check_fields(title=title, agent=agent)
        try:
            return await self.get_thread(thread_id)
        except ThreadNotFound:
            pass  # the rule is a thread that is there, and looking for it takes no lock
        make = partial(operations.get_or_create, **place, head=head, at=now_microseconds(), source=self._source)
        try:
            return await self._backend.write(make)
        except DuplicateKey:
            return await self._backend.write(make)

    async def update_thread(
        self,
        thread_id: str,
        *,
        title: str | Unset | None = UNSET,
        metadata: Mapping[str, Any] | None = None,
        agent: str | Unset | None = UNSET,
        archived: bool | Unset = UNSET,
    ) -> Thread:
        """Change a thread without loading it. What is not passed stays.

        Args:
            thread_id: The thread.
            title: Its new title, or None for none.
            metadata: Merged key by key; a value of None takes the key away.
            agent: The agent that it belongs to.
            archived: Whether lists leave it out.

        Returns:
            The thread without its messages.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        place = self._place(thread_id)
        _check_fields(title=title, agent=agent, archived=archived)
        values = frozen_object("Thread.metadata", InvalidThread)(metadata)
        changes = {"title": title, "agent": agent, "archived": archived}
        change = partial(
            operations.update,
            **place,
            at=now_microseconds(),
            changes={name: value for name, value in changes.items() if not isinstance(value, Unset)},
            metadata=values,
            limits=self._database.limits,
        )
        return header(await self._backend.write(change))

    async def edit_message(self, thread_id: str, message_id: str, **changes: Any) -> Message:
        """Change what a stored message says: content, name, metadata, tool_calls, attachments … .

        Only the fields that are passed change, from what they are at that moment; of two edits of one field the last
        one stays. The earlier version stays in the history. The message keeps its id, place and time.

        Raises:
            ThreadNotFound, MessageNotFound, InvalidMessage, TooLargeError: Nothing was written.
        """
        check_id(message_id, "The message's id", InvalidMessage)
        async with self._storing_files() as prepared:
            if changes.get("attachments"):
                changes["attachments"] = await self._files.store_all(self.tenant, changes["attachments"], prepared)
            change = partial(
                operations.edit,
                **self._place(thread_id),
                message_id=message_id,
                changes=changes,
                limits=self._database.limits,
                at=now_microseconds(),
                source=self._source,
            )
            return await self._backend.write(change)

    async def delete_thread(self, thread_id: str) -> None:
        """Remove a thread for good: its messages, their history, and the files that nothing else refers to.

        Raises:
            ThreadNotFound: There is no such thread.
        """
        hashes = await self._backend.write(operations.deletion(**self._place(thread_id)))
        await self._files.discard(self.tenant, hashes, self._is_unused)

    def _metadata_text(self, metadata: Mapping[str, Any] | None) -> str:
        text = canonical(frozen_object("Thread.metadata", InvalidThread)(metadata))
        self._database.limits.check_metadata(text)
        return text


def _check_fields(*, archived: bool | Unset = UNSET, **texts: str | Unset | None) -> None:
    for name, value in texts.items():
        if isinstance(value, str):
            check_text(value, f"Thread.{name}", InvalidThread)
        elif value is not None and not isinstance(value, Unset):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise InvalidThread(f"Thread.{name} must be text or None, not {type(value).__name__}.")
    if not isinstance(archived, bool | Unset):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise InvalidThread(f"Thread.archived must be True or False, not {type(archived).__name__}.")


def checked(messages: list[Message]) -> list[Message]:
    """Return *messages* if they can be one turn: all of them messages, each with an id of its own."""
    seen: set[str] = set()
    for message in messages:
        if not isinstance(message, Message):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise InvalidMessage(f"A turn takes Message objects, not {type(message).__name__}.")
        if message.id in seen:
            raise InvalidMessage(
                f"Message {message.id!r} stands twice in one turn.", hint="Each message needs its own id."
            )
        seen.add(message.id)
    return messages
