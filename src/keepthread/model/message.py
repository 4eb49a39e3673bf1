"""One entry of a conversation."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, PlainValidator, StrictStr, field_validator, model_validator

from keepthread.errors import InvalidAttachment, InvalidMessage

from .attachment import Attachment
from .ids import new_id, now
from .json_values import EMPTY, check_id, check_text, frozen_object
from .parts import ContentPart, TextPart, ToolCall
from .usage import Usage
from .value import OBJECT, Moment, Value

Role = Literal["system", "developer", "user", "assistant", "tool"]
ROLES: tuple[Role, ...] = get_args(Role)

# What makes a message another one when it changes; the rest is assigned by a store, or derived.
_EDITABLE = {"content", "name", "tool_calls", "tool_call_id", "metadata", "usage", "provider", "attachments"}


class Message(Value):
    """What somebody said, or did, in a thread.

    A message is frozen: `thread.edit_message(id, content=…)` puts a changed one in its place, and the store keeps both.
    Only what belongs to storing is set in place: `position` when it is stored, `attachments` by `add_attachment`.
    """

    id: StrictStr = Field(default_factory=new_id)
    """Unique in its thread: appending the same id again stores nothing. A UUIDv7 unless you pass your own."""
    role: Role
    content: StrictStr | tuple[ContentPart, ...] | None = None
    """Text, or typed parts; None where a message consists of tool calls or attachments."""
    name: StrictStr | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: StrictStr | None = None
    """For role "tool": the call that this is the result of."""
    attachments: tuple[Attachment, ...] = ()
    metadata: Annotated[dict[str, Any], PlainValidator(frozen_object("Message.metadata", InvalidMessage)), OBJECT] = (
        Field(default_factory=lambda: EMPTY)
    )
    """Your own JSON values, up to 30 levels deep. Also taken and given as `attributes`."""
    usage: Usage | None = None
    provider: Annotated[dict[str, Any], PlainValidator(frozen_object("Message.provider", InvalidMessage)), OBJECT] = (
        Field(default_factory=lambda: EMPTY)
    )
    """What a provider's own form holds beyond ours, by the provider's name; kept unread, dropped by an edit."""
    created_at: Moment = Field(default_factory=now)
    """In UTC, to the microsecond. Data only: the order of messages is their position."""
    position: int | None = None
    """A sort key in its thread, with gaps; only the order means anything. None until a store has assigned it."""

    @field_validator("tool_calls", "attachments", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return () if value is None else value

    @model_validator(mode="after")
    def _storable(self) -> Self:
        if "id" in self.model_fields_set:
            check_id(self.id, "Message.id", InvalidMessage)
        if isinstance(self.content, str):
            check_text(self.content, "Message.content", InvalidMessage)
        if self.name:
            check_text(self.name, "Message.name", InvalidMessage)
        if self.tool_call_id:
            check_text(self.tool_call_id, "Message.tool_call_id", InvalidMessage)
        if self.role == "tool" and not self.tool_call_id:
            raise InvalidMessage("A tool message needs tool_call_id=, the id of the call that it answers.")
        return self

    @property
    def attributes(self) -> dict[str, Any]:
        """The same as `metadata`, under Narrator's name."""
        return self.metadata

    @property
    def text(self) -> str:
        """The content's text: the string itself, or the text parts joined by newlines."""
        if isinstance(self.content, tuple):
            return "\n".join(part.text for part in self.content if isinstance(part, TextPart))
        return self.content or ""

    def add_attachment(self, attachment: Attachment) -> None:
        """Add a file. It is stored when the message is, or as an edit when its thread is saved."""
        if not isinstance(attachment, Attachment):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise InvalidAttachment("add_attachment takes an Attachment(filename=…, content=…).")
        vars(self)["attachments"] = (*self.attachments, attachment)

    def edited(self, **changes: Any) -> Self:
        """Return the message with *changes*: the same id and place, and no provider's form unless it is among them.

        Raises:
            InvalidMessage: A change cannot be stored, or is to a field that makes a message what it is (id, role).
        """
        if unknown := sorted(changes.keys() - _EDITABLE):
            raise InvalidMessage(
                f"A message's {unknown[0]} cannot be edited.", hint=f"These can: {', '.join(sorted(_EDITABLE))}."
            )
        fields: dict[str, Any] = {**vars(self), "provider": EMPTY, **changes}
        return type(self)(**fields)

    def at(self, position: int | None, attachments: tuple[Attachment, ...]) -> Self:
        """Return the message as a store keeps it: this object itself if it has no place yet, else a copy."""
        if self.position in (None, position):
            vars(self).update(position=position, attachments=attachments)
            return self
        return self.trusted({**vars(self), "position": position, "attachments": attachments})
