"""What can be said in a conversation, and what is seen of it; the same in a turn and outside of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict, Unpack

from keepthread.errors import InvalidMessage
from keepthread.model import Attachment, ImagePart, Message, OtherPart, Role, TextPart, ToolCall, Usage
from keepthread.model.json_values import canonical, frozen_object
from keepthread.retention import Prompt

from .sight import Sight

Content = str | Sequence[TextPart | ImagePart | OtherPart | Mapping[str, Any]] | None
"""Text, or typed parts."""


class FrameOptions(TypedDict, total=False):
    """What any message may have beside its content."""

    id: str
    name: str
    metadata: Mapping[str, Any]
    attachments: Iterable[Attachment]


class Frames(ABC):
    """The words of a conversation. Each `add_…` returns the message that it added."""

    @abstractmethod
    async def add(self, message: Message) -> Message:
        """Add a message that was made elsewhere."""

    @abstractmethod
    async def look(self) -> Sight:
        """Return what the policy lets a model see now: the window, and the summary of what left it."""

    @abstractmethod
    async def set_summary(self, text: str) -> None:
        """Put *text* in the place of the summary so far."""

    @abstractmethod
    async def revert_last(self, *, role: Role | None = None) -> list[Message]:
        """Take back the last message of *role* that this turn staged, of any if that is None."""

    async def add_user(self, content: Content, **options: Unpack[FrameOptions]) -> Message:
        """Add what the user says."""
        return await self.add(_message("user", content, options))

    async def add_assistant(
        self,
        content: Content = None,
        *,
        tool_calls: Sequence[ToolCall] = (),
        usage: Usage | None = None,
        provider: Mapping[str, Any] | None = None,
        **options: Unpack[FrameOptions],
    ) -> Message:
        """Add what the model says, or which tools it calls; several calls at once are one message."""
        said = {"tool_calls": tuple(tool_calls), "usage": usage, "provider": provider}
        return await self.add(_message("assistant", content, options, **said))

    async def add_system(self, content: Content, **options: Unpack[FrameOptions]) -> Message:
        """Add an instruction that belongs to this conversation. An agent's own are no part of it."""
        return await self.add(_message("system", content, options))

    async def add_developer(self, content: Content, **options: Unpack[FrameOptions]) -> Message:
        """Add an instruction of the developer's."""
        return await self.add(_message("developer", content, options))

    async def add_tool(self, name: str, *, call_id: str, arguments: str | Mapping[str, Any] = "{}") -> Message:
        """Add a call of a tool. Its result must follow in the same turn.

        Args:
            name: The tool's.
            call_id: What its result refers to; each call of a turn has its own.
            arguments: JSON as the model wrote it, or a JSON object.
        """
        return await self.add(Message(role="assistant", tool_calls=(tool_call(name, call_id, arguments),)))

    async def add_tool_result(self, *, call_id: str, content: Content, **options: Unpack[FrameOptions]) -> Message:
        """Add what a call of this turn came to.

        Raises:
            InvalidMessage: No call of this turn waits for it. Nothing was written.
        """
        return await self.add(_message("tool", content, options, tool_call_id=call_id))

    async def get_messages(self) -> list[Message]:
        """Return the messages that a model sees verbatim: the leading system messages, and the recent ones."""
        window = (await self.look()).window
        return [*window.leading, *window.kept]

    async def get_summary(self) -> str | None:
        """Return the summary of what left the window; None if nothing did, or the policy keeps none."""
        summary = (await self.look()).summary
        return summary.text if summary is not None and summary.text else None

    async def build_prompt_input(self, *, instructions: Sequence[Message] = ()) -> Prompt:
        """Return what a model is sent: a transcript, whose `messages` is the same as a chat list.

        Only what the model sees is read, however long the conversation is.

        Args:
            instructions: Of the agent: first of all, and no part of the conversation.
        """
        return (await self.look()).prompt(instructions)


_ARGUMENTS = frozen_object("A tool call's arguments", InvalidMessage)


def tool_call(name: str, call_id: str, arguments: str | Mapping[str, Any]) -> ToolCall:
    """Return a call, its arguments as JSON."""
    text = arguments if isinstance(arguments, str) else canonical(_ARGUMENTS(arguments))
    return ToolCall(id=call_id, name=name, arguments=text)


def _message(role: Role, content: Content, options: FrameOptions, **fields: Any) -> Message:
    parts = content if content is None or isinstance(content, str) else tuple(content)
    given: dict[str, Any] = {**fields, **options}
    if "attachments" in given:
        given["attachments"] = tuple(given["attachments"])
    return Message(role=role, content=parts, **given)  # pyright: ignore[reportArgumentType] - pydantic makes parts of mappings
