"""The presets, under PURISTA's name for them."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, TypedDict, Unpack

from .policy import RetentionPolicy, Strategy, Summarizer, check_choice
from .tokens import TokenCounter

Preset = Literal["user", "agent"]

_PRESETS: dict[str, RetentionPolicy] = {
    "user": RetentionPolicy(strategy="full", max_frames=40),
    "agent": RetentionPolicy(strategy="summary", max_frames=20),
}


class RetentionOptions(TypedDict, total=False):
    """The fields of a RetentionPolicy, each of them overriding the preset."""

    strategy: Strategy
    max_frames: int | None
    max_tokens: int | None
    store_name: str
    isolate_versions: bool
    summarizer: Summarizer | None
    summary_characters: int
    count_tokens: TokenCounter | None


def persist_conversation(preset: Preset, **options: Unpack[RetentionOptions]) -> RetentionPolicy:
    """Return the policy of a preset, with *options* in the place of its own; RetentionPolicy describes each.

    Args:
        preset: "user", for a chat: strategy "full", 40 frames. "agent", for work in the background: strategy
            "summary", 20 frames.

    Raises:
        InvalidSetting: There is no such preset, or an option has no meaning.
    """
    check_choice("The preset", preset, _PRESETS)
    return replace(_PRESETS[preset], **options)
