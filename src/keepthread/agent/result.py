"""What a run gives back."""

from __future__ import annotations

from dataclasses import dataclass

from keepthread.model import Message, Thread, Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentResult:
    """A turn that is over, and stored where the agent has a store."""

    thread: Thread
    """The thread that was run: the same object, up to date."""
    new_messages: list[Message]
    """What the agent added, in order; the answer is the last."""
    content: str
    """The answer's text; "" if it has none."""
    usage: Usage | None
    """Of all calls of the model together; None where the model does not say."""
