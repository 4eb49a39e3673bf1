"""What an Agent asks of a model. Nothing here knows a provider."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from keepthread.model import Message


class Model(Protocol):
    """Anything that answers a conversation: an async function fits, and so does an object with an async `__call__`."""

    def __call__(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], /) -> Awaitable[str | Message]:
        """Return the next message of a conversation: an assistant's Message, or just its text.

        Args:
            messages: All that the model shall see, in order, the agent's instructions first. Not to be changed.
            tools: The tools that it may ask for, as JSON schemas in OpenAI's form; empty where it has none.

        Raises:
            ModelSetupError: The model cannot be used as it is set up.
            ModelFailedError: It was called and failed. An Agent turns every other exception into this one.
        """
        ...


@runtime_checkable
class ClosableModel(Protocol):
    """A model that holds connections."""

    async def close(self) -> None:
        """Release them. The next call opens new ones."""
        ...
