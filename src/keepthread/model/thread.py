"""One conversation: an id, metadata, and messages in order."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    PrivateAttr,
    StrictStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from keepthread.errors import InvalidMessage, InvalidThread, MessageNotFound, MessagesNotLoaded

from .ids import new_id, now
from .json_values import canonical, check_id, check_text, frozen_object
from .message import Message, Role
from .snapshot import Snapshot
from .value import OBJECT, Moment, filled, name_metadata, refusal

LAST_UPDATED = "last_updated"


class ThreadMetadata(dict[str, Any]):
    """A thread's JSON values, which also answer `last_updated` while you have not set it.

    That answer is derived from the stored thread and is no item: it is not counted, compared or saved.
    """

    last_updated: str | None = None

    def get(self, key: str, default: Any = None) -> Any:  # noqa: ANN401 - as dict.get
        """Return the value of *key*, or *default*."""
        if key == LAST_UPDATED and self.last_updated is not None:
            default = self.last_updated
        return super().get(key, default)

    def __missing__(self, key: str) -> str:
        if key == LAST_UPDATED and self.last_updated is not None:
            return self.last_updated
        raise KeyError(key)


def _metadata(value: object) -> ThreadMetadata:
    # A copy that is the thread's own and open to change at every level; the save checks it again.
    return ThreadMetadata(json.loads(canonical(frozen_object("Thread.metadata", InvalidThread)(value))))


class Thread(BaseModel):
    """A conversation, as you work on it. Change it freely; `store.save_thread` writes what changed since then."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, hide_input_in_errors=True)

    id: StrictStr = Field(default_factory=new_id, frozen=True)
    """Any 1 to 255 bytes of UTF-8 without control characters, compared byte by byte."""
    title: StrictStr | None = None
    metadata: Annotated[dict[str, Any], PlainValidator(_metadata), OBJECT] = Field(default_factory=ThreadMetadata)
    """Your own JSON values. Also taken and given as `attributes`."""
    messages: list[Message] = Field(default_factory=list[Message])
    """In speaking order: a real list, to slice, insert into and assign. A header from a list has none and says so."""
    agent: StrictStr | None = None
    """The name of the agent that last answered in it."""
    archived: bool = False
    message_count: int = 0
    """How many messages the stored thread shows; it may be more than were loaded."""
    version: int = 0
    """How often the stored thread was changed; 0 before it is stored."""
    created_at: Moment = Field(default_factory=now)
    updated_at: Moment = Field(default_factory=now)

    _snapshot: Snapshot | None = PrivateAttr(default=None)

    # Hidden from type checkers, which would otherwise lose the fields that pydantic lets them see.
    if not TYPE_CHECKING:

        def __init__(self, /, **fields: Any) -> None:
            name_metadata(fields)
            try:
                super().__init__(**fields)
            except ValidationError as failure:
                raise refusal(failure, "Thread", InvalidThread) from None

        def __setattr__(self, name: str, value: object) -> None:
            try:
                super().__setattr__(name, value)
            except ValidationError as failure:
                raise refusal(failure, "Thread", InvalidThread) from None

        def __getattr__(self, name: str) -> object:
            if name == "messages":
                raise MessagesNotLoaded(self.id)
            return super().__getattr__(name)

    # Field by field: a validator of the whole would see an assignment after it was made.
    @field_validator("id")
    @classmethod
    def _is_id(cls, value: str) -> str:
        return check_id(value, "Thread.id", InvalidThread)

    @field_validator("title", "agent")
    @classmethod
    def _is_text(cls, value: str | None, info: ValidationInfo) -> str | None:
        check_text(value or "", f"Thread.{info.field_name}", InvalidThread)
        return value

    @property
    def attributes(self) -> dict[str, Any]:
        """The same as `metadata`, under Narrator's name."""
        return self.metadata

    @attributes.setter
    def attributes(self, value: dict[str, Any]) -> None:
        self.metadata = value

    @property
    def has_messages(self) -> bool:
        """Whether the messages were loaded; False for a header from a list."""
        return "messages" in self.__dict__

    def add_message(self, message: Message) -> Message:
        """Add *message* at the end and return it. It is stored when the thread is saved."""
        if not isinstance(message, Message):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise InvalidMessage("add_message takes a Message(role=…, content=…).")
        self.messages.append(message)
        return message

    def add_messages(self, messages: Iterable[Message]) -> None:
        """Add *messages* at the end, in their order."""
        for message in messages:
            self.add_message(message)

    def edit_message(self, message_id: str, **changes: Any) -> Message:
        """Put a changed copy in the place of a message and return it. Saving keeps the earlier one in the history.

        Raises:
            MessageNotFound: The thread holds no such message.
            InvalidMessage: A change cannot be stored. The thread is as before.
        """
        for index, message in enumerate(self.messages):
            if message.id == message_id:
                self.messages[index] = changed = message.edited(**changes)
                return changed
        raise MessageNotFound(self.id, message_id)

    def last(self, role: Role | None = None) -> Message | None:
        """Return the last message, or the last one of *role*; None if there is none."""
        return next((m for m in reversed(self.messages) if role in (None, m.role)), None)


def snapshot_of(thread: Thread) -> Snapshot | None:
    """Return what *thread* looked like when it was loaded or last saved; None if no store knows the object yet."""
    return thread._snapshot  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - the store's key to this room


def stored_thread(fields: dict[str, Any], snapshot: Snapshot, *, messages: bool) -> Thread:
    """Return the thread that a store holds. With *messages*, those of *snapshot*; else it is a header."""
    given = {**fields, "messages": list(snapshot.messages)} if messages else dict(fields)
    thread = filled(Thread, given, set(Thread.model_fields), {"_snapshot": None})
    refresh(thread, fields, snapshot)
    return thread


def refresh(thread: Thread, fields: dict[str, Any], snapshot: Snapshot) -> None:
    """Bring *thread* up to date in place with what a store holds; its list of messages is left to the caller."""
    metadata = ThreadMetadata(fields["metadata"])
    metadata.last_updated = fields["updated_at"].isoformat()
    vars(thread).update(fields, metadata=metadata)
    thread._snapshot = snapshot  # pyright: ignore[reportPrivateUsage] # noqa: SLF001 - the store's key to this room


def add_open(thread: Thread, messages: Iterable[Message]) -> None:
    """Show *messages* of turns that are not committed behind those of a loaded *thread*, which never saves them."""
    snapshot = snapshot_of(thread)
    if snapshot is not None:
        shown = [message for message in messages if message.id not in snapshot.ids]
        snapshot.open_ids = frozenset(message.id for message in shown)
        thread.messages += shown
