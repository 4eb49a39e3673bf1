"""Messages to and from the dicts of OpenAI's chat completions, without loss.

Where a dict holds more than a Message says (a refusal, an audio id, a key of tomorrow), the whole dict is kept
beside the message as `provider["openai"]` and given back as it came.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from keepthread.errors import InvalidMessage

from .json_values import freeze
from .message import Message
from .parts import ToolCall

PROVIDER = "openai"


def from_openai(chat: Mapping[str, Any], **fields: Any) -> Message:
    """Return the message of an OpenAI chat dict. *fields* (id, metadata, usage …) are the message's own.

    Raises:
        InvalidMessage: It is no chat message, or holds what cannot be stored.
    """
    form = cast("dict[str, Any]", freeze(dict(chat), "The chat message", InvalidMessage))
    if "role" not in form:
        raise InvalidMessage("A chat message needs a role.")
    known: dict[str, Any] = {name: form[name] for name in ("role", "name", "tool_call_id") if name in form}
    message = Message(content=form.get("content"), tool_calls=_calls_of(form.get("tool_calls")), **known, **fields)
    if to_openai(message) != form:
        whole: dict[str, Any] = {**vars(message), "provider": {**message.provider, PROVIDER: form}}
        return Message(**whole)
    return message


def to_openai(message: Message) -> dict[str, Any]:
    """Return the message as an OpenAI chat dict: the one it was made from, or one made of its fields."""
    if PROVIDER in message.provider:
        return dict(message.provider[PROVIDER])
    content = message.content
    chat: dict[str, Any] = {
        "role": message.role,
        "content": [part.to_json() for part in content] if isinstance(content, tuple) else content,
    }
    if message.name is not None:
        chat["name"] = message.name
    if message.tool_calls:
        chat["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        chat["tool_call_id"] = message.tool_call_id
    return chat


def _calls_of(calls: object) -> tuple[ToolCall, ...]:
    """Return the tool calls that a chat dict names; a custom tool's input counts as its arguments."""
    if not isinstance(calls, list):
        return ()
    found: list[ToolCall] = []
    for call in cast("list[object]", calls):
        if not isinstance(call, Mapping):
            raise InvalidMessage("Each of a chat message's tool_calls must be an object.")
        fields = cast("Mapping[str, Any]", call)
        body: Mapping[str, Any] = fields.get("function") or fields.get("custom") or {}
        if not isinstance(body, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - what a provider really sent
            raise InvalidMessage("The function of a tool call must be an object.")
        named: dict[str, Any] = {"id": fields.get("id"), "name": body.get("name")}
        found.append(ToolCall(**named, arguments=body.get("arguments", body.get("input", ""))))
    return tuple(found)
