"""What the tests of agents share: questions, and models that show what they were sent."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from keepthread.model import Message, Thread

Tools = Sequence[Mapping[str, Any]]
Reply = Callable[[Sequence[Message]], Awaitable[str | Message]]


def question(text: str = "What is the capital of France?") -> Message:
    return Message(role="user", content=text)


def asked(text: str = "What is the capital of France?", *, thread_id: str = "t1") -> Thread:
    return Thread(id=thread_id, messages=[question(text)])


def said(messages: Sequence[Message]) -> list[tuple[str, str]]:
    """Roles and texts."""
    return [(message.role, message.text) for message in messages]


class Listener:
    """A model that answers "Paris." and keeps what it was sent."""

    def __init__(self) -> None:
        self.seen: list[list[tuple[str, str]]] = []

    async def __call__(self, messages: Sequence[Message], tools: Tools) -> str:
        self.seen.append(said(messages))
        return "Paris."


async def paris(messages: Sequence[Message], tools: Tools) -> str:
    return "Paris."


async def failing(messages: Sequence[Message], tools: Tools) -> str:
    raise RuntimeError("overloaded, said " + messages[-1].text)
