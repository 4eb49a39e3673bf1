"""The base of the values in this room: frozen, closed, and kind when they are filled wrongly."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, WithJsonSchema

from keepthread.errors import InvalidError, InvalidMessage

Model = TypeVar("Model", bound=BaseModel)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("the moment is outside of the years 1 to 9999 in UTC") from None


Moment = Annotated[datetime, AfterValidator(_in_utc)]
"""A time in UTC; a naive one counts as local time, as everywhere in Python."""

OBJECT = WithJsonSchema({"type": "object"})
"""What a field with a validator of its own says of itself in a JSON schema."""


def refusal(failure: ValidationError, what: str, error: type[InvalidError]) -> InvalidError:
    """Return pydantic's *failure* as one of ours: which field, what it must be, and never what it held."""
    first = failure.errors(include_url=False, include_input=False)[0]
    cause = first.get("ctx", {}).get("error")
    if isinstance(cause, InvalidError):
        return cause
    place = ".".join(str(step) for step in first["loc"])
    return error(f"{what}.{place}: {first['msg']}." if place else f"{what}: {first['msg']}.")


def name_metadata(fields: dict[str, Any]) -> None:
    """Take `attributes`, Narrator's name for it, as `metadata` among a constructor's *fields*."""
    if "attributes" in fields:
        fields.setdefault("metadata", fields.pop("attributes"))


def filled(
    kind: type[Model], fields: dict[str, Any], fields_set: AbstractSet[str], private: dict[str, Any] | None
) -> Model:
    """Return a pydantic object made of its four documented attributes, unchecked."""
    value = kind.__new__(kind)
    fill = object.__setattr__
    fill(value, "__dict__", fields)
    fill(value, "__pydantic_fields_set__", fields_set)
    fill(value, "__pydantic_extra__", None)
    fill(value, "__pydantic_private__", private)
    return value


class Value(BaseModel):
    """A pydantic model whose constructor raises keepthread's errors instead of pydantic's ValidationError."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    refused_as: ClassVar[type[InvalidError]] = InvalidMessage
    all_fields: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls.all_fields = frozenset(cls.model_fields)

    # Hidden from type checkers, which would otherwise lose the fields that pydantic lets them see.
    if not TYPE_CHECKING:

        def __init__(self, /, **fields: Any) -> None:
            name_metadata(fields)
            try:
                super().__init__(**fields)
            except ValidationError as failure:
                raise refusal(failure, type(self).__name__, self.refused_as) from None

        def __setattr__(self, name: str, value: object) -> None:
            if name.startswith("_"):
                super().__setattr__(name, value)
                return
            what = type(self).__name__
            hint = "Put a changed one in its place: thread.edit_message(id, …)." if what == "Message" else ""
            raise self.refused_as(f"{what}.{name} is frozen.", hint=hint)

    @classmethod
    def trusted(cls, fields: dict[str, Any]) -> Self:
        """Return a value filled with *fields* as they are, unchecked.

        Every field must be there. It is what a database row becomes: a seventh of the time of `model_construct`.
        """
        return filled(cls, fields, cls.all_fields, None)
