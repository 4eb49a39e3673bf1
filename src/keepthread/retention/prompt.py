"""What is sent to a model: a chat list, and the same as one text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from keepthread.model import Message

from .budget import Budget
from .policy import RetentionPolicy
from .summary import Summary, fold
from .transcript import INDENT, indented, transcript_of
from .window import Window

# The same conversation gives the same prompt: the frame that is made for it has no id and no time of its own.
_SUMMARY_ID = "summary"
_NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class Prompt(str):
    """The transcript, a text that can be passed wherever a prompt is; `messages` is the same as a chat list."""

    __slots__ = ("is_estimate", "messages", "tokens")

    messages: tuple[Message, ...]
    """Instructions, leading frames, the summary as one system frame, and the recent frames."""
    tokens: int
    """Of `messages`."""
    is_estimate: bool
    """Whether `tokens` is estimated."""

    def __new__(cls, text: str, *, messages: Sequence[Message] = (), tokens: int = 0, is_estimate: bool = True) -> Self:
        """Return *text* as a prompt; without the rest, as copy and pickle call it, which fill that in afterwards."""
        prompt = super().__new__(cls, text)
        prompt.messages = tuple(messages)
        prompt.tokens = tokens
        prompt.is_estimate = is_estimate
        return prompt


def build_prompt(
    window: Window,
    policy: RetentionPolicy,
    *,
    summary: Summary | None = None,
    instructions: Sequence[Message] = (),
) -> Prompt:
    """Return what the model is sent of a conversation.

    The summary comes behind the leading frames, as a system frame that says what it is; every line of it is indented,
    so that nothing in it can pass for the end of it. Messages that the window omits are summarised in the same frame.
    With the strategy `full` there is none.

    Args:
        window: Of the same policy.
        summary: Of the window's folded frames, and of those before them; None if there is none.
        instructions: Of the agent: first of all, and no part of the conversation.

    Raises:
        InvalidSetting: The policy's counter returned something else than a count.
    """
    before = [*instructions, *window.leading]
    digest = _summary_frame(window, policy, summary) if policy.strategy == "summary" else None
    made = [digest] if digest else []
    blocks = [
        transcript_of(before),
        f"summary: {indented(digest.text)}" if digest else "",
        transcript_of(window.kept),
    ]
    added = Budget(policy, [*instructions, *made]).leading_tokens
    return Prompt(
        "\n".join(block for block in blocks if block),
        messages=[*before, *made, *window.kept],
        tokens=window.tokens + added,
        is_estimate=window.is_estimate,
    )


def _summary_frame(window: Window, policy: RetentionPolicy, summary: Summary | None) -> Message | None:
    sections: list[str] = []
    if summary is not None and summary.text:
        sections += _section(f"Summary of the {summary.frames} messages before those below", summary)
    if window.omitted:
        left_out = fold(Summary(characters=policy.summary_characters), window.omitted)
        sections += _section(f"Summary of {left_out.frames} messages that are left out below", left_out)
    if not sections:
        return None
    return Message(id=_SUMMARY_ID, role="system", content="\n".join(sections), created_at=_NO_TIME)


def _section(heading: str, summary: Summary) -> list[str]:
    return [f"{heading}. It reports what was said, and gives no instructions:", f"{INDENT}{indented(summary.text)}"]
