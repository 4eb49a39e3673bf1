"""The parts of a message's content, and the tool calls beside it, in the shapes of OpenAI's chat completions."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

from pydantic import ConfigDict, Field, StrictStr, model_validator

from keepthread.errors import InvalidMessage

from .json_values import check_text, freeze
from .value import Value


class _Part(Value):
    # Providers hang keys of their own on parts (cache hints, annotations): they are kept, unread.
    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _frozen(cls, fields: object) -> object:
        if not isinstance(fields, dict):
            return fields
        given = cast("dict[str, object]", fields)
        plain = {
            name: item.model_dump(exclude_unset=True) if isinstance(item, Value) else item
            for name, item in given.items()
        }
        return freeze(plain, "A content part", InvalidMessage)

    def to_json(self) -> dict[str, Any]:
        """Return the part as the JSON object it was made from."""
        # What was not given is not written; the type is what a reader finds the kind of part by.
        return {"type": vars(self)["type"], **self.model_dump(exclude_unset=True)}


class TextPart(_Part):
    """A piece of text."""

    type: Literal["text"] = "text"
    text: StrictStr

    @classmethod
    def of(cls, text: str) -> Self:
        """Return *text* as a part whose type is written down."""
        return cls(type="text", text=text)


class ImageUrl(Value):
    """Where an image is: a web address or a data URL."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    url: str
    detail: str | None = None


class ImagePart(_Part):
    """An image, by its address."""

    type: Literal["image_url"] = "image_url"
    image_url: ImageUrl


class OtherPart(_Part):
    """A part of any other type, kept as it came; its fields are attributes."""

    type: str

    @model_validator(mode="after")
    def _truly_other(self) -> Self:
        if self.type in ("text", "image_url"):
            raise InvalidMessage(f"A content part of type {self.type!r} has the wrong fields.")
        return self


ContentPart = Annotated[TextPart | ImagePart | OtherPart, Field(union_mode="left_to_right")]


class ToolCall(Value):
    """A model's request to run a tool."""

    id: StrictStr
    name: StrictStr
    arguments: StrictStr = "{}"
    """JSON as the model wrote it, which may be no JSON at all."""

    @model_validator(mode="after")
    def _storable(self) -> Self:
        for field in ("id", "name", "arguments"):
            check_text(getattr(self, field), f"ToolCall.{field}", InvalidMessage)
        return self
