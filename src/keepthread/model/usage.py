"""What a model's answer cost."""

from __future__ import annotations

from typing import Self

from pydantic import NonNegativeInt, model_validator

from keepthread.errors import InvalidMessage

from .json_values import check_text
from .value import Value


class Usage(Value):
    """Tokens of one answer, as the provider counted them. Two add up."""

    input_tokens: NonNegativeInt = 0
    output_tokens: NonNegativeInt = 0
    cached_tokens: NonNegativeInt = 0
    """The part of `input_tokens` that the provider read from its cache."""
    reasoning_tokens: NonNegativeInt = 0
    """The part of `output_tokens` that the reader of the answer never sees."""
    model: str | None = None
    """The model that answered; None for a sum over several."""
    estimated: bool = False
    """True where a count is our estimate and not the provider's."""

    @model_validator(mode="after")
    def _storable(self) -> Self:
        check_text(self.model or "", "Usage.model", InvalidMessage)
        return self

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            model=self.model if self.model == other.model else None,
            estimated=self.estimated or other.estimated,
        )
