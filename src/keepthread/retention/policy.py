"""The retention policy: one frozen value that says what of a conversation a model sees."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from keepthread.errors import InvalidSetting
from keepthread.model import Message
from keepthread.model.json_values import check_id

from .summary import check_summary_characters
from .tokens import TokenCounter

Strategy = Literal["full", "summary"]

Summarizer = Callable[[str | None, Sequence[Message]], Awaitable[str]]
"""Takes the summary so far, None at first, and the messages that leave the window; returns the summary of both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPolicy:
    """Which messages of a conversation a model sees. `persist_conversation` makes one from a preset.

    It never removes a message: what leaves the window stays in the history.

    Raises:
        InvalidSetting: An option has no meaning, or has none beside another one.
    """

    strategy: Strategy = "full"
    """What becomes of frames that leave the window: `full` drops them from view, `summary` folds them into a text."""
    max_frames: int | None = 40
    """How many recent frames are kept verbatim, leading system and developer frames not counted; None for no limit."""
    max_tokens: int | None = None
    """How many tokens the leading and the recent frames may take, the summary not counted; None for no limit."""
    store_name: str = "default"
    """The namespace that conversations are kept in: the same identity under another name is another conversation."""
    isolate_versions: bool = False
    """Whether each version of an agent has conversations of its own."""
    summarizer: Summarizer | None = None
    """Writes the summaries in place of the deterministic one: a language model, say."""
    summary_characters: int = 4_000
    """How long a summary may be, 1,000 or more."""
    count_tokens: TokenCounter | None = None
    """Counts a message's tokens; None for an estimate."""

    def __post_init__(self) -> None:
        check_choice("strategy", self.strategy, get_args(Strategy))
        _check_limit("max_frames", self.max_frames)
        _check_limit("max_tokens", self.max_tokens)
        check_id(self.store_name, "store_name", InvalidSetting)
        if not isinstance(self.isolate_versions, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
            raise InvalidSetting("isolate_versions= must be True or False.")
        check_summary_characters(self.summary_characters)
        _check_callable("summarizer", self.summarizer, "an async callable (previous, messages)")
        _check_callable("count_tokens", self.count_tokens, "a callable that takes a message")
        if self.summarizer is not None and self.strategy != "summary":
            raise InvalidSetting(
                f"summarizer= has nothing to summarise with strategy={self.strategy!r}.", hint='Add strategy="summary".'
            )


def check_choice(name: str, value: object, choices: Iterable[str]) -> None:
    """Raise InvalidSetting if *value* is none of *choices*, naming the one that is nearest."""
    choices = tuple(choices)
    if isinstance(value, str) and value in choices:
        return
    near = difflib.get_close_matches(value.strip().lower(), choices, 1) if isinstance(value, str) else []
    known = " or ".join(f'"{choice}"' for choice in choices)
    raise InvalidSetting(f"{name} must be {known}, not {value!r}.", hint=f'Did you mean "{near[0]}"?' if near else "")


def _check_limit(name: str, value: object) -> None:
    if value is None:
        return
    # A bool is an int, and max_frames=True a mistake.
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidSetting(f"{name}= must be a number or None, not {type(value).__name__}.")
    if value < 1:
        raise InvalidSetting(f"{name}= must be at least 1.", hint=f"{name}=None sets no limit.")


def _check_callable(name: str, value: object, wanted: str) -> None:
    if value is not None and not callable(value):
        raise InvalidSetting(f"{name}= must be {wanted}, not {type(value).__name__}.")
