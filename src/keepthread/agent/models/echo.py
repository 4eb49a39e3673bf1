"""A model that is none: it repeats what it was told, offline and always in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keepthread.model import Message, Usage

NAME = "echo"


class EchoModel:
    """Answers with the last user message and with how many messages it was sent, and says that it is no model."""

    async def __call__(self, messages: Sequence[Message], _tools: Sequence[Mapping[str, Any]], /) -> Message:
        """Return the echo. Its usage is marked as estimated: no token was spent."""
        last = next((message.text for message in reversed(messages) if message.role == "user"), None)
        said = "No message of a user is among them." if last is None else f"The last one of a user says: {last}"
        count = f"{len(messages)} message{'' if len(messages) == 1 else 's'}"
        return Message(
            role="assistant",
            content=f"[echo, not a language model] I was sent {count}. {said}",
            usage=Usage(model=NAME, estimated=True),
        )
